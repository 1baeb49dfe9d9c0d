"""Texts of a finding's own card, and of what is done about it."""

from bot.services.findings import FindingView
from cogs.common.text import clean, escape, timestamp
from domain.audit import Finding, Rule, State
from domain.audit_rules import rule_of

TITLE_LIMIT = 60
NOTE_LIMIT = 200
CHOICE_LIMIT = 100
CHOICE_NAME_LIMIT = 40

OPEN = "Open"
IGNORE = "Ignore…"
RESOLVE = "Resolve…"
WATCH = "Watch again"
NEXT = "Next ▸"
WORK = "Work through"
LIST = "All of this type"
IGNORE_TITLE = "Ignore this finding"
RESOLVE_TITLE = "Resolve this finding"
REASON = "Why?"
IGNORE_HELP = "Officers see it beside the finding. It comes back when its cause changes."
RESOLVE_HELP = "Officers see it beside the finding. It comes back only as another problem."
UNTIL = "Until when?"
UNTIL_HELP = "30d, 6w or 2026-12-31. Leave it empty to ignore it until it changes."
NO_OTHER = "-# No other finding of this type is open."
WATCHED = "✅ Watched again."
RESOLVED = "✅ Resolved."

STATES = {
    State.OPEN: "open",
    State.NOTIFIED: "open, reported",
    State.IGNORED: "ignored",
    State.RESOLVED: "settled",
}


def title(rule: Rule) -> str:
    """Head a finding with the title of its rule."""
    return f"### {rule.symbol} {escape(rule.title, TITLE_LIMIT)}"


def about(view: FindingView) -> str:
    """Say what the rule is about, since when the finding stands, and what became of it."""
    lines = [f"-# {view.rule.description}"] if view.rule.description else []
    lines.append(f"-# Since {timestamp(view.opened_at)} · {STATES[view.state]}")
    return "\n".join([*lines, *_became(view)])


def _became(view: FindingView) -> list[str]:
    said = f": “{escape(view.note, NOTE_LIMIT)}”" if view.note else ""
    if view.state is State.IGNORED:
        end = "until it changes" if view.ignored_until is None else f"until {timestamp(view.ignored_until, 'f')}"
        return [f"Ignored by <@{view.ignored_by}>, {end}{said}"]
    if view.resolved_at is None:
        return []
    when = timestamp(view.resolved_at)
    if view.resolved_by is not None:
        return [f"Resolved by <@{view.resolved_by}> {when}{said}"]
    aside = f"\n-# <@{view.ignored_by}> ignored it, and so it is when it comes back{said}" if view.muted else ""
    return [f"Its cause has been gone since {timestamp(view.resolved_at, 'f')}.{aside}"]


def ignored(view: FindingView) -> str:
    """Say until when a finding is ignored."""
    if view.ignored_until is None:
        return "✅ Ignored until it changes."
    return f"✅ Ignored until {timestamp(view.ignored_until, 'f')}, or until it changes."


def not_done(reason: str) -> str:
    """Say that an act was not done, and why."""
    return f"⚠️ {reason}"


def choice(finding: Finding) -> str:
    """Give a finding as one choice of a list: free text, nothing of it is formatted there."""
    rule = rule_of(finding.rule, finding.severity)
    facts = finding.facts
    name = next((str(facts[key]) for key in ("name", "rank_name", "guild", "source") if facts.get(key)), "")
    parts = [part for part in (clean(name, CHOICE_NAME_LIMIT), rule.title) if part]
    return clean(f"{rule.symbol} {' · '.join(parts)}", CHOICE_LIMIT)
