"""`/link why`: everything that is known about whose a character is."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import links
from bot.services.context import Context
from cogs.common.access import officers_server
from cogs.common.characters import CharacterText, character_choices
from cogs.common.errors import Choices, guard_autocomplete
from cogs.link import why_texts as texts
from cogs.link.why_ui import why_card


class WhyCommand(commands.Cog):
    """The command; a part of the cog `Link`, which has the context."""

    ctx: Context

    @app_commands.command(description=texts.COMMAND)
    @app_commands.describe(character=texts.CHARACTER)
    async def why(self, interaction: discord.Interaction, character: CharacterText) -> None:
        """Show every reason of a character's link or suggestion, and what was before."""
        server_id = await officers_server(self.ctx, interaction)
        character_id = await links.resolve_character(self.ctx, server_id, character)
        await interaction.response.send_message(
            view=await why_card(self.ctx, server_id, character_id),
            ephemeral=True,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    @why.autocomplete("character")
    @guard_autocomplete
    async def explained(self, interaction: discord.Interaction, current: str) -> Choices[str]:
        """Offer the guild's characters to officers."""
        return await character_choices(self.ctx, await officers_server(self.ctx, interaction), current)
