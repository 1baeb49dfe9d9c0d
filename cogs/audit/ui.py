"""The cards of the audit, and the button that pages through one type of findings."""

import discord
from discord import ui

from bot.services import audit
from bot.services.pipeline import FollowUp
from cogs.audit import texts
from cogs.audit.lines import ShowRole, line, roles_of
from cogs.audit.report import Report, heading
from cogs.common.access import OfficerItem, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import PLAIN_COLOUR, WARNING_COLOUR, card, container
from cogs.common.paginator import PageButton, paginate
from cogs.common.texts import rules_failed
from domain.audit import LINES_PER_TYPE, Finding, Severity, group_findings


class FindingPages(OfficerItem, PageButton, area="audit"):
    """Page through the open findings of one rule, as they stand at the click."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Show one page of the rule's findings."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        findings = await audit.standing(ctx, server_id, rule=subject)
        return findings_page(subject, findings, number, roles_of(interaction.guild))


def report_card(report: Report) -> ui.LayoutView:
    """Show a report; each type with findings left out has one button to all of them."""
    view = card(report.header)
    buttons: set[str] = set()
    for block in report.blocks:
        box = container(block.text, colour=block.colour)
        # One rule may stand under two severities; its pages hold both.
        if block.more and block.rule not in buttons:
            buttons.add(block.rule)
            box.add_item(ui.ActionRow(FindingPages(block.rule, 0, label=texts.SHOW_ALL)))
        view.add_item(box)
    if report.rest is not None:
        view.add_item(ui.TextDisplay(report.rest))
    return view


def findings_page(rule: str, findings: list[Finding], number: int, role: ShowRole) -> ui.LayoutView:
    """Show one page of a rule's findings, gravest first; the nearest one if the list has become shorter."""
    groups = group_findings(findings, lines_per_type=len(findings))
    if not groups:
        return card(texts.NONE_OF_THIS_KIND)
    page = paginate([finding for group in groups for finding in group.findings], number, LINES_PER_TYPE)
    lines = [line(finding, role) for finding in page.items]
    text = "\n".join([heading(groups[0], total=len(findings)), *lines, page.label])
    buttons = [FindingPages.buttons(rule, page)] if page.count > 1 else []
    return card(text, *buttons, colour=page.items[0].severity.colour)


def outcome_card(follow_up: FollowUp, channel_id: int | None, *, known: bool) -> ui.LayoutView:
    """Tell what an audit changed and what stands after it; `known` once roster and members were read whole."""
    outcome = follow_up.audit
    counts = [(severity, outcome.standing[severity]) for severity in Severity if outcome.standing.get(severity)]
    lines = [
        texts.done(outcome.opened, outcome.resolved, follow_up.linked, follow_up.suggested),
        texts.standing(outcome.total, counts) if known else texts.NOT_READ_YET,
        texts.NOWHERE if channel_id is None else texts.goes_to(channel_id),
    ]
    if outcome.failed:
        lines.insert(1, rules_failed(outcome.failed))
    return card("\n".join(lines), colour=WARNING_COLOUR if outcome.failed else PLAIN_COLOUR)
