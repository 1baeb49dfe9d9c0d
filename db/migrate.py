"""Bring a database to a revision of `migrations/`; alembic is loaded only when one of these runs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from db.engine import create_engine

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
STATEMENT_TIMEOUT = "15min"
LOCK_TIMEOUT = "5s"
WAIT_FOR_OTHER_MIGRATOR = "10min"
_ADVISORY_KEY = 0x4D757374  # "Must"


async def upgrade(url: str, revision: str = "head") -> None:
    """Migrate up to a revision, all or nothing; a second migrator waits and then finds nothing to do."""

    def run(config: "Config") -> None:
        from alembic import command  # noqa: PLC0415 (loaded on use)

        command.upgrade(config, revision)

    await _migrate(url, run)


async def downgrade(url: str, revision: str = "base") -> None:
    """Migrate down to a revision, all or nothing."""

    def run(config: "Config") -> None:
        from alembic import command  # noqa: PLC0415 (loaded on use)

        command.downgrade(config, revision)

    await _migrate(url, run)


async def current(url: str) -> str | None:
    """Give the revision that the database is at, None when it was never migrated."""

    def read(connection: Connection) -> str | None:
        from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 (loaded on use)

        return MigrationContext.configure(connection, opts={"version_table_schema": "public"}).get_current_revision()

    return await _on_connection(url, read)


def head() -> str | None:
    """Give the newest revision that this code knows."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 (loaded on use)

    return ScriptDirectory.from_config(_config()).get_current_head()


async def _migrate(url: str, run: Callable[["Config"], None]) -> None:
    def work(connection: Connection) -> None:
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{WAIT_FOR_OTHER_MIGRATOR}'"))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_KEY)))
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        config = _config()
        config.attributes["connection"] = connection
        run(config)

    await _on_connection(url, work)


async def _on_connection(url: str, work: Callable[[Connection], T]) -> T:
    engine = create_engine(
        url, poolclass=NullPool, statement_timeout=STATEMENT_TIMEOUT, application_name="muster migrate"
    )
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 (loaded on use)

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
