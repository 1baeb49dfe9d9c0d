"""Texts of `/link alias`."""

from bot.services.aliases import AliasView
from cogs.common.text import escape, timestamp
from domain.errors import quoted

COMMAND = "Say what a name in notes means; show what was said, or take it back."
NAME = "A name as it stands in notes, like Mike. Leave it out to list all."
MEMBER = "The member whom the name means."
CHARACTER = "The character whom the name means: type a part of its name and choose from the list."
REMOVE = "Take back what the name means."

SAYING = "Setting the alias…"
TITLE = "## What names in notes mean"
NONE = "Nothing yet. `/link alias name:Mike member:@somebody` says that “Mike” in notes means that member."
NAME_FIRST = "Type the name whose meaning you want to set or take back."
NOTHING_ELSE = "To take a name back, choose no member and no character."
DORMANT = "means nobody now: they left or opted out"


def said(name: str, meaning: str, before: str | None) -> str:
    """Say what a name means now."""
    was = f" Before, it meant {before}." if before else ""
    return f"{quoted(name)} in notes now means {meaning}.{was}"


def unchanged(name: str, meaning: str) -> str:
    """Say that there was nothing to do."""
    return f"Nothing changed: {quoted(name)} in notes already means {meaning}."


def removed(name: str, meaning: str) -> str:
    """Say that a name means nobody any more."""
    return f"{quoted(name)} in notes no longer means {meaning}. Links that it made stay; `/link remove` ends one."


def meaning(alias: AliasView) -> str:
    """Name whom an alias means."""
    return f"the character **{escape(alias.target)}**" if alias.user_id is None else f"<@{alias.user_id}>"


def line(alias: AliasView) -> str:
    """Show an alias with who set it and when."""
    dormant = f" ({DORMANT})" if alias.dormant else ""
    return f"{quoted(alias.alias)} → {meaning(alias)}{dormant}\n-# by <@{alias.set_by}> {timestamp(alias.set_at)}"
