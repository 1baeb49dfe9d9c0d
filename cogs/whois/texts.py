"""Texts of `/whois`."""

from collections.abc import Sequence
from datetime import datetime

from cogs.common.text import escape, timestamp
from cogs.common.texts import SOURCES
from domain.links import Source

COMMAND = "Who is this? A member's characters, or the member behind a character, with the reasons."
MEMBER = "A member of this server."
CHARACTER = "A character of the guild: type a part of its name and choose from the list."

ONE_OF_THEM = "Choose a member or a character: exactly one of them."

MEMBERS = "**Discord**"
CHARACTERS = "**Characters**"
PROVEN = "proven"
INFERRED = "inferred"
WHAT_INFERRED_MEANS = (
    "-# **Inferred**: a rule found it. It gives no rank and no role until you vouch for it: `/link confirm`."
)
LOGIN_UNKNOWN = "last login unknown"
LEFT_THE_SERVER = "left the server"
OPTED_OUT = "opted out"
NO_RANK = "**Rank**: none. It needs a member here and a character in the guild, both proven; inferred links give none."
NO_MEMBER = "No member of this server belongs to it."
NO_CHARACTER = "No character belongs to this player."
MEMBER_NOT_LINKED = "Not linked to any character yet. If you know which one: `/link add`."
MEMBER_OPTED_OUT = "Opted out of being matched: Muster looks for no characters of theirs."
BEFORE = "**Before**"
CHARACTER_NOT_LINKED = "Not linked to anybody yet. If you know whose it is: `/link add`."
ROSTER_NEVER_READ = "-# The roster was never read: start with `/sync roster`."

BACK_BUTTON = "Back from hiatus"

SUGGESTED_LIMIT = 10


def source(kind: Source, *, by: int | None, reason: str | None) -> str:
    """Say where a half of a link comes from: who said so, or what decided."""
    if by is not None:
        return f"{SOURCES[kind]} by <@{by}>"
    return f"{SOURCES[kind]}: {reason}" if reason else SOURCES[kind]


def candidates(user_ids: Sequence[int]) -> str:
    """Say whose an unlinked character may be."""
    return f"**Suggested**: {_some([f'<@{user_id}>' for user_id in user_ids])}. Decide with `/link review`."


def suggested(characters: Sequence[tuple[str, str]]) -> str:
    """Say which characters, by name and realm, may be an unlinked member's."""
    names = [f"{escape(name, 20)}-{escape(realm, 20)}" for name, realm in characters]
    return f"**Suggested**: {_some(names)}. Decide with `/link review`."


def _some(names: Sequence[str]) -> str:
    more = len(names) - SUGGESTED_LIMIT
    return ", ".join([*names[:SUGGESTED_LIMIT], *([f"{more} more"] if more > 0 else [])])


def rank(label: str) -> str:
    """Say which rank counts for a player."""
    return f"**Rank**: {escape(label)}, the highest of their proven characters."


def rank_by_word(label: str, reason: str, *, by: int, ends_at: datetime | None) -> str:
    """Say which rank counts for a player, because an officer said so."""
    end = f"until {timestamp(ends_at, 'f')}, " if ends_at else ""
    return f"**Rank by an officer's word**: {escape(label)}, {end}because <@{by}> said: {escape(reason)}"


def hiatus(until: datetime | None, reason: str, *, by: int) -> str:
    """Say that a player is away, until when and why."""
    end = "until somebody says otherwise" if until is None else f"until {timestamp(until, 'f')}"
    return f"💤 **On hiatus** {end}, because <@{by}> said: {escape(reason)}"


def unknown_class(class_id: int) -> str:
    """Name a class that Muster has no name of."""
    return f"Class {class_id}"


def last_login(moment: datetime) -> str:
    """Say when a character was last played."""
    return f"last login {timestamp(moment)}"
