"""A link across servers cannot be written: every key between a server's own tables holds the server."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.services.context import Context
from tests.support.clock import FakeClock
from tests.support.people import SERVER, facts, insert_characters, insert_guild, insert_members, insert_server
from tests.support.plants import own_tables, owner, people, plant, text_columns

OTHER = 200
FOREIGN_KEY_VIOLATION = "23503"
WITHOUT_THE_SERVER: dict[str, str] = {}
"""Keys between servers' own tables that may leave the server out, each with the reason."""


def keys_between(table: sa.Table) -> list[sa.ForeignKeyConstraint]:
    """Give a table's foreign keys to tables that are a server's own too."""
    own = set(own_tables())
    return [key for key in table.foreign_key_constraints if key.referred_table in own]


LINKED = [table for table in own_tables() if any(len(key.columns) > 1 for key in keys_between(table))]


@pytest.fixture
def ctx(sessions: async_sessionmaker[AsyncSession], clock: FakeClock) -> Context:
    """Give a context on one connection whose work is rolled back."""
    return Context(sessions, clock)


@pytest.fixture
async def peopled(ctx: Context) -> Context:
    """Give two servers: one has a row in each of its tables, the other only follows a guild of its own."""
    await insert_guild(ctx, await insert_server(ctx, OTHER), name="Others")
    guild_id = await insert_guild(ctx, await insert_server(ctx))
    first, second = await insert_characters(ctx, guild_id, "Ana", "Bob")
    await insert_members(ctx, facts(1))
    await people(ctx, SERVER, guild_id, user_id=1, character_ids=(first, second))
    return ctx


@pytest.mark.parametrize("table", own_tables(), ids=lambda table: table.name)
def test_every_row_of_a_servers_own_table_says_whose_it_is(table: sa.Table) -> None:
    assert not owner(table).nullable
    assert (
        any(
            key.referred_table.name == "servers" or key.columns.contains_column(owner(table))
            for key in keys_between(table)
        )
        or table.name == "servers"
    )


@pytest.mark.parametrize("table", own_tables(), ids=lambda table: table.name)
def test_every_key_between_servers_own_tables_includes_the_server(table: sa.Table) -> None:
    for key in keys_between(table):
        pairs = {(element.parent, element.column) for element in key.elements}
        assert (owner(table), owner(key.referred_table)) in pairs or key.name in WITHOUT_THE_SERVER, key.name


@pytest.mark.parametrize("table", LINKED, ids=lambda table: table.name)
async def test_a_row_cannot_be_handed_to_another_server(peopled: Context, table: sa.Table) -> None:
    async with peopled.sessions() as session:
        with pytest.raises(IntegrityError) as caught:
            await session.execute(table.update().where(owner(table) == SERVER).values({owner(table): OTHER}))
    assert caught.value.orig is not None
    assert getattr(caught.value.orig, "sqlstate", None) == FOREIGN_KEY_VIOLATION


async def test_secrets_reach_every_text_of_a_servers_rows_and_no_other_servers(peopled: Context) -> None:
    """What the search for leaks stands on."""
    async with peopled.sessions.begin() as session:
        planted = await plant(session, SERVER)
        assert planted == [f"{table.name}.{column.name}" for table in own_tables() for column in text_columns(table)]
        for table in own_tables():
            rows = (await session.execute(table.select().where(owner(table) == SERVER))).mappings().all()
            for column in text_columns(table):
                assert all(f"{table.name}.{column.name}." in str(row[column.name]) for row in rows)
        other = await session.scalar(sa.text("SELECT name FROM guild_identity.servers WHERE id = :id"), {"id": OTHER})
    assert other == f"Server {OTHER}"
