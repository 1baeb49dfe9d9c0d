"""Findings counted by type: the first report of a server, which would be a flood by name, and what digests share."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from discord import ui

from cogs.audit import texts
from cogs.audit.list_ui import FindingPages
from cogs.common.cards import card
from cogs.common.text import clean, escape
from domain.audit import Rule, Severity
from domain.audit_rules import rule_of

TYPES_LIMIT = 20
"""Types that one message lists with a button each: more than there are rules."""
TITLE_LIMIT = 60
ROW = 5
"""Buttons that a row holds."""


@dataclass(frozen=True, slots=True)
class TypeCount:
    """How many findings of a rule there are in one severity."""

    rule: Rule
    severity: Severity
    total: int


def counts_of(queued: Iterable[Mapping[str, Any]]) -> tuple[TypeCount, ...]:
    """Read the types that a queued message counts, the gravest first."""
    found = (
        TypeCount(rule_of(one["rule"], Severity(one["severity"])), Severity(one["severity"]), one["total"])
        for one in queued
    )
    return tuple(sorted(found, key=lambda one: (one.severity.rank, one.rule.name)))


def by_severity(counts: Iterable[TypeCount]) -> list[tuple[Severity, int]]:
    """Sum up the types of each severity, the gravest first."""
    sums: Counter[Severity] = Counter()
    for one in counts:
        sums[one.severity] += one.total
    return [(severity, sums[severity]) for severity in Severity if sums[severity]]


def type_parts(counts: Sequence[TypeCount]) -> list[str | ui.Item[Any]]:
    """Give the list of the types and a button to all findings of each; none without types."""
    if not counts:
        return []
    shown, others = counts[:TYPES_LIMIT], counts[TYPES_LIMIT:]
    lines = [texts.type_count(one.rule.symbol, escape(one.rule.title, TITLE_LIMIT), one.total) for one in shown]
    if others:
        lines.append(texts.more_types(sum(one.total for one in others), len(others)))
    # One rule may stand under two severities; its pages hold both.
    rules = {one.rule.name: one.rule for one in shown}
    buttons = [FindingPages(rule.name, 0, label=_label(rule)) for rule in rules.values()]
    rows = [ui.ActionRow(*buttons[start : start + ROW]) for start in range(0, len(buttons), ROW)]
    return ["\n".join(lines), *rows]


def summary_card(counts: Sequence[TypeCount], *, roster_at: datetime | None) -> ui.LayoutView:
    """Show what the audit found at its first look, counted."""
    head = [texts.TITLE, texts.first_look(sum(one.total for one in counts)), texts.severities(by_severity(counts))]
    head += [texts.roster_as_of(roster_at)] if roster_at else []
    return card("\n".join(head), *type_parts(counts), texts.FROM_NOW_ON)


def _label(rule: Rule) -> str:
    return f"{rule.symbol} {clean(rule.title, TITLE_LIMIT)}"
