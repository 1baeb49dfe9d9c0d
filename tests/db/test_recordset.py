from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.recordset import rows, with_rows


async def test_many_rows_go_through_one_parameter(sessions: async_sessionmaker[AsyncSession]) -> None:
    moment = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    query = with_rows(
        "SELECT * FROM jsonb_to_recordset(:them) AS row (name text, at timestamptz, ids bigint[])", "them"
    )
    async with sessions() as session:
        found = await session.execute(query, {"them": rows([{"name": "Ærïn", "at": moment, "ids": [2**62]}])})
    assert [tuple(row) for row in found] == [("Ærïn", moment, [2**62])]


@pytest.mark.parametrize(("odd", "stored"), [("a\x00b", "a\ufffdb"), ("\ud800x", "\ufffdx"), ("😀", "😀")])
async def test_a_name_that_postgresql_cannot_store_does_not_cost_the_list(
    sessions: async_sessionmaker[AsyncSession], odd: str, stored: str
) -> None:
    query = with_rows("SELECT name FROM jsonb_to_recordset(:them) AS row (name text)", "them")
    async with sessions() as session:
        assert (await session.scalars(query, {"them": rows([{"name": odd}, {"name": "Bo"}])})).all() == [stored, "Bo"]


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        rows([{"at": datetime(2026, 1, 1)}])  # noqa: DTZ001 (that is the point)
