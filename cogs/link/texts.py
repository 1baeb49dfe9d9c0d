"""Texts of `/link`."""

from collections.abc import Sequence

from cogs.common.text import count_of
from cogs.common.texts import SOURCES, and_more
from domain.links import Source

GROUP = "Say which character belongs to which member."
ADD = "Link a character to a member, by your word."
REMOVE = "Take a character's link away; no rule will make it again."
CONFIRM = "Vouch for what a rule linked: one character, or all characters of a member."
CHARACTER = "A character of the guild: type a part of its name and choose from the list."
MEMBER = "The member who plays it."
ALSO = "Choose this when the member is a second Discord account of the person whose character it is already."
CONFIRM_CHARACTER = "A character with an inferred link."
CONFIRM_MEMBER = "A member all of whose inferred links are right."

WORKING = "Linking…"
REMOVING = "Removing the link…"
CONFIRMING = "Confirming…"
ONE_OF_THEM = "Choose a character or a member: exactly one of them."
SHOWN_LIMIT = 10


def mentions(user_ids: Sequence[int]) -> str:
    """Name members; nobody is pinged, since every answer is sent without mentions allowed."""
    return ", ".join(f"<@{user_id}>" for user_id in user_ids)


def added(character: str, user_ids: Sequence[int], replaced: Source | None) -> str:
    """Say that a link was made, and what it counts for."""
    before = f" It had {kind_of(replaced)} link ({SOURCES[replaced]}); your word replaces that." if replaced else ""
    return f"{character} is now linked to {mentions(user_ids)}: proven, by your word.{before}"


def joined(character: str, user_ids: Sequence[int], others: Sequence[int]) -> str:
    """Say that a member is the same person as the player whose character it was."""
    return f"{character}: {mentions(user_ids)} now counts as {_same(others)}, by your word, and the link is proven."


def waits(character: str, user_ids: Sequence[int], others: Sequence[int]) -> str:
    """Say that two players are not made one before officers have looked at both."""
    return (
        f"⏳ {character}: your word that {mentions(user_ids)} is {_same(others)} waits as a finding, since people's "
        "words made both a player of their own. Merge the two or reject it with `/audit list`."
    )


def unchanged(character: str, user_ids: Sequence[int], source: Source) -> str:
    """Say that there was nothing to do."""
    return f"Nothing changed: {character} was already linked to {mentions(user_ids)}, proven by {SOURCES[source]}."


def removed(character: str, user_ids: Sequence[int], source: Source) -> str:
    """Say that a link was taken away, and what that means for the rules."""
    whose = mentions(user_ids) or "a player without a member"
    again = "No rule will link them again; `/link add` can." if user_ids else "`/link add` links it to a member."
    return f"{character} is no longer linked to {whose}. It was {kind_of(source)} link ({SOURCES[source]}). {again}"


def _same(others: Sequence[int]) -> str:
    return f"the same person as {mentions(others)}" if others else "the player whose character it is"


def kind_of(source: Source) -> str:
    """Say what a link of a source was worth, with its article."""
    if source.is_proof:
        return "a proven"
    return "an unproven" if source.is_by_person else "an inferred"


def confirmed(characters: Sequence[str], user_ids: Sequence[int]) -> str:
    """Say which inferred links are proven now."""
    shown = "\n".join(f"- {character}" for character in characters[:SHOWN_LIMIT])
    more = len(characters) - SHOWN_LIMIT
    rest = f"\n{and_more(more)}" if more > 0 else ""
    one = len(characters) == 1
    are, counts = ("is", "It counts") if one else ("are", "They count")
    links = f"{count_of(len(characters), 'link')} of {mentions(user_ids)}"
    return f"{links} {are} proven now, by your word. {counts} for ranks and roles:\n{shown}{rest}"
