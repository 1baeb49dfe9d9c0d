"""One engine for databases that come and go: it compiles a statement once, not once in each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from db.engine import create_engine


class RoamingEngine:
    """Connect to one database after the other; a pooled connection is replaced if it closed, without asking it."""

    def __init__(self, server: str) -> None:
        self._engine = create_engine(server, poolclass=AsyncAdaptedQueuePool, pool_size=8, max_overflow=4)
        self._database = ""
        sa.event.listen(self._engine.sync_engine, "do_connect", self._enter)
        # In place of the product's question to the server, which would be half of all messages of many tests.
        sa.event.listen(self._engine.sync_engine, "checkout", _refuse_closed)

    def _enter(self, dialect: Any, record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        options["database"] = self._database

    @asynccontextmanager
    async def on(self, database: str) -> AsyncIterator[AsyncEngine]:
        """Give the engine on a database of its server, by name; close its connections after that."""
        self._database = database
        yield self._engine
        await self._engine.dispose()


def _refuse_closed(connection: Any, record: Any, proxy: Any) -> None:
    """Let the pool connect anew where a connection was cut."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
