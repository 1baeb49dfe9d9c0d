"""`/addon`: who may upload notes from the game, and what they uploaded."""

from discord import app_commands
from discord.ext import commands

from cogs.addon import texts
from cogs.addon.keys import KeyCommand
from cogs.addon.status import StatusCommand
from cogs.common.bot import MusterBot


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Addon(
    KeyCommand,
    StatusCommand,
    commands.GroupCog,
    group_name="addon",
    group_description=texts.GROUP,
):
    """Let officers hand out keys, and show them what came of it."""

    def __init__(self, bot: MusterBot) -> None:
        self.bot = bot
        self.ctx = bot.services.ctx
