"""The real bot on a database of its own, in a virtual Discord, with Battle.net's stand-in beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import discord
import pytest
import simcord
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.battlenet.client import BattleNetClient
from bot.battlenet.limiter import Lane, Limiter
from bot.services.bundle import Services
from bot.services.context import Context
from bot.services.jobs import Worker
from bot.services.outbox import Outbox
from cogs.common.bot import MusterBot
from cogs.members.cog import QUIET_SECONDS
from sandbox.battlenet import BattleNetStandIn
from sandbox.sample import Sample, sample_guild
from tests.cogs.home import Home
from tests.support.clock import FakeClock

NAMESAKES = 3
CHARACTERS = 60
PATIENCE_SECONDS = 12.0
"""How long the bot may be at work after an act; SimCord's 5 seconds are too few where others use the machine.

Shorter than the timers of the bot: SimCord waits in real time for those that are due within it.
"""


class OpenGate(Limiter):
    """Let everything through: a limiter can't be asked by the bot's virtual clock and the tests' real one in turn."""

    @asynccontextmanager
    async def turn(self, lane: Lane) -> AsyncIterator[None]:
        """Wait for nothing."""
        yield


@pytest.fixture
def sample() -> Sample:
    """Give the sample guild, only its first 60 characters for speed; it is the test's own to change."""
    sample = sample_guild(1)
    for character in sample.world.members(sample.guild)[CHARACTERS:]:
        sample.world.leave(character)
    return sample


@pytest.fixture
async def battlenet(sample: Sample) -> AsyncIterator[BattleNetStandIn]:
    """Serve the sample guild."""
    async with BattleNetStandIn(sample.world, per_second=None, per_hour=None) as stand_in:
        yield stand_in


@pytest.fixture
async def services(
    database: str, scratch_sessions: async_sessionmaker[AsyncSession], battlenet: BattleNetStandIn, clock: FakeClock
) -> AsyncIterator[Services]:
    """Give the services on a scratch database and the stand-in."""
    client = BattleNetClient(
        battlenet.api,
        battlenet.oauth,
        battlenet.client_id,
        battlenet.client_secret,
        limiter=OpenGate(),
    )
    ctx = Context(scratch_sessions, clock=clock)
    yield Services(ctx, client, Outbox(ctx), Worker(ctx, client, database), timers=False)
    await client.aclose()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the bot the patience of a busy machine, from its start on."""
    patient = pytest.mark.simcord(settle_timeout=PATIENCE_SECONDS)
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(patient)


@pytest.fixture
def simcord_bot(services: Services) -> MusterBot:
    """Give SimCord the bot to run."""
    return MusterBot(services)


@pytest.fixture
async def home(
    simcord_env: simcord.Env, services: Services, sample: Sample, battlenet: BattleNetStandIn, clock: FakeClock
) -> Home:
    """Invite the bot to a server with two officers, a member without rights, and namesakes of characters."""
    server = simcord_env.create_guild("Ember Hall", owner=simcord_env.create_user("owner"))
    officers = server.create_role("Officers", permissions=discord.Permissions(manage_guild=True))
    hidden = {
        server.default_role: discord.PermissionOverwrite(view_channel=False),
        officers: discord.PermissionOverwrite(view_channel=True),
    }
    assert simcord_env.bot.user is not None
    hidden[simcord_env.bot.user] = discord.PermissionOverwrite(view_channel=True)
    general = server.create_text_channel("general")
    audit = server.create_text_channel("officers", overwrites=hidden)
    # The bot knows a server before the first of its members does anything.
    await simcord_env.settle()
    officer, deputy = (server.add_member(simcord_env.create_user(name), roles=[officers]) for name in ("olga", "dora"))
    plain = server.add_member(simcord_env.create_user("mia"))
    names = [character.name for character in sample.linkable.values() if character.guild is not None][:NAMESAKES]
    namesakes = {
        name: server.add_member(simcord_env.create_user(f"player_{number}"), nick=name)
        for number, name in enumerate(names)
    }
    # What follows the joins waits for quiet; by the virtual clock that takes no time.
    await simcord_env.advance_time(QUIET_SECONDS)
    return Home(
        simcord_env,
        services,
        sample,
        battlenet,
        clock,
        server,
        general,
        audit,
        officer,
        deputy,
        plain,
        namesakes,
    )
