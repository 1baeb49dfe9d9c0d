"""Texts of `/link`."""

from cogs.common.texts import SOURCES
from domain.links import Source

GROUP = "Say which character belongs to which member."
ADD = "Link a character to a member, by your word."
REMOVE = "Take a character's link away; no rule will make it again."
CHARACTER = "A character of the guild: type a part of its name and choose from the list."
MEMBER = "The member who plays it."

WORKING = "Linking…"
REMOVING = "Removing the link…"


def mentions(user_ids: tuple[int, ...]) -> str:
    """Name members; nobody is pinged, since every answer is sent without mentions allowed."""
    return ", ".join(f"<@{user_id}>" for user_id in user_ids)


def added(character: str, user_ids: tuple[int, ...], replaced: Source | None) -> str:
    """Say that a link was made, and what it counts for."""
    before = f" It had an inferred link ({SOURCES[replaced]}); your word replaces that." if replaced else ""
    return f"{character} is now linked to {mentions(user_ids)}: proven, by your word.{before}"


def unchanged(character: str, user_ids: tuple[int, ...], source: Source) -> str:
    """Say that there was nothing to do."""
    return f"Nothing changed: {character} was already linked to {mentions(user_ids)}, proven by {SOURCES[source]}."


def removed(character: str, user_ids: tuple[int, ...], source: Source) -> str:
    """Say that a link was taken away, and what that means for the rules."""
    whose = mentions(user_ids) or "a player without a member"
    kind = "proven" if source.is_proof else "inferred"
    again = "No rule will link them again; `/link add` can." if user_ids else "`/link add` links it to a member."
    return f"{character} is no longer linked to {whose}. The link was {kind} ({SOURCES[source]}). {again}"
