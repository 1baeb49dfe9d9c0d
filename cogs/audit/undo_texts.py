"""Texts of `/audit undo`."""

from datetime import datetime

from bot.services.undo import Aside
from cogs.common.text import count_of, escape, timestamp
from domain.audit_rules import rule_of

COMMAND = "Take back what was done: findings that were ignored or resolved, and the last run of role changes."
TITLE = "## What can be taken back"
HINT = "-# Of the last 30 days, the last first; older ones: `/audit list` with state ignored or settled, then Open."
EMPTY = (
    "Nothing was ignored or resolved by officers in the last 30 days, or it was taken back. A link is taken back with "
    "`/link remove`."
)
UNDO = "Undo…"
BACK = "Back"
TITLE_LIMIT = 60


def aside(one: Aside, line: str) -> str:
    """Tell what was put aside, by whom and when; `line` is that of a finding that stands alone."""
    rule = rule_of(one.first.rule, one.first.severity)
    title = escape(rule.title, TITLE_LIMIT)
    what = line if one.count == 1 else f"{rule.symbol} **{count_of(one.count, 'finding')}** · {title}"
    done = "ignored" if one.is_ignored else "resolved"
    return f"{what}\n-# {done} by <@{one.actor_id}> {timestamp(one.at)}"


def run(changes: int, actor_id: int | None, started_at: datetime) -> str:
    """Tell of a run of role changes."""
    by = "Muster by itself" if actor_id is None else f"<@{actor_id}>"
    return f"🎭 **{count_of(changes, 'role change')}**\n-# by {by} {timestamp(started_at)}"


def question(told: str, count: int) -> str:
    """Ask whether findings shall be watched again."""
    watched = "This finding is watched again" if count == 1 else f"These {count:,} findings are watched again"
    return f"**Take this back?**\n{told}\n{watched}; those whose cause is gone are then closed by the audit."


def confirm(count: int) -> str:
    """Name the button that takes an act back."""
    return "Watch again" if count == 1 else f"Watch {count:,} again"


def done(count: int) -> str:
    """Say how many findings are watched again."""
    return f"✅ {count_of(count, 'finding')} watched again."


def not_done(reason: str) -> str:
    """Say why nothing was taken back."""
    return f"⚠️ {reason}"
