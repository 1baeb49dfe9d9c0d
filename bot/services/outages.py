"""Officers are told once that the roster or the members can't be read any more, and once that they can again.

What is known of it is read from the log and the outbox, so that a process killed in between tells nothing twice and
leaves nothing untold: the next run looks again.
"""

import logging
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.audit import is_hopeless
from bot.services.context import Context
from db import locks, outages, outbox, servers
from db.runs import Scope
from db.tables.servers import Server
from domain.outage import Streak, Word, word_for
from domain.runs import RunSource

log = logging.getLogger(__name__)

OUTAGE: Final = "outage"


async def look_at_roster(ctx: Context, guild_id: int) -> None:
    """Tell every server of a guild what is new about the reading of its roster."""
    async with ctx.sessions() as session:
        streak = await outages.streak(session, RunSource.BLIZZARD_API, Scope(guild_id=guild_id), now=ctx.clock())
        following = [server.id for server in await servers.following_servers(session, guild_id)]
    for server_id in following:
        await _look(ctx, server_id, RunSource.BLIZZARD_API, streak)


async def look_at_members(ctx: Context, server_id: int) -> None:
    """Tell a server what is new about the reading of its members."""
    async with ctx.sessions() as session:
        streak = await outages.streak(session, RunSource.DISCORD_BOT, Scope(server_id=server_id), now=ctx.clock())
    await _look(ctx, server_id, RunSource.DISCORD_BOT, streak)


async def _look(ctx: Context, server_id: int, source: RunSource, streak: Streak) -> None:
    """Tell a server; a failure of that is logged and stops nothing: a sync does not depend on being told of."""
    try:
        async with ctx.sessions.begin() as session:
            await _tell(ctx, session, server_id, source, streak)
    except Exception:
        log.exception("server %s could not be told how the reading of %s stands", server_id, source)


async def _tell(ctx: Context, session: AsyncSession, server_id: int, source: RunSource, streak: Streak) -> None:
    await locks.hold(session, locks.Lock.PEOPLE, server_id)
    server = await session.get(Server, server_id)
    if server is None or server.audit_channel_id is None or server.left_at is not None:
        return
    now = ctx.clock()
    last = await outages.last_told(session, server_id, OUTAGE, source)
    failing = last is not None and last.payload["word"] == Word.FAILING
    word = word_for(streak, now=now, told=failing)
    if word is None or await is_hopeless(ctx, session, server_id, server.audit_channel_id):
        return
    if last is not None and word is Word.OVER and last.waits:
        # Nobody heard of it: then there is nothing to hear of its end.
        await outbox.withdraw(session, server_id=server_id, kind=OUTAGE, dedupe_key=_key(source, Word.FAILING))
        return
    since = streak.since.isoformat() if streak.since else last.payload["since"] if last else None
    payload: dict[str, Any] = {"word": word.value, "source": source.value, "since": since}
    if word is Word.FAILING:
        payload |= {"failures": streak.failures, "reason": streak.reason}
    await outbox.queue(
        session,
        server_id=server_id,
        kind=OUTAGE,
        channel_id=server.audit_channel_id,
        payload=payload,
        dedupe_key=_key(source, word),
        now=now,
    )


def _key(source: RunSource, word: Word) -> str:
    return f"{source.value}:{word.value}"
