"""The one gate through which every request to Battle.net passes."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType

from aiolimiter import AsyncLimiter

Sleep = Callable[[float], Awaitable[None]]
Monotonic = Callable[[], float]

PATIENCE_SECONDS = 60.0
_HOUR = 3600.0


class ExhaustedError(Exception):
    """Say that the gate stays shut for longer than a caller should wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no request before {seconds:.0f} s have passed")
        self.seconds = seconds


class Limiter:
    """Keep every window of a second and of an hour within the limits, in the order of asking.

    A leaky bucket lets its whole capacity through at once and then leaks on, so a window sees burst + leak: the burst
    is small and taken off the rate. A bucket for the hour would waste half of it: the hour's grants are counted.
    """

    def __init__(
        self,
        *,
        per_second: int = 100,
        per_hour: int = 36_000,
        burst: int = 5,
        concurrency: int = 40,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._pace = AsyncLimiter(burst, burst / (per_second - burst))
        self._granted: deque[float] = deque(maxlen=per_hour)
        self._slots = asyncio.Semaphore(concurrency)
        self._turn = asyncio.Lock()
        self._paused_until = float("-inf")
        self._sleep = sleep
        self._monotonic = monotonic

    def pause(self, seconds: float) -> None:
        """Shut the gate for everybody: the limits belong to the client, so one refusal speaks for all."""
        self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    async def __aenter__(self) -> None:
        """Wait for a slot and a turn; raise ExhaustedError when the wait is known to pass PATIENCE_SECONDS."""
        await self._slots.acquire()
        try:
            async with self._turn:
                while (seconds := self._shut_for()) > 0:
                    if seconds > PATIENCE_SECONDS:
                        raise ExhaustedError(seconds)
                    await self._sleep(seconds)
                await self._pace.acquire()
                self._granted.append(self._monotonic())
        except BaseException:
            self._slots.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._slots.release()

    def _shut_for(self) -> float:
        opens = self._paused_until
        if len(self._granted) == self._granted.maxlen:
            opens = max(opens, self._granted[0] + _HOUR)
        return opens - self._monotonic()
