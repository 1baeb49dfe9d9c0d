"""The cards of the audit, and the button that pages through one type of findings."""

import discord
from discord import ui

from bot.services import audit
from bot.services.context import Context
from bot.services.pipeline import FollowUp
from cogs.audit import texts
from cogs.audit.report import Report, heading, line
from cogs.common.access import officers_server, require_server
from cogs.common.bot import MusterBot
from cogs.common.paginator import Page, PageButton, paginate
from domain.audit import HEADER_COLOUR, LINES_PER_TYPE, Finding, FindingGroup, Severity, group_findings


class FindingPages(PageButton, area="audit"):
    """Page through the open findings of one rule, as they stand at the click."""

    async def allowed(self, interaction: discord.Interaction) -> None:
        """Let officers page, whoever may read the report."""
        await officers_server(_context(interaction), interaction)

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Show one page of the rule's findings."""
        standing = await audit.standing(_context(interaction), require_server(interaction))
        return findings_page(subject, [finding for finding in standing if finding.rule == subject], number)


def report_card(report: Report) -> ui.LayoutView:
    """Show a report; each type with findings left out has one button to all of them."""
    view = ui.LayoutView(timeout=None)
    view.add_item(_container(HEADER_COLOUR, report.header))
    buttons: set[str] = set()
    for block in report.blocks:
        container = _container(block.colour, block.text)
        # One rule may stand under two severities; its pages hold both.
        if block.more and block.rule not in buttons:
            buttons.add(block.rule)
            container.add_item(ui.ActionRow(FindingPages(block.rule, 0, label=texts.SHOW_ALL)))
        view.add_item(container)
    if report.rest is not None:
        view.add_item(ui.TextDisplay(report.rest))
    return view


def findings_page(rule: str, findings: list[Finding], number: int) -> ui.LayoutView:
    """Show one page of a rule's findings, gravest first; the nearest one if the list has become shorter."""
    view = ui.LayoutView(timeout=None)
    groups = group_findings(findings, lines_per_type=len(findings))
    if not groups:
        return view.add_item(_container(HEADER_COLOUR, texts.NONE_OF_THIS_KIND))
    entries = [(group, finding) for group in groups for finding in group.findings]
    page: Page[tuple[FindingGroup, Finding]] = paginate(entries, number, LINES_PER_TYPE)
    lines = [line(group.rule.subject, finding) for group, finding in page.items]
    first = page.items[0][0]
    text = "\n".join([heading(first, total=len(findings)), *lines, texts.page(page.number + 1, page.count)])
    view.add_item(_container(first.severity.colour, text))
    if page.count > 1:
        view.add_item(FindingPages.buttons(rule, page))
    return view


def outcome_card(follow_up: FollowUp, channel_id: int | None, *, known: bool) -> ui.LayoutView:
    """Tell what an audit changed and what stands after it; `known` once roster and members were read whole."""
    outcome = follow_up.audit
    counts = [(severity, outcome.standing[severity]) for severity in Severity if outcome.standing.get(severity)]
    lines = [
        texts.done(outcome.opened, outcome.resolved, follow_up.linked),
        texts.standing(outcome.total, counts) if known else texts.NOT_READ_YET,
        texts.NOWHERE if channel_id is None else texts.goes_to(channel_id),
    ]
    return ui.LayoutView(timeout=None).add_item(_container(HEADER_COLOUR, "\n".join(lines)))


def _container(colour: int, text: str) -> ui.Container[ui.LayoutView]:
    return ui.Container(ui.TextDisplay(text), accent_colour=colour)


def _context(interaction: discord.Interaction) -> Context:
    assert isinstance(interaction.client, MusterBot)
    return interaction.client.services.ctx
