"""What tests of services share: a context, and a guild on the Battle.net stand-in."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.battlenet.client import BattleNetClient
from bot.services.context import Context
from sandbox.battlenet import BattleNetStandIn
from tests.support.clock import FakeClock
from tests.support.people import Toon, insert_characters, insert_guild, insert_server
from tests.support.scene import Scene, client_of, follow, guild_of

MEMBERS = 8


@pytest.fixture
def ctx(sessions: async_sessionmaker[AsyncSession], clock: FakeClock) -> Context:
    """Give a context on one connection whose work is rolled back."""
    return Context(sessions, clock, owner="test")


@pytest.fixture
def scratch_ctx(scratch_sessions: async_sessionmaker[AsyncSession], clock: FakeClock) -> Context:
    """Give a context that really commits, for work at the same time."""
    return Context(scratch_sessions, clock, owner="test")


@pytest.fixture
async def guild(ctx: Context) -> int:
    """Let a server follow a guild, both read whole and without anybody; give the guild's id."""
    return await insert_guild(ctx, await insert_server(ctx))


@pytest.fixture
async def thorin(ctx: Context, guild: int) -> int:
    """Give the guild master's character, whose name nobody on Discord bears."""
    [thorin] = await insert_characters(ctx, guild, Toon("Thorin", rank=0))
    return thorin


@pytest.fixture
async def stand_in(clock: FakeClock) -> AsyncIterator[BattleNetStandIn]:
    """Serve a small guild as Battle.net does."""
    world, _ = guild_of(MEMBERS)
    async with BattleNetStandIn(world, per_second=None, per_hour=None) as served:
        yield served


@pytest.fixture
async def battlenet(stand_in: BattleNetStandIn) -> AsyncIterator[BattleNetClient]:
    """Give the client of the stand-in."""
    async with client_of(stand_in) as client:
        yield client


@pytest.fixture
async def scene(ctx: Context, stand_in: BattleNetStandIn, battlenet: BattleNetClient) -> Scene:
    """Let a server with an audit channel follow the small guild; nothing is synced yet."""
    guild = stand_in.world.guilds[0]
    return Scene(ctx, battlenet, stand_in, guild, await follow(ctx, guild))


@pytest.fixture
async def scratch_scene(scratch_ctx: Context, stand_in: BattleNetStandIn, battlenet: BattleNetClient) -> Scene:
    """Give the same on sessions that really commit."""
    guild = stand_in.world.guilds[0]
    return Scene(scratch_ctx, battlenet, stand_in, guild, await follow(scratch_ctx, guild))
