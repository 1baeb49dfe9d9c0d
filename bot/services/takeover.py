"""What an earlier process left behind, taken over at once where nobody else can be at work on it."""

import sqlalchemy as sa

from bot.services.context import Context
from db.runs import LEASE_EXPIRED
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.runs import InstanceLease, SyncRun
from domain.runs import RunStatus


async def take_over(ctx: Context) -> int:
    """End the leases of every other process; give how many runs that closed.

    For a database that only this process can reach: whoever held a lease on it is dead, and a crash need not cost the
    minutes until the leases expire. What was being sent is sent again with its nonce while Discord remembers that.
    """
    now = ctx.clock()
    async with ctx.sessions.begin() as session:
        closed = await session.scalars(
            sa.update(SyncRun)
            .where(SyncRun.status == RunStatus.RUNNING, SyncRun.owner != ctx.owner)
            .values(status=RunStatus.ERROR, finished_at=now, reason=LEASE_EXPIRED)
            .returning(SyncRun.id)
        )
        await session.execute(sa.delete(InstanceLease).where(InstanceLease.owner != ctx.owner))
        await session.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.state == OutboxState.SENDING)
            .values(state=OutboxState.PENDING, due_at=now, claimed_until=None)
        )
    return len(closed.all())
