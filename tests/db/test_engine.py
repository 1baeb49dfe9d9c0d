"""Addresses, time-outs and JSON of the engine."""

import traceback
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.pool import NullPool

from db.engine import create_engine, normalise_url, to_json


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h:6543/d", "postgresql+asyncpg://u:p@h:6543/d"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql+psycopg2://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgres://u:p@h/d?sslmode=require", "postgresql+asyncpg://u:p@h/d?ssl=require"),
        ("postgres://u:p@h/d?sslmode=require&channel_binding=require", "postgresql+asyncpg://u:p@h/d?ssl=require"),
        ("postgres://u@/d?host=/run/pg", "postgresql+asyncpg://u@/d?host=%2Frun%2Fpg"),
        (" postgres://u:p%40x@h/d\n", "postgresql+asyncpg://u:p%40x@h/d"),
    ],
)
def test_any_spelling_of_an_address_becomes_asyncpgs(given: str, expected: str) -> None:
    assert normalise_url(given).render_as_string(hide_password=False) == expected


@pytest.mark.parametrize(
    "given", ["mysql://u:secret@h/d", "host=h password=secret", "", "postgres://u:secret@h:port/d"]
)
def test_a_wrong_address_is_refused_without_telling_its_password(given: str) -> None:
    with pytest.raises(ValueError, match="address") as caught:
        normalise_url(given)
    assert "secret" not in str(caught.value)


async def test_a_statement_ends_after_its_timeout(postgres: str) -> None:
    engine = create_engine(postgres, poolclass=NullPool, statement_timeout="50ms")
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="statement timeout"):
            await connection.execute(sa.text("SELECT pg_sleep(5)"))
    await engine.dispose()


async def test_a_wait_for_a_lock_ends_after_its_timeout(postgres: str) -> None:
    engine = create_engine(postgres, poolclass=NullPool, lock_timeout="50ms")
    take = sa.select(sa.func.pg_advisory_xact_lock(1))
    async with engine.connect() as first, engine.connect() as second:
        await first.execute(take)
        with pytest.raises(DBAPIError, match="lock timeout"):
            await second.execute(take)
    await engine.dispose()


async def test_an_error_does_not_repeat_what_the_statement_was_to_store(common_engine: AsyncEngine) -> None:
    async with common_engine.connect() as connection:
        with pytest.raises(DBAPIError, match="on demand") as caught:
            await connection.execute(
                sa.text("SELECT CAST(:note AS text), CAST('on demand' AS int)"), {"note": "an officer's note"}
            )
    assert "officer" not in str(caught.value)


async def test_a_traceback_does_not_repeat_the_row_that_was_refused(common_engine: AsyncEngine) -> None:
    """PostgreSQL tells the whole row, and asyncpg shows it: an officer's note would stand in the log."""
    async with common_engine.connect() as connection:
        await connection.execute(sa.text("CREATE TEMP TABLE noted (note text CHECK (note = ''))"))
        with pytest.raises(DBAPIError, match="violates check") as raised:
            await connection.execute(sa.text("INSERT INTO noted VALUES (:note)"), {"note": "hush".upper()})
        await connection.rollback()
    assert "HUSH" not in "".join(traceback.format_exception(raised.value))


async def test_jsonb_keeps_the_letters_of_all_scripts(common_engine: AsyncEngine) -> None:
    value = {"name": "Ëlwÿn 김 Ёлка 🐉", "n": [1, None, True]}
    async with common_engine.connect() as connection:
        stored = sa.cast(sa.bindparam("v", value, JSONB), JSONB)
        assert (await connection.execute(sa.select(stored))).scalar_one() == value


@pytest.mark.parametrize("value", [datetime(2026, 1, 1, tzinfo=UTC), {1, 2}, float("nan")])
def test_what_json_does_not_know_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        to_json(value)


async def test_a_commit_in_a_shared_session_is_rolled_back_with_the_test(
    sessions: async_sessionmaker[AsyncSession], common_engine: AsyncEngine
) -> None:
    async with sessions.begin() as session:
        await session.execute(sa.text("CREATE TABLE left_behind (x int)"))
    async with sessions() as session:
        assert (await session.execute(sa.text("SELECT count(*) FROM left_behind"))).scalar_one() == 0
    async with common_engine.connect() as outside:
        found = await outside.execute(sa.text("SELECT to_regclass('left_behind')"))
        assert found.scalar_one() is None
