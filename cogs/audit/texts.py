"""Texts of `/audit` and of the report."""

from collections.abc import Iterable
from datetime import datetime

from cogs.common.text import escape, timestamp
from domain.audit import Severity

GROUP = "What does not fit between guild and server."
REPORT = "Post everything that is open to the audit channel."
RUN = "Look for what does not fit, now."

TITLE = "## Audit report"
NOTHING = "Nothing to report."
NOT_READ_YET = (
    "The audit can't tell anything yet: the guild's roster and the member list were not both read. "
    "Run `/sync roster` and `/sync members` first."
)
NO_CHANNEL = "-# Only you see this: no audit channel is set. Choose one with `/setup channels`."
NONE_OF_THIS_KIND = "Nothing of this kind is open any more."
SHOW_ALL = "Show all"
DELETED_ROLE = "a deleted role"
CHOOSE_ROLE = "choose its role with `/setup ranks`"
SEE_LOG = "whoever runs Muster finds the error in the log"
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


def named_rank(name: str, index: int) -> str:
    """Name a rank as the guild does, with its index."""
    return f"{name} (rank {index})"


def roles(expected: str, held: str) -> str:
    """Say which role a rank asks for and which roles of ranks are held, "" for none."""
    return f"lacks {expected}, has {held}" if held else f"lacks {expected}"


def contradicted(linked: str, others: str, *, by_note: bool) -> str:
    """Say whose a character is and for whom something else speaks; what a note says is not for this channel."""
    return f"linked to {linked or 'nobody here'}, but {'a note' if by_note else 'a name'} speaks for {others}"


def last_login(moment: datetime) -> str:
    """Say when a character was last logged in."""
    return f"last login {timestamp(moment)}"


def level(number: int) -> str:
    """Name a level."""
    return f"level {number}"


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
