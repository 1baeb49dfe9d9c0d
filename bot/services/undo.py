"""Taking back what officers did to findings, and the last run of role changes."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.services import roles
from bot.services.context import Context
from bot.services.roles import RunView
from db import bulk_fixes, locks
from db.bulk_fixes import Aside
from domain.errors import Conflict

__all__ = ["Aside"]

LOOKS_BACK: Final = timedelta(days=30)
SHOWN: Final = 8
NOTHING_LEFT: Final = "Nothing of this is left to take back: somebody did so already, or the findings changed since."


@dataclass(frozen=True, slots=True)
class Undoable:
    """What can be taken back: acts that put findings aside, the last one first, and the last run of role changes."""

    asides: tuple[Aside, ...]
    run: RunView | None


async def undoable(ctx: Context, server_id: int) -> Undoable:
    """List what was done in the last 30 days and can be taken back."""
    async with ctx.sessions() as session:
        asides = await bulk_fixes.asides(session, server_id, since=ctx.clock() - LOOKS_BACK, limit=SHOWN)
    run = await roles.last_run(ctx, server_id)
    return Undoable(tuple(asides), run if run is not None and run.can_be_undone else None)


async def aside(ctx: Context, server_id: int, batch: str) -> Aside:
    """Load an act that put findings aside; raises Conflict where nothing of it is left to take back."""
    async with ctx.sessions() as session:
        found = await bulk_fixes.asides(session, server_id, since=ctx.clock() - LOOKS_BACK, limit=1, only=batch)
    if not found:
        raise Conflict(NOTHING_LEFT)
    return found[0]


async def watch_again(ctx: Context, server_id: int, batch: str, *, actor_id: int) -> int:
    """Watch again the findings that an act put aside and that are still so; give how many.

    The next audit says which of them are still there. Raises Conflict where nothing of it is left to take back.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        now = ctx.clock()
        count = await bulk_fixes.bring_back(
            session,
            server_id,
            batch,
            since=now - LOOKS_BACK,
            batch=ctx.new_public_id(),
            by=actor_id,
            now=now,
        )
    if not count:
        raise Conflict(NOTHING_LEFT)
    return count
