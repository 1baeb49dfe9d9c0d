"""What the timers have to do: what is due now, computed from the runs themselves, so that a restart catches up."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.services.context import Context
from db import servers
from db.servers import LastRuns

ROSTER_EVERY = timedelta(hours=6)
MEMBERS_EVERY = timedelta(minutes=15)
RETRY_AFTER = timedelta(minutes=10)
SPREAD = 0.1
"""Share of an interval by which the next run is drawn forward, so that many guilds do not march in step."""


async def due_guilds(ctx: Context) -> list[int]:
    """Give the guilds whose roster is due, longest waiting first."""
    async with ctx.sessions() as session:
        runs = await servers.guild_runs(session)
    return _due(runs, ROSTER_EVERY, ctx.clock())


async def due_servers(ctx: Context) -> list[int]:
    """Give the servers whose member list is due, longest waiting first."""
    async with ctx.sessions() as session:
        runs = await servers.server_runs(session)
    return _due(runs, MEMBERS_EVERY, ctx.clock())


def _due(runs: Iterable[LastRuns], every: timedelta, now: datetime) -> list[int]:
    waiting = [run for run in runs if _is_due(run, every, now)]
    waiting.sort(key=lambda run: (run.good_at is not None, run.good_at or now, run.id))
    return [run.id for run in waiting]


def _is_due(run: LastRuns, every: timedelta, now: datetime) -> bool:
    """Tell whether a run is due: never one, the last good one too long ago, or the last try in vain a while ago."""
    if run.started_at is None:
        return True
    if run.good_at != run.started_at:
        return now >= run.started_at + RETRY_AFTER
    draw = int.from_bytes(hashlib.sha256(f"{run.id}:{run.good_at.isoformat()}".encode()).digest()[:4]) / 2**32
    return now >= run.good_at + every * (1 - SPREAD * draw)
