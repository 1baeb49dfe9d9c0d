"""One finding in one line, made of what its facts hold; what they lack is left out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cogs.audit import line_texts as texts
from cogs.common.role_lines import ShowRole, roles_of
from cogs.common.text import count_of, escape
from cogs.common.texts import SOURCES
from domain.audit import Finding
from domain.audit_rules import RULES
from domain.links import Source
from domain.ranks import rank_label

__all__ = ["ShowRole", "line", "roles_of"]

MEMBER_LIMIT = 32
NAME_LIMIT = 24
CHARACTER_LIMIT = 12
"""The game's own limit."""
RANK_LIMIT = 16
HELD_LIMIT = 2
MISSING_LIMIT = 3
SHORT_LIMIT = 16


def line(finding: Finding, role: ShowRole) -> str:
    """Tell one finding in a line of at most 190 characters."""
    return _LINES.get(finding.rule, _character)(finding, role)


def _character(finding: Finding, _role: ShowRole) -> str:
    facts = finding.facts
    parts = [f"**{_name(finding, NAME_LIMIT)}**"]
    if facts.get("realm"):
        parts.append(escape(str(facts["realm"]), NAME_LIMIT))
    if facts.get("rank") is not None:
        parts.append(_rank(facts))
    if facts.get("level") is not None:
        parts.append(texts.level(facts["level"]))
    if facts.get("last_login") is not None:
        parts.append(texts.last_login(datetime.fromtimestamp(facts["last_login"], UTC)))
    return " · ".join(parts)


def _member(finding: Finding, _role: ShowRole) -> str:
    return f"<@{finding.subject_id}> {_name(finding, MEMBER_LIMIT)}"


def _roles(finding: Finding, role: ShowRole) -> str:
    facts = finding.facts
    parts = [_shortened([f"<@{user_id}>" for user_id in facts["user_ids"]], 1)]
    if facts["name"]:
        parts.append(f"**{escape(facts['name'], CHARACTER_LIMIT)}**")
    held = _shortened([role(role_id) for role_id in facts["held_role_ids"]], HELD_LIMIT)
    return " · ".join([*parts, _rank(facts), texts.roles(role(facts["expected_role_id"]), held)])


def _contradicted(finding: Finding, _role: ShowRole) -> str:
    facts = finding.facts
    linked, others = ([f"<@{user_id}>" for user_id in facts[which]] for which in ("user_ids", "other_ids"))
    parts = [f"**{_name(finding, CHARACTER_LIMIT)}**", escape(str(facts["realm"]), NAME_LIMIT)]
    said = texts.contradicted(_shortened(linked, 1), _shortened(others, HELD_LIMIT), by_note=facts["by_note"])
    return " · ".join([*parts, said])


def _twice(finding: Finding, _role: ShowRole) -> str:
    facts = finding.facts
    others = _shortened([f"<@{user_id}>" for user_id in facts["other_ids"]], 1)
    said = texts.also_proven(others, SOURCES[Source(facts["source"])])
    return f"<@{finding.subject_id}> {_name(finding, SHORT_LIMIT)} · {said} · {_bold(facts['character'])}"


def _missing(finding: Finding, _role: ShowRole) -> str:
    facts = finding.facts
    names = [escape(name, CHARACTER_LIMIT) for name in facts["names"][:MISSING_LIMIT]]
    more = facts["characters"] - len(names)
    shown = ", ".join(names) + (f" +{more:,}" if more else "")
    return texts.missing(facts["characters"], escape(facts["guild"], NAME_LIMIT), shown)


def _left(finding: Finding, _role: ShowRole) -> str:
    facts = finding.facts
    said = texts.left(datetime.fromtimestamp(facts["left_at"], UTC))
    best = f"{_bold(facts['character'])} · {_rank(facts)}"
    who = f"<@{finding.subject_id}> {_name(finding, SHORT_LIMIT)}"
    return " · ".join([who, said, texts.leaves_behind(facts["characters"], best)])


def _stale_data(finding: Finding, _role: ShowRole) -> str:
    facts = finding.facts
    read_at = facts["read_at"]
    moment = None if read_at is None else datetime.fromtimestamp(read_at, UTC)
    if facts["source"] == "notes":
        return texts.not_uploaded(facts["days"], moment)
    return texts.not_read(facts["source"], facts["days"], moment)


def _suggested(finding: Finding, _role: ShowRole) -> str:
    facts = finding.facts
    members = _shortened([f"<@{user_id}>" for user_id in facts["user_ids"]], HELD_LIMIT)
    said = texts.suggested(members, surely=facts["confidence"] is not None)
    return " · ".join([_bold(facts["name"]), escape(str(facts["realm"]), NAME_LIMIT), _rank(facts), said])


def _main_gone(finding: Finding, _role: ShowRole) -> str:
    facts = finding.facts
    members = _shortened([f"<@{user_id}>" for user_id in facts["user_ids"]], 1)
    said = [_bold(facts["name"]), escape(str(facts["realm"]), NAME_LIMIT), texts.main_gone(facts["which"])]
    return " · ".join([members, *said] if members else said)


def _unknown_reference(finding: Finding, _role: ShowRole) -> str:
    facts = finding.facts
    known = texts.unknown_reference(facts["kind"], facts["id"])
    return f"**{known}** · {texts.such_as(facts['characters'], escape(facts['name'], CHARACTER_LIMIT))}"


def _unmapped(finding: Finding, _role: ShowRole) -> str:
    characters = count_of(finding.facts["characters"], "character")
    return f"**{_rank(finding.facts)}** · {characters} · {texts.CHOOSE_ROLE}"


def _failed(finding: Finding, _role: ShowRole) -> str:
    name = finding.facts["name"]
    title = RULES[name].title if name in RULES else name
    return f"**{escape(title)}** · `{name}` · {texts.SEE_LOG}"


_LINES = {
    "duplicate_discord": _twice,
    "held_departures": _missing,
    "stale_discord_link": _left,
    "orphan_discord": _member,
    "role_mismatch": _roles,
    "no_guild_role": _roles,
    "link_contradicts_note": _contradicted,
    "note_mismatch": _contradicted,
    "stale_data": _stale_data,
    "link_suggestion": _suggested,
    "main_not_linked": _main_gone,
    "unmapped_rank": _unmapped,
    "unknown_reference": _unknown_reference,
    "rule_failed": _failed,
}
"""How the lines of a rule are made; all others are about characters."""


def _name(finding: Finding, limit: int) -> str:
    return escape(str(finding.facts.get("name") or finding.public_id), limit)


def _bold(name: str) -> str:
    return f"**{escape(str(name), CHARACTER_LIMIT)}**"


def _rank(facts: Mapping[str, Any]) -> str:
    name = facts.get("rank_name")
    return texts.named_rank(escape(name, RANK_LIMIT), facts["rank"]) if name else rank_label(facts["rank"], None)


def _shortened(items: Sequence[str], limit: int) -> str:
    more = f" +{len(items) - limit}" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more
