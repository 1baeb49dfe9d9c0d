"""`/link review`: an officer's word on what the rules only suggest, one character at a time."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.services.context import Context
from cogs.common.access import officers_server
from cogs.common.bot import MusterBot
from cogs.common.progress import Progress
from cogs.link import review_texts as texts
from cogs.link.review_ui import review_card


class ReviewCommand(commands.Cog):
    """The command; a part of the cog `Link`, which has these two."""

    bot: MusterBot
    ctx: Context

    @app_commands.command(description=texts.COMMAND)
    async def review(self, interaction: discord.Interaction) -> None:
        """Show the suggestion whose turn it is; nothing is remembered of where an officer was."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            await progress.finish(view=await review_card(self.ctx, server_id))
