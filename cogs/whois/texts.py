"""Texts of `/whois`, and the words for where a link comes from."""

from datetime import datetime

from cogs.common.text import escape, timestamp
from cogs.common.texts import SOURCES
from domain.links import Source
from domain.matching import NameKind

COMMAND = "Who is this? A member's characters, or the member behind a character, with the reasons."
MEMBER = "A member of this server."
CHARACTER = "A character of the guild: type a part of its name and choose from the list."

ONE_OF_THEM = "Choose a member or a character: exactly one of them."

MEMBERS = "**Discord**"
CHARACTERS = "**Characters**"
PROVEN = "proven"
INFERRED = "inferred – gives no rights"
LOGIN_UNKNOWN = "last login unknown"
LEFT_THE_SERVER = "left the server"
NO_RANK = "**Rank**: none. It needs a member here and a character in the guild, both proven; inferred links give none."
NO_MEMBER = "No member of this server belongs to it."
NO_CHARACTER = "No character belongs to this player."
MEMBER_NOT_LINKED = "Not linked to any character yet. If you know which one: `/link add`."
CHARACTER_NOT_LINKED = "Not linked to anybody yet. If you know whose it is: `/link add`."
ROSTER_NEVER_READ = "-# The roster was never read: start with `/sync roster`."

NAME_KINDS = {
    NameKind.NICK: "nickname",
    NameKind.GLOBAL_NAME: "display name",
    NameKind.USERNAME: "username",
}


def source(kind: Source, *, by: int | None, matched: str | None) -> str:
    """Say where a half of a link comes from: who said so, or which name was equal."""
    if by is not None:
        return f"{SOURCES[kind]} by <@{by}>"
    place = next((word for name, word in NAME_KINDS.items() if name == matched), None)
    return f"{SOURCES[kind]} ({place})" if place else SOURCES[kind]


def rank(label: str) -> str:
    """Say which rank counts for a player."""
    return f"**Rank**: {escape(label)}, the highest of their proven characters."


def rank_by_word(label: str, reason: str, *, by: int, ends_at: datetime | None) -> str:
    """Say which rank counts for a player, because an officer said so."""
    end = f"until {timestamp(ends_at, 'f')}, " if ends_at else ""
    return f"**Rank by an officer's word**: {escape(label)}, {end}because <@{by}> said: {escape(reason)}"


def unknown_class(class_id: int) -> str:
    """Name a class that Muster has no name of."""
    return f"Class {class_id}"


def last_login(moment: datetime) -> str:
    """Say when a character was last played."""
    return f"last login {timestamp(moment)}"


def roster_age(moment: datetime) -> str:
    """Say how old the ranks are."""
    return f"-# Ranks as the roster had them {timestamp(moment)}; the game may be ahead."
