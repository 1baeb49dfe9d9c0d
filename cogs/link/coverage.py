"""`/link coverage`: how much is linked, as picture and numbers."""

import io

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import charts, coverage
from bot.services.context import Context
from cogs.common.access import officers_server
from cogs.common.progress import Progress
from cogs.link import coverage_texts as texts
from cogs.link.coverage_ui import PICTURE, chart_of, coverage_card


class CoverageCommand(commands.Cog):
    """The command; a part of the cog `Link`, which has the context."""

    ctx: Context

    @app_commands.command(description=texts.COMMAND)
    async def coverage(self, interaction: discord.Interaction) -> None:
        """Count what is linked, draw it, and say how far the rules can be trusted."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            await progress.update(texts.COUNTING)
            found = await coverage.load(self.ctx, server_id)
            await progress.update(texts.DRAWING)
            picture = await self.ctx.compute(charts.stacked_bars, chart_of(found))
            await progress.finish(view=coverage_card(found), files=[discord.File(io.BytesIO(picture), PICTURE)])
