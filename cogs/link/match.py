"""`/link match`: what the rules would link, shown before anything is done."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.services.context import Context
from cogs.common.access import officers_server
from cogs.common.bot import MusterBot
from cogs.common.progress import Progress
from cogs.link import match_texts as texts
from cogs.link.match_ui import plan_card


class MatchCommand(commands.Cog):
    """The command; a part of the cog `Link`, which has these two."""

    bot: MusterBot
    ctx: Context

    @app_commands.command(description=texts.COMMAND)
    async def match(self, interaction: discord.Interaction) -> None:
        """Show what would be linked and why; the card's buttons do it."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            await progress.update(texts.MATCHING)
            await progress.finish(view=await plan_card(self.ctx, server_id))
