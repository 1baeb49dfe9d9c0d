"""What the timers have to do: what is due now, computed from the runs themselves, so that a restart catches up."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.services.context import Context
from db import jobs, profiles, servers, uploads
from db.servers import LastRuns

RETRY_AFTER = timedelta(minutes=10)
SPREAD = 0.1
"""Share of an interval by which the next run is drawn forward, so that many guilds do not march in step."""


async def due_guilds(ctx: Context) -> list[int]:
    """Give the guilds whose roster is due by one of their servers' intervals, longest waiting first."""
    now = ctx.clock()
    async with ctx.sessions() as session:
        runs = await servers.guild_runs(session, now=now)
    return _due(runs, now)


async def due_servers(ctx: Context) -> list[int]:
    """Give the servers whose member list is due, longest waiting first; who is back after a removal is due at once."""
    now = ctx.clock()
    async with ctx.sessions() as session:
        runs = await servers.server_runs(session, now=now)
    return _due(runs, now)


async def queue_profiles(ctx: Context) -> int:
    """Queue a refresh for each guild with profiles that became due since its last one; give how many guilds.

    Two statements whatever the number of guilds. Rosters queue what they bring at once.
    """
    async with ctx.sessions.begin() as session:
        guild_ids = await profiles.guilds_due(session, ctx.clock())
        if guild_ids:
            await jobs.enqueue_profiles_of(session, guild_ids)
    return len(guild_ids)


async def queue_uploads(ctx: Context) -> int:
    """Queue the servers whose uploads wait, and give how many; two statements whatever their number.

    An upload is stored with its job. But a job can be gone before it: dropped while the database was away, or lost with
    the queue.
    """
    async with ctx.sessions.begin() as session:
        server_ids = await uploads.servers_waiting(session)
        if server_ids:
            await jobs.enqueue_uploads_of(session, server_ids)
    return len(server_ids)


def _due(runs: Iterable[LastRuns], now: datetime) -> list[int]:
    waiting = [run for run in runs if _is_due(run, now)]
    waiting.sort(key=lambda run: (run.good_at is not None, run.good_at or now, run.id))
    return [run.id for run in waiting]


def _is_due(run: LastRuns, now: datetime) -> bool:
    """Tell whether a run is due: never one, the last good one too long ago, or the last try in vain a while ago."""
    if run.started_at is None:
        return True
    if run.good_at != run.started_at:
        return now >= run.started_at + min(RETRY_AFTER, run.every)
    draw = int.from_bytes(hashlib.sha256(f"{run.id}:{run.good_at.isoformat()}".encode()).digest()[:4]) / 2**32
    return now >= run.good_at + run.every * (1 - SPREAD * draw)
