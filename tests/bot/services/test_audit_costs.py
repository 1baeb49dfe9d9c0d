"""What an audit costs the database: statements, and the rows it goes through, whatever the size of the guild."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

import db.audit
from bot.services import audit
from bot.services.audit import AuditOutcome
from bot.services.context import Context
from db.tables.audit import Issue
from db.tables.guilds import Membership
from db.tables.people import Member
from domain.audit_rules import RULES
from tests.support.crowd import LARGE, ROWS_A_PERSON, plant_problems, populate, work
from tests.support.people import SERVER, insert_guild, insert_server

PARTS_OF_A_RULE = 3
AROUND = 3
"""Where the rules are run, which are off, and what stands in the end."""


WITHOUT = {"rule_failed", "stale_data"}
"""The rules whose findings do not grow with a guild."""


async def insert_crowd(ctx: Context, guild: int, first: int, last: int) -> None:
    await populate(ctx, guild, first, last)
    await plant_problems(ctx, guild, first, last)


async def rules_with_findings(ctx: Context) -> set[str]:
    async with ctx.sessions() as session:
        return set(await session.scalars(sa.select(Issue.rule)))


async def run(ctx: Context) -> AuditOutcome:
    async with ctx.sessions.begin() as session:
        return await audit.run_rules(ctx, session, server_id=SERVER)


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_guild(ctx, await insert_server(ctx))


async def test_a_rule_takes_at_most_three_statements_for_any_number(
    ctx: Context, guild: int, statements: Callable[..., Any]
) -> None:
    counts = []
    for first, size in ((100, 10), (10_000, 1_000)):
        await insert_crowd(ctx, guild, first, first + size - 1)
        await run(ctx)
        async with ctx.sessions.begin() as session:
            for table in (Membership, Member):
                await session.execute(sa.update(table).values(left_at=ctx.clock()))
        await insert_crowd(ctx, guild, first + size, first + 3 * size - 1)
        with statements() as seen:
            outcome = await run(ctx)
        assert outcome.failed == ()
        assert min(outcome.opened, outcome.resolved) > size
        assert await rules_with_findings(ctx) == set(RULES) - WITHOUT
        counts.append(len(seen))

    assert counts[0] == counts[1] <= PARTS_OF_A_RULE * len(RULES) + AROUND


async def test_a_repeated_run_compares_once_a_rule_and_writes_nothing(
    ctx: Context, guild: int, statements: Callable[..., Any]
) -> None:
    await insert_crowd(ctx, guild, 1, 1_000)
    assert (await run(ctx)).opened > 1_000

    with statements() as seen:
        outcome = await run(ctx)

    assert (outcome.opened, outcome.resolved) == (0, 0)
    assert len(seen) == len(RULES) + AROUND
    assert not [one for one in seen if any(verb in one for verb in ("INSERT", "UPDATE", "DELETE"))]


async def works(ctx: Context, guild: int) -> dict[str, float]:
    """Count the rows that the comparison of each rule goes through."""
    values = {"server_id": SERVER, "guild_id": guild, "now": ctx.clock(), "enabled": True, "off": []}
    values |= {"failed_ids": [], "failed_names": [], "failed_versions": [], "rule_version": 1}
    found = {}
    async with ctx.sessions.begin() as session:
        for rule in RULES:
            explain = sa.text(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {db.audit.COMPARE[rule].text}")
            explained = await session.scalar(explain, {**values, "rule": rule})
            found[rule] = work(explained[0]["Plan"])
    return found


async def test_no_rule_is_quadratic_on_a_database_without_statistics(ctx: Context, guild: int) -> None:
    """A transaction's own rows are in no statistics: so the first night of a large guild is planned."""
    await insert_crowd(ctx, guild, 1, LARGE)

    first_night = await works(ctx, guild)
    await run(ctx)
    second_night = await works(ctx, guild)

    for night in (first_night, second_night):
        assert {rule: rows for rule, rows in night.items() if rows > ROWS_A_PERSON * LARGE} == {}
