"""The outbox: queue a message with the change that causes it, claim it, end it."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.tables.outbox import OutboxMessage, OutboxState

UNDELIVERED = OutboxMessage.state.in_([OutboxState.PENDING, OutboxState.SENDING])
WAITING = sa.and_(OutboxMessage.state == OutboxState.PENDING, OutboxMessage.attempts == 0)
"""Nobody has tried to send it yet: it can still be changed, where a second try must say what the first one said."""


async def queue(
    session: AsyncSession,
    *,
    server_id: int,
    kind: str,
    channel_id: int,
    payload: dict[str, Any],
    dedupe_key: str,
    now: datetime,
) -> int:
    """Queue a message; one of the same key that nobody has tried to send yet takes the new payload instead."""
    statement = insert(OutboxMessage).values(
        server_id=server_id,
        kind=kind,
        channel_id=channel_id,
        payload=payload,
        dedupe_key=dedupe_key,
        state=OutboxState.PENDING,
        attempts=0,
        due_at=now,
        created_at=now,
    )
    return (
        await session.scalars(
            statement.on_conflict_do_update(
                index_elements=["server_id", "kind", "dedupe_key"],
                index_where=sa.text("state = 'pending' AND attempts = 0"),
                set_={
                    "payload": statement.excluded.payload,
                    "channel_id": statement.excluded.channel_id,
                    "due_at": statement.excluded.due_at,
                },
            ).returning(OutboxMessage.id)
        )
    ).one()


async def withdraw(session: AsyncSession, *, server_id: int, kind: str, dedupe_key: str) -> None:
    """Take back a message that nobody has tried to send yet."""
    await session.execute(
        sa.delete(OutboxMessage).where(
            OutboxMessage.server_id == server_id,
            OutboxMessage.kind == kind,
            OutboxMessage.dedupe_key == dedupe_key,
            WAITING,
        )
    )


async def hold_waiting(session: AsyncSession, *, server_id: int, kind: str, dedupe_key: str) -> None:
    """Keep a message that nobody has tried to send yet from being claimed until the transaction ends."""
    await session.execute(
        sa.select(OutboxMessage.id)
        .where(
            OutboxMessage.server_id == server_id,
            OutboxMessage.kind == kind,
            OutboxMessage.dedupe_key == dedupe_key,
            WAITING,
        )
        .with_for_update()
    )


async def move_pending(session: AsyncSession, *, server_id: int, before: int, after: int) -> None:
    """Let what is not sent yet go to another channel."""
    await session.execute(
        sa.update(OutboxMessage)
        .where(
            OutboxMessage.server_id == server_id,
            OutboxMessage.channel_id == before,
            OutboxMessage.state == OutboxState.PENDING,
        )
        .values(channel_id=after)
    )


def on_the_way(server_id: int, kind: str, listed: str, *, but: str) -> sa.Select[int]:
    """Select the ids that undelivered messages list in their payload; one that waits under the key `but` left out."""
    ids = sa.func.jsonb_array_elements_text(OutboxMessage.payload[listed])
    return sa.select(sa.cast(ids, sa.BigInteger)).where(
        OutboxMessage.server_id == server_id,
        OutboxMessage.kind == kind,
        UNDELIVERED,
        ~sa.and_(WAITING, OutboxMessage.dedupe_key == but),
    )


async def claim(session: AsyncSession, *, now: datetime, lease: timedelta) -> OutboxMessage | None:
    """Claim the oldest due message that no earlier one of its channel waits before; skip what others claim now."""
    earlier = aliased(OutboxMessage)
    first_of_channel = ~(
        sa.select(earlier.id)
        .where(
            earlier.channel_id == OutboxMessage.channel_id,
            earlier.id < OutboxMessage.id,
            earlier.state.in_([OutboxState.PENDING, OutboxState.SENDING]),
        )
        .exists()
    )
    free = sa.or_(
        sa.and_(OutboxMessage.state == OutboxState.PENDING, OutboxMessage.due_at <= now),
        sa.and_(OutboxMessage.state == OutboxState.SENDING, OutboxMessage.claimed_until < now),
    )
    candidate = (
        sa.select(OutboxMessage.id)
        .where(free, first_of_channel)
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return await session.scalar(
        sa.update(OutboxMessage)
        .where(OutboxMessage.id == candidate)
        .values(state=OutboxState.SENDING, claimed_until=now + lease, attempts=OutboxMessage.attempts + 1)
        .returning(OutboxMessage)
    )


async def end(
    session: AsyncSession,
    message_id: int,
    *,
    state: OutboxState,
    now: datetime,
    discord_message_id: int | None = None,
    reason: str | None = None,
) -> OutboxMessage | None:
    """End a message as delivered or failed; None when that was done already."""
    return await session.scalar(
        sa.update(OutboxMessage)
        .where(OutboxMessage.id == message_id, UNDELIVERED)
        .values(state=state, finished_at=now, message_id=discord_message_id, reason=reason, claimed_until=None)
        .returning(OutboxMessage)
    )


async def postpone(session: AsyncSession, message_id: int, *, due_at: datetime, reason: str) -> None:
    """Give a claimed message back for a later attempt."""
    await session.execute(
        sa.update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.state == OutboxState.SENDING)
        .values(state=OutboxState.PENDING, due_at=due_at, reason=reason, claimed_until=None)
    )


async def last_failure(session: AsyncSession, server_id: int) -> OutboxMessage | None:
    """Load the newest message to a server if it could not be delivered."""
    newest = await session.scalar(
        sa.select(OutboxMessage)
        .where(OutboxMessage.server_id == server_id, ~UNDELIVERED)
        .order_by(OutboxMessage.finished_at.desc(), OutboxMessage.id.desc())
        .limit(1)
    )
    return newest if newest is not None and newest.state == OutboxState.FAILED else None
