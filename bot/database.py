"""Where this process keeps its data: a given PostgreSQL, or one of its own; and whether that is ready."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from sqlalchemy.exc import DBAPIError

from bot.settings import Environment, Settings, SettingsError
from db import migrate
from db.embedded import EmbeddedPostgres
from domain.errors import Unavailable


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """Give the database's address; an embedded PostgreSQL runs for the length of the block.

    Enter it from the main thread, outside the event loop. Raises EmbeddedError.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    elif settings.data_dir is not None:
        with EmbeddedPostgres(settings.data_dir) as server:
            yield server.url()
    elif settings.environment is Environment.SANDBOX:
        with tempfile.TemporaryDirectory(prefix="muster-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o755)  # PostgreSQL's own user has to get through; its data stay closed
            with EmbeddedPostgres(Path(folder), durable=False) as server:
                yield server.url()
    else:
        raise AssertionError("settings without a database are refused where they are read")


async def prepare(settings: Settings, url: str) -> None:
    """Make sure that the database is at the newest revision.

    An embedded one is migrated here, since nobody else can reach it; a given one must have been: raises SettingsError
    with the command to run, or Unavailable.
    """
    if settings.database_url is None:
        await bring_to_head(url)
        return
    found, newest = await revision(url), migrate.head()
    if found != newest:
        raise SettingsError(f"the database is at {found or 'nothing'}, not at {newest}: run `muster migrate` first")


async def revision(url: str) -> str | None:
    """Give the revision the database is at; raises Unavailable, without the address, when it does not answer."""
    with _plainly():
        return await migrate.current(url)


async def bring_to_head(url: str) -> tuple[str | None, str | None]:
    """Migrate to the newest revision and give the revisions before and after; raises Unavailable."""
    with _plainly():
        before = await migrate.current(url)
        await migrate.upgrade(url)
        return before, await migrate.current(url)


@contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        reason = next(iter(str(cause).splitlines()), "").rpartition(">: ")[2] or type(cause).__name__
        raise Unavailable(f"The database does not answer as it should: {reason}") from error
