"""What tests of the upload routes share: the real application on a real socket, over a server with a key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.services import upload_keys
from bot.services.context import Context
from tests.support.clock import FakeClock
from tests.support.people import OFFICER, SERVER, insert_characters, insert_guild, insert_server
from tests.support.site import Site, served


@pytest.fixture
def ctx(sessions: async_sessionmaker[AsyncSession], clock: FakeClock) -> Context:
    """Give a context on one connection whose work is rolled back: for one request at a time."""
    return Context(sessions, clock, owner="test")


@pytest.fixture
def scratch_ctx(scratch_sessions: async_sessionmaker[AsyncSession], clock: FakeClock) -> Context:
    """Give a context that really commits."""
    return Context(scratch_sessions, clock, owner="test")


@pytest.fixture
async def site(ctx: Context) -> AsyncIterator[Site]:
    """Serve the routes to somebody with a key for a guild with Ana and Bob."""
    async with _open(ctx) as site:
        yield site


@pytest.fixture
async def scratch_site(scratch_ctx: Context) -> AsyncIterator[Site]:
    """Serve the same over sessions that really commit."""
    async with _open(scratch_ctx) as site:
        yield site


@asynccontextmanager
async def _open(ctx: Context) -> AsyncIterator[Site]:
    guild_id = await insert_guild(ctx, await insert_server(ctx))
    await insert_characters(ctx, guild_id, "Ana", "Bob")
    key = await upload_keys.create(ctx, SERVER, name="Bob's PC", actor_id=OFFICER)
    async with served(ctx, key) as site:
        yield site
