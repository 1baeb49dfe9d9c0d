"""Texts of the weekly digest."""

from collections.abc import Iterable
from datetime import datetime

from cogs.common.text import count_of, escape
from domain.audit import Severity

NOTHING_OPEN = "Nothing is open."
QUIET_WEEK = "Nothing changed this week."
NO_PICTURE = "-# The chart is left out: Muster lacks **Attach Files** in this channel."
HINT = "-# `/audit list` shows all of it. `/setup options` switches the digest off."
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SERIES = {
    Severity.CRITICAL: "critical",
    Severity.ERROR: "errors",
    Severity.WARNING: "warnings",
    Severity.INFO: "notices",
}


def title(guild: str) -> str:
    """Head a digest."""
    return f"## The week in {escape(guild, 60)}"


def open_now(count: int) -> str:
    """Say how many findings are open."""
    return f"**{count_of(count, 'finding')}** open"


def week(opened: int, resolved: int, by_officers: int, ignored: int) -> str:
    """Tell what happened to findings in the last seven days."""
    parts = [f"{opened:,} new"] if opened else []
    if resolved:
        parts.append(f"{resolved:,} solved" + (f" ({by_officers:,} by officers)" if by_officers else ""))
    if ignored:
        parts.append(f"{ignored:,} ignored")
    return f"In the last seven days: {' · '.join(parts)}" if parts else QUIET_WEEK


def day(moment: datetime) -> str:
    """Name a day in a few letters that every font has."""
    return f"{moment.day} {MONTHS[moment.month - 1]}"


def described(points: Iterable[tuple[datetime, int]]) -> str:
    """Tell in words what the chart shows."""
    return "Open findings: " + ", ".join(f"{day(moment)}: {count:,}" for moment, count in points)
