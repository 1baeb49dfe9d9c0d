"""Migrations: from empty to head and back, and equal to the models."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

import db.tables  # noqa: F401 (fills the metadata)
from db import jobs, migrate
from db.base import SCHEMAS, Base
from db.engine import create_engine, create_sessions

OURS = ("public", *SCHEMAS)
CATALOG = {
    "columns": """
        SELECT table_schema, table_name, column_name, data_type, udt_name, character_maximum_length, is_nullable,
               column_default, is_identity, identity_generation, is_generated, generation_expression
        FROM information_schema.columns WHERE table_schema = ANY(:ours)""",
    "indexes": "SELECT schemaname, tablename, indexdef FROM pg_indexes WHERE schemaname = ANY(:ours)",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace::regnamespace::text = ANY(:ours) AND contype <> 'n'""",
    "sequences": "SELECT schemaname, sequencename, data_type::text FROM pg_sequences WHERE schemaname = ANY(:ours)",
}
NOW = datetime(2026, 11, 20, tzinfo=UTC)
USED = [
    """INSERT INTO guild_identity.servers (id, name, locale, time_zone, rank_truth, link_mode, roster_interval_hours,
            member_interval_minutes, profile_interval_hours, stale_days, report_lines, data_days, note_days,
            digest, role_sync, created_at, returned_at)
        VALUES (1, 'S', 'de', 'UTC', 'game', 'off', 1, 5, 24, 60, 5, 3, 9, true, false, :now, :now)""",
    """INSERT INTO common.guilds (region, realm_id, realm_slug, realm_name, blizzard_id, name, slug, created_at)
        VALUES ('eu', 1, 'r', 'R', 1, 'G', 'g', :now)""",
    """INSERT INTO common.sync_log (source, status, trigger, guild_id, owner, started_at, heartbeat_at, counts)
        VALUES ('blizzard_profiles', 'running', 'timer', 1, 'o', :now, :now, '{}')""",
    """INSERT INTO common.sync_log (source, status, trigger, server_id, owner, started_at, heartbeat_at, counts)
        VALUES ('addon_upload', 'running', 'upload', 1, 'o', :now, :now, '{}')""",
    """INSERT INTO guild_identity.upload_keys
            (public_id, server_id, guild_id, name, name_key, secret_hash, created_at, created_by)
        VALUES ('k', 1, 1, 'Bob', 'bob', 'h', :now, 1)""",
    """INSERT INTO guild_identity.uploads (public_id, server_id, guild_id, key_id, format, export_id, exported_at,
            received_at, officer_notes, row_count, body, state)
        VALUES ('u', 1, 1, 1, 1, 'e', :now, :now, true, 1, 'b', 'received')""",
    """INSERT INTO common.wow_characters (region, realm_id, blizzard_id, name, name_key, realm_slug, class_id, level,
            first_seen_at)
        VALUES ('eu', 1, 1, 'N', 'n', 'r', 1, 90, :now)""",
    """INSERT INTO guild_identity.discord_users (server_id, user_id, username, username_key, global_name_key, nick_key,
            role_ids, pending, first_seen_at, changed_at, opted_out_at)
        VALUES (1, 1, 'n', 'n', '', '', '{}', false, :now, :now, :now)""",
    "INSERT INTO guild_identity.players (server_id, public_id, created_at) VALUES (1, 'p', :now)",
    """INSERT INTO guild_identity.player_characters
            (server_id, character_id, player_id, source, confidence, evidence, linked_at, run_id)
        VALUES (1, 1, 1, 'name', 'high', :evidence, :now, 1)""",
    """INSERT INTO guild_identity.player_members
            (server_id, user_id, player_id, source, confidence, evidence, linked_at, run_id)
        VALUES (1, 1, 1, 'officer', 'high', '{}', :now, 1)""",
    "INSERT INTO guild_identity.rank_overrides VALUES (1, 1, 3, 'raid lead', 1, :now, NULL)",
    """INSERT INTO guild_identity.audit_issues (public_id, server_id, rule, rule_version, severity, subject_kind,
            subject_id, fingerprint, facts, state, muted, opened_at)
        VALUES ('f', 1, 'failed_rule', 1, 'error', 'rule', 1, '', '{}', 'open', false, :now),
               ('i', 1, 'unknown_reference', 1, 'info', 'reference', 10000099, '99', '{}', 'ignored', true, :now)""",
    """INSERT INTO guild_identity.action_log (server_id, at, action, subject_kind, subject_id, run_id)
        VALUES (1, :now, 'link.add', 'character', 1, 1), (1, :now, 'finding.open', 'rule', 1, 1)""",
    """INSERT INTO guild_identity.outbox
            (server_id, kind, channel_id, user_id, payload, dedupe_key, state, attempts, due_at, created_at)
        VALUES (1, 'notice', 1, NULL, '{}', 'c', 'pending', 0, :now, :now),
               (1, 'notice', NULL, 1, '{}', 'u', 'pending', 0, :now, :now)""",
    "INSERT INTO guild_identity.character_notes VALUES (1, 1, '', :now, NULL, NULL)",
    "INSERT INTO guild_identity.note_aliases VALUES (1, 'a', 'A', 1, NULL, 1, :now)",
    "INSERT INTO guild_identity.alt_groups VALUES (1, 1, 1)",
    "INSERT INTO guild_identity.link_suggestions VALUES (1, 1, '[]', 'medium', 1, :now, NULL)",
    "INSERT INTO guild_identity.link_contradictions VALUES (1, 1, '{1}', '[]', :now)",
    """INSERT INTO guild_identity.link_history
            (server_id, character_id, player_public_id, user_ids, source, confidence, evidence, linked_at, run_id,
            ended_at, ended)
        VALUES (1, 1, 'p', '{1}', 'name', 'high', '{}', :now, 1, :now, 'opted_out')""",
    "INSERT INTO guild_identity.rule_verdicts VALUES (1, 'equal_name', 1, 1, 1, 'rejected', true, 1, :now)",
    """INSERT INTO guild_identity.link_claims (public_id, server_id, character_id, user_id, state, asked_at)
        VALUES ('c', 1, 1, 1, 'open', :now)""",
    "INSERT INTO guild_identity.matching_state VALUES (1, 'f', :now, 1)",
    "INSERT INTO guild_identity.audit_rule_settings VALUES (1, 'orphan_wow', false, 1, :now)",
    "INSERT INTO guild_identity.player_availability VALUES (1, 1, NULL, 'away', 1, :now)",
    """INSERT INTO guild_identity.pending_proofs
            (public_id, server_id, user_id, player_id, character_id, source, made_at)
        VALUES ('q', 1, 1, 1, 1, 'claim', :now)""",
    "INSERT INTO guild_identity.role_ledger VALUES (1, 1, 1, :now)",
    "INSERT INTO guild_identity.role_runs (public_id, server_id, kind, started_at) VALUES ('r', 1, 'sync', :now)",
    """INSERT INTO guild_identity.role_changes (server_id, run_id, user_id, role_id, act, state)
        VALUES (1, 1, 1, 1, 'give', 'planned')""",
]
"""Rows that fill what the last migrations brought, and what hangs on it."""
KEPT = {
    "guild_identity.player_characters": 1,
    "guild_identity.player_members": 1,
    "guild_identity.action_log": 1,
    "guild_identity.outbox": 1,
    "guild_identity.audit_issues": 0,
    "common.sync_log": 0,
    "jobs.pgqueuer": 0,
}
"""How many of them the older tables can hold."""
REASON = {
    "rule": "equal_name",
    "version": 1,
    "strength": 3,
    "source": "name",
    "place": "nick",
    "written": "ana",
    "other": "ana",
    "via": None,
}
EVIDENCE = {"round": 1, "reasons": [REASON]}
EVIDENCE_BEFORE = {"rule": "equal_name", "version": 1, "matched": "nick", "name_key": "ana"}
"""What the first rule left as its reason, now and in the revision before."""
LEFT_TO_OTHERS = "jobs"
"""The schema of the job queue has DDL of its own, which no model describes."""


