"""One finding in one line, made of what its facts hold; what they lack is left out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import discord

from cogs.audit import texts
from cogs.common.text import count_of, escape
from domain.audit import RULES, Finding
from domain.ranks import rank_label

MEMBER_LIMIT = 32
NAME_LIMIT = 24
CHARACTER_LIMIT = 12
"""The game's own limit."""
RANK_LIMIT = 16
HELD_LIMIT = 2

ShowRole = Callable[[int], str]
"""Gives a role as a line shows it."""


def roles_of(server: discord.Guild | None) -> ShowRole:
    """Mention a role that the server has, and say so of one that was deleted; in an outage, when none is known, all."""

    def show(role_id: int) -> str:
        gone = server is not None and not server.unavailable and server.get_role(role_id) is None
        return texts.DELETED_ROLE if gone else f"<@&{role_id}>"

    return show


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


def _unmapped(finding: Finding, _role: ShowRole) -> str:
    characters = count_of(finding.facts["characters"], "character")
    return f"**{_rank(finding.facts)}** · {characters} · {texts.CHOOSE_ROLE}"


def _failed(finding: Finding, _role: ShowRole) -> str:
    name = finding.facts["name"]
    title = RULES[name].title if name in RULES else name
    return f"**{escape(title)}** · `{name}` · {texts.SEE_LOG}"


_LINES = {
    "orphan_discord": _member,
    "role_mismatch": _roles,
    "no_guild_role": _roles,
    "link_contradicts_note": _contradicted,
    "note_mismatch": _contradicted,
    "unmapped_rank": _unmapped,
    "rule_failed": _failed,
}
"""How the lines of a rule are made; all others are about characters."""


def _name(finding: Finding, limit: int) -> str:
    return escape(str(finding.facts.get("name") or finding.public_id), limit)


def _rank(facts: Mapping[str, Any]) -> str:
    name = facts.get("rank_name")
    return texts.named_rank(escape(name, RANK_LIMIT), facts["rank"]) if name else rank_label(facts["rank"], None)


def _shortened(items: Sequence[str], limit: int) -> str:
    more = f" +{len(items) - limit}" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more
