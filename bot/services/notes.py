"""Notes of the game: what an export tells of characters is joined to those in the guild and kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db import notes
from db.tables.guilds import Guild
from domain.note_rows import JoinedBy, NoteRow, place

__all__ = ["NoteRow", "NotesApplied", "apply"]


@dataclass(frozen=True, slots=True)
class NotesApplied:
    """What became of an export: characters whose notes now say something else, and those whose notes do not.

    `emptied` of the first lost a note. Rows that name nobody in the guild, or more than one, were skipped; they are
    given as written, `Name-Realm`.
    """

    applied: int
    unchanged: int
    unknown: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    joined_by: JoinedBy = JoinedBy.NAME
    emptied: int = 0


async def apply(
    session: AsyncSession, server_id: int, guild: Guild, rows: Iterable[NoteRow], *, read_at: datetime
) -> NotesApplied:
    """Keep what an export of that moment tells of the characters now in a guild, in a fixed number of statements.

    A note of None leaves what is stored, "" erases it; what was read later stands, whatever comes when. The caller
    holds the lock on the server's people; matching and audit are its to follow up.
    """
    characters = {one.id: one for one in await notes.noted_characters(session, server_id, guild)}
    placed = place(rows, characters.values(), guild.realm_slug)
    after = {id_: characters[id_].notes.after(row, read_at) for id_, row in placed.rows.items()}
    await notes.write(session, server_id, {id_: new for id_, new in after.items() if new != characters[id_].notes})
    applied = sum(new.texts != characters[id_].notes.texts for id_, new in after.items())
    emptied = sum(characters[id_].notes.loses(new) for id_, new in after.items())
    return NotesApplied(applied, len(after) - applied, placed.unknown, placed.ambiguous, placed.joined_by, emptied)
