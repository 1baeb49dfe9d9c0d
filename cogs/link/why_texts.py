"""Texts of `/link why`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.services.why import RunRef
from cogs.common.text import escape, timestamp
from cogs.common.texts import SOURCES
from domain.evidence import RULES
from domain.links import Confidence, Source
from domain.runs import RunSource

COMMAND = "Why is this character whose it is? Every reason, what speaks against it, and what was before."
CHARACTER = "A character of the guild: type a part of its name and choose from the list."

PROVEN = "Proven, by an officer's word or a sign-in: it counts for ranks and roles."
INFERRED = "Inferred: a rule found it, so it gives no rank and no role. `/link confirm` makes it proven."
WORD = "Said by a person, not proven: it gives no rank and no role. `/link confirm` makes it proven."
NOT_LINKED = "Linked to nobody, and no rule suggests anybody. If you know whose it is: `/link add`."
SUGGESTED = "Linked to nobody; the rules leave it to you. `/link review` asks, one character at a time."
WOULD_LINK = "The evidence would carry a link to the first, but this server leaves such links to its officers."
NO_MEMBER = "No member belongs to its player."
NAME_LIMIT = 40
LEFT_THE_SERVER = "left the server"
CHARACTER_HALF = "**Why it is this player's character**"
CANDIDATES = "**Suggested**"
REFUSED = "**Said not to be theirs**"
PAST = "**Before**"

CONFIDENCES = {
    Confidence.HIGH: "high confidence",
    Confidence.MEDIUM: "medium confidence",
    Confidence.LOW: "low confidence",
}
RUNS = {
    RunSource.BLIZZARD_API: "a roster sync",
    RunSource.BLIZZARD_PROFILES: "a profile refresh",
    RunSource.DISCORD_BOT: "a member sync",
    RunSource.ADDON_UPLOAD: "an upload of notes",
    RunSource.CRAFTING_SYNC: "a sync of recipes",
    RunSource.STATIC_DATA: "a read of game data",
}


def member_half(user_id: int, name: str, *, left: bool) -> str:
    """Head the half of a link that says which player a member is."""
    return f"**Why this player is** {_member(user_id, name, left=left)}"


def both_halves(user_id: int, name: str, *, left: bool) -> str:
    """Head what made both halves of a link at once."""
    return f"**Linked to** {_member(user_id, name, left=left)}"


def origin(source: Source, confidence: Confidence, *, by: int | None, at: datetime, run: RunRef | None) -> str:
    """Say where a half comes from: who or what made it, how sure it is, and when."""
    who = f" by <@{by}>" if by is not None else ""
    during = f", found in {found_in(run)}" if run is not None else ""
    return f"{SOURCES[source]}{who}, {CONFIDENCES[confidence]}, {timestamp(at)}{during}"


def found_in(run: RunRef) -> str:
    """Name a run."""
    return f"{RUNS[run.source]} (run {run.id})"


def rule(kept: Mapping[str, Any]) -> str:
    """Name the rule of a reason, with its version."""
    name = str(kept.get("rule", "?"))
    title = RULES[name].title if name in RULES else name
    return f"rule “{escape(title)}” v{escape(str(kept.get('version', '?')), 8)}"


def candidate(user_id: int, name: str) -> str:
    """Name a candidate."""
    return f"{escape(name, NAME_LIMIT)} · <@{user_id}>"


def contradicted(who: str, at: datetime) -> str:
    """Head what speaks against a link."""
    return f"⚠️ **Speaks for {who} instead**, seen {timestamp(at)}"


def refused(who: str, by: int, at: datetime) -> str:
    """Say whose a character is not, by whose word."""
    return f"• {who}, by <@{by}> {timestamp(at)}"


def _member(user_id: int, name: str, *, left: bool) -> str:
    return candidate(user_id, name) + (f" · {LEFT_THE_SERVER}" if left else "")
