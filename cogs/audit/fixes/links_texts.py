"""Texts of the fixes of links, on a finding's card."""

from collections.abc import Sequence

from cogs.common.text import clean, escape
from domain.errors import quoted

NAME_LIMIT = 32
FORM_TITLE_LIMIT = 45
"""Discord's own limit."""

LINK = "Link…"
CHOOSE = "Choose…"
UNLINK = "Unlink"
ALIAS = "Add alias…"
NOT_A_MATCH = "Not a match"
KEEP = "Keep the link"
BACK = "Back"
APPLY = "Apply"
DISCARD = "Discard"
MAP_ROLE = "Ranks and roles"

MEMBER = "The member who plays it"
MEMBER_HELP = "Your word proves the link: it counts for ranks and roles."
CHOOSE_MEMBER = "Choose the member who plays it."
CHARACTER = "The character"
CHARACTER_HELP = "Its name, or Name-Realm where several have it. Your word proves the link."
ALIAS_TITLE = "What does a name in notes mean?"
ALIAS_NAME = "The name, as notes have it"
ALIAS_MEMBER = "The member whom it means"
ALIAS_CHARACTER = "Or the character that it means"
ALIAS_CHARACTER_HELP = "Choose a member or type a character: exactly one of them."
GONE = "-# None of those for whom something speaks is here any more."


def whose(name: str) -> str:
    """Head a form that asks for the owner of a character; a form shows its title as plain text."""
    return clean(f"Whose is {name}?", FORM_TITLE_LIMIT)


def which(name: str) -> str:
    """Head a form that asks for a member's character."""
    return clean(f"Which character is {name}'s?", FORM_TITLE_LIMIT)


def title(name: str) -> str:
    """Head a choice."""
    return f"### Whose is {escape(name, NAME_LIMIT)}?"


def owners(user_ids: Sequence[int]) -> str:
    """Say whose a character is now."""
    return f"Linked to {mentions(user_ids) or 'nobody here'}."


def linked(name: str, user_ids: Sequence[int]) -> str:
    """Say that a character was linked."""
    return f"✅ **{escape(name, NAME_LIMIT)}** is linked to {mentions(user_ids)}: proven, by your word."


def unchanged(name: str, user_ids: Sequence[int]) -> str:
    """Say that a link was there already."""
    return f"✅ **{escape(name, NAME_LIMIT)}** is proven to be {mentions(user_ids)}'s already."


def refused(name: str, user_ids: Sequence[int]) -> str:
    """Say that nobody of those shown will be suggested again."""
    return f"✅ **{escape(name, NAME_LIMIT)}** is not {mentions(user_ids)}: no rule will suggest that again."


def kept(name: str, user_ids: Sequence[int]) -> str:
    """Say that a link is right."""
    return f"✅ **{escape(name, NAME_LIMIT)}** stays linked to {mentions(user_ids)}: proven, by your word."


def unlinked(name: str, user_ids: Sequence[int]) -> str:
    """Say that a link was taken away, and how it comes back."""
    whose = mentions(user_ids) or "a player without a member"
    gone = f"✅ **{escape(name, NAME_LIMIT)}** is no longer linked to {whose}."
    return f"{gone} No rule will link them again; `/link add` can."


def alias(name: str, meaning: str, before: str | None) -> str:
    """Say what a name in notes means now."""
    was = f" Before, it meant {before}." if before else ""
    return f"✅ {quoted(name)} in notes now means {meaning}.{was}"


def character(name: str) -> str:
    """Name a character."""
    return f"the character **{escape(name)}**"


def mentions(user_ids: Sequence[int]) -> str:
    """Name members; nobody is pinged, since every answer is sent without mentions allowed."""
    return ", ".join(f"<@{user_id}>" for user_id in user_ids)
