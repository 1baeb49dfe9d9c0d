"""How much work waits in the queues."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.outbox import OutboxMessage, OutboxState

UNDELIVERED = (OutboxState.PENDING, OutboxState.SENDING)
WAITING_JOBS = ("queued", "picked")


async def outbox_by_state(session: AsyncSession) -> dict[str, int]:
    """Count the messages that are not delivered yet, by state; a state without any is 0."""
    state = OutboxMessage.state
    counted = await session.execute(sa.select(state, sa.func.count()).where(state.in_(UNDELIVERED)).group_by(state))
    found = {row[0]: row[1] for row in counted}
    return {one.value: found.get(one, 0) for one in UNDELIVERED}


async def jobs_by_status(session: AsyncSession) -> dict[str, int]:
    """Count the jobs of the queue by status; a status without any is 0."""
    counted = await session.execute(sa.text("SELECT status::text, count(*) FROM jobs.pgqueuer GROUP BY status"))
    return dict.fromkeys(WAITING_JOBS, 0) | {row[0]: row[1] for row in counted}
