"""What all tests share: PostgreSQL, sessions, a clock, and the rules that every test obeys."""

import gc
import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.pool import NullPool

from db import migrate
from db.embedded import EmbeddedPostgres
from db.engine import create_engine, create_sessions, normalise_url
from tests.support.clock import FakeClock
from tests.support.controls import no_unseen_errors
from tests.support.need import shared_folder
from tests.support.network import block_outside
from tests.support.roaming import RoamingEngine
from tests.support.statements import statements as list_statements

GIVEN_URL = "TEST_DATABASE_URL"
ROOM = 2**30
GARBAGE = 20_000
"""How many new objects the garbage collector waits for; its own 700 suit programs that hold less than a test run."""


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what stays for the whole run: else it was a fifth of it."""
    gc.freeze()
    gc.set_threshold(GARBAGE)


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """Block every socket that leaves this machine; only a TEST_DATABASE_URL may."""
    given = os.environ.get(GIVEN_URL)
    host = normalise_url(given).host if given else None
    with pytest.MonkeyPatch.context() as patch:
        block_outside(patch, frozenset({host} if host else ()))
        yield


def memory_folder() -> str | None:
    """Give a folder in memory with room for the databases, None where there is none.

    On a disk, copying the files of a database of one's own is most of many tests.
    """
    folder = Path("/dev/shm")  # noqa: S108 (a folder of its own is made in it)
    roomy = os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > ROOM
    return str(folder) if roomy else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Give the address of a server: TEST_DATABASE_URL, or an embedded one of TEST_POSTGRES_VERSION (18)."""
    if given := os.environ.get(GIVEN_URL):
        yield normalise_url(given).render_as_string(hide_password=False)
        return
    with tempfile.TemporaryDirectory(prefix="muster-test-", dir=memory_folder(), ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's own user has to get through
        version = int(os.environ.get("TEST_POSTGRES_VERSION", "18"))
        with EmbeddedPostgres(Path(folder), version=version, durable=False) as server:
            yield server.url()


@pytest.fixture(scope="session")
async def admin(postgres: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine that creates and drops databases."""
    engine = create_engine(postgres, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    if GIVEN_URL not in os.environ:
        # How a statement is planned must not depend on when PostgreSQL last looked at its tables.
        async with engine.connect() as connection:
            await connection.execute(sa.text("ALTER SYSTEM SET autovacuum = off"))
            await connection.execute(sa.text("SELECT pg_reload_conf()"))
    yield engine
    await engine.dispose()


async def create_database(admin: AsyncEngine, template: str) -> str:
    """Create a database of a fresh name from a template, and give its name."""
    name = f"muster_test_{uuid.uuid4().hex[:12]}"
    async with admin.connect() as connection:
        await connection.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'))
    return name


async def drop_database(admin: AsyncEngine, name: str) -> None:
    """Drop a database, whoever is connected."""
    async with admin.connect() as connection:
        await connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def url_of(admin: AsyncEngine, name: str) -> str:
    """Give the address of another database of the same server."""
    return admin.url.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
async def empty_database(admin: AsyncEngine) -> AsyncIterator[str]:
    """Give the address of a database without a single table."""
    name = await create_database(admin, "template0")
    yield url_of(admin, name)
    await drop_database(admin, name)


@pytest.fixture(scope="session")
async def template_db(admin: AsyncEngine) -> AsyncIterator[str]:
    """Give the name of a database that alembic migrated once, to make others from; nobody stays connected."""
    name = await create_database(admin, "template0")
    await migrate.upgrade(url_of(admin, name))
    yield name
    await drop_database(admin, name)


@pytest.fixture
async def database(admin: AsyncEngine, template_db: str) -> AsyncIterator[str]:
    """Give the address of a migrated database of this test's own."""
    name = await create_database(admin, template_db)
    yield url_of(admin, name)
    await drop_database(admin, name)


@pytest.fixture(scope="session")
def roaming_engine(postgres: str) -> RoamingEngine:
    """Give the engine that goes from one test's own database to the next one's."""
    return RoamingEngine(postgres)


@pytest.fixture
async def scratch_engine(roaming_engine: RoamingEngine, database: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine on this test's own database."""
    name = make_url(database).database
    assert name is not None
    async with roaming_engine.on(name) as engine:
        yield engine


@pytest.fixture
def scratch_sessions(scratch_engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Give sessions that really commit and may run at once, for tests of locks, races and crashes."""
    return create_sessions(scratch_engine)


@pytest.fixture(scope="session")
async def common_engine(admin: AsyncEngine, template_db: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine on the database that tests share, each in a transaction that is rolled back."""
    name = await create_database(admin, template_db)
    async with admin.connect() as connection:
        # A statement that many tests sent is planned for each anew, as it would be on a connection of the test's own.
        await connection.execute(sa.text(f'ALTER DATABASE "{name}" SET plan_cache_mode = force_custom_plan'))
    engine = create_engine(url_of(admin, name), pool_size=1)
    yield engine
    await engine.dispose()
    await drop_database(admin, name)


@pytest.fixture
async def sessions(common_engine: AsyncEngine) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Give sessions on one connection whose commits are savepoints; two at once need `scratch_sessions`."""
    async with common_engine.connect() as connection:
        outer = await connection.begin()
        yield async_sessionmaker(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        await outer.rollback()


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands at 2026-01-01T00:00Z until the test moves it."""
    return FakeClock()


@pytest.fixture
def statements() -> Callable[..., AbstractContextManager[list[str]]]:
    """Give the context manager that lists the statements sent inside it."""
    return list_statements


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of real data (MUSTER_SHARED, or `shared` beside the checkout)."""
    return shared_folder()


@pytest.fixture(autouse=True)
def view_errors() -> Iterator[list[logging.LogRecord]]:
    """Fail the test when discord.py swallowed an error of a control; who expects one reads and clears the list."""
    with no_unseen_errors() as records:
        yield records