async def catalog(url: str) -> dict[str, set[str]]:
    """Dump what the database itself says about its tables, one text per object."""
    engine = create_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        ours = [schema for schema in OURS if schema != LEFT_TO_OTHERS]
        dump = {
            kind: {repr(tuple(row)) for row in await connection.execute(sa.text(query), {"ours": ours})}
            for kind, query in CATALOG.items()
        }
    await engine.dispose()
    return {kind: {row for row in rows if "alembic_version" not in row} for kind, rows in dump.items()}


async def create_all(url: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        for schema in SCHEMAS:
            await connection.execute(sa.schema.CreateSchema(schema))
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


@pytest.fixture
async def migrated(empty_database: str) -> str:
    await migrate.upgrade(empty_database)
    return empty_database


async def test_the_migrated_schema_is_the_models_schema(database: str, empty_database: str) -> None:
    await create_all(empty_database)
    migrated, modelled = await catalog(database), await catalog(empty_database)
    for kind in CATALOG:
        assert sorted(migrated[kind] - modelled[kind]) == [], f"{kind} only in the migrations"
        assert sorted(modelled[kind] - migrated[kind]) == [], f"{kind} only in the models"
    assert migrated["columns"]


async def test_a_database_goes_from_empty_to_head_to_empty_and_to_head_again(empty_database: str) -> None:
    untouched = await catalog(empty_database)
    await migrate.upgrade(empty_database)
    first = await catalog(empty_database)
    assert await migrate.current(empty_database) == migrate.head()
    await migrate.downgrade(empty_database)
    assert await catalog(empty_database) == untouched
    assert await migrate.current(empty_database) is None
    await migrate.upgrade(empty_database)
    assert await catalog(empty_database) == first


async def test_a_database_in_use_goes_a_revision_back_and_forth_and_keeps_what_the_older_tables_hold(
    migrated: str,
) -> None:
    engine = create_engine(migrated, poolclass=NullPool)
    async with create_sessions(engine).begin() as session:
        for statement in USED:
            await session.execute(sa.text(statement), {"now": NOW, "evidence": json.dumps(EVIDENCE)})
        await jobs.enqueue_profiles(session, 1)
    await migrate.downgrade(migrated, "0002")
    await migrate.upgrade(migrated)
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in KEPT)  # noqa: S608 (names of ours)
    async with engine.connect() as connection:
        kept = (await connection.execute(sa.text(f"SELECT {counts}"))).one()
        options = (await connection.execute(sa.text("SELECT rank_truth, stale_days FROM guild_identity.servers"))).one()
    await engine.dispose()
    assert dict(zip(KEPT, kept, strict=True)) == KEPT
    assert options == ("report-only", 30)


