"""Lua 5.1 itself is the judge of what a file of data holds."""

import math
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from lupa import lua51

from muster_companion.lua_data import BooleanKey, LuaSyntaxError, parse

NAMES = st.from_regex(rb"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in RESERVED)
WORDS = b"and break do else elseif end false for function if in local nil not or repeat return then true until while"
RESERVED = frozenset(WORDS.split())
BLANKS = st.sampled_from(
    [b" ", b" ", b"\n", b"\t", b"\r\n", b"\f\v", b" -- [1]\n", b"--x]]\r", b"--[[ } ]]", b"--[=[\n]]]=]"]
)
SEPARATORS = st.sampled_from([b",", b",", b";"])
GLOBALS = (b"MusterDB", b"b", b"_c1")
NOTES = st.sampled_from(["|cffff0000x|r", "{}[]--", "Ünïcødé", "Тест", "測試", "-- ]] ]=]", "a\\n", "\\195", '"', "'"])


def quoted(data: st.DataObject, raw: bytes) -> bytes:
    """Write a text in one of the ways that Lua has."""
    way = data.draw(st.sampled_from(["double", "single", "long", "decimal"]))
    if way == "long" and b"\r" not in raw and b"\0" not in raw:
        level = b"=" * data.draw(st.integers(1, 3))
        if b"]" + level not in raw:
            return b"[" + level + b"[\n" + raw + b"]" + level + b"]"
    quote = b"'" if way == "single" else b'"'
    written = bytearray()
    for number in raw:
        byte = bytes((number,))
        if way == "decimal" or byte in (b"\r", b"\0"):
            written += b"\\%03d" % number
        elif byte == b"\n":
            written += data.draw(st.sampled_from([b"\\n", b"\\\n", b"\\\r\n"]))
        elif byte in (b"\\", quote):
            written += b"\\" + byte
        else:
            written += byte
    return quote + bytes(written) + quote


def written_number(data: st.DataObject, value: float) -> bytes:
    """Write a finite number in one of the ways that Lua has."""
    ways = ["%.17g"]
    if value == int(value) and abs(value) < 2**53:
        ways += ["%d", "%d.", "%d.0", "%de0"]
        if value >= 0:
            ways += ["0x%x", "0X%X"]
    way = data.draw(st.sampled_from(ways))
    return (way % (value if "g" in way else int(value))).encode()


TEXTS = st.one_of(
    st.binary(max_size=12), NOTES.map(str.encode), st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace"))
)
NUMBERS = st.one_of(
    st.integers(-(2**60), 2**60).map(float),
    st.integers(0, 300).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
)
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
# Of a key that is no UTF-8 two could become one.
KEYS = st.one_of(st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace")), NUMBERS, st.booleans())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=25,
)


def written(data: st.DataObject, value: Any) -> bytes:
    """Write a value as Lua, with blanks and comments anywhere."""
    if isinstance(value, bytes):
        return quoted(data, value)
    if value is None or isinstance(value, bool):
        return {None: b"nil", True: b"true", False: b"false"}[value]
    if isinstance(value, float):
        return written_number(data, value)
    fields = []
    for key, item in value.items() if isinstance(value, dict) else ((None, item) for item in value):
        blank = data.draw(BLANKS)
        if key is None:
            before = b""
        elif (
            isinstance(key, bytes)
            and key.isalpha()
            and key.isascii()
            and key not in RESERVED
            and data.draw(st.booleans())
        ):
            before = key + blank + b"="
        else:
            before = b"[" + blank + written(data, key) + blank + b"]=" + blank
        fields.append(blank + before + written(data, item) + blank)
    ended = fields and data.draw(st.booleans())
    body = b"".join(field + data.draw(SEPARATORS) for field in fields[:-1]) + b"".join(fields[-1:])
    return b"{" + body + (data.draw(SEPARATORS) if ended else b"") + data.draw(BLANKS) + b"}"


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Write a file of globals."""
    data = draw(st.data())
    blank = lambda: draw(BLANKS)  # noqa: E731 (one word for what stands in five places)
    return blank() + b"".join(
        name
        + blank()
        + b"="
        + blank()
        + written(data, draw(VALUES))
        + draw(st.sampled_from([b";", b"\n", b" "]))
        + blank()
        for name in draw(st.lists(st.sampled_from(GLOBALS), unique=True, max_size=3))
    )


def plain(value: Any) -> Any:
    """Give what Lua holds as `parse` gives it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if lua51.lua_type(value) == "table":
        return {BooleanKey(key) if isinstance(key, bool) else plain(key): plain(item) for key, item in value.items()}
    return value


def loaded(source: bytes) -> dict[str, Any]:
    """Let Lua 5.1 run a file in an empty environment, and give what it assigned. Raises LuaError."""
    lua = lua51.LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
    run = lua.execute(
        b"""
        return function(source)
            local chunk, problem = loadstring(source)
            if not chunk then error(problem, 0) end
            local found = {}
            setfenv(chunk, found)
            chunk()
            return found
        end
        """
    )
    return plain(run(source))


def same(left: Any, right: Any) -> bool:
    """Compare, with true apart from 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return isinstance(left, bool) == isinstance(right, bool) and left == right


@given(files())
@settings(max_examples=300, deadline=None)
def test_a_file_of_data_holds_what_lua_loads_from_it(source: bytes) -> None:
    assert same(parse(source), loaded(source))


# What the game and C write for what Lua has no literal of: `parse` reads more there than Lua does.
BEYOND_LUA = (b"inf", b"nan", b"#INF", b"#IND", b"#QNAN", b"/0", b"\xef\xbb\xbf")


def agrees_with_lua(source: bytes) -> None:
    """Check that what is read is what Lua loads, and that nothing is read that Lua refuses."""
    try:
        found = parse(source)
    except LuaSyntaxError:
        return
    assert same(found, loaded(source))


PIECES = st.sampled_from(
    [
        *(b"{", b"}", b"[", b"]", b"[[", b"]]", b"=", b",", b";", b'"', b"'", b"\\", b"\\9", b"(", b")"),
        *(b"\n", b"\r", b" ", b"\0", b"\xff", b"--", b"--[[", b"-", b"+", b"#", b"..", b"."),
        *(b"1", b"0x", b"e", b"x", b"nil", b"true", b"end", b"function"),
    ]
)


@given(files(), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), PIECES), min_size=1, max_size=3))
@settings(max_examples=500, deadline=None)
def test_a_file_that_was_changed_anywhere_is_read_as_lua_loads_it_or_refused(
    source: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    for where, removed, added in changes:
        at = math.floor(where * len(source))
        source = source[:at] + added + source[at + removed :]
    assume(not any(form in source for form in BEYOND_LUA))
    agrees_with_lua(source)


@given(st.lists(st.one_of(PIECES, NAMES, st.binary(max_size=3)), max_size=30).map(b"".join))
@settings(max_examples=500, deadline=None)
@example(b"a=[[[]]")
@example(b"a=1 --[==\nb=2")
@example(b"a=0x1p4")
@example(b"a={[1]=2;3}")
def test_garbage_is_read_as_lua_loads_it_or_refused(pieces: bytes) -> None:
    assume(not any(form in pieces for form in BEYOND_LUA))
    for source in (pieces, b"a={" + pieces + b"}", b"a=" + pieces):
        agrees_with_lua(source)


@pytest.mark.parametrize(
    "source", [b"a = 5", b"a = { [1] = 'x', { [true] = 1, [1] = 2 } }", b"a = '\\195\\177\\\r\nx' b = [=[\r\n]]]=]"]
)
def test_the_judge_reads_as_we_do(source: bytes) -> None:
    assert loaded(source)
    agrees_with_lua(source)
