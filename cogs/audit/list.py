"""`/audit list` and `/audit show`: the findings that an officer looks for."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.services import findings, player
from bot.services.context import Context
from bot.services.findings import Filters
from cogs.audit import finding_texts, list_texts
from cogs.audit.finding_ui import finding_card
from cogs.audit.list_ui import list_page
from cogs.common.access import officers_server
from cogs.common.errors import Choices, guard_autocomplete
from cogs.common.paginator import check_budget
from cogs.common.text import clean
from domain.audit import Severity, State
from domain.audit_rules import RULES
from domain.ranks import rank_label

CHOICE_LIMIT = 100
TYPES = [app_commands.Choice(name=f"{rule.symbol} {rule.title}", value=name) for name, rule in RULES.items()]
SEVERITIES = [app_commands.Choice(name=word, value=one.value) for one, word in list_texts.SEVERITIES.items()]
STATES = [app_commands.Choice(name=word, value=one.value) for one, word in list_texts.STATES.items()]
RankIndex = app_commands.Range[int, 0, 9]
FindingText = app_commands.Range[str, 1, 100]


class ListCommands(commands.Cog):
    """The commands; a part of the cog `Audit`, which has the context."""

    ctx: Context

    @app_commands.command(name="list", description=list_texts.LIST)
    @app_commands.rename(rule="type")
    @app_commands.describe(
        rule=list_texts.TYPE, rank=list_texts.RANK, severity=list_texts.SEVERITY, state=list_texts.STATE
    )
    @app_commands.choices(rule=TYPES, severity=SEVERITIES, state=STATES)
    async def list_findings(
        self,
        interaction: discord.Interaction,
        rule: str | None = None,
        rank: RankIndex | None = None,
        severity: str | None = None,
        state: str = State.OPEN.value,
    ) -> None:
        """Show the first page of the findings that fit."""
        await officers_server(self.ctx, interaction)
        filters = Filters(rule, rank, None if severity is None else Severity(severity), State(state))
        await _send(interaction, await list_page(interaction, filters, 0))

    @app_commands.command(description=list_texts.SHOW)
    @app_commands.describe(finding=list_texts.FINDING)
    async def show(self, interaction: discord.Interaction, finding: FindingText) -> None:
        """Show one finding's card."""
        server_id = await officers_server(self.ctx, interaction)
        view = await findings.resolve_text(self.ctx, server_id, finding)
        await _send(interaction, finding_card(view, interaction.guild))

    @list_findings.autocomplete("rank")
    @guard_autocomplete
    async def ranks(self, interaction: discord.Interaction, current: str) -> Choices[int]:
        """Offer the server's ranks."""
        found = await player.find_ranks(self.ctx, await officers_server(self.ctx, interaction), current)
        return [
            app_commands.Choice(name=clean(rank_label(rank.index, rank.name), CHOICE_LIMIT), value=rank.index)
            for rank in found
        ]

    @show.autocomplete("finding")
    @guard_autocomplete
    async def some(self, interaction: discord.Interaction, current: str) -> Choices[str]:
        """Offer findings that are not settled, by name or type."""
        found = await findings.search(self.ctx, await officers_server(self.ctx, interaction), current)
        return [app_commands.Choice(name=finding_texts.choice(one), value=one.public_id) for one in found]


async def _send(interaction: discord.Interaction, view: discord.ui.LayoutView) -> None:
    check_budget(view)
    await interaction.response.send_message(view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())
