"""What the database fails with, as a person can be told it."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from domain.errors import Unavailable

DISK_FULL = "53100"
NOT_NOW = ("08", "57P", "53300", "57014", "55P03")
"""Connection lost, shutting down or starting, too many connections, a statement or a lock that took too long."""
UNREACHABLE = (ConnectionError, FileNotFoundError, TimeoutError, PoolTimeoutError)
"""What connecting itself ends with: no server at the address, no socket in the folder, no answer in time."""


class DatabaseFull(Unavailable):
    """Say that nothing more can be stored."""

    def __init__(self) -> None:
        super().__init__(
            "The disk of the machine that runs Muster is full; nothing was changed. Tell whoever runs it to make room, "
            "then try again."
        )


class DatabaseAway(Unavailable):
    """Say that the database can't be asked right now; whether the last thing asked of it was done is not known."""

    def __init__(self) -> None:
        super().__init__(
            "Muster's database does not answer; try again in a minute, and look first whether it is done already."
        )


def database_trouble(error: BaseException) -> DatabaseFull | DatabaseAway | None:
    """Turn what a session raised into what a user can be told; None for a fault that no waiting mends."""
    if isinstance(error, UNREACHABLE):
        return DatabaseAway()
    if not isinstance(error, DBAPIError):
        return None
    state = getattr(error.orig, "sqlstate", None) or ""
    if state == DISK_FULL:
        return DatabaseFull()
    return DatabaseAway() if error.connection_invalidated or state.startswith(NOT_NOW) else None
