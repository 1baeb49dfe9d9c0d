"""Texts of `/audit rules`."""

from bot.services.rules import RuleState
from cogs.common.text import escape, timestamp
from domain.audit import Rule

RULES = "See what the audit looks for, and switch rules off or on."
TITLE = "## Rules of the audit"
HINT = "-# What a rule that is switched off has found is closed, and nothing of it is found until it is on again."
SWITCH_OFF = "Switch off"
SWITCH_ON = "Switch on"
TITLE_LIMIT = 80


def rule(state: RuleState) -> str:
    """Tell what a rule finds, how much of it stands, and who switched it off."""
    rule = state.rule
    lines = [f"{rule.symbol} **{escape(rule.title, TITLE_LIMIT)}** · {state.standing:,} open"]
    if not state.is_on and state.switched is not None:
        lines = [f"{rule.symbol} ~~{escape(rule.title, TITLE_LIMIT)}~~"]
        lines.append(f"Switched off by <@{state.switched.by}> {timestamp(state.switched.at)}")
    return "\n".join([*lines, f"-# {rule.description}"])


def switched(rule: Rule, *, enabled: bool) -> str:
    """Say what was just done."""
    return f"✅ {escape(rule.title, TITLE_LIMIT)}: switched {'on' if enabled else 'off'}."
