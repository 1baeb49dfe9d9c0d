"""`/player`: an officer says which rank a player has, whatever the game says."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import pipeline, player
from cogs.common.access import officers_server
from cogs.common.bot import MusterBot
from cogs.common.errors import Choices, guard_autocomplete
from cogs.common.progress import Progress
from cogs.common.text import clean
from cogs.player import texts

CHOICE_LIMIT = 100
"""What Discord takes as the name of a choice."""

ShortText = app_commands.Range[str, 1, 100]
ReasonText = app_commands.Range[str, 1, 200]


@app_commands.guild_only()
class Player(commands.GroupCog, group_name="player", group_description=texts.GROUP):
    """Keep what officers say about players. The group is open to everybody: each command checks who may use it."""

    def __init__(self, bot: MusterBot) -> None:
        self.bot = bot
        self.ctx = bot.services.ctx

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
