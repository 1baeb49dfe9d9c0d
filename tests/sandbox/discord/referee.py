"""The referee over what crossed the sockets: Discord's own documents, and the limits that they leave out."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sandbox.discord import Exchange, Frame
from tests.sandbox.discord.frames import FRAMES
from tests.sandbox.discord.limits import Limits

API_URI = "urn:discord:api"
LARGEST_NUMBER = 2**53
SERVER_ERROR = 500
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
VOLATILE = re.compile(r'"\d{15,21}"|"\d{4}-\d\d-\d\dT[\d:.+Z-]+"')
"""Ids and times: what differs in nothing else fits as well, and is judged once."""
EVENTS = {
    "READY": "Ready",
    "GUILD_CREATE": "GuildCreate",
    "INTERACTION_CREATE": "InteractionCreate",
    "MESSAGE_CREATE": "MessageCreate",
    "GUILD_MEMBER_ADD": "MemberAdd",
    "GUILD_MEMBER_UPDATE": "MemberUpdate",
    "GUILD_MEMBERS_CHUNK": "MembersChunk",
}


class Referee:
    """Reads the documents once; complains about exchanges and frames that do not fit them or break a limit."""

    def __init__(self, documents: Path) -> None:
        self._api = json.loads((documents / "openapi.json").read_text())
        self._gateway = json.loads((documents / "gateway.schema.json").read_text())
        resource = Resource(contents=self._api, specification=DRAFT202012)
        self._registry = Registry().with_resource(API_URI, resource)
        self._clean: set[tuple[str, str]] = set()
        self._routes = [
            (
                re.compile("/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in path.split("/"))),
                path,
            )
            for path in sorted(self._api["paths"], key=lambda path: path.count("{"))
        ]

    def complaints(self, recorded: Iterable[Exchange | Frame]) -> list[str]:
        """Return one line for each thing that does not fit, without repeats."""
        found: dict[str, None] = {}
        limits = Limits()
        for entry in recorded:
            if isinstance(entry, Frame):
                found.update(dict.fromkeys(self._frame(entry)))
            else:
                # Only what has the right shape can be measured.
                found.update(dict.fromkeys(list(self._exchange(entry)) or limits.breaches(entry)))
        return list(found)

    def _exchange(self, exchange: Exchange) -> Iterator[str]:
        path = next((path for pattern, path in self._routes if pattern.fullmatch(exchange.path)), None)
        method = exchange.method.lower()
        if path is None or method not in self._api["paths"][path]:
            yield f"{exchange.method} {exchange.path} is not in the document"
            return
        where = f"{exchange.method} {path}"
        pointer = "/".join(("#", "paths", path.replace("/", "~1"), method))
        operation = self._api["paths"][path][method]
        if exchange.body is not None and "requestBody" in operation:
            yield from self._check(f"{pointer}/requestBody", _spelled(exchange.body), f"{where} asks")
        elif operation.get("requestBody", {}).get("required"):
            yield f"{where} asks: without a body"
        yield from self._query(f"{pointer}/parameters", exchange.query, operation.get("parameters", ()), where)
        if exchange.status is None or exchange.status >= SERVER_ERROR:
            return  # faults on demand, which no document describes
        responses, status = operation["responses"], str(exchange.status)
        described = next((key for key in (status, f"{status[0]}XX") if key in responses), None)
        if described is None:
            yield f"{where} is not answered with {status} in the document"
        elif exchange.response is not None:
            reference = responses[described].get("$ref", f"{pointer}/responses/{described}")
            yield from self._check(reference, exchange.response, f"{where} {status}")

    def _query(
        self, pointer: str, query: Mapping[str, str], parameters: Sequence[Mapping[str, Any]], where: str
    ) -> Iterator[str]:
        known = {one["name"]: place for place, one in enumerate(parameters) if one["in"] == "query"}
        for name, text in query.items():
            if name not in known:
                yield f"{where} asks: {name} is no parameter"
                continue
            schema = {"$ref": f"{API_URI}{pointer}/{known[name]}/schema"}
            validator = Draft202012Validator(schema, registry=self._registry)
            if not any(map(validator.is_valid, _readings(text))):
                yield f"{where} asks: {name}={text} does not fit"

    def _check(self, pointer: str, value: Any, where: str) -> Iterator[str]:
        reference = f"{API_URI}{pointer}/content/application~1json/schema"
        yield from self._lines(Draft202012Validator({"$ref": reference}, registry=self._registry), value, where)

    def _frame(self, frame: Frame) -> Iterator[str]:
        op, event = frame.payload.get("op"), frame.payload.get("t")
        known = FRAMES[frame.direction].get(op if isinstance(op, int) else -1)
        if known is None:
            yield f"op {op} is not sent {frame.direction}"
            return
        name = EVENTS.get(event or "")
        if name is None:
            where = f"op {op} {event or ''}".rstrip()
            yield from self._lines(Draft202012Validator(known), _spelled(frame.payload), where)
        else:
            schema = {"$ref": f"#/definitions/{name}", "definitions": self._gateway["definitions"]}
            yield from self._lines(Draft7Validator(schema), frame.payload.get("d"), name)

    def _lines(self, validator: Validator, value: Any, where: str) -> Iterator[str]:
        text = json.dumps(value)
        alike = where, VOLATILE.sub(lambda found: '"time"' if "T" in found[0] else '"id"', text)
        if alike in self._clean:
            return
        errors = list(validator.iter_errors(json.loads(text)))
        if not errors:
            self._clean.add(alike)
        for cause in map(_cause, errors):
            yield f"{where}: {'/'.join(map(str, cause.absolute_path)) or '(whole)'}: {cause.message[:150]}"


def _readings(text: str) -> Iterator[Any]:
    """Give what a text in an address may stand for."""
    yield text
    if re.fullmatch(r"-?\d+", text):
        yield int(text)
    if text.lower() in BOOLEANS:
        yield BOOLEANS[text.lower()]


def _spelled(value: Any) -> Any:
    """Write snowflakes, and the numbers of files, as strings: Discord takes numbers too, its document does not say."""
    if isinstance(value, dict):
        return {key: _numbered(item) if key == "attachments" else _spelled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    return str(value) if type(value) is int and value > LARGEST_NUMBER else value


def _numbered(files: Any) -> Any:
    if not isinstance(files, list):
        return files
    return [{**file, "id": str(file["id"])} if isinstance(file, dict) and "id" in file else file for file in files]


def _cause(error: ValidationError) -> ValidationError:
    """Follow the alternative that was meant, which `type` tells; else the one that jsonschema thinks nearest."""
    alternatives: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        alternatives.setdefault(inner.relative_schema_path[0], []).append(inner)
    meant = [
        inner
        for inner in alternatives.values()
        if not any((*one.relative_path, one.validator) in (("type", "enum"), ("type",)) for one in inner)
    ]
    return _cause(meant[0][0]) if len(meant) == 1 else best_match([error]) or error
