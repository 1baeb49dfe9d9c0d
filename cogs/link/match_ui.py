"""The cards of `/link match`: what would be linked, and the choice among it.

A card keeps nothing but the key of the plan that it shows; each click computes the plan anew and compares.
"""

import re
from collections.abc import Collection
from typing import Any, Final, Self

import discord
from discord import ui

from bot.services import matching, pipeline, servers
from bot.services.context import Context
from bot.services.matching import Plan, PlannedLink
from cogs.common.access import OfficerItem, require_server
from cogs.common.bot import MusterBot, bot_of
from cogs.common.cards import WARNING_COLOUR, card
from cogs.common.item import make_id
from cogs.common.paginator import Page, PageButton, check_budget, paginate
from cogs.link import match_texts as texts
from domain.decision import accepted
from domain.errors import Conflict, MusterError
from domain.evidence import RuleName
from domain.identity import Outcome
from domain.links import Confidence, LinkMode

LINKS_PER_PAGE: Final = 8
OPTIONS_PER_PAGE: Final = 25
_KEY: Final = "(?P<key>[A-Za-z0-9_-]{8,16})"

Parts = list[str | ui.Item[Any]]


async def plan_card(
    ctx: Context, server_id: int, number: int = 0, *, key: str | None = None, notice: str | None = None
) -> ui.LayoutView:
    """Compute what would be linked now and show one page of it; say so when that is not what `key` stood for."""
    plan, mode = await _look(ctx, server_id)
    return show_plan(plan, mode, number, notice=notice or _changed(plan, key))


async def choice_card(
    ctx: Context, server_id: int, number: int, *, key: str | None = None, notice: str | None = None
) -> ui.LayoutView:
    """Compute what would be linked now and offer one page of it; `key` and `notice` as in `plan_card`."""
    plan, mode = await _look(ctx, server_id)
    return show_choice(plan, mode, number, notice=notice or _changed(plan, key))


def show_plan(plan: Plan, mode: LinkMode, number: int, *, notice: str | None = None) -> ui.LayoutView:
    """Show what would be linked, why, and what can be done about it."""
    if not plan.links:
        return _nothing(plan, mode, notice)
    high, others = _count(plan)
    page = paginate(_sorted(plan), number, LINKS_PER_PAGE)
    parts: Parts = [f"{texts.title(high, others)}\n{texts.MODES[mode]}", _lines(page)]
    if page.count > 1:
        parts.append(PlanPages.buttons(plan.key, page))
    # One that rests on a less sure one waits for it.
    at_once = len(accepted(Outcome(tuple(one.link for one in plan.links)), (Confidence.HIGH,)))
    label = texts.apply_button(at_once, whole=at_once == len(plan.links))
    apply = [ApplyButton(plan.key, label)] if at_once else []
    buttons = ui.ActionRow[Any](*apply, ChoicePages(plan.key, 0, label=texts.CHOOSE), CancelButton())
    return _card(notice, *parts, _hits(plan), *_others(plan, mode), texts.INFERRED, buttons)


def show_choice(plan: Plan, mode: LinkMode, number: int, *, notice: str | None = None) -> ui.LayoutView:
    """Offer what would be linked in a menu."""
    if not plan.links:
        return _nothing(plan, mode, notice)
    page = paginate(_sorted(plan), number, OPTIONS_PER_PAGE)
    label = [page.label] if page.count > 1 else []
    parts: Parts = [
        "\n".join([texts.title(*_count(plan)), texts.HOW_TO_CHOOSE, texts.INFERRED, *label]),
        ui.ActionRow(PickMenu(plan.key, page.number, _options(page))),
    ]
    if page.count > 1:
        parts.append(ChoicePages.buttons(plan.key, page))
    buttons = ui.ActionRow[Any](AllButton(plan.key, page.number), PlanPages(plan.key, 0, label=texts.BACK))
    return _card(notice, *parts, buttons)


