"""Discord's own documents as a referee over what crossed the sockets."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sandbox.discord import Exchange, Frame

API_URI = "urn:discord:api"
LARGEST_NUMBER = 2**53
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
    """Reads the documents once; complains about exchanges and frames that do not fit them."""

    def __init__(self, documents: Path) -> None:
        self._api = json.loads((documents / "openapi.json").read_text())
        self._gateway = json.loads((documents / "gateway.schema.json").read_text())
        resource = Resource(contents=self._api, specification=DRAFT202012)
        self._registry = Registry().with_resource(API_URI, resource)
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
        for entry in recorded:
            lines = self._exchange(entry) if isinstance(entry, Exchange) else self._frame(entry)
            found.update(dict.fromkeys(lines))
        return list(found)

    def _exchange(self, exchange: Exchange) -> Iterator[str]:
        path = next((path for pattern, path in self._routes if pattern.fullmatch(exchange.path)), None)
        method = exchange.method.lower()
        if path is None or method not in self._api["paths"][path]:
            yield f"{exchange.method} {exchange.path} is not in the document"
            return
        where = f"{exchange.method} {path}"
        pointer = [API_URI + "#", "paths", path.replace("/", "~1"), method]
        operation = self._api["paths"][path][method]
        if "requestBody" in operation and exchange.body is not None:
            yield from self._check([*pointer, "requestBody"], _spelled(exchange.body), f"{where} asks")
        if str(exchange.status) in operation["responses"] and exchange.response is not None:
            yield from self._check(
                [*pointer, "responses", str(exchange.status)], exchange.response, f"{where} {exchange.status}"
            )

    def _check(self, pointer: list[str], value: Any, where: str) -> Iterator[str]:
        reference = "/".join([*pointer, "content", "application~1json", "schema"])
        validator = Draft202012Validator({"$ref": reference}, registry=self._registry)
        yield from _lines(validator.iter_errors(_as_sent(value)), where)

    def _frame(self, frame: Frame) -> Iterator[str]:
        name = EVENTS.get(frame.payload.get("t") or "")
        if name is None:
            return
        definitions = self._gateway["definitions"]
        validator = Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})
        yield from _lines(validator.iter_errors(_as_sent(frame.payload["d"])), name)


def _as_sent(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _spelled(value: Any) -> Any:
    """Write snowflakes as strings: Discord takes numbers too, which its document does not say."""
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    return str(value) if type(value) is int and value > LARGEST_NUMBER else value


def _lines(errors: Iterable[ValidationError], where: str) -> Iterator[str]:
    for error in errors:
        deepest = best_match([error]) or error
        yield f"{where}: {'/'.join(map(str, deepest.absolute_path)) or '(whole)'}: {deepest.message[:150]}"
