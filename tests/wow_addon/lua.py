"""Lua 5.1, the game's language, and the ways between its values and Python's."""

from collections.abc import Mapping
from typing import Any

from lupa.lua51 import LuaRuntime, lua_type


def runtime() -> LuaRuntime:
    """Give a fresh Lua 5.1, whose strings are bytes, as the game's are."""
    return LuaRuntime(encoding=None, unpack_returned_tuples=True, register_eval=False, register_builtins=False)


def to_lua(lua: LuaRuntime, value: Any) -> Any:
    """Make a Lua value of a Python one: text as UTF-8, lists and mappings as tables, None as nil."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, Mapping):
        return lua.table_from({to_lua(lua, key): to_lua(lua, item) for key, item in value.items() if item is not None})
    if isinstance(value, list):
        return lua.table_from([to_lua(lua, item) for item in value])
    return value


def from_lua(value: Any) -> Any:
    """Make a Python value of a Lua one: a table with the keys 1 to n and no others is a list, an empty one a dict."""
    if isinstance(value, bytes):
        return value.decode()
    if lua_type(value) == "table":
        items = {from_lua(key): from_lua(item) for key, item in value.items()}
        if items and set(items) == set(range(1, len(items) + 1)):
            return [items[number] for number in range(1, len(items) + 1)]
        return items
    return value


def read_saved(text: bytes, name: str = "MusterDB") -> Any:
    """Give what a SavedVariables file assigns to a global, by running it."""
    lua = runtime()
    lua.execute(text)
    return from_lua(lua.globals()[name.encode()])
