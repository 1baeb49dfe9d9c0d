"""Lists of findings, each of which can be opened: their pages, and the ways into them."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

import discord
from discord import ui

from bot.services import findings, servers
from bot.services.findings import Filters, Listed
from cogs.audit import finding_texts, list_texts, texts
from cogs.audit.finding_state import ShowButton
from cogs.audit.finding_ui import ID, FindingButton, Place, finding_card
from cogs.audit.lines import ShowRole, line, roles_of
from cogs.common.access import OfficerItem, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import card
from cogs.common.item import make_id
from cogs.common.paginator import Page, PageButton, show_own
from domain.audit import Finding, Severity, State

SIZE: Final = 10
"""Findings on a page: each takes three components, a section with its text and its button."""
RULE: Final = r"(?P<rule>[A-Za-z0-9_-]{1,40})"
_ANY: Final = "~"

ListControls = Callable[[Filters], Sequence[ui.Item[Any]]]
"""Gives the controls for a list of the open findings of one rule."""

_offered: dict[str, ListControls] = {}


def offer_for_type(name: str, controls: ListControls) -> None:
    """Offer up to three controls on the list of a type's open findings, known by a name."""
    _offered[name] = controls


class FindingPages(OfficerItem, PageButton, area="audit"):
    """Open the list of one rule's findings, as they stand at the click."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Show one page of the rule's findings."""
        return await list_page(interaction, Filters(rule=subject), number)


class ListPages(OfficerItem, PageButton, area="audit-list"):
    """Page through a list; its filters are kept in the id."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Show one page as the list stands at the click."""
        return await list_page(interaction, filters_of(subject), number)


class WorkButton(OfficerItem, template=rf"audit:v1:work:{RULE}"):
    """Open the first finding of a type, from whose card the others follow one by one."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        label, custom_id = finding_texts.WORK, make_id("audit", 1, "work", rule)
        super().__init__(ui.Button(label=label, style=discord.ButtonStyle.primary, custom_id=custom_id))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the type from the id."""
        return cls(match["rule"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the first one that stands at the click."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        view = await findings.first(ctx, server_id, Filters(rule=self.rule))
        empty = card(list_texts.EMPTY[State.OPEN])
        await show_own(interaction, empty if view is None else finding_card(view, interaction.guild))


class TypeButton(FindingButton, template=rf"finding:v1:type:{ID}", act="type", place=Place.WAY):
    """Open the list of all open findings of the same type."""

    label = finding_texts.LIST

    async def run(self, interaction: discord.Interaction) -> None:
        """Show its first page."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        view = await findings.show(ctx, server_id, self.public_id)
        await show_own(interaction, await list_page(interaction, Filters(rule=view.finding.rule), 0))


async def list_page(interaction: discord.Interaction, filters: Filters, number: int) -> ui.LayoutView:
    """Give one page of a list as it stands now."""
    ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
    listed = await findings.listed(ctx, server_id, filters, page=number, size=SIZE)
    if not listed.findings and not (await servers.view(ctx, server_id)).is_read:
        return card(texts.NOT_READ_YET)
    return list_card(listed, filters, roles_of(interaction.guild))


def list_card(listed: Listed, filters: Filters, role: ShowRole) -> ui.LayoutView:
    """Show a page of findings with a button beside each."""
    if not listed.findings:
        return card(f"{list_texts.title(filters)}\n{list_texts.EMPTY[filters.state]}")
    page = Page(listed.findings, listed.page, listed.pages)
    head = [list_texts.title(filters), list_texts.total(listed.total, filters.state)]
    head += [page.label] if page.count > 1 else []
    parts: list[str | ui.Item[Any]] = ["\n".join(head)]
    parts += [
        ui.Section(_text(finding, filters, role), accessory=ShowButton(finding.public_id)) for finding in page.items
    ]
    if filters.rule is not None and filters.state is State.OPEN:
        offered = [control for controls in _offered.values() for control in controls(filters)]
        parts.append(ui.ActionRow(WorkButton(filters.rule), *offered))
    if page.count > 1:
        parts.append(ListPages.buttons(subject_of(filters), page))
    return card(*parts, colour=min((one.severity for one in page.items), key=lambda one: one.rank).colour)


def subject_of(filters: Filters) -> str:
    """Write filters as a part of a custom id."""
    severity = None if filters.severity is None else filters.severity.value
    parts = (filters.rule, filters.rank, severity, filters.state.value)
    return ".".join(_ANY if part is None else str(part) for part in parts)


def filters_of(subject: str) -> Filters:
    """Read filters from a part of a custom id."""
    rule, rank, severity, state = (None if part == _ANY else part for part in subject.split("."))
    return Filters(
        rule,
        None if rank is None else int(rank),
        None if severity is None else Severity(severity),
        State.OPEN if state is None else State(state),
    )


def _text(finding: Finding, filters: Filters, role: ShowRole) -> str:
    text = line(finding, role)
    return text if filters.rule is not None else f"{text}\n{list_texts.type_of(finding.rule, finding.severity)}"
