"""A virtual Discord with one server, one channel, a member and an officer."""

from dataclasses import dataclass

import discord
import pytest
import simcord

from tests.cogs.common.probes import ProbeBot


@dataclass
class World:
    """What a test of the surface acts on."""

    env: simcord.Env
    channel: simcord.ChannelHandle
    member: simcord.MemberActor
    officer: simcord.MemberActor

    async def post(self, view: discord.ui.LayoutView) -> discord.Message:
        """Let the bot write a card into the channel."""
        return await self.env.bot.get_partial_messageable(self.channel.id).send(view=view)


@pytest.fixture
def simcord_bot() -> ProbeBot:
    """Give SimCord the bot to run."""
    return ProbeBot()


@pytest.fixture
async def world(simcord_env: simcord.Env) -> World:
    """Run the probe bot in a server with two people."""
    server = simcord_env.create_guild("Home")
    channel = server.create_text_channel("general")
    officers = server.create_role("Officers", permissions=discord.Permissions(manage_guild=True))
    member = server.add_member(simcord_env.create_user("mia"))
    officer = server.add_member(simcord_env.create_user("olga"), roles=[officers])
    await simcord_env.settle()
    return World(simcord_env, channel, member, officer)
