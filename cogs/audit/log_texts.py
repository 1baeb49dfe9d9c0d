"""Texts of `/audit log`: one act in one line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.services.action_log import Entry, LogFilters
from cogs.common.text import clean, count_of, escape, timestamp
from domain.acts import ActKind, Doer
from domain.audit import SubjectKind
from domain.audit_rules import RULES

LOG = "See who changed what: links, findings, roles and settings."
MEMBER = "Only what this member did."
BY = "Only what people did, or only what Muster's rules did; people unless you choose."
KIND = "Only acts about this."
SINCE = "From when on: 7d, 2w or 2026-12-31."
TITLE = "## Action log"
EMPTY = "Nothing of this kind was done."
MUSTER = "Muster"
LINE_LIMIT = 360
NAME_LIMIT = 40
NOTE_LIMIT = 60
MEMBERS_LIMIT = 2

DOERS = {Doer.PEOPLE: "People", Doer.MUSTER: "Muster's rules", Doer.ALL: "Everybody"}
KINDS = {
    ActKind.LINKS: "Links, claims and aliases",
    ActKind.PLAYERS: "Players and members",
    ActKind.FINDINGS: "Findings and departures",
    ActKind.ROLES: "Ranks and roles",
    ActKind.SETTINGS: "Settings and rules",
}
WORDS = {
    "addon.key_create": "made an upload key",
    "addon.key_revoke": "revoked an upload key",
    "addon.key_rotate": "rotated an upload key",
    "alias.remove": "took an alias back",
    "alias.set": "set an alias",
    "claim.ask": "claimed",
    "claim.confirm": "confirmed a claim of",
    "claim.refuse": "refused a claim of",
    "claim.withdraw": "withdrew a claim of",
    "departures.apply": "let held departures leave",
    "departures.discard": "kept held departures",
    "finding.bulk": "began to fix many findings at once of",
    "finding.ignore": "ignored a finding about",
    "finding.open": "found a problem of",
    "finding.refresh": "asked anew about",
    "finding.renew": "found another problem of",
    "finding.reopen": "watches again a finding about",
    "finding.resolve": "closed a finding about",
    "finding.resume": "found an ignored problem again of",
    "link.add": "linked",
    "link.confirm": "confirmed the link of",
    "link.opt_out": "took back, for an opt-out, the link of",
    "link.refuse": "said “not a match” for",
    "link.remove": "unlinked",
    "member.unlink": "unlinked",
    "player.hiatus": "set the hiatus of",
    "player.main": "chose the main of",
    "player.merge": "merged",
    "player.offspec": "chose the off-spec of",
    "player.rank": "set the rank of",
    "privacy.opt_in": "may be matched by rules again:",
    "privacy.opt_out": "opted out of rules:",
    "proof.keep": "kept for officers a proof about",
    "proof.reject": "rejected a proof about",
    "rank.map": "chose the role of",
    "rank.name": "named",
    "rank.titles": "named ranks as the game does",
    "role.give": "gave a role to",
    "role.start": "began to change roles",
    "role.take": "took a role from",
    "rule.switch": "switched the rule",
    "setup.channels": "chose the audit channel",
    "setup.guild": "chose the guild",
    "setup.officer-role": "chose the officer role",
    "setup.options": "changed options",
    "setup.rank-truth": "chose what decides about roles",
    "setup.role-sync": "switched role sync",
}
"""What was done, before the words for whom; what is not here is told by its name."""
ENDED_BY_NOTHING = frozenset({"player.hiatus", "player.rank"})
"""Acts that took an earlier word back where nothing stands after them."""


def title(filters: LogFilters, total: int) -> str:
    """Head a page of the log with what it holds."""
    limits = [] if filters.actor_id is None else [f"<@{filters.actor_id}>"]
    limits += [] if filters.by is Doer.ALL else [DOERS[filters.by].lower()]
    limits += [] if filters.kind is None else [KINDS[filters.kind].lower()]
    limits += [] if filters.since is None else [f"since {timestamp(filters.since, 'f')}"]
    return "\n".join([TITLE, *([f"-# Only {', '.join(limits)}"] if limits else []), count_of(total, "act")])


def line(entry: Entry) -> str:
    """Tell one act in a line of at most 360 characters; details that find no room are left out."""
    act = entry.act
    done = WORDS.get(act.action) or f"`{clean(act.action, NAME_LIMIT)}`"
    text = " ".join(part for part in (timestamp(act.at, "f"), _doer(entry), done, _subject(entry)) if part)
    for detail in _details(entry):
        if len(text) + 3 + len(detail) <= LINE_LIMIT:
            text = f"{text} · {detail}"
    return text


def _doer(entry: Entry) -> str:
    act = entry.act
    if act.actor_id is not None:
        return f"<@{act.actor_id}>"
    return MUSTER if act.rule is None else f"{MUSTER} (`{clean(act.rule, NAME_LIMIT)}`)"


def _subject(entry: Entry) -> str:
    act = entry.act
    rule = next((rule.title for rule in RULES.values() if rule.number == act.subject_id), None)
    return {
        SubjectKind.CHARACTER: f"**{escape(entry.name, NAME_LIMIT)}**" if entry.name else "a character that is gone",
        SubjectKind.MEMBER: f"<@{act.subject_id}>",
        SubjectKind.PLAYER: _members(entry.user_ids) or "a player without members",
        SubjectKind.RANK: f"rank {act.subject_id}",
        SubjectKind.RULE: "a rule" if rule is None else f"“{rule}”",
        SubjectKind.REFERENCE: "an id of the game",
        SubjectKind.SERVER: "this server" if act.action.startswith("finding.") else "",
    }[act.subject]


def _details(entry: Entry) -> Iterator[str]:
    act = entry.act
    before, after = act.before or {}, act.after or {}
    if after == {} and act.action in ENDED_BY_NOTHING:
        yield "taken back"
    if act.action.startswith("finding.") and act.rule in RULES:
        yield RULES[act.rule].title
    if act.action.startswith(("link.", "claim.", "alias.")):
        members = _members(_ids(after) or _ids(before))
        yield from [members] if members else []
    if act.action.startswith("addon."):
        name = after.get("name") or before.get("name") or ""
        yield f"“{escape(name, NAME_LIMIT)}”"
    if act.action == "rule.switch" and "enabled" in after:
        yield "on" if after["enabled"] else "off"
    if act.action.startswith("setup.") or act.action == "rank.name":
        yield from (_change(name, before.get(name), value) for name, value in after.items() if not name.endswith("_id"))
    if act.action == "rank.titles":
        yield escape(", ".join(after.get("names", {}).values()), NOTE_LIMIT)
    if act.action in ("rank.map", "role.give", "role.take"):
        role_id = (before if act.action == "role.take" else after).get("role_id")
        yield "no role" if role_id is None else f"<@&{role_id}>"
    if act.action == "finding.bulk":
        yield count_of(after.get("findings", 0), "finding")
    if act.action == "role.start":
        yield count_of(after.get("changes", 0), "change")
    for key in ("alias", "note", "reason"):
        if after.get(key):
            yield f"“{escape(str(after[key]), NOTE_LIMIT)}”"


def _change(name: str, before: Any, after: Any) -> str:
    words = (escape(_word(value), NAME_LIMIT) for value in (before, after) if value is not None)
    return f"{escape(name.replace('_', ' '), NAME_LIMIT)} {' → '.join(words) or 'none'}"


def _word(value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _ids(facts: Mapping[str, Any]) -> list[int]:
    alone = facts.get("user_id")
    return [alone] if alone is not None else list(facts.get("user_ids") or [])


def _members(user_ids: Sequence[int]) -> str:
    more = f" +{len(user_ids) - MEMBERS_LIMIT}" if len(user_ids) > MEMBERS_LIMIT else ""
    return ", ".join(f"<@{user_id}>" for user_id in user_ids[:MEMBERS_LIMIT]) + more
