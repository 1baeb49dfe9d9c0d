"""Texts of `/link review`."""

from collections.abc import Sequence
from datetime import datetime

from bot.services.review import Idle
from cogs.common.text import count_of, escape, timestamp
from domain.links import Confidence

COMMAND = "Decide who is who, one suggestion at a time, with the reasons for each candidate."

NOT_A_MATCH = "Not a match"
LATER = "Later"
CLAIMS_IT = "says so: there is an open claim"
NAME_LIMIT = 32

IDLE = {
    Idle.UNREAD: (
        "## Nothing to review yet\nThe roster and the members must both be read whole once: `/sync roster`, then "
        "`/sync members`."
    ),
    Idle.OFF: (
        "## Nothing to review\nMatching is switched off on this server, so nobody is suggested. `/setup options` "
        "switches it on; `/link match` shows what it would find."
    ),
    Idle.DONE: (
        "## Nothing is left to review\nEvery suggestion has your word. New ones come with new members, characters and "
        "notes. `/link coverage` shows who is still unlinked, and `/link add` links those whom you know."
    ),
}


def title(name: str) -> str:
    """Ask for the owner of a character."""
    return f"## Whose is {escape(name, NAME_LIMIT)}?"


def claims(count: int) -> str:
    """Say that members wait for an answer."""
    wait = "1 member's claim waits" if count == 1 else f"{count:,} members' claims wait"
    return f"📨 {wait} for an officer: `/player claims`"


def unknown_class(class_id: int) -> str:
    """Name a class that Muster has no name of."""
    return f"Class {class_id}"


def confidence(grade: Confidence) -> str:
    """Say what the evidence would be enough for."""
    whose = "this server leaves it" if grade is Confidence.HIGH else "such links are left"
    return f"-# The evidence would carry this link with {grade.value} confidence; {whose} to officers."


def alts(names: Sequence[str], more: int) -> str:
    """Name the characters that go where this one goes."""
    listed = ", ".join(f"**{escape(name, NAME_LIMIT)}**" for name in names) + (f" and {more} more" if more else "")
    return f"The same player's, by their notes: {listed}. Where nothing speaks against it, they follow."


def left(count: int, put_off: int) -> str:
    """Say how much there is to decide."""
    off = f", {put_off:,} of them put off" if put_off else ""
    return f"-# {count_of(count, 'suggestion')} left{off}"


def put_off_before(moment: datetime) -> str:
    """Say that somebody put this one off."""
    return f"-# Put off {timestamp(moment)}."


def linked(name: str, user_ids: Sequence[int]) -> str:
    """Say that a character was linked."""
    return f"✅ **{escape(name, NAME_LIMIT)}** is linked to {_mentions(user_ids)}: proven, by your word."


def refused(name: str, user_ids: Sequence[int]) -> str:
    """Say that nobody of those shown will be suggested again."""
    return f"✅ **{escape(name, NAME_LIMIT)}** is not {_mentions(user_ids, 'or')}: no rule will suggest that again."


def put_off(name: str) -> str:
    """Say that a suggestion comes back later."""
    return f"⏭️ **{escape(name, NAME_LIMIT)}** comes back after all others."


def not_done(text: str) -> str:
    """Say why a decision was not taken."""
    return f"⚠️ {text}"


def _mentions(user_ids: Sequence[int], word: str = "and") -> str:
    *others, last = [f"<@{user_id}>" for user_id in user_ids]
    return f"{', '.join(others)} {word} {last}" if others else last
