"""`/player`: members see and say who they are; officers decide their claims and say which rank a player has."""

from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import claims, me, pipeline, player, privacy
from cogs.common.access import officers_server, require_server
from cogs.common.bot import MusterBot
from cogs.common.characters import CharacterText
from cogs.common.errors import Choices, guard_autocomplete
from cogs.common.progress import Progress
from cogs.common.text import clean
from cogs.player import claim_texts, claim_ui, me_texts, privacy_texts, texts
from cogs.player.me_ui import asked_card, me_card
from cogs.player.privacy_ui import privacy_card

CHOICE_LIMIT = 100
"""What Discord takes as the name of a choice."""

ShortText = app_commands.Range[str, 1, 100]
ReasonText = app_commands.Range[str, 1, 200]


@app_commands.guild_only()
class Player(commands.GroupCog, group_name="player", group_description=texts.GROUP):
    """Keep what people say about players. The group is open to everybody: each command checks who may use it."""

    def __init__(self, bot: MusterBot) -> None:
        self.bot = bot
        self.ctx = bot.services.ctx

    async def cog_load(self) -> None:
        """Render what the outbox says of claims from here on."""
        self.bot.deliverer.register(claims.CARD, partial(claim_ui.render_card, self.ctx))
        self.bot.deliverer.register(claims.DECIDED, claim_ui.render_decided)

    async def cog_unload(self) -> None:
        """Leave what waits to the next one that renders it."""
        self.bot.deliverer.unregister(claims.CARD)
        self.bot.deliverer.unregister(claims.DECIDED)

    @app_commands.command(description=me_texts.ME)
    async def me(self, interaction: discord.Interaction) -> None:
        """Show a member what is known of them."""
        async with Progress(interaction) as progress:
            own = await me.look(self.ctx, require_server(interaction), interaction.user.id)
            await progress.finish(view=me_card(own))

    @app_commands.command(description=privacy_texts.PRIVACY)
    async def privacy(self, interaction: discord.Interaction) -> None:
        """Show a member how they stand, and the button that changes it."""
        async with Progress(interaction) as progress:
            stands = await privacy.look(self.ctx, require_server(interaction), interaction.user.id)
            await progress.finish(view=privacy_card(stands))

    @app_commands.command(description=claim_texts.CLAIM)
    @app_commands.describe(character=claim_texts.CHARACTER)
    async def claim(self, interaction: discord.Interaction, character: CharacterText) -> None:
        """Ask the officers to confirm that a character is the member's."""
        async with Progress(interaction) as progress:
            server_id = require_server(interaction)
            asked = await claims.ask(self.ctx, server_id, character=character, user_id=interaction.user.id)
            self.bot.deliverer.wake()
            await progress.finish(view=asked_card(asked))

    @app_commands.command(description=claim_texts.CLAIMS)
    async def claims(self, interaction: discord.Interaction) -> None:
        """Show an officer the claims that wait, whatever became of their cards."""
        async with Progress(interaction) as progress:
            waiting = await claims.open_claims(self.ctx, await officers_server(self.ctx, interaction))
            await progress.finish(view=claim_ui.list_card(waiting))

    @claim.autocomplete("character")
    @guard_autocomplete
    async def characters(self, interaction: discord.Interaction, current: str) -> Choices[str]:
        """Offer anybody the guild's characters, as the game shows them."""
        found = await claims.find_characters(self.ctx, require_server(interaction), current)
        return [app_commands.Choice(name=claim_ui.choice(one), value=str(one.id)) for one in found]

    @app_commands.command(description=texts.RANK)
    @app_commands.describe(member=texts.MEMBER, rank=texts.RANK_CHOICE, reason=texts.REASON, until=texts.UNTIL)
    async def rank(
        self,
        interaction: discord.Interaction,
        member: discord.Member,
        rank: ShortText,
        reason: ReasonText | None = None,
        until: ShortText | None = None,
    ) -> None:
        """Set or end an officer's word about a player's rank."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            word = await player.set_rank(
                self.ctx,
                server_id,
                user_id=member.id,
                rank=rank,
                reason=reason,
                until=until,
                actor_id=interaction.user.id,
            )
            await progress.finish(texts.told(member.id, word.override, changed=word.changed))
            if word.changed:
                await pipeline.follow_up(self.ctx, server_id)
                self.bot.deliverer.wake()

    @rank.autocomplete("rank")
    @guard_autocomplete
    async def ranks(self, interaction: discord.Interaction, current: str) -> Choices[str]:
        """Offer the server's ranks, and the way back to the game's."""
        found = await player.find_ranks(self.ctx, await officers_server(self.ctx, interaction), current)
        choices = [
            app_commands.Choice(
                name=clean(texts.rank_choice(rank.index, rank.name), CHOICE_LIMIT), value=str(rank.index)
            )
            for rank in found
        ]
        return [*choices, app_commands.Choice(name=texts.AS_IN_GAME, value=player.AS_IN_GAME)]
