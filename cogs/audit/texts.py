"""Texts of `/audit` and of the report."""

from collections.abc import Iterable
from datetime import datetime

from cogs.common.text import count_of, escape, timestamp
from domain.audit import Severity

GROUP = "What does not fit between guild and server."
REPORT = "Post everything that is open to the audit channel."
RUN = "Look for what does not fit, now."
RUN_RULE = "Run only this rule; without it all of them."

TITLE = "## Audit report"
NOTHING = "Nothing to report."
NOT_READ_YET = (
    "The audit can't tell anything yet: the guild's roster and the member list were not both read. "
    "Run `/sync roster` and `/sync members` first."
)
FROM_NOW_ON = (
    "-# This is the first look, so it only counts. From now on what is new is named here as it comes. The buttons show "
    "everything of a type."
)
NO_CHANNEL = "-# Only you see this: no audit channel is set. Choose one with `/setup channels`."
SHOW_ALL = "Show all"
RUNNING = "Looking for what does not fit…"

SEVERITIES = {
    Severity.CRITICAL: ("⛔", "critical", "critical"),
    Severity.ERROR: ("🔴", "error", "errors"),
    Severity.WARNING: ("🟠", "warning", "warnings"),
    Severity.INFO: ("🔵", "notice", "notices"),
}


def scope(count: int, *, only_new: bool) -> str:
    """Say what the report is about."""
    findings = "1 finding" if count == 1 else f"{count} findings"
    return f"**{findings}** new since the last report" if only_new else f"**{findings}** open now"


def first_look(count: int) -> str:
    """Head the report of all that the first audit found."""
    return f"**{count_of(count, 'finding')}** at the first look"


def type_count(symbol: str, title: str, total: int) -> str:
    """Count the findings of a type."""
    return f"{symbol} {title}: **{total:,}**"


def severities(counts: Iterable[tuple[Severity, int]]) -> str:
    """Count findings by severity."""
    return " · ".join(_counted(severity, count) for severity, count in counts)


def heading(symbol: str, title: str, total: int) -> str:
    """Head a type of findings."""
    return f"### {symbol} {title} ({total})"


def more_types(findings: int, types: int) -> str:
    """Say how many findings are of types that no room was left for."""
    return f"-# … and {findings} more of {types} other types"


def roster_as_of(moment: datetime) -> str:
    """Say how old the roster is that ranks and characters come from: the game may be ahead of it."""
    return f"-# Roster as of {timestamp(moment)}"


def queued(count: int, channel_id: int) -> str:
    """Say where the report goes."""
    return f"The report goes to <#{channel_id}>: {scope(count, only_new=False)}."


def undelivered(reason: str) -> str:
    """Say that an earlier message did not arrive."""
    return f"\nThe last message there did not arrive: {escape(reason, 300)}. `/setup check` tells what is missing."


def done(opened: int, resolved: int, linked: int, suggested: int) -> str:
    """Tell what an audit, and the matching before it, changed."""
    changed = [f"New: **{opened}**", f"Solved: **{resolved}**"]
    if linked:
        changed.append(f"Linked by Muster's rules: **{linked}**")
    if suggested:
        changed.append(f"New suggestions: **{suggested}** (`/link review`)")
    return f"## Audit done\n{' · '.join(changed)}"


def standing(total: int, counts: Iterable[tuple[Severity, int]]) -> str:
    """Tell what is open after an audit."""
    return f"Open now: **{total}**\n{severities(counts)}" if total else "Nothing is open."


def goes_to(channel_id: int) -> str:
    """Say where new findings are reported."""
    return f"-# What is new goes to <#{channel_id}>; `/audit report` posts everything."


NOWHERE = "-# No audit channel is set: `/audit report` shows the findings to you alone. Choose one: `/setup channels`."


def _counted(severity: Severity, count: int) -> str:
    symbol, one, many = SEVERITIES[severity]
    return f"{symbol} {count} {one if count == 1 else many}"
