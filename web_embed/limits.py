"""How often somebody may ask: a token bucket for each, in memory that does not grow."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

CALLERS: Final = 4_096
"""Callers that are remembered; the one who has not asked for longest is forgotten first."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many a minute, and so many of them at once."""

    per_minute: int
    burst: int


class Buckets:
    """Count what each caller took.

    Of a bucket only the moment is kept at which it is full again: a token takes that moment on by its share of a
    minute, and there is none while it lies further ahead than all tokens but one take.
    """

    def __init__(
        self, allowance: Allowance, *, callers: int = CALLERS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 60 / allowance.per_minute
        self._ahead = (allowance.burst - 1) * self._interval
        self._callers = callers
        self._monotonic = monotonic
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        """Tell how many callers are remembered."""
        return len(self._full_at)

    def wait(self, caller: Hashable) -> float:
        """Give the seconds until there is a token, 0 where there is one."""
        return max(0.0, self._full_at.get(caller, -math.inf) - self._monotonic() - self._ahead)

    def take(self, caller: Hashable) -> float:
        """Take a token; where there is none, take nothing and give the seconds until there is one."""
        wait = self.wait(caller)
        if not wait:
            now = self._monotonic()
            self._full_at[caller] = max(self._full_at.get(caller, now), now) + self._interval
            self._full_at.move_to_end(caller)
            if len(self._full_at) > self._callers:
                self._full_at.popitem(last=False)
        return wait
