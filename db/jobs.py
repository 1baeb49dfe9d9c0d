"""Durable jobs: PgQueuer's queue in its schema, and what a transaction of ours does with it."""

import asyncio
import functools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg
import sqlalchemy as sa
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver, Driver
from pgqueuer.domain.settings import DBSettings
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from sqlalchemy.ext.asyncio import AsyncSession

from db.engine import connect_options

PROFILES = "profiles"
"""The job that refreshes the profiles of a guild; its payload is the guild's row id."""
UPLOADS = "uploads"
"""The job that applies what was uploaded to a server; its payload is the server's id."""
POOL_SIZE = 3
"""One connection listens; of the others one is enough, and two do not wait for each other."""
CLOSE_SECONDS = 1.0

FINISH = sa.text(
    """
    WITH done AS (DELETE FROM jobs.pgqueuer WHERE id = :id)
    DELETE FROM jobs.pgqueuer_log WHERE job_id = :id
    """
)


GIVE_BACK_ALL = sa.text(
    """
    UPDATE jobs.pgqueuer
    SET status = 'queued', queue_manager_id = NULL, slot = NULL, execute_after = now(), updated = now()
    WHERE status = 'picked'
    """
)


@asynccontextmanager
async def open_queue(url: str) -> AsyncIterator[QueueManager]:
    """Connect to the queue, beside the pool of the sessions; nothing is registered in it yet."""
    options = connect_options(url, application_name="muster jobs")
    pool = await asyncpg.create_pool(**options, min_size=1, max_size=POOL_SIZE)
    try:
        yield QueueManager(_queries(AsyncpgPoolDriver(pool)), channel=_settings().channel)
    finally:
        # A lost listener is never given back, and the pool would wait for it.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await pool.close()


async def enqueue_profiles(session: AsyncSession, guild_id: int) -> None:
    """Queue a refresh of a guild's profiles with the transaction at hand, unless one waits or is at work already.

    The transaction must have executed something, since asyncpg's dialect begins lazily: else the job would stay when
    the rest is rolled back. A job that is there is locked until the commit, so that it cannot end without having seen
    what this transaction brought (`finish`).
    """
    queries = await _in_transaction(session)
    await queries.enqueue(
        PROFILES, _payload(guild_id), dedupe_key=_key(PROFILES, guild_id), on_conflict="update_priority"
    )


async def enqueue_profiles_of(session: AsyncSession, guild_ids: Sequence[int]) -> None:
    """Queue refreshes of several guilds in one statement, for those of whom none waits or is at work already.

    The transaction must have executed something, as for `enqueue_profiles`; it brings nothing that a job must see.
    """
    await _enqueue_all(session, PROFILES, guild_ids)


async def enqueue_uploads(session: AsyncSession, server_id: int) -> None:
    """Queue the uploads of a server with the transaction that stored one, as `enqueue_profiles` does."""
    queries = await _in_transaction(session)
    await queries.enqueue(
        UPLOADS, _payload(server_id), dedupe_key=_key(UPLOADS, server_id), on_conflict="update_priority"
    )


async def enqueue_uploads_of(session: AsyncSession, server_ids: Sequence[int]) -> None:
    """Queue the uploads of several servers, as `enqueue_profiles_of` does."""
    await _enqueue_all(session, UPLOADS, server_ids)


async def finish(session: AsyncSession, job_id: int) -> None:
    """Take a job that is at work out of the queue, so that the transaction may queue the next of its guild or server.

    As long as it is there, at work or waiting, its key allows no other. PgQueuer's own ending then finds nothing to do.
    What it logged of the job goes too: the runs tell more, and that log would only grow.
    """
    await session.execute(FINISH, {"id": job_id})


async def give_back_all(session: AsyncSession) -> None:
    """Give back every job that is at work, whoever works on it."""
    await session.execute(GIVE_BACK_ALL)


async def _enqueue_all(session: AsyncSession, entrypoint: str, subject_ids: Sequence[int]) -> None:
    queries = await _in_transaction(session)
    await queries.enqueue(
        [entrypoint] * len(subject_ids),
        [_payload(subject_id) for subject_id in subject_ids],
        [0] * len(subject_ids),
        dedupe_key=[_key(entrypoint, subject_id) for subject_id in subject_ids],
        on_conflict="skip",
    )


async def _in_transaction(session: AsyncSession) -> Queries:
    connection = await (await session.connection()).get_raw_connection()
    raw = connection.driver_connection
    assert raw is not None
    assert raw.is_in_transaction(), "the transaction has not begun yet"
    return _queries(AsyncpgDriver(raw))


def _payload(subject_id: int) -> bytes:
    return str(subject_id).encode()


def _key(entrypoint: str, subject_id: int) -> str:
    return f"{entrypoint}:{subject_id}"


def _queries(driver: Driver) -> Queries:
    settings = _settings()
    return Queries(
        driver, QueryBuilderEnvironment(settings), QueryQueueBuilder(settings), QuerySchedulerBuilder(settings)
    )


@functools.cache
def _settings() -> DBSettings:
    # Not at import: PgQueuer fills in the rest from the environment.
    return DBSettings(db_schema="jobs")
