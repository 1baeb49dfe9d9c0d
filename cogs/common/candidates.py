"""A character's notes, and those who may own it, as officers decide among them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bot.services.review import SuggestedMember
from cogs.common.paginator import fit_lines
from cogs.common.reasons import reasons
from cogs.common.text import clean, count_of, escape

NAME_LIMIT = 32
"""Characters of a name; a button holds two of them."""
NOTE_LIMIT = 120
REASONS_LIMIT = 340
"""Characters of the reasons for one candidate, so that four fit into a message."""
NOTES_UNKNOWN = "-# Its notes are not known."


def notes(guild_note: str | None, officer_note: str | None) -> list[str]:
    """Tell both notes (None is unknown, "" empty) to officers; what only they can read is marked."""
    told = [] if guild_note is None else [f"Public note: {_note(guild_note)}"]
    told += [] if officer_note is None else [f"🔒 Officer note: {_note(officer_note)}"]
    return told or [NOTES_UNKNOWN]


def candidate(one: SuggestedMember, *more: str) -> str:
    """Show a candidate with the reasons, what decided first, below those that the reader must know first."""
    called = "" if one.username == one.name else f" ({escape(one.username, NAME_LIMIT)})"
    told = [*more, *shown_reasons(one.reasons)]
    return "\n".join(
        [f"**{escape(one.name, NAME_LIMIT)}**{called} · <@{one.user_id}>", *(f"- {said}" for said in told)]
    )


def shown_reasons(kept: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Give as many reasons as a card has room for, escaped."""
    return fit_lines(reasons(kept, for_officers=True), REASONS_LIMIT)[0]


def more_candidates(count: int) -> str:
    """Say how many candidates are not shown."""
    return f"-# {count_of(count, 'more candidate')}: shown when these are not a match."


def labels(candidates: Sequence[SuggestedMember]) -> dict[int, str]:
    """Give what the buttons say: names, and for those who share one the usernames too, which nobody shares."""
    uses = Counter(one.name for one in candidates)
    return {one.user_id: _label(one, alone=uses[one.name] == 1) for one in candidates}


def _label(one: SuggestedMember, *, alone: bool) -> str:
    name = clean(one.name, NAME_LIMIT)
    return name if name and alone else f"{name} @{clean(one.username, NAME_LIMIT)}"


def _note(note: str) -> str:
    return f"“{escape(note, NOTE_LIMIT)}”" if note else "empty"
