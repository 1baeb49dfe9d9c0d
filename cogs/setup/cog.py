"""`/setup`: an officer chooses the guild and the channels, and sees what is missing."""

from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import pipeline, probe, ranks, servers, status
from bot.services.lost_roles import ROLE_LOST
from bot.services.outbox import CHANNEL_LOST
from bot.services.roles import BLOCKED, HELD
from cogs.common.access import officers_server
from cogs.common.bot import MusterBot
from cogs.common.errors import DISCORD_ERRORS, Choices, guard_autocomplete
from cogs.common.progress import Progress
from cogs.setup import checks, texts
from cogs.setup.notices import render_channel_lost, render_role_lost
from cogs.setup.options import OptionsCommand
from cogs.setup.ranks import RanksCommand
from cogs.setup.realms import Realms, matching
from cogs.setup.roles import RolesCommand
from cogs.setup.roles_notices import render_blocked, render_held
from cogs.setup.trial import try_post
from cogs.setup.ui import channel_card, check_card, guild_card
from domain.errors import InvalidInput
from domain.regions import Region

DEFAULT_REGION = Region.EU

ShortText = app_commands.Range[str, 1, 100]


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Setup(
    OptionsCommand, RanksCommand, RolesCommand, commands.GroupCog, group_name="setup", group_description=texts.GROUP
):
    """Keep a server's settings."""

    def __init__(self, bot: MusterBot) -> None:
        self.bot = bot
        self.ctx = bot.services.ctx
        self._realms = Realms(bot.services)

    async def cog_load(self) -> None:
        """Render the word on a lost channel from here on."""
        self.bot.deliverer.register(CHANNEL_LOST, partial(render_channel_lost, self.bot))
        self.bot.deliverer.register(ROLE_LOST, render_role_lost)
        self.bot.deliverer.register(HELD, partial(render_held, self.ctx))
        self.bot.deliverer.register(BLOCKED, partial(render_blocked, self.bot))

    async def cog_unload(self) -> None:
        """Drop the fetches that nobody waits for any more."""
        self.bot.deliverer.unregister(CHANNEL_LOST)
        for kind in (ROLE_LOST, HELD, BLOCKED):
            self.bot.deliverer.unregister(kind)
        self._realms.close()

    @app_commands.command(description=texts.GUILD)
    @app_commands.describe(region=texts.REGION, realm=texts.REALM, guild=texts.GUILD_NAME, replace=texts.REPLACE)
    async def guild(
        self,
        interaction: discord.Interaction,
        region: Region,
        realm: ShortText,
        guild: ShortText,
        replace: ShortText | None = None,
    ) -> None:
        """Follow a guild that Battle.net knows, and show it."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            await progress.update(texts.LOOKING_UP)
            followed = await servers.follow_guild(
                self.ctx,
                self.bot.services.battlenet,
                server_id,
                region=region,
                realm=realm,
                name=guild,
                actor_id=interaction.user.id,
                giving_up=replace,
            )
            await progress.finish(view=guild_card(followed, await servers.view(self.ctx, server_id)))
            # Another server of this guild may have had it read already: links and findings follow now.
            await pipeline.follow_up(self.ctx, server_id)
            self.bot.deliverer.wake()

    @guild.autocomplete("realm")
    @guard_autocomplete
    async def realms(self, interaction: discord.Interaction, current: str) -> Choices[str]:
        """Offer the region's realms by any of their names, those that begin with what is typed first."""
        await officers_server(self.ctx, interaction)
        if interaction.namespace.region not in tuple(Region):
            return []
        found = matching(await self._realms.load(Region(interaction.namespace.region)), current)
        return [app_commands.Choice(name=realm.name, value=realm.slug) for realm in found]

    @app_commands.command(description=texts.CHANNELS)
    @app_commands.describe(audit=texts.AUDIT_CHANNEL)
    async def channels(self, interaction: discord.Interaction, audit: discord.TextChannel) -> None:
        """Choose the audit channel."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            if lacking := checks.missing_permissions(audit.permissions_for(audit.guild.me)):
                raise InvalidInput(texts.channel_refused(audit.id, lacking))
            await try_post(audit)
            await servers.set_audit_channel(self.ctx, server_id, audit.id, actor_id=interaction.user.id)
            await progress.finish(view=channel_card(audit.id, public=checks.readable_by_everyone(audit)))

    @app_commands.command(description=texts.CHECK)
    async def check(self, interaction: discord.Interaction) -> None:
        """Show what Muster needs and what is missing."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            await progress.update(texts.CHECKING)
            assert interaction.guild is not None
            await progress.finish(view=check_card(await self._checks(server_id, interaction.guild)))

    async def _checks(self, server_id: int, server: discord.Guild) -> list[checks.Check]:
        view = await servers.view(self.ctx, server_id)
        runs = await status.last_runs(self.ctx, server_id)
        mapped = None if view.guild is None else await ranks.view(self.ctx, server_id)
        region = DEFAULT_REGION if view.guild is None else view.guild.region
        return [
            checks.check_intent(self.bot.intents, await self._flags()),
            checks.check_permissions(server),
            checks.check_guild(view),
            checks.check_channel(server, view.audit_channel_id),
            checks.check_officers(server, view.officer_role_id),
            *(checks.check_ranks(server, mapped.ranks) if mapped else []),
            *(checks.check_role_sync(server, mapped) if mapped else []),
            checks.check_battlenet(await probe.battlenet_problem(self.bot.services.battlenet, region)),
            *checks.check_runs(runs),
            checks.check_timers(view.options, on=self.bot.services.timers),
            checks.check_delivery(view),
        ]

    async def _flags(self) -> discord.ApplicationFlags | None:
        try:
            return (await self.bot.application_info()).flags
        except DISCORD_ERRORS:
            return None
