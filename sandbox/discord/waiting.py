"""Waiting for something to become true, woken by every request and event."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_EVERY = 0.05
PATIENCE = 30.0
"""Seconds that a wait lasts unless told: enough for a busy machine, and spent only on what never comes."""


class Changes:
    """Wakes those who wait whenever something in the world has changed."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Let every waiter look again."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, look: Callable[[], T | None], within: float, what: str) -> T:
        """Return the first truthy value of look; raise TimeoutError naming what after `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while not (value := look()):
                    waiter = asyncio.get_running_loop().create_future()
                    self._waiters.add(waiter)
                    try:
                        # The bot's own state changes without a word to us.
                        await asyncio.wait({waiter}, timeout=LOOK_EVERY)
                    finally:
                        self._waiters.discard(waiter)
        except TimeoutError:
            raise TimeoutError(f"not seen within {within:g} s: {what}") from None
        return value
