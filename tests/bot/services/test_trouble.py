"""What the database really raises, and what is made of it."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.services.trouble import DatabaseAway, DatabaseFull, database_trouble
from db.engine import create_engine

RAISE = "DO $$ BEGIN RAISE EXCEPTION 'on demand' USING ERRCODE = '{}'; END $$"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("53100", DatabaseFull),
        ("53300", DatabaseAway),
        ("55P03", DatabaseAway),
        ("57014", DatabaseAway),
        ("57P01", DatabaseAway),
        ("23505", type(None)),
        ("42601", type(None)),
    ],
)
async def test_a_database_error_is_told_by_its_code(scratch_engine: AsyncEngine, code: str, expected: type) -> None:
    async with scratch_engine.connect() as connection:
        with pytest.raises(DBAPIError) as caught:
            await connection.execute(sa.text(RAISE.format(code)))
    assert isinstance(database_trouble(caught.value), expected)


async def test_a_connection_cut_under_way_is_the_database_away(scratch_engine: AsyncEngine) -> None:
    async with scratch_engine.connect() as connection:
        with pytest.raises(DBAPIError) as caught:
            await connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert isinstance(database_trouble(caught.value), DatabaseAway)


@pytest.mark.parametrize("address", ["postgresql://u@127.0.0.1:1/x", "postgresql://u@/x?host=/nowhere"])
async def test_no_server_at_the_address_is_the_database_away(address: str) -> None:
    engine = create_engine(address)
    with pytest.raises(OSError, match=r"Errno") as caught:
        async with engine.connect():
            pass
    await engine.dispose()
    assert isinstance(database_trouble(caught.value), DatabaseAway)


def test_a_fault_of_ours_is_no_trouble_of_the_database() -> None:
    assert database_trouble(KeyError("x")) is None
    assert database_trouble(PermissionError("x")) is None