async def test_the_reasons_of_inferred_links_go_a_revision_back_and_forth_and_those_of_people_stay(
    migrated: str,
) -> None:
    engine = create_engine(migrated, poolclass=NullPool)

    async def reasons() -> list[Any]:
        halves = (f"SELECT evidence FROM guild_identity.player_{half}" for half in ("characters", "members"))  # noqa: S608
        async with engine.connect() as connection:
            return [await connection.scalar(sa.text(half)) for half in halves]

    async with create_sessions(engine).begin() as session:
        for statement in USED:
            await session.execute(sa.text(statement), {"now": NOW, "evidence": json.dumps(EVIDENCE)})
    await migrate.downgrade(migrated, "0004")
    assert await reasons() == [EVIDENCE_BEFORE, {}]
    async with engine.connect() as connection:
        mode = (await connection.execute(sa.text("SELECT link_mode FROM guild_identity.servers"))).scalar_one()
    await migrate.upgrade(migrated)
    assert await reasons() == [EVIDENCE, {}]
    await engine.dispose()
    assert mode == "suggest"  # the nearest thing to "off" that the older release knows


async def test_migrating_again_changes_nothing(migrated: str) -> None:
    before = await catalog(migrated)
    await migrate.upgrade(migrated)
    assert await catalog(migrated) == before


async def test_two_migrators_at_once_do_not_collide(empty_database: str) -> None:
    await asyncio.gather(*(migrate.upgrade(empty_database) for _ in range(3)))
    assert await migrate.current(empty_database) == migrate.head()


async def test_the_version_table_stands_in_public(migrated: str) -> None:
    engine = create_engine(migrated, poolclass=NullPool)
    async with engine.connect() as connection:
        assert (await connection.execute(sa.text("SELECT to_regclass('public.alembic_version')"))).scalar_one()
    await engine.dispose()


async def test_an_empty_database_is_at_no_revision(empty_database: str, admin: AsyncEngine) -> None:
    assert await migrate.current(empty_database) is None
    assert migrate.head() is not None
