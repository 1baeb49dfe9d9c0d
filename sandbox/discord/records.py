"""What crosses the sockets, as values: for faults that are asked for and for referees that read along."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(slots=True)
class Fault:
    """An answer that the REST side gives instead of its own.

    method may be "*"; path is a glob without the /api/v10 prefix. status None drops the connection without an answer.
    skip: so many requests pass first. times None lasts until removed. applied: the request takes effect first, and
    only its answer is lost. delay: seconds until the answer, or until the connection is dropped.
    """

    method: str
    path: str
    status: int | None
    times: int | None = 1
    skip: int = 0
    code: int = 0
    message: str = "fault on demand"
    retry_after: float = 0.05
    applied: bool = False
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One REST request and its answer; status None is a connection dropped on demand."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    status: int | None
    response: Any


@dataclass(frozen=True, slots=True)
class Frame:
    """One gateway message; "out" is from Discord to the bot."""

    direction: Literal["in", "out"]
    payload: Mapping[str, Any] = field(default_factory=dict)


Recorder = Callable[[Exchange | Frame], None]
