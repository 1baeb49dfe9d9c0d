"""When officers are told that something can't be read any more, and that it can again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

FAILURES: Final = 3
LASTS: Final = timedelta(hours=1)
"""Less than that is a hiccup, or Battle.net's maintenance on its way to the end."""


class Word(StrEnum):
    """Name what officers are told."""

    FAILING = "failing"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Streak:
    """So many runs of a source that failed one after the other, up to the last one that ended.

    `since` is when the first of them began, `reason` why the last one failed; both None without any.
    """

    failures: int
    since: datetime | None = None
    reason: str | None = None


def word_for(streak: Streak, *, now: datetime, told: bool) -> Word | None:
    """Decide what to tell; `told` says that officers know of a failure and not yet of its end."""
    if told:
        return Word.OVER if streak.failures == 0 else None
    lasts = streak.since is not None and now - streak.since >= LASTS
    return Word.FAILING if streak.failures >= FAILURES and lasts else None
