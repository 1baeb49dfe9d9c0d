"""`/audit undo`: what officers put aside, and the last run of role changes, taken back after a question."""

import re
from typing import Any, Final, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.services import pipeline, undo
from bot.services.context import Context
from bot.services.roles import RunView
from bot.services.undo import Aside, Undoable
from cogs.audit import undo_texts as texts
from cogs.audit.lines import line, roles_of
from cogs.common.access import OfficerItem, officers_server, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import WARNING_COLOUR, card
from cogs.common.item import make_id
from cogs.common.paginator import check_budget, show_own
from domain.errors import MusterError

_BATCH: Final = r"(?P<batch>[A-Za-z0-9_.-]{2,24})"


class UndoCommand(commands.Cog):
    """The command; a part of the cog `Audit`, which has the context."""

    ctx: Context

    @app_commands.command(name="undo", description=texts.COMMAND)
    async def show_undoable(self, interaction: discord.Interaction) -> None:
        """Show what can be taken back."""
        server_id = await officers_server(self.ctx, interaction)
        view = list_card(await undo.undoable(self.ctx, server_id), interaction.guild)
        check_budget(view)
        await interaction.response.send_message(
            view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )


class UndoListButton(OfficerItem, template=r"undo:v1:list"):
    """Go back to what can be taken back."""

    def __init__(self) -> None:
        custom_id = make_id("undo", 1, "list")
        super().__init__(ui.Button(label=texts.BACK, style=discord.ButtonStyle.secondary, custom_id=custom_id))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, _match: re.Match[str]) -> Self:
        """Make the button again."""
        return cls()

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the list as it stands now."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        await show_own(interaction, list_card(await undo.undoable(ctx, server_id), interaction.guild))


class _BatchButton(OfficerItem):
    """A button about one act."""

    def __init__(self, name: str, batch: str, label: str, style: discord.ButtonStyle) -> None:
        self.batch = batch
        super().__init__(ui.Button(label=label, style=style, custom_id=make_id("undo", 1, name, batch)))


class AskButton(_BatchButton, template=rf"undo:v1:ask:{_BATCH}"):
    """Ask before an act is taken back."""

    def __init__(self, batch: str) -> None:
        super().__init__("ask", batch, texts.UNDO, discord.ButtonStyle.secondary)

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the act from the id."""
        return cls(match["batch"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Show what would be taken back, as it stands now."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        aside = await undo.aside(ctx, server_id, self.batch)
        buttons = ui.ActionRow[Any](UndoButton(self.batch, aside.count), UndoListButton())
        question = texts.question(_told(aside, interaction.guild), aside.count)
        await show_own(interaction, card(question, buttons, colour=WARNING_COLOUR))


class UndoButton(_BatchButton, template=rf"undo:v1:do:{_BATCH}"):
    """Take an act back."""

    def __init__(self, batch: str, count: int = 0) -> None:
        super().__init__("do", batch, texts.confirm(count), discord.ButtonStyle.danger)

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the act from the id."""
        return cls(match["batch"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Take it back, let the audit follow, and show what else can be."""
        bot, server_id = bot_of(interaction), require_server(interaction)
        ctx = bot.services.ctx
        await interaction.response.defer()
        try:
            done = texts.done(await undo.watch_again(ctx, server_id, self.batch, actor_id=interaction.user.id))
        except MusterError as error:
            done = texts.not_done(error.text)
        else:
            await pipeline.follow_up(ctx, server_id, report=False)
            bot.deliverer.wake()
        view = list_card(await undo.undoable(ctx, server_id), interaction.guild, done=done)
        check_budget(view)
        await interaction.edit_original_response(view=view, allowed_mentions=discord.AllowedMentions.none())


def list_card(found: Undoable, server: discord.Guild | None, *, done: str | None = None) -> ui.LayoutView:
    """Show what can be taken back, each with its button, below a line on what was just done."""
    above = [] if done is None else [done]
    if not found.asides and found.run is None:
        return card("\n".join([*above, texts.TITLE, texts.EMPTY]))
    parts: list[str | ui.Item[Any]] = ["\n".join([*above, texts.TITLE, texts.HINT])]
    parts += [_run(found.run)] if found.run is not None else []
    parts += [ui.Section(_told(one, server), accessory=AskButton(one.batch)) for one in found.asides]
    return card(*parts)


def _told(one: Aside, server: discord.Guild | None) -> str:
    return texts.aside(one, line(one.first, roles_of(server)))


def _run(run: RunView) -> ui.Section[Any]:
    # The button of `/setup roles`, which asks and shows how the undoing goes.
    custom_id = make_id("roles", 1, "undo", run.public_id)
    button: ui.Button[Any] = ui.Button(label=texts.UNDO, style=discord.ButtonStyle.secondary, custom_id=custom_id)
    return ui.Section(texts.run(run.done + run.planned, run.actor_id, run.started_at), accessory=button)
