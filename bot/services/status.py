"""How things stand: the last runs of a server and its guild, and the health of the process."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.services.context import Context
from db import depths, runs, servers
from db.tables.guilds import Guild
from domain.runs import RunSource, RunStatus


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it is shown."""

    source: RunSource
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None
    duration_ms: int | None
    counts: dict[str, int]
    reason: str | None


@dataclass(frozen=True, slots=True)
class QueueDepths:
    """How much waits: messages by state, jobs by status."""

    outbox: dict[str, int]
    jobs: dict[str, int]


async def last_runs(ctx: Context, server_id: int) -> list[RunView]:
    """Give the newest run of each source that concerns a server."""
    async with ctx.sessions() as session:
        guild = await servers.followed_guild(session, server_id)
        found = await runs.latest_runs(session, guild_id=None if guild is None else guild.id, server_id=server_id)
    return [
        RunView(run.source, run.status, run.started_at, run.finished_at, run.duration_ms, run.counts, run.reason)
        for run in found
    ]


async def last_good_sync(ctx: Context) -> datetime | None:
    """Give the time of the newest whole roster of any guild; raises what the database raises when it is away."""
    async with ctx.sessions() as session:
        return await session.scalar(sa.select(sa.func.max(Guild.roster_synced_at)))


async def queue_depths(ctx: Context) -> QueueDepths:
    """Count what waits in the outbox and the job queue; raises what the database raises when it is away."""
    async with ctx.sessions() as session:
        return QueueDepths(await depths.outbox_by_state(session), await depths.jobs_by_status(session))
