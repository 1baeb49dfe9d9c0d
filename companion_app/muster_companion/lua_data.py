"""A reader of Lua 5.1 SavedVariables: data only, nothing is ever evaluated."""

import enum
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from .errors import CompanionError

MAX_BYTES = 64 * 2**20
MAX_DEPTH = 150
"""Tables within tables; Lua itself loads not quite 200."""


class BooleanKey(enum.Enum):
    """Stand for true or false as the key of a table: in a dict, True and 1 would be the same key."""

    FALSE = False
    TRUE = True


LuaKey: TypeAlias = str | int | float | BooleanKey
LuaValue: TypeAlias = "bool | int | float | str | dict[LuaKey, LuaValue] | None"
LuaTable: TypeAlias = dict[LuaKey, LuaValue]
Take: TypeAlias = Callable[[LuaKey, LuaTable], None]


class LuaSyntaxError(CompanionError):
    """Say where a file is not Lua data, and why; line and column count from 1, the column in characters."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {problem}")
        self.problem = problem
        self.line = line
        self.column = column


def parse(data: bytes, *, under: tuple[str, ...] = (), take: Take | None = None) -> dict[str, LuaValue]:
    """Read the global variables that a file assigns.

    Text is decoded as UTF-8, with U+FFFD for what is none. Numbers are int where they are whole and below 2**53, else
    float; infinity and NaN are read as 1/0 and 0/0 and as the C libraries print them. What is nil is absent. Tables
    right under the path `under` (a global, then keys) are handed to `take` instead of being kept: a large file then
    needs the memory of one of them. Raises LuaSyntaxError, and nothing else.
    """
    return _Parser(data, under, take).globals()


# What nearly every line is: ["key"] = or nothing, then a text without escapes, a whole number, true or false.
_PLAIN_FIELD = re.compile(
    rb"""\s*(?:\["([^"\\\n\r]*)"\]\s*=\s*)?(?:"([^"\\\n\r]*)"|(-?[0-9]{1,15})|(true|false))\s*[,;]"""
).match
_SOLID = re.compile(rb"\S").search
_NAME = re.compile(rb"[A-Za-z_]\w*").match
_LINE_END = re.compile(rb"\r\n|\n\r|\n|\r")
_LONG_BRACKET = re.compile(rb"\[(=*)\[").match
_STRETCH = {quote: re.compile(rb"[^\\\n\r" + quote + rb"]*").match for quote in (b'"', b"'")}
_ESCAPE = re.compile(rb"\\(?:([0-9]{1,3})|(\r\n|\n\r|\n|\r)|(.))", re.DOTALL).match
_NUMERAL = re.compile(rb"\.?[0-9][0-9.]*(?:[Ee][+-]?)?\w*").match
_DECIMAL = re.compile(rb"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?").fullmatch
_HEX = re.compile(rb"0[Xx]([0-9A-Fa-f]+)").fullmatch
_NOT_FINITE = re.compile(rb"(?:(inf|1/0|1\.#INF)|nan(?:\((?:ind|snan)\))?|0/0|1\.#(?:IND|QNAN|SNAN))(?![\w./(])").match
_FOUND = re.compile(rb"\w{1,30}|\.{2,3}|[=~<>]=|[!-~]").match

_BOM = b"\xef\xbb\xbf"
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_CONSTANTS: dict[bytes, bool | None] = {b"true": True, b"false": False, b"nil": None}
_WORDS = b"and break do else elseif end false for function if in local nil not or repeat return then true until while"
_RESERVED = frozenset(_WORDS.split())
_EXACT = 2**53


@dataclass(slots=True)
class _OpenTable:
    """Hold a table whose closing brace is not read yet, and the key under which it will stand."""

    key: LuaKey
    fields: LuaTable = field(default_factory=dict)
    position: int = 1

    def put(self, key: LuaKey, value: LuaValue) -> None:
        """Store a field; nil removes."""
        if value is None:
            self.fields.pop(key, None)
        else:
            self.fields[key] = value

    def next_position(self) -> int:
        """Give the key of a value that has none of its own."""
        self.position += 1
        return self.position - 1


class _Parser:
    """Walk through a file once; nesting is kept on a list, so no depth can exhaust Python's own stack."""

    __slots__ = ("data", "keys", "pos", "take", "under")

    def __init__(self, data: bytes, under: tuple[str, ...], take: Take | None) -> None:
        self.data = data
        self.pos = len(_BOM) if data.startswith(_BOM) else 0
        self.under = under
        self.take = take
        self.keys: dict[bytes, str] = {}

    def globals(self) -> dict[str, LuaValue]:
        """Read assignment after assignment."""
        if len(self.data) > MAX_BYTES:
            raise LuaSyntaxError(f"the file is larger than {MAX_BYTES // 2**20} MB", 1, 1)
        found: dict[str, LuaValue] = {}
        while self.skip_blank() < len(self.data):
            name = self.name("only `name = value` may stand here")
            self.expect(b"=", "only `name = value` may stand here")
            self.skip_blank()
            value = self.table(name) if self.at(b"{") else self.scalar()
            found.pop(name, None)
            if value is not None:
                found[name] = value
            self.skip_blank()
            if self.at(b";"):
                self.pos += 1
        return found

    def table(self, name: str) -> LuaTable:
        """Read a table and all within it; `name` is the global that it is the value of."""
        self.pos += 1
        stack = [_OpenTable(name)]
        while True:
            table = stack[-1]
            self.plain_fields(table)
            self.skip_blank()
            if self.at(b"}"):
                self.pos += 1
                stack.pop()
                if not stack:
                    return table.fields
                if self.take is not None and self.under == tuple(outer.key for outer in stack):
                    self.take(table.key, table.fields)
                else:
                    stack[-1].put(table.key, table.fields)
                self.field_end()
                continue
            key = self.key(table)
            if not self.at(b"{"):
                table.put(key, self.scalar())
                self.field_end()
            elif len(stack) == MAX_DEPTH:
                raise self.error(f"tables are nested deeper than {MAX_DEPTH}")
            else:
                self.pos += 1
                stack.append(_OpenTable(key))

    def plain_fields(self, table: _OpenTable) -> None:
        """Read on as long as the fields are of the kind that makes up nearly all of a file."""
        data, pos, fields = self.data, self.pos, table.fields
        while match := _PLAIN_FIELD(data, pos):
            pos = match.end()
            raw_key, text, number, flag = match.groups()
            key = table.next_position() if raw_key is None else self.text_key(raw_key)
            if text is not None:
                fields[key] = text.decode("utf-8", "replace")
            elif number is not None:
                fields[key] = int(number)
            else:
                fields[key] = flag == b"true"
        self.pos = pos

    def text_key(self, raw: bytes) -> str:
        """Give a key as text; the same few stand in every row, and each is one object."""
        key = self.keys.get(raw)
        if key is None:
            key = self.keys[raw] = sys.intern(raw.decode("utf-8", "replace"))
        return key

    def key(self, table: _OpenTable) -> LuaKey:
        """Read what stands before a field's value, up to that value."""
        start = self.pos
        if self.at(b"[") and not _LONG_BRACKET(self.data, start):
            self.pos += 1
            self.skip_blank()
            key = self.scalar()
            if key is None or (isinstance(key, float) and math.isnan(key)):
                raise self.error("nil and NaN can't be keys", start)
            if isinstance(key, int) and not isinstance(key, bool) and 0 < key < table.position:
                # Which of the two Lua keeps depends on how many stand between them; the game writes neither so.
                raise self.error(f"there is a value {key} already", start)
            self.skip_blank()
            self.expect(b"]", "`]` is expected behind a key")
            self.skip_blank()
            self.expect(b"=", "`=` is expected behind a key")
            self.skip_blank()
            if isinstance(key, str):
                return sys.intern(key)
            return BooleanKey(key) if isinstance(key, bool) else key
        if match := _NAME(self.data, start):
            self.pos = match.end()
            self.skip_blank()
            if self.at(b"=") and not self.at(b"=="):
                self.pos = start
                name = self.name("a key is expected")
                self.pos += 1
                self.skip_blank()
                return name
            self.pos = start
        return table.next_position()

    def name(self, problem: str) -> str:
        """Read a name that is no word of the language, up to what follows it."""
        match = _NAME(self.data, self.pos)
        if match is None or match[0] in _RESERVED:
            raise self.error(problem)
        self.pos = match.end()
        self.skip_blank()
        return self.text_key(match[0])

    def field_end(self) -> None:
        """Read what divides a field from the next, or see that there is none."""
        self.skip_blank()
        if self.at(b",") or self.at(b";"):
            self.pos += 1
        elif not self.at(b"}"):
            raise self.error("`,` or `}` is expected")

    def scalar(self) -> bool | int | float | str | None:
        """Read any value that is no table."""
        data, start = self.data, self.pos
        first = data[start : start + 1]
        if first in _STRETCH:
            return self.quoted(first).decode("utf-8", "replace")
        if bracket := _LONG_BRACKET(data, start):
            self.pos = bracket.end()
            return self.long_text(start, bracket[1]).decode("utf-8", "replace")
        if first == b"-":
            self.pos += 1
            self.skip_blank()
            return -self.number()
        if (match := _NAME(data, start)) and match[0] in _CONSTANTS:
            self.pos = match.end()
            return _CONSTANTS[match[0]]
        return self.number()

    def number(self) -> int | float:
        """Read a number without its sign."""
        if match := _NOT_FINITE(self.data, self.pos):
            self.pos = match.end()
            return float("nan" if match[1] is None else "inf")
        match = _NUMERAL(self.data, self.pos)
        if match is None:
            raise self.error("a text, a number, true, false, nil or a table is expected")
        if digits := _HEX(match[0]):
            value = _as_float(int(digits[1], 16))
        elif _DECIMAL(match[0]):
            value = float(match[0])
        else:
            raise self.error("this is no number")
        self.pos = match.end()
        return int(value) if abs(value) < _EXACT and value.is_integer() else value

    def quoted(self, quote: bytes) -> bytes:
        """Read a text in quotes."""
        data, start = self.data, self.pos
        text = bytearray()
        pos = start + 1
        while stretch := _STRETCH[quote](data, pos):
            text += stretch[0]
            pos = stretch.end()
            escape = _ESCAPE(data, pos)
            if escape is None:
                break
            number, line_end, letter = escape.groups()
            if number is None:
                text += b"\n" if line_end else _ESCAPED.get(letter, letter)
            elif int(number) <= 255:
                text.append(int(number))
            else:
                raise self.error("the number behind a backslash is at most 255", pos)
            pos = escape.end()
        if pos >= len(data):
            raise self.error("the rest of a text is missing", pos)
        if not data.startswith(quote, pos):
            raise self.error("a text begins here that does not end in its line", start)
        self.pos = pos + 1
        return bytes(text)

    def long_text(self, start: int, level: bytes) -> bytes:
        """Read on behind a long bracket that begins at `start`, up to and over the closing one."""
        end = self.data.find(b"]" + level + b"]", self.pos)
        if end < 0:
            raise self.error("a long text or comment begins here that never ends", start)
        text = self.data[self.pos : end]
        if not level and b"[[" in text:
            raise self.error("Lua 5.1 refuses `[[` within `[[ ]]`", start)
        self.pos = end + len(level) + 2
        if first := _LINE_END.match(text):
            text = text[first.end() :]
        return _LINE_END.sub(b"\n", text)

    def skip_blank(self) -> int:
        """Go over spaces, line ends and comments, and give the place reached."""
        while True:
            solid = _SOLID(self.data, self.pos)
            self.pos = solid.start() if solid else len(self.data)
            if not self.at(b"--"):
                return self.pos
            start = self.pos
            if bracket := _LONG_BRACKET(self.data, start + 2):
                self.pos = bracket.end()
                self.long_text(start, bracket[1])
            else:
                line_end = _LINE_END.search(self.data, start)
                self.pos = line_end.start() if line_end else len(self.data)

    def at(self, sign: bytes) -> bool:
        """Tell whether a sign stands here."""
        return self.data.startswith(sign, self.pos)

    def expect(self, sign: bytes, problem: str) -> None:
        """Go over a sign that has to stand here."""
        if not self.at(sign):
            raise self.error(problem)
        self.pos += len(sign)

    def error(self, problem: str, pos: int | None = None) -> LuaSyntaxError:
        """Give the words for what is wrong at a place, this one unless another is given, and what stands there."""
        pos = self.pos if pos is None else pos
        if pos >= len(self.data):
            found = "the file ends here, as if it were cut off"
        elif match := _FOUND(self.data, pos):
            found = f"found `{match[0].decode()}`"
        else:
            found = f"found the byte 0x{self.data[pos]:02x}"
        begin = len(_BOM) if self.data.startswith(_BOM) else 0
        line = 1
        for line_end in _LINE_END.finditer(self.data, 0, pos):
            line, begin = line + 1, line_end.end()
        column = len(self.data[begin:pos].decode("utf-8", "replace")) + 1
        return LuaSyntaxError(f"{problem}; {found}", line, column)


def _as_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf")
