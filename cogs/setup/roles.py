"""`/setup roles`: an officer sees what role sync would change, switches it, applies it, and takes a run back."""

import logging
import re
from typing import Any, Final, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.services import ranks, roles
from bot.services.context import Context
from bot.services.role_plans import STOPS
from bot.services.roles import RunView
from cogs.common.access import OfficerItem, officers_server, require_server
from cogs.common.bot import MusterBot, bot_of
from cogs.common.errors import DISCORD_ERRORS
from cogs.common.item import make_id
from cogs.common.paginator import PageButton, check_budget
from cogs.common.progress import Progress
from cogs.common.role_lines import roles_of
from cogs.common.role_texts import counts
from cogs.common.role_watch import watch_run
from cogs.setup import roles_texts as texts
from cogs.setup.ranks_roles import chooser_of
from cogs.setup.roles_cards import BLIND, Parts, plan_page, plan_parts, run_page, run_parts, show
from domain.errors import Conflict, MusterError
from domain.role_sync import RolePlan, RunKind, Stop

log = logging.getLogger(__name__)

NOW: Final = "now"
"""Stands for whatever plan there is, where a plan's key tells which one was shown."""
_RUN: Final = "(?P<run>[A-Za-z0-9_-]{4,24})"


class RolesCommand(commands.Cog):
    """The command; a part of the cog `Setup`, which has these two."""

    bot: MusterBot
    ctx: Context

    @app_commands.command(name="roles", description=texts.COMMAND)
    async def show_roles(self, interaction: discord.Interaction) -> None:
        """Show how role sync stands and what can be done about it."""
        async with Progress(interaction) as progress:
            await officers_server(self.ctx, interaction)
            await progress.finish(view=await _home(interaction))


