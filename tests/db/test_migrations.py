"""Migrations: from empty to head and back, and equal to the models."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

import db.tables  # noqa: F401 (fills the metadata)
from db import migrate
from db.base import SCHEMAS, Base
from db.engine import create_engine

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
