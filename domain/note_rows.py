"""Notes as an export of the game lists them: which character each row means, and what of it is news."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from domain.names import fold

KEPT_LETTERS: Final = 255
"""The game has 31; whatever sends more is kept so far, and an ellipsis shows the cut."""

# No text of PostgreSQL holds these.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class NoteRow:
    """What an export tells of one character; a note of None is unknown, "" empty.

    `realm` is the realm's name, with or without spaces, or its slug; None is the guild's home realm. A name may carry
    the realm itself, as in `Name-Realm`; a realm of its own stands above that. Who knows the character's id gives it,
    and name and realm are only words then.
    """

    character_name: str
    realm: str | None = None
    guild_note: str | None = None
    officer_note: str | None = None
    character_id: int | None = None

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
    """A character's two notes, each with when it was read; None was never read."""

    guild_note: str | None = None
    guild_note_at: datetime | None = None
    officer_note: str | None = None
    officer_note_at: datetime | None = None

    @property
    def texts(self) -> tuple[str | None, str | None]:
        """Give what the notes say."""
        return self.guild_note, self.officer_note

    def after(self, row: NoteRow, as_of: datetime) -> "Notes":
        """Give the notes after an export of that moment: unknown leaves what stands, and so does older than it.

        A note that says the same is dated anew, else an export from in between, if it came late, would undo it.
        """
        told = self
        if row.guild_note is not None and not _is_later(self.guild_note_at, as_of):
            told = replace(told, guild_note=row.guild_note, guild_note_at=as_of)
        if row.officer_note is not None and not _is_later(self.officer_note_at, as_of):
            told = replace(told, officer_note=row.officer_note, officer_note_at=as_of)
        return told


@dataclass(frozen=True, slots=True)
class Noted:
    """A character now in the guild; `realm_keys` are its realm's slug and names, folded."""

    id: int
    name: str
    realm_keys: frozenset[str]
    notes: Notes = Notes()


@dataclass(frozen=True, slots=True)
class Placed:
    """Rows by character id, and whom the others name: nobody in the guild, or more than one."""

    rows: Mapping[int, NoteRow]
    unknown: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()


def place(rows: Iterable[NoteRow], characters: Collection[Noted], home: str) -> Placed:
    """Find the character that each row means, by id or by name and realm; `home` is the home realm's slug.

    Characters of one realm may differ by an accent alone. So a name counts as it is written, whatever its case, and
    folded only where one character and one spelling are left for it. Of two rows for one character, what the later
    one knows counts.
    """
    ids = frozenset(character.id for character in characters)
    written, folded = _Index(characters, _written_key), _Index(characters, fold)
    clean = [_storable(row) for row in rows]
    exact = [written.bearers(row, home) if row.character_id is None else {row.character_id} & ids for row in clean]
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
    return Placed(found, tuple(unknown), tuple(ambiguous))


class _Index:
    """Finds characters by a key of their name, and realm; a name or realm without any letter finds nobody."""

    def __init__(self, characters: Iterable[Noted], key: Callable[[str], str]) -> None:
        self._key = key
        self._ids: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for character in characters:
            for realm_key in character.realm_keys:
                self._ids[key(character.name), realm_key].add(character.id)

    def bearers(self, row: NoteRow, home: str) -> Set[int]:
        keys = self._key(row.name), fold(row.realm_name or home)
        return self._ids.get(keys, frozenset()) if all(keys) else frozenset()


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
