"""A guild's earlier spreadsheet: what its rows say, read from CSV files as spreadsheets write them."""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from domain.errors import InvalidInput, quoted
from domain.names import fold
from domain.visible import one_line

# Headers by their folded names, so that "Main/Alt" and "mainalt", "Discord ID" and "DiscordID" are one.
DISCORD: Final = "discord"
CHARACTER: Final = "character"
CLASS: Final = "class"
REALM: Final = "realm"
MAIN: Final = "mainalt"
DISCORD_ID: Final = "discordid"

SHOWN: Final = {DISCORD: "Discord", CHARACTER: "Character", CLASS: "Class", MAIN: "Main/Alt", DISCORD_ID: "DiscordID"}
DELIMITERS: Final = (",", ";", "\t")
LARGEST_ID: Final = 2**63 - 1
ID_DIGITS: Final = 19
HEADERS_TOLD: Final = 10
_DELIMITER_LINE: Final = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)  # Excel's own first line
_ROUNDED: Final = re.compile(r"\d[.,]\d+E\+\d+", re.IGNORECASE)
_ZEROS_PART: Final = 0.25
"""A text of Latin letters in UTF-16 is half zeros."""


@dataclass(frozen=True, slots=True)
class CharacterRow:
    """A character and whose it is, by the name the sheet gives the person; realm and class "" where it tells none."""

    line: int
    discord: str
    name: str
    realm: str
    class_name: str
    is_main: bool


@dataclass(frozen=True, slots=True)
class IdRow:
    """The Discord id of a person."""

    line: int
    discord: str
    user_id: int


@dataclass(frozen=True, slots=True)
class Remark:
    """What of a line was not taken, or taken with a word of caution."""

    line: int
    text: str


Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Sheet(Generic[Row]):
    """A file's rows in its order; remarks are about single lines, notices about the whole file."""

    rows: tuple[Row, ...]
    remarks: tuple[Remark, ...]
    notices: tuple[str, ...]


def read_characters(content: bytes) -> Sheet[CharacterRow]:
    """Read whose characters are; raises InvalidInput when the file has no columns Discord and Character."""
    table = _table(content, (DISCORD, CHARACTER), (CLASS, MAIN))
    rows: list[CharacterRow] = []
    remarks = [*table.remarks]
    for line, cells in table.rows:
        if not cells[DISCORD] or not cells[CHARACTER]:
            remarks.append(Remark(line, f"no name in column {SHOWN[CHARACTER if cells[DISCORD] else DISCORD]}"))
            continue
        name, _, realm_of_name = cells[CHARACTER].partition("-")  # no character's name holds a hyphen
        realm = cells.get(REALM, "") or realm_of_name
        if realm_of_name and fold(realm) != fold(realm_of_name):
            remarks.append(Remark(line, f"two realms: {quoted(realm_of_name)} and {quoted(realm)}"))
            continue
        kind = fold(cells.get(MAIN, ""))
        if kind not in ("main", "alt", ""):
            remarks.append(Remark(line, f"{quoted(cells[MAIN])} is neither Main nor Alt, and is taken for Alt"))
        rows.append(
            CharacterRow(line, cells[DISCORD], name.strip(), realm.strip(), cells.get(CLASS, ""), kind == "main")
        )
    return Sheet(tuple(rows), in_order(remarks), table.notices)


def read_ids(content: bytes) -> Sheet[IdRow]:
    """Read people's Discord ids; raises InvalidInput when the file has no columns Discord and DiscordID."""
    table = _table(content, (DISCORD, DISCORD_ID))
    rows: list[IdRow] = []
    remarks = [*table.remarks]
    for line, cells in table.rows:
        written = cells[DISCORD_ID]
        if not cells[DISCORD]:
            remarks.append(Remark(line, f"no name in column {SHOWN[DISCORD]}"))
        elif _ROUNDED.fullmatch(written):
            remarks.append(
                Remark(line, f"a spreadsheet has rounded the id to {quoted(written)}: format the column as text")
            )
        elif not _is_id(written):
            remarks.append(Remark(line, f"{quoted(written)} is no Discord id"))
        else:
            rows.append(IdRow(line, cells[DISCORD], int(written)))
    return Sheet(tuple(rows), in_order(remarks), table.notices)


def in_order(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """Give remarks by line."""
    return tuple(sorted(remarks, key=lambda remark: remark.line))


def person_key(discord: str) -> str:
    """Fold a person's name as far as two files may differ in it; dots and underlines tell people apart."""
    return unicodedata.normalize("NFKC", discord).casefold().removeprefix("@").strip()


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS and 0 < int(text) <= LARGEST_ID


@dataclass(frozen=True, slots=True)
class _Table:
    rows: tuple[tuple[int, Mapping[str, str]], ...]
    remarks: tuple[Remark, ...]
    notices: tuple[str, ...]


def _table(content: bytes, required: Sequence[str], useful: Sequence[str] = ()) -> _Table:
    text, notices = _decode(content)
    if told := _DELIMITER_LINE.match(text):
        text, skipped = text[told.end() :], 1
    else:
        skipped = 0
    wanted = {*required, *useful, REALM}
    # The delimiter under which the most of what is looked for stands in the header.
    headers = [_header(text, delimiter) for delimiter in DELIMITERS]
    delimiter, header = max(
        zip(DELIMITERS, headers, strict=True), key=lambda read: len(wanted.intersection(map(fold, read[1])))
    )
    columns = [fold(name) for name in header]
    for name in required:
        if name not in columns:
            found = ", ".join(map(one_line, filter(None, header[:HEADERS_TOLD]))) or "nothing"
            raise InvalidInput(f"no column {SHOWN[name]} in the first line; found: {found}")
    if doubled := [name for name in wanted if columns.count(name) > 1]:
        raise InvalidInput(f"the column {SHOWN.get(doubled[0], 'Realm')} stands twice in the first line")
    notices += [f"no column {SHOWN[name]}" for name in useful if name not in columns]
    rows: list[tuple[int, Mapping[str, str]]] = []
    remarks: list[Remark] = []
    records = ((line, record) for line, record in _records(text, delimiter) if isinstance(record, str) or any(record))
    next(records)  # the header
    for number, record in records:
        line = number + skipped
        if isinstance(record, str):
            remarks.append(Remark(line, record))
        elif any(record[len(columns) :]):
            remarks.append(Remark(line, f"{len(record)} cells, but {len(columns)} in the first line"))
        else:
            cells = record + [""] * (len(columns) - len(record))
            rows.append((line, dict(zip(columns, cells, strict=False))))
    return _Table(tuple(rows), tuple(remarks), tuple(notices))


def _header(text: str, delimiter: str) -> list[str]:
    for _, record in _records(text, delimiter):
        if isinstance(record, str):
            return []
        if any(record):
            return record
    return []


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Give the line at which each record begins, with its cells in one line each, or why it cannot be read."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, [one_line(cell) for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            # Left open, a quote runs on into other rows: all that it took with it is told.
            rest = f"; nothing is read to line {reader.line_num}" if reader.line_num > line else ""
            yield line, f"a quotation mark opens a cell and does not close it well{rest}"


def _decode(content: bytes) -> tuple[str, list[str]]:
    """Give the text, and what the reader must know of how it was read."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace"), []
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if content[start::2].count(0) > _ZEROS_PART * len(content):
            return content.decode(encoding, errors="replace"), ["without a mark of its encoding, read as UTF-16"]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        told = "not in UTF-8, so read as Windows-1252: look whether names with accents are right"
        return content.decode("cp1252", errors="replace"), [told]
