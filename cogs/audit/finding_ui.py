"""One finding as an officer acts on it: its card, and the base of the buttons that mend it."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import Enum
from typing import Any, ClassVar, Self

import discord
from discord import ui

from bot.services import findings, pipeline
from bot.services.context import Context
from bot.services.findings import FindingView
from cogs.audit import finding_texts as texts
from cogs.audit.lines import line, roles_of
from cogs.common.access import OfficerItem, officers_server, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import card
from cogs.common.item import make_id
from cogs.common.modals import Form
from cogs.common.paginator import check_budget, show_own
from domain.audit import Fix
from domain.errors import MusterError

ID = r"(?P<finding>[A-Za-z0-9_-]{4,24})"
ROW = 5
"""Buttons that a row holds."""


class Place(Enum):
    """Name the row of every finding's card in which a button stands that no rule offers."""

    STATE = "state"
    """Changes how far the finding has come."""
    WAY = "way"
    """Leads to other findings."""


Act = Callable[[Context, int, int], Awaitable[str]]
"""Does something on a server by an officer's word, both named by their ids, and says what was done."""
Controls = Callable[[FindingView], Sequence[ui.Item[Any]]]

_offered: dict[Fix, dict[str, Controls]] = {}
_everywhere: dict[Place, dict[str, Controls]] = {place: {} for place in Place}


def offer(fix: Fix, name: str, controls: Controls) -> None:
    """Offer a fix by controls, known by a name: an extension that is loaded again defines them again."""
    _offered.setdefault(fix, {})[name] = controls


def offered_fixes() -> frozenset[Fix]:
    """Give the fixes that have a control."""
    return frozenset(_offered)


class FindingButton(OfficerItem):
    """Act on one finding, then show in place how it stands.

    Subclass with `template=rf"finding:v1:act:{ID}"`, `act="act"`, a label, and `fix=Fix.…` where rules offer it or
    `place=Place.…` where every card shows it.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init_subclass__(
        cls, *, act: str | None = None, fix: Fix | None = None, place: Place | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if act is not None:
            cls.name = act
        if fix is not None:
            offer(fix, cls.__qualname__, cls._fitting)
        if place is not None:
            _everywhere[place][cls.__qualname__] = cls._fitting

    def __init__(self, public_id: str, *parts: str | int, label: str | None = None) -> None:
        self.public_id = public_id
        super().__init__(
            ui.Button(
                label=label or self.label,
                style=self.style,
                custom_id=make_id("finding", 1, self.name, public_id, *parts),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the finding from the id."""
        return cls(match["finding"])

    @classmethod
    def _fitting(cls, view: FindingView) -> list[Self]:
        return [cls(view.finding.public_id)] if cls.fits(view) else []

    @classmethod
    def fits(cls, _view: FindingView) -> bool:
        """Tell whether the button has a meaning for this finding of a rule that offers it."""
        return True

    async def act(self, ctx: Context, server_id: int, actor_id: int) -> str:
        """Do it and say what was done; raises Conflict or NotFound, with the reason, when it can't be done now."""
        raise NotImplementedError

    async def run(self, interaction: discord.Interaction) -> None:
        """Act, let the audit follow, and show how the finding stands."""
        await interaction.response.defer()
        await mend(interaction, self.public_id, self.act(*_whose(interaction)))


class FormButton(FindingButton):
    """Ask in a form what an act needs to know; the form's handler acts, by `mend`."""

    async def form(self, ctx: Context, server_id: int, view: FindingView) -> Form:
        """Make the form."""
        raise NotImplementedError

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the form, or in its place how the finding stands once it is settled."""
        ctx, server_id, _ = _whose(interaction)
        view = await findings.show(ctx, server_id, self.public_id)
        if view.is_settled:
            await show_own(interaction, finding_card(view, interaction.guild))
            return
        await interaction.response.send_modal(await self.form(ctx, server_id, view))


async def mend(interaction: discord.Interaction, public_id: str, act: Awaitable[str]) -> None:
    """Await an act that was begun, let matching and audit follow it, and show in place how the finding stands."""
    bot, server_id = bot_of(interaction), require_server(interaction)
    try:
        done = await act
    except MusterError as error:
        done = texts.not_done(error.text)
    else:
        await pipeline.follow_up(bot.services.ctx, server_id, report=False)
        bot.deliverer.wake()
    await redraw(interaction, public_id, done)


async def mend_by_form(interaction: discord.Interaction, public_id: str, act: Act) -> None:
    """Do for an officer what a form asked for, and show in place how its finding stands."""
    ctx = bot_of(interaction).services.ctx
    server_id = await officers_server(ctx, interaction)
    await interaction.response.defer()
    await mend(interaction, public_id, act(ctx, server_id, interaction.user.id))


async def redraw(interaction: discord.Interaction, public_id: str, done: str | None = None) -> None:
    """Show in place how a finding stands, once the click is answered."""
    ctx, server_id, _ = _whose(interaction)
    view = finding_card(await findings.show(ctx, server_id, public_id), interaction.guild, done=done)
    check_budget(view)
    await interaction.edit_original_response(view=view, allowed_mentions=discord.AllowedMentions.none())


def finding_card(view: FindingView, server: discord.Guild | None, *, done: str | None = None) -> ui.LayoutView:
    """Show a finding with the buttons that mend it, below a line on what was just done."""
    rule = view.rule
    above = [] if done is None else [done]
    parts: list[str | ui.Item[Any]] = [
        "\n".join([*above, texts.title(rule), line(view.finding, roles_of(server))]),
        texts.about(view),
    ]
    if not view.is_settled:
        parts += _rows(view, (controls for fix in rule.fixes for controls in _offered.get(fix, {}).values()))
    for place in Place:
        parts += _rows(view, _everywhere[place].values())
    return card(*parts, colour=view.finding.severity.colour)


def _rows(view: FindingView, offered: Iterable[Controls]) -> list[ui.ActionRow[Any]]:
    items = [item for controls in offered for item in controls(view)]
    return [ui.ActionRow(*items[start : start + ROW]) for start in range(0, len(items), ROW)]


def _whose(interaction: discord.Interaction) -> tuple[Context, int, int]:
    return bot_of(interaction).services.ctx, require_server(interaction), interaction.user.id