class _PlanPage(OfficerItem, PageButton):
    """A page that has to be computed first, in a message that is its reader's own."""

    async def run(self, interaction: discord.Interaction) -> None:
        """Show it in place."""
        await interaction.response.defer()
        await _show(interaction, await self.page(interaction, self.subject, self.number))


class PlanPages(_PlanPage, area="link-match"):
    """Page through what would be linked."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Give what would be linked now, at that page; the subject is the plan that was shown."""
        return await plan_card(bot_of(interaction).services.ctx, require_server(interaction), number, key=subject)


class ChoicePages(_PlanPage, area="link-choose"):
    """Open the choice, and page through it."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Give the choice as it is now, at that page; the subject is the plan that was shown."""
        return await choice_card(bot_of(interaction).services.ctx, require_server(interaction), number, key=subject)


class ApplyButton(OfficerItem, template=rf"link-match:v1:apply:{_KEY}"):
    """Make all links of high confidence."""

    def __init__(self, key: str, label: str = "?") -> None:
        self.key = key
        super().__init__(
            ui.Button(label=label, style=discord.ButtonStyle.success, custom_id=make_id("link-match", 1, "apply", key))
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the plan's key from the id."""
        return cls(match["key"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Make them and show what followed, or the plan as it is by now."""
        bot, server_id = bot_of(interaction), require_server(interaction)
        ctx = bot.services.ctx
        await interaction.response.defer()
        try:
            count = await matching.apply(ctx, server_id, key=self.key, actor_id=interaction.user.id)
        except Conflict as error:
            await _show(interaction, await plan_card(ctx, server_id, notice=texts.not_done(error.text)))
            return
        await _show(interaction, card(texts.applied(count, await _follow(bot, server_id))))


class CancelButton(OfficerItem, template=r"link-match:v1:cancel"):
    """Leave everything as it is."""

    def __init__(self) -> None:
        super().__init__(
            ui.Button(
                label=texts.CANCEL,
                style=discord.ButtonStyle.secondary,
                custom_id=make_id("link-match", 1, "cancel"),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, _match: re.Match[str]) -> Self:
        """Make the button again."""
        return cls()

    async def run(self, interaction: discord.Interaction) -> None:
        """Take the plan away."""
        await interaction.response.edit_message(view=card(texts.CANCELLED))


class PickMenu(OfficerItem, template=rf"link-choose:v1:pick:{_KEY}:(?P<page>[0-9]{{1,6}})"):
    """Choose links of one page."""

    def __init__(self, key: str, number: int, options: list[discord.SelectOption]) -> None:
        self.key, self.number = key, number
        self.menu: ui.Select[Any] = ui.Select(
            custom_id=make_id("link-choose", 1, "pick", key, number),
            placeholder=texts.PICK,
            max_values=max(1, len(options)),
            options=options,
        )
        super().__init__(self.menu)

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Make the menu again; Discord sends what was chosen."""
        return cls(match["key"], int(match["page"]), [])

    async def run(self, interaction: discord.Interaction) -> None:
        """Make the chosen links, and show what is left."""
        await _link(interaction, self.key, self.number, {int(value) for value in self.menu.values})


class AllButton(OfficerItem, template=rf"link-choose:v1:all:{_KEY}:(?P<page>[0-9]{{1,6}})"):
    """Choose all links of one page."""

    def __init__(self, key: str, number: int) -> None:
        self.key, self.number = key, number
        super().__init__(
            ui.Button(
                label=texts.ALL_OF_PAGE,
                style=discord.ButtonStyle.success,
                custom_id=make_id("link-choose", 1, "all", key, number),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read plan and page from the id."""
        return cls(match["key"], int(match["page"]))

    async def run(self, interaction: discord.Interaction) -> None:
        """Make the links of the page, and show what is left."""
        await interaction.response.defer()
        plan = await matching.plan(bot_of(interaction).services.ctx, require_server(interaction))
        page = paginate(_sorted(plan), self.number, OPTIONS_PER_PAGE)
        await _link(interaction, self.key, self.number, {one.character.id for one in page.items})


async def _link(interaction: discord.Interaction, key: str, number: int, character_ids: Collection[int]) -> None:
    """Make these links of a plan, let follow what follows, and show the choice as it is then."""
    bot, server_id = bot_of(interaction), require_server(interaction)
    ctx = bot.services.ctx
    if not interaction.response.is_done():
        await interaction.response.defer()
    try:
        count = await matching.apply(
            ctx,
            server_id,
            key=key,
            actor_id=interaction.user.id,
            character_ids=character_ids,
            confidences=tuple(Confidence),
        )
    except Conflict as error:
        notice = texts.not_done(error.text)
    else:
        # Before the rest is shown: what followed would change it, and the next choice would be refused.
        notice = "\n".join([texts.done(count), *filter(None, [await _follow(bot, server_id)])])
    await _show(interaction, await choice_card(ctx, server_id, number, notice=notice))


async def _follow(bot: MusterBot, server_id: int) -> str:
    """Let matching and audit follow; say what they found, or why they could not: the links are made all the same."""
    try:
        followed = await pipeline.follow_up(bot.services.ctx, server_id)
    except MusterError as error:
        return texts.not_done(error.text)
    bot.deliverer.wake()
    return texts.followed(followed.linked, followed.audit.opened, followed.audit.resolved)


async def _show(interaction: discord.Interaction, view: ui.LayoutView) -> None:
    check_budget(view)
    await interaction.edit_original_response(view=view, allowed_mentions=discord.AllowedMentions.none())


async def _look(ctx: Context, server_id: int) -> tuple[Plan, LinkMode]:
    plan = await matching.plan(ctx, server_id)
    return plan, (await servers.view(ctx, server_id)).options.link_mode


def _card(notice: str | None, *parts: str | ui.Item[Any]) -> ui.LayoutView:
    return card(*_noticed(notice), *parts, colour=WARNING_COLOUR)


def _nothing(plan: Plan, mode: LinkMode, notice: str | None) -> ui.LayoutView:
    return card(*_noticed(notice), texts.nothing(plan.suggestions, mode), *_others(plan, mode))


def _noticed(notice: str | None) -> Parts:
    return [] if notice is None else [notice, ui.Separator()]


def _changed(plan: Plan, key: str | None) -> str | None:
    return None if key in (None, plan.key) else texts.CHANGED


def _sorted(plan: Plan) -> list[PlannedLink]:
    """Give the surest links first, then by rank."""
    grades = list(Confidence)
    return sorted(plan.links, key=lambda one: (grades.index(one.link.confidence), one.character.rank, one.character.id))


def _count(plan: Plan) -> tuple[int, int]:
    """Count the links of high confidence, and the others."""
    high = sum(one.link.confidence is Confidence.HIGH for one in plan.links)
    return high, len(plan.links) - high


def _lines(page: Page[PlannedLink]) -> str:
    lines = [
        texts.link(one.character.name, one.link.user_id, one.member, _reason(one), one.link.confidence)
        for one in page.items
    ]
    return "\n".join([*lines, *([page.label] if page.count > 1 else [])])


def _options(page: Page[PlannedLink]) -> list[discord.SelectOption]:
    return [
        discord.SelectOption(
            label=texts.option(one.character.name, one.member),
            value=str(one.character.id),
            description=texts.option_reason(_reason(one), one.link.confidence),
        )
        for one in page.items
    ]


def _reason(one: PlannedLink) -> str:
    return one.link.evidence[0].text(for_officers=True)


def _hits(plan: Plan) -> str:
    """Lay out the hits by rule, the most frequent first, and pass."""
    last = max(round_ for _, round_, _ in plan.hits)
    columns = min(last, texts.PASSES)
    counted: dict[RuleName, list[int]] = {}
    for rule, round_, count in plan.hits:
        counted.setdefault(rule, [0] * columns)[min(round_, columns) - 1] += count
    return texts.hits(dict(sorted(counted.items(), key=lambda item: -sum(item[1]))), later=last > columns)


def _others(plan: Plan, mode: LinkMode) -> list[str]:
    told = texts.others(plan.suggestions, plan.groups, plan.contradictions, mode)
    return [told] if told else []
