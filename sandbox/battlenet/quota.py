"""Battle.net's limits on one client."""

from collections import deque
from collections.abc import Callable


class Quota:
    """Requests a second and an hour, counted over sliding windows; None switches a limit off."""

    def __init__(self, per_second: int | None, per_hour: int | None, monotonic: Callable[[], float]) -> None:
        self._limits = [(seconds, limit) for seconds, limit in ((1, per_second), (3600, per_hour)) if limit is not None]
        self._monotonic = monotonic
        self._spent: deque[float] = deque()
        self.refused = 0

    def spend(self) -> bool:
        """Count one request; False means it is one too many."""
        now = self._monotonic()
        longest = max((seconds for seconds, _ in self._limits), default=0)
        while self._spent and now - self._spent[0] >= longest:
            self._spent.popleft()
        for seconds, limit in self._limits:
            # The request `limit` places back must already lie outside of the window.
            if len(self._spent) >= limit and now - self._spent[-limit] < seconds:
                self.refused += 1
                return False
        self._spent.append(now)
        return True
