"""`/link`: an officer says which character belongs to which member."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import links, pipeline
from cogs.common.access import officers_server
from cogs.common.bot import MusterBot
from cogs.common.characters import CharacterText, character_choices
from cogs.common.errors import Choices, guard_autocomplete
from cogs.common.progress import Progress
from cogs.link import texts, ui
from cogs.link.alias import AliasCommand
from cogs.link.coverage import CoverageCommand
from cogs.link.match import MatchCommand
from cogs.link.review import ReviewCommand
from cogs.link.why import WhyCommand
from domain.errors import InvalidInput


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Link(
    MatchCommand,
    ReviewCommand,
    AliasCommand,
    WhyCommand,
    CoverageCommand,
    commands.GroupCog,
    group_name="link",
    group_description=texts.GROUP,
):
    """Add, remove and confirm links; matching and audit follow each change."""

    def __init__(self, bot: MusterBot) -> None:
        self.bot = bot
        self.ctx = bot.services.ctx

    @app_commands.command(description=texts.ADD)
    @app_commands.describe(character=texts.CHARACTER, member=texts.MEMBER, also=texts.ALSO)
    async def add(
        self, interaction: discord.Interaction, character: CharacterText, member: discord.Member, also: bool = False
    ) -> None:
        """Link a character to a member."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            await progress.update(texts.WORKING)
            change = await links.add(
                self.ctx,
                server_id,
                character_id=await links.resolve_character(self.ctx, server_id, character),
                user_id=member.id,
                actor_id=interaction.user.id,
                also=also,
            )
            await progress.finish(ui.added(change))
            if change.changed:
                await self._follow_up(server_id)

    @app_commands.command(description=texts.REMOVE)
    @app_commands.describe(character=texts.CHARACTER)
    async def remove(self, interaction: discord.Interaction, character: CharacterText) -> None:
        """Take a character's link away."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            await progress.update(texts.REMOVING)
            change = await links.remove(
                self.ctx,
                server_id,
                character_id=await links.resolve_character(self.ctx, server_id, character),
                actor_id=interaction.user.id,
            )
            await progress.finish(ui.removed(change))
            await self._follow_up(server_id)

    @app_commands.command(description=texts.CONFIRM)
    @app_commands.describe(character=texts.CONFIRM_CHARACTER, member=texts.CONFIRM_MEMBER)
    async def confirm(
        self,
        interaction: discord.Interaction,
        character: CharacterText | None = None,
        member: discord.Member | None = None,
    ) -> None:
        """Vouch for a character's inferred link, or for all of a member."""
        async with Progress(interaction) as progress:
            server_id, actor_id = await officers_server(self.ctx, interaction), interaction.user.id
            await progress.update(texts.CONFIRMING)
            if character is not None and member is None:
                character_id = await links.resolve_character(self.ctx, server_id, character)
                done = await links.confirm(self.ctx, server_id, character_id=character_id, actor_id=actor_id)
            elif member is not None and character is None:
                done = await links.confirm_member(self.ctx, server_id, user_id=member.id, actor_id=actor_id)
            else:
                raise InvalidInput(texts.ONE_OF_THEM)
            await progress.finish(ui.confirmed(done))
            await self._follow_up(server_id)

    @add.autocomplete("character")
    @remove.autocomplete("character")
    @confirm.autocomplete("character")
    @guard_autocomplete
    async def characters(self, interaction: discord.Interaction, current: str) -> Choices[str]:
        """Offer the guild's characters to officers."""
        return await character_choices(self.ctx, await officers_server(self.ctx, interaction), current)

    async def _follow_up(self, server_id: int) -> None:
        await pipeline.follow_up(self.ctx, server_id)
        self.bot.deliverer.wake()
