"""The cards of the audit: a report, and what a run changed."""

from discord import ui

from bot.services.pipeline import FollowUp
from cogs.audit import texts
from cogs.audit.list_ui import FindingPages, WorkButton
from cogs.audit.report import Report
from cogs.common.cards import PLAIN_COLOUR, WARNING_COLOUR, card, container
from cogs.common.texts import rules_failed
from domain.audit import Severity


def report_card(report: Report) -> ui.LayoutView:
    """Show a report; each type has a button to its first finding and, where some are left out, one to all of them."""
    view = card(report.header)
    buttons: set[str] = set()
    for block in report.blocks:
        box = container(block.text, colour=block.colour)
        # One rule may stand under two severities; its buttons lead to both.
        if block.rule not in buttons:
            buttons.add(block.rule)
            more = sum(one.more for one in report.blocks if one.rule == block.rule)
            show_all = [FindingPages(block.rule, 0, label=texts.SHOW_ALL)] if more else []
            box.add_item(ui.ActionRow(WorkButton(block.rule), *show_all))
        view.add_item(box)
    if report.rest is not None:
        view.add_item(ui.TextDisplay(report.rest))
    return view


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
