"""Runs that fail one after the other, and what officers were last told of that."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.runs import Scope
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.runs import SyncRun
from db.tables.servers import ServerGuild
from domain.outage import Streak
from domain.runs import RunSource, RunStatus


@dataclass(frozen=True, slots=True)
class Told:
    """The last word about a source that was queued for a server; `waits`: nobody has tried to send it yet."""

    payload: dict[str, Any]
    waits: bool


async def streak(session: AsyncSession, source: RunSource, scope: Scope, *, now: datetime) -> Streak:
    """Load how many of the last runs of a guild or a server failed; runs begun by a clock set back since count not."""
    mine = [
        SyncRun.source == source,
        SyncRun.guild_id == scope.guild_id if scope.guild_id is not None else SyncRun.server_id == scope.server_id,
        SyncRun.started_at <= now,
    ]
    # In two steps, each along the end of an index: the log only grows.
    last_good = (
        await session.execute(
            sa.select(SyncRun.id, SyncRun.started_at)
            .where(*mine, SyncRun.status.in_([RunStatus.SUCCESS, RunStatus.PARTIAL]))
            .order_by(SyncRun.started_at.desc(), SyncRun.id.desc())
            .limit(1)
        )
    ).one_or_none()
    if last_good is not None:
        mine += [SyncRun.started_at >= last_good.started_at, SyncRun.id > last_good.id]
    failed = (
        await session.execute(
            sa.select(SyncRun.started_at, SyncRun.reason)
            .where(*mine, SyncRun.status == RunStatus.ERROR)
            .order_by(SyncRun.id)
        )
    ).all()
    return Streak(len(failed), failed[0].started_at, failed[-1].reason) if failed else Streak(0)


async def last_told(session: AsyncSession, server_id: int, kind: str, source: RunSource) -> Told | None:
    """Load the last word about a source that reached a server, or still may; none about a guild it followed before."""
    about_now: sa.ColumnElement[bool] = sa.true()
    if source is RunSource.BLIZZARD_API:
        followed_at = sa.select(ServerGuild.followed_at).where(ServerGuild.server_id == server_id).scalar_subquery()
        about_now = OutboxMessage.created_at >= followed_at
    found = (
        await session.execute(
            sa.select(OutboxMessage.payload, OutboxMessage.state, OutboxMessage.attempts)
            .where(
                OutboxMessage.server_id == server_id,
                OutboxMessage.kind == kind,
                OutboxMessage.payload["source"].astext == source.value,
                OutboxMessage.state != OutboxState.FAILED,
                about_now,
            )
            .order_by(OutboxMessage.id.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if found is None else Told(found.payload, found.state is OutboxState.PENDING and not found.attempts)
