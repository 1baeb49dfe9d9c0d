"""`/audit`: the report, and a run on demand."""

from datetime import datetime
from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import audit, pipeline, rules, servers
from bot.services.digest import DIGEST
from bot.services.outbox import Delivery
from bot.services.pipeline import FollowUp
from cogs.audit import texts
from cogs.audit.digest import render_digest
from cogs.audit.lines import roles_of
from cogs.audit.list import TYPES, ListCommands
from cogs.audit.log import LogCommand
from cogs.audit.report import groups_of, lay_out
from cogs.audit.rules import RulesCommand
from cogs.audit.summary import counts_of, summary_card
from cogs.audit.ui import outcome_card, report_card
from cogs.audit.undo import UndoCommand
from cogs.common.access import officers_server
from cogs.common.bot import MusterBot
from cogs.common.delivery import Rendered
from cogs.common.progress import Progress
from domain.audit_groups import group_findings
from domain.audit_rules import RULES
from domain.errors import Conflict

RUNNABLE = [one for one in TYPES if rules.can_be_off(RULES[one.value])]


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Audit(
    ListCommands,
    RulesCommand,
    LogCommand,
    UndoCommand,
    commands.GroupCog,
    group_name="audit",
    group_description=texts.GROUP,
):
    """Show officers what does not fit."""

    def __init__(self, bot: MusterBot) -> None:
        self.bot = bot
        self.ctx = bot.services.ctx

    async def cog_load(self) -> None:
        """Render the outbox's reports from here on."""
        self.bot.deliverer.register(audit.REPORT, self.render_report)
        self.bot.deliverer.register(DIGEST, partial(render_digest, self.bot))

    async def cog_unload(self) -> None:
        """Leave queued reports to the next one that renders them."""
        self.bot.deliverer.unregister(audit.REPORT)
        self.bot.deliverer.unregister(DIGEST)

    @app_commands.command(description=texts.REPORT)
    async def report(self, interaction: discord.Interaction) -> None:
        """Post what stands to the audit channel; without one show it to the officer alone."""
        async with Progress(interaction) as progress:
            server = await servers.view(self.ctx, await officers_server(self.ctx, interaction))
            if not server.is_read:
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
    @app_commands.describe(rule=texts.RUN_RULE)
    @app_commands.choices(rule=RUNNABLE)
    async def run(self, interaction: discord.Interaction, rule: str | None = None) -> None:
        """Match and audit now, or run one rule alone."""
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            await progress.update(texts.RUNNING)
            if rule is None:
                follow_up = await pipeline.follow_up(self.ctx, server_id)
            else:
                follow_up = FollowUp(server_id, linked=0, suggested=0, audit=await rules.run(self.ctx, server_id, rule))
            self.bot.deliverer.wake()
            server = await servers.view(self.ctx, server_id)
            await progress.finish(view=outcome_card(follow_up, server.audit_channel_id, known=server.is_read))

    async def render_report(self, delivery: Delivery) -> Rendered:
        """Render a queued report; what it does not show by name is not told as notified."""
        payload = delivery.payload
        roster_at = payload.get("roster_at") and datetime.fromisoformat(payload["roster_at"])
        if payload.get("counts_only"):
            return Rendered(summary_card(counts_of(payload["groups"]), roster_at=roster_at))
        report = lay_out(
            groups_of(payload),
            only_new=payload["scope"] == audit.NEW,
            role=roles_of(self.bot.get_guild(delivery.server_id)),
            roster_at=roster_at,
        )
        return Rendered(report_card(report), report.shown_ids)
