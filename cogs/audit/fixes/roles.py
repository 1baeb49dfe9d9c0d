"""Set role: what would change for the members of a finding, and then the change."""

import re
from typing import Any, Self

import discord
from discord import ui

from bot.services import findings, role_fixes
from bot.services.findings import FindingView
from bot.services.role_plans import STOPS
from cogs.audit.finding_state import ShowButton
from cogs.audit.finding_ui import ID, FindingButton, finding_card, mend
from cogs.audit.fixes import roles_texts as texts
from cogs.audit.lines import line
from cogs.common.access import require_server
from cogs.common.bot import bot_of
from cogs.common.cards import card
from cogs.common.paginator import check_budget
from cogs.common.role_lines import change_lines, left_out_line, roles_of, trouble_lines
from cogs.common.role_texts import counts
from cogs.common.role_watch import watch_run
from domain.audit import Fix
from domain.errors import MusterError
from domain.role_sync import RolePlan

PATIENCE = 10.0
"""Seconds for which the officer is shown the outcome itself; what takes longer goes on without them."""


class SetRoleButton(FindingButton, template=rf"finding:v1:set-role:{ID}", act="set-role", fix=Fix.SET_ROLE):
    """Show what would change for the finding's members."""

    label = texts.SET_ROLE

    async def run(self, interaction: discord.Interaction) -> None:
        """Show it in place, or how the finding stands where that can't be."""
        await interaction.response.defer()
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        view = await findings.show(ctx, server_id, self.public_id)
        try:
            shown = dry_run_card(view, await role_fixes.look(ctx, server_id, self.public_id), interaction.guild)
        except MusterError as error:
            shown = finding_card(view, interaction.guild, done=texts.not_done(error.text))
        check_budget(shown)
        await interaction.edit_original_response(view=shown, allowed_mentions=discord.AllowedMentions.none())


class ApplyRoleButton(FindingButton, template=rf"finding:v1:give-role:{ID}:(?P<key>[0-9a-f]{{16}})", act="give-role"):
    """Make the changes that were shown."""

    label = texts.APPLY
    style = discord.ButtonStyle.success

    def __init__(self, public_id: str, key: str) -> None:
        self.key = key
        super().__init__(public_id, key)

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the finding and the plan's key from the id."""
        return cls(match["finding"], match["key"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Make them, let the audit follow, and show how the finding stands."""
        await interaction.response.defer()
        await mend(interaction, self.public_id, self._set(interaction))

    async def _set(self, interaction: discord.Interaction) -> str:
        bot, server_id = bot_of(interaction), require_server(interaction)
        ctx = bot.services.ctx
        run = await role_fixes.begin(ctx, server_id, self.public_id, key=self.key, actor_id=interaction.user.id)
        bot.deliverer.wake()
        async for state in watch_run(ctx, server_id, run, patience=PATIENCE):
            outcome = state
        lines = [counts(outcome.done, outcome.skipped, outcome.failed, outcome.planned)]
        return "\n".join([*lines, *(left_out_line(one, roles_of(interaction.guild)) for one in outcome.left_out)])


def dry_run_card(view: FindingView, plan: RolePlan, server: discord.Guild | None) -> ui.LayoutView:
    """Show what would change for a finding's members, and what is in the way."""
    role = roles_of(server)
    changes = change_lines(plan, plan.user_ids, role) or [texts.NOTHING]
    # A paragraph of its own: below the last bullet Discord would draw it as a part of that.
    trouble = [*trouble_lines(plan, role), *([] if plan.stop is None else [texts.not_done(STOPS[plan.stop])])]
    buttons: list[ui.Item[Any]] = [ShowButton(view.finding.public_id, label=texts.BACK)]
    if plan.changes and plan.stop is None:
        buttons.insert(0, ApplyRoleButton(view.finding.public_id, plan.key))
    return card(
        "\n".join([texts.TITLE, line(view.finding, role)]),
        "\n".join(changes),
        *(["\n".join(trouble)] if trouble else []),
        ui.ActionRow(*buttons),
        colour=view.finding.severity.colour,
    )
