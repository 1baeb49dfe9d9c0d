"""What Discord refuses, or does though nobody wants it, and its documents do not say.

Numbers from Discord's developer documentation: message, component, modal and application command resources.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sandbox.discord import Exchange

MESSAGE = re.compile(r"(?:POST /channels/\d+/messages|PATCH /channels/\d+/messages/\d+)")
CALLBACK = re.compile(r"POST /interactions/\d+/([^/]+)/callback")
FOLLOW_UP = re.compile(r"POST /webhooks/\d+/([^/]+)")
EDIT = re.compile(r"PATCH /webhooks/\d+/([^/]+)/messages/[^/]+")
COMMANDS = re.compile(r"(?:POST|PUT|PATCH) /applications/\d+(?:/guilds/\d+)?/commands(?:/\d+)?")
ANSWER, DEFERRED, UPDATE, CHOICES, MODAL = 4, 5, 7, 8, 9

INVALID_FORM, NOT_IN_THE_STANDIN = 50035, 501
EPHEMERAL, LAYOUT = 1 << 6, 1 << 15
SELECT, TEXT = 3, 10
LAYOUT_TYPES = frozenset({9, TEXT, 11, 12, 13, 14, 17})

CONTENT_CHARACTERS = 2_000
EMBED_CHARACTERS = 6_000
LAYOUT_CHARACTERS = 4_000
COMPONENTS = 40
MODAL_COMPONENTS = 5
CHOICE_CHARACTERS = 100
COMMAND_CHARACTERS = 8_000
MENTION = re.compile(r"@everyone|@here|<@[!&]?\d+>")


class Limits:
    """Read exchanges in their order and tell what breaks a limit."""

    def __init__(self) -> None:
        self._deferred: dict[str, bool] = {}

    def breaches(self, exchange: Exchange) -> Iterator[str]:
        """Yield a line for each breach of one exchange."""
        if exchange.status == NOT_IN_THE_STANDIN:
            yield f"{exchange.method}: the stand-in cannot do it: {exchange.response}"
        if isinstance(exchange.response, Mapping) and exchange.response.get("code") == INVALID_FORM:
            yield f"{exchange.method}: refused: {exchange.response['message']}"
        what, body = f"{exchange.method} {exchange.path}", exchange.body or {}
        if MESSAGE.fullmatch(what):
            yield from _message(body, "message")
        elif found := CALLBACK.fullmatch(what):
            yield from self._callback(found[1], body)
        elif found := FOLLOW_UP.fullmatch(what):
            yield from self._follow_up(found[1], body)
        elif found := EDIT.fullmatch(what):
            self._deferred.pop(found[1], None)
            yield from _message(body, "edit")
        elif COMMANDS.fullmatch(what):
            yield from _commands(body if isinstance(body, list) else [body])

    def _callback(self, token: str, body: Mapping[str, Any]) -> Iterator[str]:
        kind, data = body.get("type"), body.get("data") or {}
        if kind == DEFERRED:
            self._deferred[token] = _ephemeral(data)
        elif kind in (ANSWER, UPDATE):
            yield from _message(data, "answer")
        elif kind == CHOICES:
            values = [str(choice.get("value", "")) for choice in data.get("choices") or ()]
            if any(len(value) > CHOICE_CHARACTERS for value in values):
                yield f"choices: a value has over {CHOICE_CHARACTERS} characters"
        elif kind == MODAL:
            if len(data.get("components") or ()) > MODAL_COMPONENTS:
                yield f"modal: over {MODAL_COMPONENTS} components"
            yield from _controls(list(_walk(data.get("components") or ())), "modal")

    def _follow_up(self, token: str, body: Mapping[str, Any]) -> Iterator[str]:
        # The first follow-up after "is thinking" takes its place, and is seen by whom that was shown to.
        deferred = self._deferred.pop(token, None)
        if deferred is not None and deferred is not _ephemeral(body):
            yield "follow-up: its visibility is not that of the deferred answer, which wins"
        yield from _message(body, "follow-up")


def _message(body: Mapping[str, Any], where: str) -> Iterator[str]:
    content, embeds = body.get("content") or "", body.get("embeds") or []
    parts = list(_walk(body.get("components") or ()))
    texts = [part.get("content", "") for part in parts if part.get("type") == TEXT]
    if len(content) > CONTENT_CHARACTERS:
        yield f"{where}: content over {CONTENT_CHARACTERS} characters"
    if sum(map(_embed_characters, embeds)) > EMBED_CHARACTERS:
        yield f"{where}: embeds over {EMBED_CHARACTERS} characters in all"
    if (body.get("flags") or 0) & LAYOUT:
        if content or embeds or body.get("poll") or body.get("sticker_ids"):
            yield f"{where}: a V2 layout with content or embeds beside it"
    elif any(part.get("type") in LAYOUT_TYPES for part in parts):
        yield f"{where}: V2 components without the flag"
    if len(parts) > COMPONENTS:
        yield f"{where}: over {COMPONENTS} components, nested ones counted"
    if sum(map(len, texts)) > LAYOUT_CHARACTERS:
        yield f"{where}: over {LAYOUT_CHARACTERS} characters of V2 text"
    yield from _controls(parts, where)
    yield from _pings(body.get("allowed_mentions"), " ".join([content, *texts]), where)


def _controls(parts: Iterable[Mapping[str, Any]], where: str) -> Iterator[str]:
    parts = list(parts)
    for name in _repeated(part["custom_id"] for part in parts if part.get("custom_id")):
        yield f"{where}: the custom id {name!r} twice"
    for part in parts:
        if part.get("type") == SELECT and _repeated(option["value"] for option in part.get("options") or ()):
            yield f"{where}: a value twice in the menu {part.get('custom_id')!r}"


def _pings(allowed: Mapping[str, Any] | None, text: str, where: str) -> Iterator[str]:
    if allowed is None and MENTION.search(text):
        yield f"{where}: a mention without allowed_mentions"
    elif allowed is not None and allowed.get("parse"):
        yield f"{where}: allowed_mentions lets whatever the text names be pinged"


def _commands(commands: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for command in commands:
        characters = _command_characters(command)
        if characters > COMMAND_CHARACTERS:
            yield f"commands: /{command.get('name')} has {characters} of {COMMAND_CHARACTERS} characters"


def _command_characters(part: Mapping[str, Any]) -> int:
    """Count names, descriptions and values of a command, option or choice and all below; of a text its longest form."""
    own = len(str(part.get("value", "")))
    for key in ("name", "description"):
        forms = [part.get(key) or "", *(part.get(f"{key}_localizations") or {}).values()]
        own += max(map(len, forms))
    below = [*(part.get("options") or ()), *(part.get("choices") or ())]
    return own + sum(map(_command_characters, below))


def _embed_characters(embed: Mapping[str, Any]) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    texts += [field.get(key) for field in embed.get("fields") or () for key in ("name", "value")]
    return sum(len(text or "") for text in texts)


def _walk(parts: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for part in parts:
        yield part
        yield from _walk(part.get("components") or ())
        yield from _walk(part[key] for key in ("component", "accessory") if part.get(key))


def _repeated(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def _ephemeral(data: Mapping[str, Any]) -> bool:
    return bool((data.get("flags") or 0) & EPHEMERAL)
