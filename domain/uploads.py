"""Uploads: what an export of the game says, and how it stands with each that came."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum, StrEnum

from domain.names import fold
from domain.note_rows import NoteRow


class UploadState(StrEnum):
    """Name how an upload stands."""

    RECEIVED = "received"
    """Stored and acknowledged; its turn comes."""
    APPLIED = "applied"
    OLDER = "older"
    """Kept, not applied: what it could tell was told by a newer one."""
    FAILED = "failed"


class Format(IntEnum):
    """Name the versions of `docs/upload-format.md`."""

    EARLIER_SYSTEM = 0
    MUSTER = 1


@dataclass(frozen=True, slots=True)
class InvalidRow:
    """A row that was left out: its place in the upload from 0, the first wrong field and what is wrong with it."""

    row: int
    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class GuildName:
    """A guild as the game names it; a realm of None was not told."""

    name: str
    realm: str | None
    region: str


@dataclass(frozen=True, slots=True)
class Export:
    """A guild as one character saw it at one moment.

    `guild` is None in format 0, which does not tell; `exporter` is free text, the character or the person that made it.
    `officer_notes` tells whether officer notes could be seen; where not, each is None. `titles` are the ranks' names by
    index. `size` counts all rows, the `invalid` ones too.
    """

    format: Format
    export_id: str
    exported_at: datetime
    guild: GuildName | None
    exporter: str | None
    officer_notes: bool
    titles: Mapping[int, str]
    rows: tuple[NoteRow, ...]
    size: int
    invalid: tuple[InvalidRow, ...] = ()
    addon_version: str | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When an export was made, and whether officer notes could be seen."""

    exported_at: datetime
    officer_notes: bool


class Weight(StrEnum):
    """Name what of an export still counts beside the others of its guild."""

    ALL = "all"
    OFFICER_NOTES = "officer notes"
    """It alone could see them; what else it says, a newer one said."""
    NOTHING = "nothing"


def weigh(export: Moment, others: Iterable[Moment]) -> Weight:
    """Say what an export is worth beside others that were applied or wait for it."""
    newer = [other for other in others if other.exported_at > export.exported_at]
    if not newer:
        return Weight.ALL
    told = not export.officer_notes or any(other.officer_notes for other in newer)
    return Weight.NOTHING if told else Weight.OFFICER_NOTES


def counting(export: Export, weight: Weight) -> Export:
    """Give of an export what still counts."""
    if weight is Weight.ALL:
        return export
    rows = (replace(row, guild_note=None) for row in export.rows) if weight is Weight.OFFICER_NOTES else ()
    return replace(export, titles={}, rows=tuple(rows))


def is_same_guild(named: GuildName, known: GuildName, realm_names: Iterable[str]) -> bool:
    """Tell whether an export's guild is the one that is known here; `realm_names` are all names of its home realm.

    Two guilds of a realm may differ by an accent alone, as characters may, so that accents count in the guild's name.
    The realm's is compared folded; one that was not told fits.
    """
    realms = {fold(name) for name in (known.realm, *realm_names)} - {""}
    return (
        _letters(named.name) == _letters(known.name)
        and named.region.casefold() == known.region.casefold()
        and (named.realm is None or fold(named.realm) in realms)
    )


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFC", name.casefold())))
