"""What a question to Battle.net can come to: values to decide on, never None and never an exception."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T_co]):
    """Carry a whole, valid answer; `last_modified` is the HTTP date to send back as If-Modified-Since."""

    value: T_co
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Say that nothing moved since the date we sent."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """Say that Battle.net shows nothing under this name; only a roster tells who left a guild."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Say that Battle.net refuses the question (wrong namespace, no right): it tells nothing about the thing asked."""


class Reason(StrEnum):
    """Name why there is no usable answer."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    NETWORK = "network"
    BROKEN = "broken"
    UNAUTHORIZED = "unauthorized"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Say that there is no usable answer now; `detail` is short, fit for a log and holds no secret.

    `retry_after` is in seconds, where it is known that the next ones would all be in vain.
    """

    reason: Reason
    detail: str
    retry_after: float | None = None


Outcome: TypeAlias = Found[T] | Unchanged | NotFound | Forbidden | Unavailable
