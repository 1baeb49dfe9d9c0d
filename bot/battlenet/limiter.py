"""The one gate through which every request to Battle.net passes."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import Enum

Sleep = Callable[[float], Awaitable[None]]
Monotonic = Callable[[], float]

PATIENCE_SECONDS = 60.0
_HOUR = 3600.0
_KEPT = 36
"""One request in so many of an hour is kept for the lanes before each lane: profiles by the thousand use an hour up."""
_SLOTS_FOR_PEOPLE = 10
"""Nor is one slot in so many: where Battle.net hangs, whoever asks would wait for background work to time out."""
_SLACK = 0.05
"""Share of a second's requests that is left unused, for delays on the way that vary by as much of a second."""


class Lane(Enum):
    """Name who waits for an answer, first served first; one request of a timer keeps a whole guild's roster fresh."""

    PEOPLE = "people"
    ROSTERS = "rosters"
    PROFILES = "profiles"


class ExhaustedError(Exception):
    """Say that the gate stays shut for longer than a caller should wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no request before {seconds:.0f} s have passed")
        self.seconds = seconds


class Limiter:
    """Keep every window of a second and of an hour within the limits: people first, then in the order of asking.

    A leaky bucket lets its whole capacity through at once and then leaks on, so a window sees burst + leak: the burst
    is small and taken off the rate. What leaves in even steps arrives in uneven ones, and Battle.net counts arrivals:
    hence the slack. A bucket for the hour would waste half of it: the hour's grants are counted.
    """

    def __init__(
        self,
        *,
        per_second: int = 100,
        per_hour: int = 36_000,
        burst: int = 3,
        concurrency: int = 40,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._interval = 1 / (per_second * (1 - _SLACK) - burst)
        self._ahead = (burst - 1) * self._interval
        self._paced = float("-inf")
        """The moment to which the requests let through would have taken at an even pace."""
        self._granted: deque[float] = deque(maxlen=per_hour)
        self._hourly = {lane: per_hour - before * (per_hour // _KEPT) for before, lane in enumerate(Lane)}
        self._free = concurrency
        self._left_free = {lane: 0 if lane is Lane.PEOPLE else concurrency // _SLOTS_FOR_PEOPLE for lane in Lane}
        self._waiting: dict[Lane, deque[asyncio.Future[None]]] = {lane: deque() for lane in Lane}
        self._alarm: asyncio.Task[None] | None = None
        self._paused_until = float("-inf")
        self._sleep = sleep
        self._monotonic = monotonic

    def pause(self, seconds: float) -> None:
        """Shut the gate for everybody: the limits belong to the client, so one refusal speaks for all."""
        self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    @asynccontextmanager
    async def turn(self, lane: Lane) -> AsyncIterator[None]:
        """Wait for a slot and a turn; raise ExhaustedError when the wait is known to pass PATIENCE_SECONDS."""
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[lane].append(ticket)
        if self._waiting[lane][0] is ticket:  # whoever stands behind others changes nothing
            self._serve()
        try:
            await ticket
            yield
        finally:
            # A turn that came together with the end of the waiting was taken as well.
            if ticket.done() and not ticket.cancelled() and ticket.exception() is None:
                self._free += 1
            self._serve()

    def _serve(self) -> None:
        """Let in whoever may go now, and come back when the gate opens for the next."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        for lane in Lane:
            waiting = self._waiting[lane]
            while waiting and self._free > self._left_free[lane]:
                if waiting[0].done():  # gave up waiting
                    waiting.popleft()
                    continue
                seconds = self._shut_for(lane)
                if seconds > PATIENCE_SECONDS:
                    waiting.popleft().set_exception(ExhaustedError(seconds))
                elif seconds > 0:
                    self._alarm = asyncio.create_task(self._ring(seconds), name="battlenet-gate")
                    return
                else:
                    self._grant()
                    waiting.popleft().set_result(None)

    def _grant(self) -> None:
        now = self._monotonic()
        self._paced = max(self._paced, now) + self._interval
        self._granted.append(now)
        self._free -= 1

    async def _ring(self, seconds: float) -> None:
        await self._sleep(seconds)
        self._alarm = None
        self._serve()

    def used(self) -> int:
        """Count the requests of the last hour, which the hourly limit counts too."""
        since = self._monotonic() - _HOUR
        return sum(granted > since for granted in self._granted)

    def _shut_for(self, lane: Lane) -> float:
        opens = max(self._paused_until, self._paced - self._ahead)
        if len(self._granted) >= (hourly := self._hourly[lane]):
            opens = max(opens, self._granted[-hourly] + _HOUR)
        return opens - self._monotonic()
