"""Transaction locks by subject; they end with the transaction and are never held across a network call."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Conflict

LOCK_NOT_AVAILABLE = "55P03"
LOST_A_RACE = frozenset({"40P01", "40001"})
"""A deadlock, or a serialization failure: the transaction is undone, and another try of it may well succeed."""
TRIES = 3

_Result = TypeVar("_Result")


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
        if _sqlstate(error) != LOCK_NOT_AVAILABLE:
            raise
        raise Conflict("Muster is busy with this right now. Nothing was changed; try again in a moment.") from error


async def again_when_undone(transaction: Callable[[], Awaitable[_Result]]) -> _Result:
    """Run a whole transaction, and run it again, up to three times in all, where PostgreSQL undid it for another's."""
    for _ in range(TRIES - 1):
        try:
            return await transaction()
        except DBAPIError as error:
            if _sqlstate(error) not in LOST_A_RACE:
                raise
    return await transaction()


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
