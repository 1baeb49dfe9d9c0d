"""The writer of SavedVariables is right when Lua reads back what was written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.saved_variables import written
from tests.wow_addon.lua import from_lua, read_saved, runtime, to_lua

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALAR = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
KEY = TEXT | st.integers(-3, 9)
VALUE = st.recursive(
    SCALAR,
    lambda inside: st.lists(inside, min_size=1, max_size=4) | st.dictionaries(KEY, inside, max_size=4),
    max_leaves=20,
)


@given(VALUE, st.booleans())
def test_lua_reads_back_what_is_written(value: Any, bare: bool) -> None:
    lua = runtime()
    assert read_saved(written("MusterDB", value, bare=bare)) == from_lua(to_lua(lua, value))


@pytest.mark.parametrize(
    ("bare", "text"),
    [
        (False, '\nDB = {\n\t["a"] = {\n\t\t"x\\ny", -- [1]\n\t\tfalse, -- [2]\n\t},\n\t["b"] = 1.5,\n}\n'),
        (True, '\nDB = {\n["a"] = {\n"x\\ny",\nfalse,\n},\n["b"] = 1.5,\n}\n'),
    ],
)
def test_both_ways_of_the_game(bare: bool, text: str) -> None:
    assert written("DB", {"b": 1.5, "a": ["x\ny", False]}, bare=bare) == text.encode()


def test_bytes_that_are_no_text_stay_as_they_are() -> None:
    assert written("DB", b"\xff\xc3\x28") == b'\nDB = "\xff\xc3\x28"\n'


def test_nothing_is_written_as_nil() -> None:
    assert written("DB", None) == b"\nDB = nil\n"
    assert written("DB", {"a": None, "b": [1, None, 2]}, bare=True) == b'\nDB = {\n["b"] = {\n1,\nnil,\n2,\n},\n}\n'
