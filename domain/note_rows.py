"""Notes as an export of the game lists them: which character each row means, and what of it is news."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Final

from domain.names import fold

KEPT_LETTERS: Final = 255
"""The game has 31; whatever sends more is kept so far, and an ellipsis shows the cut."""

AGREEING_PERCENT: Final = 95
"""So many of the joins by name have to agree with the game's ids before those count: whether they are Battle.net's is
only very probable."""

# The middle is the realm that the character was made on, which need not be where it is now.
_GUID: Final = re.compile(r"Player-[0-9]+-([0-9A-Fa-f]{1,16})")
# No text of PostgreSQL holds these.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class NoteRow:
    """What an export tells of one character; a note of None is unknown, "" empty.

    `realm` is the realm's name, with or without spaces, or its slug; None is the guild's home realm. A name may carry
    the realm itself, as in `Name-Realm`; a realm of its own stands above that. Who knows the character's id gives it,
    and name and realm are only words then. `guid` is what the game calls the character.
    """

    character_name: str
    realm: str | None = None
    guild_note: str | None = None
    officer_note: str | None = None
    character_id: int | None = None
    guid: str | None = None

    @property
    def blizzard_id(self) -> int | None:
        """Give the id that the guid holds, very probably Battle.net's; None for a guid of another form."""
        found = _GUID.fullmatch(self.guid or "")
        return None if found is None else int(found[1], 16)

    @property
    def name(self) -> str:
        """Give the name without a realm: realms have hyphens in them, characters have none."""
        return self.character_name.partition("-")[0].strip()

    @property
    def realm_name(self) -> str:
        """Give the realm as it is written, "" for the home realm."""
        return (self.realm or self.character_name.partition("-")[2]).strip()

    @property
    def written(self) -> str:
        """Give whom the row means, as a person reads it."""
        return f"{self.name}-{self.realm_name}" if self.realm_name else self.name


@dataclass(frozen=True, slots=True)
class Notes:
    """A character's two notes, each with when it was first read so; None was never read."""

    guild_note: str | None = None
    guild_note_at: datetime | None = None
    officer_note: str | None = None
    officer_note_at: datetime | None = None

    @property
    def texts(self) -> tuple[str | None, str | None]:
        """Give what the notes say."""
        return self.guild_note, self.officer_note

    def loses(self, later: "Notes") -> bool:
        """Tell whether one of the notes said something, and is empty later."""
        return any(now and not then for now, then in zip(self.texts, later.texts, strict=True))

    def after(self, row: NoteRow, as_of: datetime) -> "Notes":
        """Give the notes after an export of that moment: unknown leaves what stands, and so does older than it.

        What says the same is no news and keeps its date. So a date is not how new an export was; of one that comes late
        `domain.uploads.weigh` tells what counts.
        """
        told = self
        if row.guild_note not in (None, self.guild_note) and not _is_later(self.guild_note_at, as_of):
            told = replace(told, guild_note=row.guild_note, guild_note_at=as_of)
        if row.officer_note not in (None, self.officer_note) and not _is_later(self.officer_note_at, as_of):
            told = replace(told, officer_note=row.officer_note, officer_note_at=as_of)
        return told


@dataclass(frozen=True, slots=True)
class Noted:
    """A character now in the guild; `realm_keys` are its realm's slug and names, folded."""

    id: int
    name: str
    realm_keys: frozenset[str]
    notes: Notes = Notes()
    blizzard_id: int | None = None


class JoinedBy(StrEnum):
    """Name what tells the characters of an export."""

    NAME = "name"
    GUID = "guid"
    """What the game calls a character, before its name."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Rows by character id, and whom the others name: nobody in the guild, or more than one."""

    rows: Mapping[int, NoteRow]
    unknown: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    joined_by: JoinedBy = JoinedBy.NAME


