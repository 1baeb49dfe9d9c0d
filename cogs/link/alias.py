"""`/link alias`: an officer says what a name in notes means."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import aliases, links, pipeline
from bot.services.aliases import AliasChange
from bot.services.context import Context
from cogs.common.access import officers_server
from cogs.common.bot import MusterBot
from cogs.common.characters import CharacterText, character_choices
from cogs.common.errors import Choices, guard_autocomplete
from cogs.common.progress import Progress
from cogs.common.text import clean
from cogs.link import alias_texts as texts
from cogs.link import alias_ui
from domain.errors import InvalidInput

AliasText = app_commands.Range[str, 1, 100]


class AliasCommand(commands.Cog):
    """The command; a part of the cog `Link`, which has these two."""

    bot: MusterBot
    ctx: Context

    @app_commands.command(description=texts.COMMAND)
    @app_commands.describe(name=texts.NAME, member=texts.MEMBER, character=texts.CHARACTER, remove=texts.REMOVE)
    async def alias(
        self,
        interaction: discord.Interaction,
        name: AliasText | None = None,
        member: discord.Member | None = None,
        character: CharacterText | None = None,
        remove: bool = False,
    ) -> None:
        """Set, show, list or take back what names in notes mean."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            named = member is not None or character is not None
            if name is None:
                if named or remove:
                    raise InvalidInput(texts.NAME_FIRST)
                await progress.finish(view=alias_ui.alias_page(await aliases.list_aliases(self.ctx, server_id)))
                return
            if not named and not remove:
                await progress.finish(view=alias_ui.alias_page([await aliases.show_alias(self.ctx, server_id, name)]))
                return
            await progress.update(texts.SAYING)
            if remove:
                if named:
                    raise InvalidInput(texts.NOTHING_ELSE)
                change = await aliases.remove_alias(self.ctx, server_id, name=name, actor_id=interaction.user.id)
            else:
                change = await self._set(server_id, name, member, character, interaction.user.id)
            await progress.finish(alias_ui.changed(change))
            if change.changed:
                await pipeline.follow_up(self.ctx, server_id)
                self.bot.deliverer.wake()

    @alias.autocomplete("name")
    @guard_autocomplete
    async def names(self, interaction: discord.Interaction, current: str) -> Choices[str]:
        """Offer the names that have a meaning to officers."""
        found = await aliases.find_aliases(self.ctx, await officers_server(self.ctx, interaction), current)
        return [app_commands.Choice(name=clean(f"{one.alias} → {one.target}", 100), value=one.alias) for one in found]

    @alias.autocomplete("character")
    @guard_autocomplete
    async def meant(self, interaction: discord.Interaction, current: str) -> Choices[str]:
        """Offer the guild's characters to officers."""
        return await character_choices(self.ctx, await officers_server(self.ctx, interaction), current)

    async def _set(
        self, server_id: int, name: str, member: discord.Member | None, character: str | None, actor_id: int
    ) -> AliasChange:
        character_id = None if character is None else await links.resolve_character(self.ctx, server_id, character)
        return await aliases.set_alias(
            self.ctx,
            server_id,
            name=name,
            user_id=None if member is None else member.id,
            character_id=character_id,
            actor_id=actor_id,
        )
