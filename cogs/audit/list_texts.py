"""Texts of `/audit list` and `/audit show`."""

from collections.abc import Iterable

from bot.services.findings import Filters
from cogs.audit import texts
from cogs.common.text import count_of, escape
from domain.audit import Severity, State
from domain.audit_rules import rule_of
from domain.ranks import rank_label

LIST = "Page through the findings, and open one to act on it."
SHOW = "Open one finding, with all that can be done about it."
TYPE = "Only findings of this type."
RANK = "Only findings about characters or players of this rank."
SEVERITY = "Only findings as grave as this."
STATE = "Open ones unless you choose others."
FINDING = "Whom or what the finding is about."
TITLE_LIMIT = 60

EMPTY = {
    State.OPEN: "Nothing of this kind is open.",
    State.IGNORED: "Nothing of this kind is ignored.",
    State.RESOLVED: "Nothing of this kind was settled.",
}
STATES = {State.OPEN: "Open", State.IGNORED: "Ignored", State.RESOLVED: "Settled"}
SEVERITIES = {severity: words[1].capitalize() for severity, words in texts.SEVERITIES.items()}


def title(filters: Filters) -> str:
    """Head a list with what it holds."""
    if filters.rule is None:
        head = f"## {STATES[filters.state]} findings"
    else:
        rule = rule_of(filters.rule, filters.severity or Severity.INFO)
        head = f"### {rule.symbol} {escape(rule.title, TITLE_LIMIT)}"
    return "\n".join([head, *_limits(filters)])


def total(count: int, state: State) -> str:
    """Count what the list holds."""
    return f"**{count_of(count, 'finding')}** · {STATES[state].lower()}"


def type_of(rule: str, severity: Severity) -> str:
    """Name a finding's type below its line."""
    known = rule_of(rule, severity)
    return f"-# {known.symbol} {escape(known.title, TITLE_LIMIT)}"


def _limits(filters: Filters) -> Iterable[str]:
    limits = []
    if filters.rank is not None:
        limits.append(rank_label(filters.rank, None))
    if filters.severity is not None:
        limits.append(f"{texts.SEVERITIES[filters.severity][0]} {SEVERITIES[filters.severity].lower()}")
    return [f"-# Only {', '.join(limits)}"] if limits else []
