"""`/audit`: the report, and a run on demand."""

from datetime import datetime

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import audit, pipeline, servers
from bot.services.outbox import Delivery
from bot.services.servers import ServerView
from cogs.audit import texts
from cogs.audit.lines import roles_of
from cogs.audit.report import groups_of, lay_out
from cogs.audit.ui import outcome_card, report_card
from cogs.common.access import officers_server
from cogs.common.bot import MusterBot
from cogs.common.delivery import Rendered
from cogs.common.progress import Progress
from domain.audit import group_findings
from domain.errors import Conflict


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Audit(commands.GroupCog, group_name="audit", group_description=texts.GROUP):
    """Show officers what does not fit."""

    def __init__(self, bot: MusterBot) -> None:
        self.bot = bot
        self.ctx = bot.services.ctx

    async def cog_load(self) -> None:
        """Render the outbox's reports from here on."""
        self.bot.deliverer.register(audit.REPORT, self.render_report)

    async def cog_unload(self) -> None:
        """Leave queued reports to the next one that renders them."""
        self.bot.deliverer.unregister(audit.REPORT)

    @app_commands.command(description=texts.REPORT)
    async def report(self, interaction: discord.Interaction) -> None:
        """Post what stands to the audit channel; without one show it to the officer alone."""
        async with Progress(interaction) as progress:
            server = await servers.view(self.ctx, await officers_server(self.ctx, interaction))
            if not is_known(server):
                raise Conflict(texts.NOT_READ_YET)
            if server.audit_channel_id is None:
                standing = await audit.standing(self.ctx, server.server_id)
                groups = group_findings(standing, server.options.report_lines)
                report = lay_out(
                    groups,
                    only_new=False,
                    role=roles_of(interaction.guild),
                    roster_at=server.guild and server.guild.roster_synced_at,
                    hint=texts.NO_CHANNEL,
                )
                await progress.finish(view=report_card(report))
                return
            count = await audit.queue_report(self.ctx, server.server_id)
            self.bot.deliverer.wake()
            failed = texts.undelivered(server.undelivered) if server.undelivered else ""
            await progress.finish(texts.queued(count, server.audit_channel_id) + failed)

    @app_commands.command(description=texts.RUN)
    async def run(self, interaction: discord.Interaction) -> None:
        """Match and audit now."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            await progress.update(texts.RUNNING)
            follow_up = await pipeline.follow_up(self.ctx, server_id)
            self.bot.deliverer.wake()
            server = await servers.view(self.ctx, server_id)
            await progress.finish(view=outcome_card(follow_up, server.audit_channel_id, known=is_known(server)))

    async def render_report(self, delivery: Delivery) -> Rendered:
        """Render a queued report; what it does not show by name is not told as notified."""
        payload = delivery.payload
        roster_at = payload.get("roster_at")
        report = lay_out(
            groups_of(payload),
            only_new=payload["scope"] == audit.NEW,
            role=roles_of(self.bot.get_guild(delivery.server_id)),
            roster_at=roster_at and datetime.fromisoformat(roster_at),
        )
        return Rendered(report_card(report), report.shown_ids)


def is_known(server: ServerView) -> bool:
    """Tell whether roster and members were both read whole: before that no finding means nothing."""
    return server.members_synced_at is not None and server.guild is not None and bool(server.guild.roster_synced_at)
