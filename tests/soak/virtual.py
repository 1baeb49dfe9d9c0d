"""An event loop whose time is virtual: a day of waiting takes no longer than the work done in it."""

import asyncio
import selectors
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 86_400.0
STUCK_SECONDS = 60.0
TICK_SECONDS = 1e-6
"""What a round of the loop takes: who waits for a moment that rounding put a hair later would else wait for ever."""


class StuckError(Exception):
    """Say that something real was waited for in vain: a connection held by who waits for virtual time, say."""


class _JumpingSelector(selectors.DefaultSelector):
    """Wait for the world outside only while something of it is under way; else jump to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.under_way: Callable[[], bool] = lambda: False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += TICK_SECONDS
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is None or self.under_way():
            events = super().select(STUCK_SECONDS)
            if not events:
                raise StuckError(f"nothing came from outside for {STUCK_SECONDS:g} s, and nothing else may go on")
            return events
        self.now += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """Let `time()` all but stand while the loop works and jump to the next timer when it would wait.

    `watch` names what is real: while it says that something is under way, time stands and the answer is waited for.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def watch(self, under_way: Callable[[], bool]) -> None:
        """Name what tells whether an answer from outside is being waited for."""
        self._jumping.under_way = under_way

    def time(self) -> float:
        """Give the virtual seconds since the loop was made."""
        return self._jumping.now

    def clock(self) -> datetime:
        """Give the virtual present, as `bot.clock.Clock` wants it."""
        return START + timedelta(seconds=self.time())
