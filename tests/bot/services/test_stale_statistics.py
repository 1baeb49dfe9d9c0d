"""What PostgreSQL plans for a guild that has just come, while its statistics are of the days before."""

from typing import Any

import pytest
import sqlalchemy as sa

import db.audit
from bot.services.context import Context
from db import matching
from db.ranks import PLAYER_RANKS, RANKS
from db.roles import GIVEN, RANKED
from domain.audit_rules import RULES
from tests.support.crowd import LARGE, ROWS_A_PERSON, plant_problems, populate, work
from tests.support.people import SERVER, insert_guild, insert_server

OTHER_SERVER = SERVER + 1
QUERIES = {
    **{rule: db.audit.COMPARE[rule].text for rule in RULES},
    "what changed for matching": matching.LOOK.text,
    "characters to match": matching.SHOWN.format(guild_id=":guild_id"),
    "members to match": matching.MEMBERS.format(guild_id=":guild_id"),
    "ranks": RANKS,
    "ranks of players": PLAYER_RANKS,
    "roles to give": RANKED,
    "roles given": GIVEN,
}


async def insert_crowd(ctx: Context, guild: int, first: int, last: int, *, server_id: int = SERVER) -> None:
    """Insert people with something wrong for every rule, and a role of Muster's each."""
    await populate(ctx, guild, first, last, server_id=server_id)
    await plant_problems(ctx, guild, first, last, server_id=server_id)
    async with ctx.sessions.begin() as session:
        await session.execute(
            sa.text(
                """
                INSERT INTO guild_identity.role_ledger (server_id, user_id, role_id, given_at)
                SELECT server_id, user_id, 1, changed_at FROM guild_identity.discord_users
                WHERE server_id = :server AND user_id BETWEEN :first AND :last
                """
            ),
            {"server": server_id, "first": first, "last": last},
        )


async def look_at_tables(ctx: Context) -> None:
    """Do what autovacuum does now and then."""
    async with ctx.sessions.begin() as session:
        await session.execute(sa.text("ANALYZE"))


async def works(ctx: Context, guild: int) -> dict[str, float]:
    """Count the rows that each query goes through."""
    now = ctx.clock()
    values = {"server_id": SERVER, "guild_id": guild, "now": now, "roster_at": now, "enabled": True, "off": []}
    values |= {"failed_ids": [], "failed_names": [], "failed_versions": [], "rule_version": 1}
    found = {}
    async with ctx.sessions.begin() as session:
        for name, query in QUERIES.items():
            explain = sa.text(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}")
            given: dict[str, Any] = {key: values.get(key, name) for key in explain.compile().params}
            [explained] = (await session.execute(explain, given)).scalar_one()
            found[name] = work(explained["Plan"])
    return found


def quadratic(found: dict[str, float]) -> dict[str, float]:
    return {name: rows for name, rows in found.items() if rows > ROWS_A_PERSON * LARGE}


@pytest.mark.parametrize("before", [1, 10])
async def test_nothing_is_quadratic_once_postgresql_has_looked_at_nearly_empty_tables(
    scratch_ctx: Context, before: int
) -> None:
    guild = await insert_guild(scratch_ctx, await insert_server(scratch_ctx))
    await insert_crowd(scratch_ctx, guild, LARGE + 1, LARGE + before)
    await look_at_tables(scratch_ctx)
    await insert_crowd(scratch_ctx, guild, 1, LARGE)

    assert quadratic(await works(scratch_ctx, guild)) == {}


async def test_nothing_is_quadratic_once_postgresql_has_looked_while_another_server_had_all_there_was(
    scratch_ctx: Context,
) -> None:
    others = await insert_guild(scratch_ctx, await insert_server(scratch_ctx, OTHER_SERVER), name="Others")
    await insert_crowd(scratch_ctx, others, 2 * LARGE, 3 * LARGE, server_id=OTHER_SERVER)
    await look_at_tables(scratch_ctx)
    guild = await insert_guild(scratch_ctx, await insert_server(scratch_ctx))
    await insert_crowd(scratch_ctx, guild, 1, LARGE)

    assert quadratic(await works(scratch_ctx, guild)) == {}
