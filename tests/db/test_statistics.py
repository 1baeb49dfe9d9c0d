"""What PostgreSQL is told about the tables of people, beside what it counts."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

import db.tables  # noqa: F401 (fills the metadata)
from db.base import Base

PEOPLE = {"character_id", "user_id", "player_id", "subject_id"}
TOLD = """
    SELECT attrelid::regclass::text, attname FROM pg_attribute
    WHERE attoptions::text LIKE '%n\\_distinct=-0.001%'
"""


def shared_among_servers() -> set[tuple[str, str]]:
    """List the columns by which the rows of people belong to servers and guilds."""
    return {
        (table.fullname, column)
        for table in Base.metadata.tables.values()
        for column in ("server_id", "guild_id")
        if column in table.columns and (table.name == "players" or PEOPLE & set(table.columns.keys()))
    }


async def test_no_row_of_a_person_is_thought_to_be_found_by_their_server_alone(
    sessions: async_sessionmaker[AsyncSession],
) -> None:
    async with sessions() as session:
        told = {(table, column) for table, column in await session.execute(sa.text(TOLD))}
    assert told == shared_among_servers()
