import discord
import pytest
import simcord
from discord.ext import commands

from cogs.common import texts
from cogs.common.access import require_officer
from cogs.common.errors import MusterTree


class DoorBot(commands.Bot):
    """A bot whose one command lets only officers in."""

    def __init__(self) -> None:
        super().__init__("!", intents=discord.Intents.default(), tree_cls=MusterTree)
        self.officer_role_id: int | None = None

    async def setup_hook(self) -> None:
        @self.tree.command()
        async def door(interaction: discord.Interaction) -> None:
            """Open."""
            server_id = require_officer(interaction, self.officer_role_id)
            await interaction.response.send_message(f"open {server_id}", ephemeral=True)

        await self.tree.sync()


@pytest.fixture
def simcord_bot() -> DoorBot:
    return DoorBot()


async def knock(actor: simcord.MemberActor, channel: simcord.ChannelHandle) -> str:
    return (await actor.slash(channel, "door")).response.content


async def test_an_officer_has_manage_server_or_the_chosen_role(simcord_env: simcord.Env) -> None:
    server = simcord_env.create_guild()
    channel = server.create_text_channel("general")
    manager = server.create_role("Manager", permissions=discord.Permissions(manage_guild=True))
    chosen = server.create_role("Officer")
    other = server.create_role("Raider")
    people = [server.add_member(simcord_env.create_user(role.name), roles=[role]) for role in (manager, chosen, other)]
    await simcord_env.settle()
    simcord_env.bot.officer_role_id = chosen.id
    opened = f"open {server.id}"
    assert [await knock(person, channel) for person in people] == [opened, opened, texts.OFFICERS_ONLY]
    assert simcord_env.errors


async def test_no_chosen_role_means_manage_server_only(simcord_env: simcord.Env) -> None:
    server = simcord_env.create_guild()
    channel = server.create_text_channel("general")
    nobody = server.add_member(simcord_env.create_user("nobody"))
    await simcord_env.settle()
    assert await knock(nobody, channel) == texts.OFFICERS_ONLY
    # @everyone has the server's own id; as an officers' role it would open every door.
    simcord_env.bot.officer_role_id = server.id
    assert await knock(nobody, channel) == texts.OFFICERS_ONLY
    assert simcord_env.errors


async def test_what_a_channel_allows_makes_nobody_an_officer(simcord_env: simcord.Env) -> None:
    server = simcord_env.create_guild()
    manager = server.create_role("Manager", permissions=discord.Permissions(manage_guild=True))
    somebody, chief = (
        server.add_member(simcord_env.create_user(name), roles=roles)
        for name, roles in (("eve", []), ("dora", [manager]))
    )
    overwrites = {
        somebody.user: discord.PermissionOverwrite(manage_guild=True),
        chief.user: discord.PermissionOverwrite(manage_guild=False),
    }
    channel = server.create_text_channel("general", overwrites=overwrites)
    await simcord_env.settle()
    assert await knock(somebody, channel) == texts.OFFICERS_ONLY
    assert await knock(chief, channel) == f"open {server.id}"
    assert simcord_env.errors


async def test_nobody_is_an_officer_in_a_direct_message(simcord_env: simcord.Env) -> None:
    user = simcord_env.create_user("dora")
    simcord_env.create_guild().add_member(user)
    await user.send_dm("hello")
    result = await user.slash("door")
    assert result.response.content == texts.SERVER_ONLY
    assert simcord_env.errors
