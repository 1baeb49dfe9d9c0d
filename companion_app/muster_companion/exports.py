"""What the addon exported, taken out of its SavedVariables and made ready for upload as docs/upload-format.md says."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .config import Guild
from .errors import CompanionError
from .lua_data import LuaKey, LuaTable, LuaValue, parse

SCHEMA = 1
FORMAT = 1
MAX_RANKS = 10
VARIABLE = "MusterDB"

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_ROW_FIELDS = ("guid", "name", "realm", "class", "level", "rank", "note", "officer_note", "last_online", "online")


class ExportError(CompanionError):
    """Say why what stands in a file is no export that this companion could upload."""


@dataclass(frozen=True, slots=True)
class Export:
    """Hold one reading of one guild's roster: when it was made (Unix seconds), and the JSON to post for it."""

    guild: Guild
    export_id: str
    exported_at: int
    officer_notes: bool
    rows: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """Hold what a file has for upload, and why something in it can't be uploaded."""

    exports: tuple[Export, ...] = ()
    problems: tuple[str, ...] = ()


def read_exports(data: bytes) -> Contents:
    """Find the exports in a file of the addon's SavedVariables; a bad one does not hinder the others.

    Raises LuaSyntaxError.
    """
    exports: list[Export] = []
    problems: list[str] = []

    def take(key: LuaKey, table: LuaTable) -> None:
        # At once, so that the rows of one guild need not wait in memory for those of the others.
        try:
            exports.append(_export(table))
        except ExportError as error:
            problems.append(f"The export of {key} can't be uploaded: {error}")

    found = parse(data, under=(VARIABLE, "exports"), take=take)
    try:
        others = _left_under_exports(found)
    except ExportError as error:
        return Contents(problems=(str(error),))
    problems += [f"The export of {key} can't be uploaded: it is no table." for key in others]
    return Contents(tuple(exports), tuple(problems))


def newest(exports: Iterable[Export]) -> tuple[Export, ...]:
    """Give the newest export of each guild, whatever account or flavour it comes from, the older ones first.

    Where that one could not see officer notes, the newest that could goes before it: nobody else has those.
    """
    chosen: dict[tuple[Guild, bool], Export] = {}
    # Of two made in the same second any will do, but always the same: else each start would upload the other one.
    in_order = sorted(exports, key=lambda export: (export.exported_at, export.export_id))
    for export in in_order:
        chosen[export.guild, export.officer_notes] = export
        if export.officer_notes:
            chosen.pop((export.guild, False), None)
    return tuple(export for export in in_order if export in chosen.values())


def _left_under_exports(found: Mapping[str, LuaValue]) -> LuaTable:
    """Give what was no table and stayed under `exports`, once the schema is known to be ours."""
    if VARIABLE not in found:
        raise ExportError(f"The file holds no {VARIABLE}: it is not the Muster addon's, or the addon never ran.")
    database = _Fields({VARIABLE: found[VARIABLE]}, "").within(VARIABLE)
    database.check_version("schema", SCHEMA)
    return database.within("exports").table


def _export(table: LuaTable) -> Export:
    fields = _Fields(table, "")
    fields.check_version("format", FORMAT)
    guild, exporter = fields.within("guild"), fields.within("exporter")
    of_guild = Guild(guild.text("region"), guild.text_or_none("realm"), guild.text("name"))
    export_id, exported_at = fields.text("export_id"), fields.whole("exported_at")
    officer_notes = exporter.flag("officer_notes")
    rows = _rows(fields.within("rows").table)
    upload: dict[str, Json] = {
        "format": FORMAT,
        "export_id": export_id,
        "exported_at": exported_at,
        "addon_version": fields.text("addon_version"),
        "guild": {"name": of_guild.name, "realm": of_guild.realm, "region": of_guild.region},
        "exporter": {
            "name": exporter.text("name"),
            "realm": exporter.text_or_none("realm"),
            "officer_notes": officer_notes,
        },
        "ranks": _ranks(fields.within("ranks").table),
        "rows": rows,
    }
    body = json.dumps(upload, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return Export(of_guild, export_id, exported_at, officer_notes, len(rows), body)


@dataclass(frozen=True, slots=True)
class _Fields:
    """Ask a table for what has to be in it; `path` goes before a field's name in the words for what is wrong.

    Each method raises ExportError.
    """

    table: LuaTable
    path: str

    def within(self, name: str) -> "_Fields":
        """Give a table of this one."""
        value = self.table.get(name)
        if not isinstance(value, dict):
            raise self.error(name, "a table is expected")
        return _Fields(value, f"{self.path}{name}.")

    def text(self, name: str) -> str:
        """Give a text that is not empty."""
        value = self.table.get(name)
        if not isinstance(value, str) or not value:
            raise self.error(name, "a text is expected")
        return value

    def text_or_none(self, name: str) -> str | None:
        """Give a text, or None where there is nothing."""
        return self.text(name) if name in self.table else None

    def whole(self, name: str) -> int:
        """Give a whole number that is not negative."""
        value = self.table.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.error(name, "a whole number is expected")
        return value

    def flag(self, name: str) -> bool:
        """Give true or false."""
        value = self.table.get(name)
        if not isinstance(value, bool):
            raise self.error(name, "true or false is expected")
        return value

    def check_version(self, name: str, known: int) -> None:
        """See that what stands here is what this companion reads."""
        version = self.whole(name)
        if version > known:
            raise ExportError(f"the addon is newer than this companion ({name} {version}): update the companion.")
        if version < known:
            raise ExportError(f"{name} {version} is not known: update the addon, and type /muster in the game.")

    def error(self, name: str, expected: str) -> ExportError:
        """Name the field that is wrong; never its value, which may be anything."""
        return ExportError(f"{self.path}{name} {'is wrong' if name in self.table else 'is missing'}, {expected}.")


def _rows(table: LuaTable) -> list[Json]:
    """Give the rows as they are, right or wrong: the server leaves out the wrong ones and names them."""
    if not table:
        raise ExportError("rows is empty.")
    return [_row(table[position]) for position in _positions(table, "rows")]


def _row(value: LuaValue) -> Json:
    if not isinstance(value, dict):
        return _plain(value)
    return {name: _plain(value[name]) for name in _ROW_FIELDS if name in value}


def _ranks(table: LuaTable) -> list[Json]:
    """Give the titles, each at its rank's place; a hole is a rank without one."""
    positions = _positions(table, "ranks")
    if any(position > MAX_RANKS or not isinstance(table[position], str) for position in positions):
        raise ExportError(f"ranks is wrong, up to {MAX_RANKS} texts are expected.")
    return [_plain(table.get(position, "")) for position in range(1, max(positions, default=0) + 1)]


def _positions(table: LuaTable, name: str) -> list[int]:
    """Give the places of a list in their order; there may be holes between them."""
    positions = [key for key in table if isinstance(key, int) and key > 0]
    if len(positions) < len(table):
        raise ExportError(f"{name} is wrong, a list is expected.")
    return sorted(positions)


def _plain(value: LuaValue) -> Json:
    """Give a value as JSON has it; a table is wrong in any field, and that is all the server has to see of it."""
    if isinstance(value, dict):
        return {}
    return None if isinstance(value, float) and not math.isfinite(value) else value
