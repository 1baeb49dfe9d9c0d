"""The one source of the present: handed to whoever needs the time, never asked of the database."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Give the present, aware, in UTC."""
    return datetime.now(UTC)
