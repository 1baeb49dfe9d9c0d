"""Loops that outlive their failures: `tasks.loop` ends for good at the first exception that leaves its body."""

import logging
from contextlib import AbstractAsyncContextManager
from types import TracebackType

log = logging.getLogger(__name__)


class Steady(AbstractAsyncContextManager["Steady"]):
    """Hold the whole body of a loop: a row of failures is logged once, and once more when it is over."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failing = False

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Swallow what is an error; let a cancellation through."""
        if error is None:
            if self.failing:
                log.info("%s works again", self.name)
            self.failing = False
            return False
        if not isinstance(error, Exception):
            return False
        if not self.failing:
            log.error("%s failed; it goes on, and further failures stay silent", self.name, exc_info=error)
        self.failing = True
        return True
