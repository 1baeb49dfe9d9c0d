"""Notes of the game: what an export tells of characters is joined to those in the guild and kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.services.context import Context
from db import locks, notes, servers
from domain.note_rows import NoteRow, place

__all__ = ["NoteRow", "NotesApplied", "apply"]


@dataclass(frozen=True, slots=True)
class NotesApplied:
    """What became of an export: characters whose notes now say something else, and those whose notes do not.

    Rows that name nobody in the guild, or more than one, were skipped; they are given as written, `Name-Realm`.
    """

    applied: int
    unchanged: int
    unknown: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()


async def apply(ctx: Context, server_id: int, rows: Iterable[NoteRow], *, as_of: datetime) -> NotesApplied:
    """Keep what an export of that moment tells of the characters now in the server's guild, in one transaction.

    A note of None leaves what is stored, "" erases it; what was read later stands, whatever comes when. A moment ahead
    of the clock counts as now: a PC whose clock is wrong must not keep all others out. Matching and audit are the
    caller's to follow up. Raises FollowsNoGuild, and Conflict while the server's people are busy for too long.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        guild = await servers.required_guild(session, server_id)
        characters = {one.id: one for one in await notes.noted_characters(session, server_id, guild)}
        placed = place(rows, characters.values(), guild.realm_slug)
        read_at = min(as_of, ctx.clock())
        after = {id_: characters[id_].notes.after(row, read_at) for id_, row in placed.rows.items()}
        await notes.write(session, server_id, {id_: new for id_, new in after.items() if new != characters[id_].notes})
    applied = sum(new.texts != characters[id_].notes.texts for id_, new in after.items())
    return NotesApplied(applied, len(after) - applied, placed.unknown, placed.ambiguous)
