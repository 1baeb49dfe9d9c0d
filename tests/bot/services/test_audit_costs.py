"""What an audit costs the database: statements, and the rows it goes through, whatever the size of the guild."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

import db.audit
from bot.services import audit
from bot.services.audit import AuditOutcome
from bot.services.context import Context
from db.tables.guilds import Membership
from db.tables.people import Member
from domain.audit import RULES
from tests.support.people import SERVER, insert_guild, insert_server

LARGE = 2_000
ROWS_A_PERSON = 100
"""What a rule may go through for each character and member; were it quadratic, it would be thousands."""
PARTS_OF_A_RULE = 3
GUILD_AND_COUNT = 2

PEOPLE = (
    """
    INSERT INTO guild_identity.guild_ranks (server_id, guild_id, rank_index, role_id, scheduling_weight)
    SELECT :server, :guild, n, n, 1 FROM generate_series(0, 8) AS n ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO common.wow_characters
        (id, region, realm_id, blizzard_id, name, name_key, realm_slug, class_id, level, last_login_at, first_seen_at)
    OVERRIDING SYSTEM VALUE
    SELECT n, 'eu', 60, n, 'Toon' || n, 'toon' || n, 'stormrage', 1, 80,
        CAST(:now AS timestamptz) - make_interval(days => n % 60), CAST(:now AS timestamptz)
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
    """,
    """
    INSERT INTO common.profile_checks (character_id, checked_at)
    SELECT n, CAST(:now AS timestamptz) FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
    """,
    """
    INSERT INTO common.guild_memberships (guild_id, character_id, rank, joined_at)
    SELECT :guild, n, n % 10, CAST(:now AS timestamptz)
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
    """,
    """
    INSERT INTO guild_identity.discord_users (
        server_id, user_id, username, username_key, global_name_key, nick_key, role_ids, pending, first_seen_at,
        changed_at
    )
    SELECT :server, n, 'user' || n, '', '', '', CASE n % 4 WHEN 0 THEN ARRAY[n % 10, 50] WHEN 1 THEN ARRAY[50]
        ELSE ARRAY[(n + 1) % 9] END, false, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
    """,
    """
    INSERT INTO guild_identity.players (id, server_id, public_id, created_at) OVERRIDING SYSTEM VALUE
    SELECT n, :server, 'p' || n, CAST(:now AS timestamptz)
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n WHERE n % 5 <> 0
    """,
    *(
        f"""
        INSERT INTO guild_identity.{table} (
            server_id, {column}, player_id, source, confidence, evidence, linked_at
        )
        SELECT :server, n, n, 'officer', 'high', '{{}}', CAST(:now AS timestamptz)
        FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n WHERE n % 5 <> 0
        """  # noqa: S608 (names of this module)
        for table, column in (("player_members", "user_id"), ("player_characters", "character_id"))
    ),
)
"""So many characters and members; four of five are a player each, whose roles fit, do not fit or are missing."""


async def populate(ctx: Context, guild: int, first: int, last: int) -> None:
    """Insert the people of these numbers."""
    async with ctx.sessions.begin() as session:
        values = {"server": SERVER, "guild": guild, "now": ctx.clock(), "first": first, "last": last}
        for statement in PEOPLE:
            await session.execute(sa.text(statement), values)


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
        await populate(ctx, guild, first, first + size - 1)
        await run(ctx)
        async with ctx.sessions.begin() as session:
            for table in (Membership, Member):
                await session.execute(sa.update(table).values(left_at=ctx.clock()))
        await populate(ctx, guild, first + size, first + 3 * size - 1)
        with statements() as seen:
            outcome = await run(ctx)
        assert outcome.failed == ()
        assert min(outcome.opened, outcome.resolved) > size
        counts.append(len(seen))

    assert counts[0] == counts[1] <= PARTS_OF_A_RULE * len(RULES) + GUILD_AND_COUNT


async def test_a_repeated_run_compares_once_a_rule_and_writes_nothing(
    ctx: Context, guild: int, statements: Callable[..., Any]
) -> None:
    await populate(ctx, guild, 1, 1_000)
    assert (await run(ctx)).opened > 1_000

    with statements() as seen:
        outcome = await run(ctx)

    assert (outcome.opened, outcome.resolved) == (0, 0)
    assert len(seen) == len(RULES) + GUILD_AND_COUNT
    assert not [one for one in seen if any(verb in one for verb in ("INSERT", "UPDATE", "DELETE"))]


def work(plan: Mapping[str, Any]) -> float:
    """Count the rows that a plan went through, also those that a condition took out."""
    rows = sum(value for key, value in plan.items() if key == "Actual Rows" or key.startswith("Rows Removed"))
    return plan["Actual Loops"] * max(1, rows) + sum(work(below) for below in plan.get("Plans", ()))


async def works(ctx: Context, guild: int) -> dict[str, float]:
    """Count the rows that the comparison of each rule goes through."""
    values = {"server_id": SERVER, "guild_id": guild, "now": ctx.clock(), "failed_ids": [], "failed_names": []}
    found = {}
    async with ctx.sessions.begin() as session:
        for rule in RULES:
            explain = sa.text(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {db.audit.COMPARE[rule].text}")
            explained = await session.scalar(explain, {**values, "rule": rule})
            found[rule] = work(explained[0]["Plan"])
    return found


async def test_no_rule_is_quadratic_on_a_database_without_statistics(ctx: Context, guild: int) -> None:
    """A transaction's own rows are in no statistics: so the first night of a large guild is planned."""
    await populate(ctx, guild, 1, LARGE)

    first_night = await works(ctx, guild)
    await run(ctx)
    second_night = await works(ctx, guild)

    for night in (first_night, second_night):
        assert {rule: rows for rule, rows in night.items() if rows > ROWS_A_PERSON * LARGE} == {}
