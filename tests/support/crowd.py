"""A crowd of characters and members, written in a few statements, and what a query goes through to find them."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from bot.services.context import Context
from db.tables.reference import Race
from db.tables.roles import RoleRun
from domain.role_sync import RunKind
from tests.support.people import SERVER

LARGE = 2_000
ROWS_A_PERSON = 100
"""What a query may go through for each character and member; were it quadratic, it would be thousands."""

PEOPLE = (
    """
    INSERT INTO guild_identity.guild_ranks (server_id, guild_id, rank_index, titled, role_id, scheduling_weight)
    SELECT :server, :guild, n, false, n, 1 FROM generate_series(0, 8) AS n ON CONFLICT DO NOTHING
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
    """
    UPDATE guild_identity.player_characters SET source = 'name' WHERE character_id % 2 = 0 AND source = 'officer'
    """,
    """
    INSERT INTO guild_identity.link_contradictions (server_id, character_id, user_ids, evidence, found_at)
    SELECT :server, n, ARRAY[n, n + 1], '[{"place": "guild_note"}]', CAST(:now AS timestamptz)
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
    """,
)
"""So many characters and members; four of five are a player each, whose roles fit, do not fit or are missing.

A note speaks against every link, half of which a rule made.
"""

_EACH = "FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n WHERE n % 10 = {}"
PROBLEMS = tuple(
    f"{change} {_EACH.format(digit)}"
    for digit, change in (
        (
            0,
            """
            INSERT INTO guild_identity.link_suggestions (server_id, character_id, candidates, suggested_at)
            SELECT :server, n, jsonb_build_array(
                jsonb_build_object('user_id', n, 'evidence', '[]'::jsonb),
                jsonb_build_object('user_id', n + 1, 'evidence', '[]'::jsonb)
            ), CAST(:now AS timestamptz)
            """,
        ),
        (
            0,
            """
            INSERT INTO guild_identity.rejected_candidates (server_id, character_id, user_id, rejected_by, rejected_at)
            SELECT :server, n, n, 1, CAST(:now AS timestamptz)
            """,
        ),
        (
            3,
            """
            INSERT INTO guild_identity.pending_proofs (
                public_id, server_id, user_id, player_id, character_id, source, made_at
            )
            SELECT 'proof' || n, :server, n, n + 1, n + 1, 'claim', CAST(:now AS timestamptz)
            """,
        ),
        (
            4,
            """
            INSERT INTO guild_identity.player_availability (server_id, player_id, reason, set_by, set_at)
            SELECT :server, n, 'away', 1, CAST(:now AS timestamptz)
            """,
        ),
        (
            5,
            """
            INSERT INTO guild_identity.link_history (
                server_id, character_id, player_public_id, user_ids, source, confidence, evidence, linked_at, ended_at,
                ended
            )
            SELECT :server, n, 'p', ARRAY[n], 'officer', 'high', '{}', CAST(:now AS timestamptz),
                CAST(:now AS timestamptz), 'removed'
            """,
        ),
        (
            8,
            """
            INSERT INTO common.held_departures (guild_id, character_id, state, held_at)
            SELECT :guild, n, 'held', CAST(:now AS timestamptz)
            """,
        ),
        (
            9,
            """
            INSERT INTO guild_identity.role_changes (server_id, run_id, user_id, role_id, act, state)
            SELECT :server, (SELECT max(id) FROM guild_identity.role_runs), n, 9, 'give', 'planned'
            """,
        ),
    )
) + tuple(
    f"UPDATE {table} AS of_one SET {change} WHERE {who} BETWEEN :first AND :last AND {who} % 10 = {digit}"  # noqa: S608
    for digit, table, who, change in (
        (2, "guild_identity.discord_users", "user_id", "left_at = first_seen_at"),
        (6, "guild_identity.players", "id", "main_character_id = id"),
        (6, "common.guild_memberships", "character_id", "left_at = joined_at"),
        (7, "common.wow_characters", "id", "class_id = 500 + id, spec_id = 500 + id, race_id = 500 + id"),
    )
)
"""What is wrong with one in ten each, beside what the roles, links and notes of all of them are good for."""


async def plant_problems(ctx: Context, guild: int, first: int, last: int, *, server_id: int = SERVER) -> None:
    """Let there be something for every rule among the people of these numbers, whom `populate` inserted."""
    async with ctx.sessions.begin() as session:
        session.add(RoleRun(public_id=f"run{first}", server_id=server_id, kind=RunKind.SYNC, started_at=ctx.clock()))
        await session.merge(Race(id=1, name="Human"))
        await session.flush()
        values = {"server": server_id, "guild": guild, "now": ctx.clock(), "first": first, "last": last}
        for statement in PROBLEMS:
            await session.execute(sa.text(statement), values)


async def populate(ctx: Context, guild: int, first: int, last: int, *, server_id: int = SERVER) -> None:
    """Insert the people of these numbers."""
    async with ctx.sessions.begin() as session:
        values = {"server": server_id, "guild": guild, "now": ctx.clock(), "first": first, "last": last}
        for statement in PEOPLE:
            await session.execute(sa.text(statement), values)


def work(plan: Mapping[str, Any]) -> float:
    """Count the rows that a plan went through, also those that a condition took out."""
    rows = sum(value for key, value in plan.items() if key == "Actual Rows" or key.startswith("Rows Removed"))
    return plan["Actual Loops"] * max(1, rows) + sum(work(below) for below in plan.get("Plans", ()))
