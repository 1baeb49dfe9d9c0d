"""`/sync`: officers read the roster and the members now, and decide about held departures."""

from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import departures, pipeline, servers
from bot.services.news import LINKS, NEWS
from bot.services.outages import OUTAGE
from bot.services.outbox import Delivery
from cogs.common.access import officers_server
from cogs.common.bot import MusterBot
from cogs.common.delivery import Rendered
from cogs.common.members import read_members
from cogs.common.progress import Progress, status_view
from cogs.sync import texts
from cogs.sync.decisions import decided_card, follow, render_notice
from cogs.sync.news import render_links, render_news, render_outage
from cogs.sync.ui import members_card, roster_card, status_card
from domain.errors import FollowsNoGuild
from domain.runs import Trigger


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Sync(commands.GroupCog, group_name="sync", group_description=texts.GROUP):
    """Start syncs and show how they ended."""

    def __init__(self, bot: MusterBot) -> None:
        self.bot = bot
        self.ctx = bot.services.ctx

    async def cog_load(self) -> None:
        """Render what the syncs tell by themselves."""
        self.bot.deliverer.register(departures.NOTICE, self._notice)
        self.bot.deliverer.register(NEWS, partial(render_news, self.ctx))
        self.bot.deliverer.register(LINKS, partial(render_links, self.ctx))
        self.bot.deliverer.register(OUTAGE, render_outage)

    async def cog_unload(self) -> None:
        """Leave the notices to whoever loads next."""
        for kind in (departures.NOTICE, NEWS, LINKS, OUTAGE):
            self.bot.deliverer.unregister(kind)

    @app_commands.command(description=texts.ROSTER)
    async def roster(self, interaction: discord.Interaction) -> None:
        """Read the guild's roster and show what it changed."""
        async with Progress(interaction) as progress:
            view = await servers.view(self.ctx, await officers_server(self.ctx, interaction))
            if view.guild is None:
                raise FollowsNoGuild
            sync = await pipeline.sync_roster(
                self.ctx,
                self.bot.services.battlenet,
                view.guild.id,
                trigger=Trigger.COMMAND,
                actor_id=interaction.user.id,
                progress=progress.update,
            )
            self.bot.deliverer.wake()
            card = roster_card(sync, view, timers=self.bot.services.timers)
            await progress.finish(view=card, late=status_view(texts.ROSTER_LATE))

    @app_commands.command(description=texts.MEMBERS)
    async def members(self, interaction: discord.Interaction) -> None:
        """Compare the members with Discord's list and show what it changed."""
        async with Progress(interaction) as progress:
            view = await servers.view(self.ctx, await officers_server(self.ctx, interaction))
            await progress.update(texts.READING_MEMBERS)
            server = interaction.guild
            assert server is not None
            fetch = partial(read_members, self.ctx, server)
            sync = await pipeline.sync_members(
                self.ctx, server.id, fetch, trigger=Trigger.COMMAND, actor_id=interaction.user.id
            )
            self.bot.deliverer.wake()
            await progress.finish(view=members_card(sync, view), late=status_view(texts.MEMBERS_LATE))

    @app_commands.command(description=texts.STATUS)
    async def status(self, interaction: discord.Interaction) -> None:
        """Show the last syncs and the held departures."""
        server_id = await officers_server(self.ctx, interaction)
        await interaction.response.send_message(
            view=await status_card(self.ctx, server_id),
            ephemeral=True,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    @app_commands.command(description=texts.APPLY)
    async def apply(self, interaction: discord.Interaction) -> None:
        """End the memberships that are held."""
        await self._decide(interaction, apply=True)

    @app_commands.command(description=texts.DISCARD)
    async def discard(self, interaction: discord.Interaction) -> None:
        """Keep the held characters as members."""
        await self._decide(interaction, apply=False)

    async def _decide(self, interaction: discord.Interaction, *, apply: bool) -> None:
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            decision = await departures.decide(self.ctx, server_id, apply=apply, actor_id=interaction.user.id)
            await progress.finish(view=decided_card(decision))
            await follow(self.bot, decision)

    async def _notice(self, delivery: Delivery) -> Rendered:
        return await render_notice(self.ctx, delivery)