def place(rows: Iterable[NoteRow], characters: Collection[Noted], home: str) -> Placed:
    """Find the character that each row means, by id or by name and realm; `home` is the home realm's slug.

    Characters of one realm may differ by an accent alone. So a name counts as it is written, whatever its case, and
    folded only where one character and one spelling are left for it. Where names and guids agree, a guid that is a
    character's tells it before any name does: one that was renamed is found, and its old name is nobody's. Of two rows
    for one character, what the later one knows counts.
    """
    ids = frozenset(character.id for character in characters)
    realm_key = cache(fold)
    written, folded = _Index(characters, _written_key, realm_key), _Index(characters, fold, realm_key)
    clean = [_storable(row) for row in rows]
    exact = [written.bearers(row, home) if row.character_id is None else {row.character_id} & ids for row in clean]
    exact, joined_by = _told_by_guid(clean, exact, characters)
    taken = frozenset().union(*exact)
    claims = [
        (row, bearers if bearers or row.character_id is not None else folded.bearers(row, home) - taken)
        for row, bearers in zip(clean, exact, strict=True)
    ]
    spellings: defaultdict[int, set[str]] = defaultdict(set)
    for row, bearers in claims:
        for character_id in bearers:
            if row.character_id is None:
                spellings[character_id].add(_written_key(row.name))

    found: dict[int, NoteRow] = {}
    unknown: list[str] = []
    ambiguous: list[str] = []
    for row, bearers in claims:
        if not bearers:
            unknown.append(row.written)
        elif len(bearers) > 1 or any(len(spellings[one]) > 1 for one in bearers):
            ambiguous.append(row.written)
        else:
            (character_id,) = bearers
            earlier = found.get(character_id)
            found[character_id] = row if earlier is None else _later_of(earlier, row)
    return Placed(found, tuple(unknown), tuple(ambiguous), joined_by)


def _told_by_guid(
    rows: Collection[NoteRow], named: list[Set[int]], characters: Iterable[Noted]
) -> tuple[list[Set[int]], JoinedBy]:
    """Give whom each row means once guids count, or as the names have it where the two do not agree."""
    bearers: defaultdict[int | None, set[int]] = defaultdict(set)
    for character in characters:
        bearers[character.blizzard_id].add(character.id)
    bearers.pop(None, None)
    guided: list[Set[int]] = [bearers.get(row.blizzard_id, frozenset()) for row in rows]
    agree = [
        names <= ids
        for row, names, ids in zip(rows, named, guided, strict=True)
        if len(names) == 1 and row.blizzard_id is not None
    ]
    if not agree or sum(agree) * 100 < len(agree) * AGREEING_PERCENT:
        return named, JoinedBy.NAME
    # Ids are unique on a realm only: where two of a guild have the same, the name tells.
    told = [(ids & names) or ids for ids, names in zip(guided, named, strict=True)]
    taken = frozenset().union(*told)
    return [ids or names - taken for ids, names in zip(told, named, strict=True)], JoinedBy.GUID


class _Index:
    """Finds characters by a key of their name, and realm; a name or realm without any letter finds nobody."""

    def __init__(self, characters: Iterable[Noted], key: Callable[[str], str], realm_key: Callable[[str], str]) -> None:
        self._key = key
        self._realm_key = realm_key
        self._ids: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for character in characters:
            for realm in character.realm_keys:
                self._ids[key(character.name)][realm].add(character.id)

    def bearers(self, row: NoteRow, home: str) -> Set[int]:
        name = self._key(row.name)
        if not name or name not in self._ids:  # a realm's name is the longest to fold
            return frozenset()
        realm = self._realm_key(row.realm_name or home)
        return self._ids[name].get(realm, frozenset()) if realm else frozenset()


def _written_key(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def _storable(row: NoteRow) -> NoteRow:
    return replace(row, guild_note=_kept(row.guild_note), officer_note=_kept(row.officer_note))


def _kept(note: str | None) -> str | None:
    if note is None:
        return None
    storable = _UNSTORABLE.sub("", note)
    return storable if len(storable) <= KEPT_LETTERS else storable[: KEPT_LETTERS - 1] + "…"


def _later_of(earlier: NoteRow, later: NoteRow) -> NoteRow:
    return replace(
        later,
        guild_note=earlier.guild_note if later.guild_note is None else later.guild_note,
        officer_note=earlier.officer_note if later.officer_note is None else later.officer_note,
    )


def _is_later(read_at: datetime | None, as_of: datetime) -> bool:
    return read_at is not None and read_at > as_of