class HomeButton(OfficerItem, template=r"roles:v1:home"):
    """Go back to how role sync stands."""

    def __init__(self) -> None:
        super().__init__(
            ui.Button(
                label=texts.BACK_BUTTON, style=discord.ButtonStyle.secondary, custom_id=make_id("roles", 1, "home")
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, _match: re.Match[str]) -> Self:
        """Make the button again."""
        return cls()

    async def run(self, interaction: discord.Interaction) -> None:
        """Show it in place."""
        await interaction.response.defer()
        await _edit(interaction, await _home(interaction))


class PlanPages(OfficerItem, PageButton, area="role-plan"):
    """Open what would change now, and page through it; the subject is the plan that was shown."""

    async def run(self, interaction: discord.Interaction) -> None:
        """Show it in place if the message is the officer's own, in a private copy otherwise."""
        own = interaction.message is not None and interaction.message.flags.ephemeral
        await interaction.response.defer(ephemeral=True, thinking=not own)
        await _edit(interaction, await _preview(interaction, self.number, key=self.subject))


class SwitchButton(OfficerItem, template=r"roles:v1:switch:(?P<to>on|off)"):
    """Switch role sync on, below what it would change, or off."""

    def __init__(self, to: str) -> None:
        self.on = to == "on"
        super().__init__(
            ui.Button(
                label=texts.ON_BUTTON if self.on else texts.OFF_BUTTON,
                style=discord.ButtonStyle.primary if self.on else discord.ButtonStyle.danger,
                custom_id=make_id("roles", 1, "switch", to),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read which way from the id."""
        return cls(match["to"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Switch it, and show what would change once it is on; nothing is changed by that alone."""
        await interaction.response.defer()
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        try:
            await roles.switch(ctx, server_id, self.on, chooser=chooser_of(interaction))
        except Conflict as error:
            await _edit(interaction, await _home(interaction, notice=texts.not_done(error.text)))
            return
        await _edit(interaction, await (_preview(interaction) if self.on else _home(interaction)))


class ApplyButton(OfficerItem, template=r"roles:v1:apply:(?P<key>[0-9a-f]{16})"):
    """Make the changes that were shown."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            ui.Button(
                label=texts.APPLY_BUTTON,
                style=discord.ButtonStyle.success,
                custom_id=make_id("roles", 1, "apply", key),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the plan's key from the id."""
        return cls(match["key"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Begin them and show how they go, or what would change by now if that is something else."""
        await interaction.response.defer()
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        try:
            run = await roles.start(
                ctx,
                server_id,
                key=self.key,
                facts=ctx.roles(server_id),
                kind=RunKind.APPLY,
                actor_id=interaction.user.id,
            )
        except MusterError as error:
            await _edit(interaction, await _preview(interaction, notice=texts.not_done(error.text)))
            return
        await _watch(interaction, run)


class RunPages(OfficerItem, PageButton, area="role-run"):
    """Show how a run of role changes stands, and page through what it left out."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Give the run as it stands now, at that page."""
        view = await roles.progress(bot_of(interaction).services.ctx, require_server(interaction), subject)
        return _run_card(interaction, view, number)


class UndoButton(OfficerItem, template=rf"roles:v1:undo:{_RUN}"):
    """Ask whether the last run is to be taken back."""

    def __init__(self, run: str) -> None:
        self.public_id = run
        super().__init__(
            ui.Button(
                label=texts.UNDO_BUTTON,
                style=discord.ButtonStyle.secondary,
                custom_id=make_id("roles", 1, "undo", run),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the run from the id."""
        return cls(match["run"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Ask, with what it did."""
        await interaction.response.defer()
        view = await roles.progress(bot_of(interaction).services.ctx, require_server(interaction), self.public_id)
        question: Parts = [
            texts.undo_question(view.done),
            ui.ActionRow[Any](UndoNowButton(self.public_id), HomeButton()),
        ]
        await _edit(interaction, show(question, notice=_facts_of(view)))


class UndoNowButton(OfficerItem, template=rf"roles:v1:undone:{_RUN}"):
    """Take the last run back."""

    def __init__(self, run: str) -> None:
        self.public_id = run
        super().__init__(
            ui.Button(
                label=texts.UNDO_NOW_BUTTON,
                style=discord.ButtonStyle.danger,
                custom_id=make_id("roles", 1, "undone", run),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the run from the id."""
        return cls(match["run"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Take it back and show how that goes, or how role sync stands if it is not the last run any more."""
        await interaction.response.defer()
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        try:
            undoing = await roles.undo(ctx, server_id, actor_id=interaction.user.id, run=self.public_id)
        except MusterError as error:
            await _edit(interaction, await _home(interaction, notice=texts.not_done(error.text)))
            return
        await _watch(interaction, undoing)


async def _home(interaction: discord.Interaction, *, notice: str | None = None) -> ui.LayoutView:
    ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
    on = (await ranks.view(ctx, server_id)).role_sync
    plan = await roles.preview(ctx, server_id, ctx.roles(server_id))
    last = await roles.last_run(ctx, server_id)
    lines = [texts.TITLE, texts.ON if on else texts.OFF]
    if plan.stop is not None and plan.stop is not Stop.OFF:
        lines.append(texts.not_done(STOPS[plan.stop]))
    if plan.stop not in BLIND:
        lines.append(texts.waiting(len(plan.changes), len(plan.user_ids)))
    lines += [texts.RULES, texts.BY_ITSELF]
    buttons: list[ui.Item[Any]] = [
        PlanPages(NOW, 0, label=texts.PREVIEW_BUTTON),
        *([SwitchButton("off")] if on else []),
    ]
    parts: Parts = ["\n".join(lines), ui.ActionRow(*buttons)]
    if last is None:
        parts.append(texts.NO_RUN)
    else:
        undo = [UndoButton(last.public_id)] if last.can_be_undone else []
        parts += [
            _facts_of(last),
            ui.ActionRow(RunPages(last.public_id, 0, label=texts.RUN_BUTTON), *undo),
        ]
    return show(parts, notice=notice)


async def _preview(
    interaction: discord.Interaction, number: int = 0, *, key: str = NOW, notice: str | None = None
) -> ui.LayoutView:
    """Show one page of what would change now; say so when that is not what `key` stood for."""
    ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
    plan = await roles.preview(ctx, server_id, ctx.roles(server_id))
    if notice is None and key not in (NOW, plan.key):
        notice = texts.CHANGED
    page = plan_page(plan, number)
    parts = plan_parts(plan, page, roles_of(interaction.guild))
    if page.count > 1:
        parts.append(PlanPages.buttons(plan.key, page))
    return show([*parts, ui.ActionRow(*_plan_buttons(plan))], notice=notice)


def _plan_buttons(plan: RolePlan) -> list[ui.Item[Any]]:
    if plan.stop is Stop.OFF:
        return [SwitchButton("on"), HomeButton()]
    return [*([ApplyButton(plan.key)] if plan.changes and plan.stop is None else []), HomeButton()]


async def _watch(interaction: discord.Interaction, run: str) -> None:
    """Show how a run goes until it is over; its changes are made whether or not somebody looks."""
    bot = bot_of(interaction)
    bot.deliverer.wake()
    try:
        async for view in watch_run(bot.services.ctx, require_server(interaction), run):
            await _edit(interaction, _run_card(interaction, view))
    except DISCORD_ERRORS as error:
        # Most likely the card was put away. What the officer asked for is begun: no error is theirs to hear.
        log.warning("the run of role changes %s is not shown any more: %s", run, error)


def _run_card(interaction: discord.Interaction, run: RunView, number: int = 0) -> ui.LayoutView:
    page = run_page(run, number)
    parts = run_parts(run, page, roles_of(interaction.guild))
    if run.planned:
        parts.append(ui.ActionRow(RunPages(run.public_id, page.number, label=texts.AGAIN_BUTTON), HomeButton()))
        return show(parts)
    if page.count > 1:
        parts.append(RunPages.buttons(run.public_id, page))
    return show([*parts, ui.ActionRow(HomeButton())], failed=run.failed > 0)


def _facts_of(run: RunView) -> str:
    facts = texts.run_facts(run.kind, run.actor_id, run.started_at, run.undone_by)
    return f"{facts}\n{counts(run.done, run.skipped, run.failed, run.planned)}"


async def _edit(interaction: discord.Interaction, view: ui.LayoutView) -> None:
    check_budget(view)
    await interaction.edit_original_response(view=view, allowed_mentions=discord.AllowedMentions.none())
