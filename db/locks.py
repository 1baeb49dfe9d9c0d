"""Transaction locks by subject; they end with the transaction and are never held across a network call."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession


class Lock(StrEnum):
    """Name what a transaction has to itself."""

    ROSTER = "roster"
    """A guild's characters and memberships."""
    PEOPLE = "people"
    """A server's players, links, findings and reports."""


async def hold(session: AsyncSession, lock: Lock, subject_id: int) -> None:
    """Wait for the lock on a subject and hold it to the end of the transaction."""
    key = sa.func.hashtextextended(f"{lock}:{subject_id}", 0)
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
