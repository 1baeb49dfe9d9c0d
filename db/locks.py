"""Transaction locks by subject; they end with the transaction and are never held across a network call."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Conflict

LOCK_NOT_AVAILABLE = "55P03"


class Lock(StrEnum):
    """Name what a transaction has to itself."""

    ROSTER = "roster"
    """A guild's characters and memberships."""
    PEOPLE = "people"
    """A server's players, links, findings and reports."""


async def hold(session: AsyncSession, lock: Lock, subject_id: int) -> None:
    """Wait for the lock on a subject and hold it to the end of the transaction.

    Raises Conflict when it is not free within the connection's lock time-out.
    """
    key = sa.func.hashtextextended(f"{lock}:{subject_id}", 0)
    try:
        await session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise Conflict("Muster is busy with this right now. Nothing was changed; try again in a moment.") from error
