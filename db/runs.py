"""Runs as leases: begun by one process at a time, kept alive by a heartbeat, ended once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.tables.runs import InstanceLease, SyncRun
from domain.regions import Region
from domain.runs import RunSource, RunStatus, Trigger

LEASE_EXPIRED = "the process that ran it went away"


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended."""

    run_id: int
    status: RunStatus
    at: datetime
    duration_ms: int
    counts: dict[str, int]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Scope:
    """Name what a run belongs to: exactly one of guild, server and region."""

    guild_id: int | None = None
    server_id: int | None = None
    region: Region | None = None

    def values(self) -> dict[str, Any]:
        """Give the scope as column values."""
        return {"guild_id": self.guild_id, "server_id": self.server_id, "region": self.region}


async def begin_run(
    session: AsyncSession,
    *,
    source: RunSource,
    scope: Scope,
    trigger: Trigger,
    owner: str,
    actor_id: int | None,
    now: datetime,
    lease: timedelta,
) -> int | None:
    """Take the lease of a source and scope, closing what expired; give the run's id, None while another runs."""
    begin = (
        insert(SyncRun)
        .values(
            source=source,
            status=RunStatus.RUNNING,
            trigger=trigger,
            owner=owner,
            actor_id=actor_id,
            started_at=now,
            heartbeat_at=now,
            counts={},
            **scope.values(),
        )
        .on_conflict_do_nothing()
        .returning(SyncRun.id)
    )
    run_id = await session.scalar(begin)
    if run_id is None and await close_expired_runs(session, now=now, lease=lease):
        run_id = await session.scalar(begin)
    return run_id


async def beat(session: AsyncSession, run_id: int, now: datetime, *, counts: dict[str, int] | None = None) -> bool:
    """Keep a run's lease alive and note what it counted so far; False when the run is no longer ours to go on with."""
    alive = await session.scalar(
        sa.update(SyncRun)
        .where(SyncRun.id == run_id, SyncRun.status == RunStatus.RUNNING)
        .values({"heartbeat_at": now} if counts is None else {"heartbeat_at": now, "counts": counts})
        .returning(SyncRun.id)
    )
    return alive is not None


async def beat_all(session: AsyncSession, run_ids: Iterable[int], now: datetime) -> None:
    """Keep the leases of several runs alive."""
    ids = sa.bindparam(None, list(run_ids), sa.ARRAY(sa.BigInteger))
    await session.execute(
        sa.update(SyncRun)
        .where(SyncRun.id == sa.any_(ids), SyncRun.status == RunStatus.RUNNING)
        .values(heartbeat_at=now)
    )


async def end_run(session: AsyncSession, end: RunEnd) -> bool:
    """End a run once; False when its lease was lost and closed by another process."""
    ended = await session.scalar(
        sa.update(SyncRun)
        .where(SyncRun.id == end.run_id, SyncRun.status == RunStatus.RUNNING)
        .values(
            status=end.status,
            finished_at=end.at,
            heartbeat_at=end.at,
            duration_ms=end.duration_ms,
            counts=end.counts,
            reason=end.reason,
        )
        .returning(SyncRun.id)
    )
    return ended is not None


async def close_expired_runs(session: AsyncSession, *, now: datetime, lease: timedelta) -> int:
    """Close every run whose process went away; give how many there were."""
    return await _close_runs(session, _is_over(SyncRun.heartbeat_at, now, lease), now)


async def take_over_leases(session: AsyncSession, *, owner: str, now: datetime) -> int:
    """Close the runs of all other processes and free the timers; give how many runs there were."""
    await session.execute(sa.delete(InstanceLease).where(InstanceLease.owner != owner))
    return await _close_runs(session, SyncRun.owner != owner, now)


async def _close_runs(session: AsyncSession, condition: sa.ColumnElement[bool], now: datetime) -> int:
    closed = await session.scalars(
        sa.update(SyncRun)
        .where(SyncRun.status == RunStatus.RUNNING, condition)
        .values(status=RunStatus.ERROR, finished_at=now, reason=LEASE_EXPIRED)
        .returning(SyncRun.id)
    )
    return len(closed.all())


async def expired_in_a_row(session: AsyncSession, *, source: RunSource, guild_id: int, at_most: int) -> int:
    """Count how many of a guild's last runs of a source ended with the process that ran them."""
    last = (
        sa.select(SyncRun.reason)
        .where(SyncRun.source == source, SyncRun.guild_id == guild_id, SyncRun.status != RunStatus.RUNNING)
        .order_by(SyncRun.started_at.desc(), SyncRun.id.desc())
        .limit(at_most)
    )
    reasons = await session.scalars(last)
    return sum(1 for _ in takewhile(lambda reason: reason == LEASE_EXPIRED, reasons))


async def latest_runs(session: AsyncSession, *, guild_id: int | None, server_id: int) -> list[SyncRun]:
    """Give the newest run of each source for a server and the guild that it follows."""
    mine = SyncRun.server_id == server_id
    if guild_id is not None:
        mine = sa.or_(mine, SyncRun.guild_id == guild_id)
    newest = sa.select(sa.func.max(SyncRun.id)).where(mine).group_by(SyncRun.source)
    return list(await session.scalars(sa.select(SyncRun).where(SyncRun.id.in_(newest)).order_by(SyncRun.source)))


async def take_instance_lease(session: AsyncSession, *, owner: str, now: datetime, lease: timedelta) -> bool:
    """Take or renew the lease on the timers; False while another living process holds it."""
    statement = insert(InstanceLease).values(id=1, owner=owner, acquired_at=now, heartbeat_at=now)
    free = sa.or_(InstanceLease.owner == owner, _is_over(InstanceLease.heartbeat_at, now, lease))
    kept = sa.case((InstanceLease.owner == owner, InstanceLease.acquired_at), else_=now)
    holder = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=[InstanceLease.id],
            set_={"owner": owner, "heartbeat_at": now, "acquired_at": kept},
            where=free,
        ).returning(InstanceLease.owner)
    )
    return holder == owner


async def give_up_instance_lease(session: AsyncSession, *, owner: str) -> None:
    """Free the timers for the next process at once."""
    await session.execute(sa.delete(InstanceLease).where(InstanceLease.owner == owner))


def _is_over(heartbeat_at: InstrumentedAttribute[datetime], now: datetime, lease: timedelta) -> sa.ColumnElement[bool]:
    """Tell a lease that nobody renews: too old, or from a future that a clock set back since will not reach soon."""
    return ~heartbeat_at.between(now - lease, now + lease)
