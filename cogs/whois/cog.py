"""`/whois`: an officer asks who a member or a character is."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import links
from bot.services.links import PlayerView
from cogs.common.access import officers_server
from cogs.common.bot import MusterBot
from cogs.common.characters import CharacterText, character_choices
from cogs.common.errors import Choices, guard_autocomplete
from cogs.whois import texts
from cogs.whois.hiatus import player_card
from domain.errors import InvalidInput


class Whois(commands.Cog):
    """Tell who is who, to officers only."""

    def __init__(self, bot: MusterBot) -> None:
        self.ctx = bot.services.ctx

    @app_commands.command(description=texts.COMMAND)
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.describe(member=texts.MEMBER, character=texts.CHARACTER)
    async def whois(
        self,
        interaction: discord.Interaction,
        member: discord.Member | None = None,
        character: CharacterText | None = None,
    ) -> None:
        """Show the player behind a member or a character."""
        server_id = await officers_server(self.ctx, interaction)
        view = await self._find(server_id, member, character)
        await interaction.response.send_message(
            view=await player_card(self.ctx, server_id, view),
            ephemeral=True,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    @whois.autocomplete("character")
    @guard_autocomplete
    async def characters(self, interaction: discord.Interaction, current: str) -> Choices[str]:
        """Offer the guild's characters to officers."""
        return await character_choices(self.ctx, await officers_server(self.ctx, interaction), current)

    async def _find(self, server_id: int, member: discord.Member | None, character: str | None) -> PlayerView:
        if member is not None and character is None:
            return await links.whois_member(self.ctx, server_id, member.id)
        if character is not None and member is None:
            character_id = await links.resolve_character(self.ctx, server_id, character)
            return await links.whois_character(self.ctx, server_id, character_id)
        raise InvalidInput(texts.ONE_OF_THEM)
