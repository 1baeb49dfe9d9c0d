"""SavedVariables as World of Warcraft writes them, for a client that is not there."""

from collections.abc import Iterator, Mapping
from typing import Any

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\0": "\\000"}


def written(name: str, value: Any, *, bare: bool = False) -> bytes:
    """Write one saved variable as a file: an empty line, then the assignment.

    A value is a mapping, a list (its items in order, from 1), text, bytes, a number, a bool or None. Older clients
    indent by tabs and put each list item's number in a comment; today's write `bare` of both.
    """
    lines = [f"{name} = {_scalar(value)}"] if not isinstance(value, Mapping | list) else [f"{name} = {{"]
    if isinstance(value, Mapping | list):
        lines += [*_inside(value, 1, bare=bare), "}"]
    return "\n".join(["", *lines, ""]).encode("utf-8", "surrogateescape")


def _inside(value: Mapping[Any, Any] | list[Any], depth: int, *, bare: bool) -> Iterator[str]:
    indent = "" if bare else "\t" * depth
    for key, item, position in _items(value):
        before = f"{indent}{key}"
        after = "," if bare or position is None else f", -- [{position}]"
        if isinstance(item, Mapping | list):
            yield before + "{"
            yield from _inside(item, depth + 1, bare=bare)
            yield f"{indent}}}{after}"
        else:
            yield before + _scalar(item) + after


def _items(value: Mapping[Any, Any] | list[Any]) -> Iterator[tuple[str, Any, int | None]]:
    """Give each item with what stands before it, and its number where it has one, the list's part first."""
    if isinstance(value, list):
        yield from (("", item, number) for number, item in enumerate(value, 1))
        return
    number = 1
    while number in value:
        yield "", value[number], number
        number += 1
    rest = [key for key in value if not (isinstance(key, int) and 1 <= key < number)]
    for key in sorted(rest, key=lambda key: (isinstance(key, str | bytes), key)):
        if value[key] is not None:
            yield f"[{_scalar(key)}] = ", value[key], None


def _scalar(value: Any) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if isinstance(value, str):
        return '"' + "".join(_ESCAPES.get(character, character) for character in value) + '"'
    return str(int(value)) if value == int(value) else format(value, ".17g")
