"""What can go wrong between Battle.net and its client, on demand."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status and Blizzard's body for it; `retry_after` in seconds."""

    code: int
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Html:
    """Answer with a web page, as a gateway in front of the API does."""

    status: int = 200


@dataclass(frozen=True, slots=True)
class HalfJson:
    """Send the first half of the right body, announced as whole."""


@dataclass(frozen=True, slots=True)
class InvalidJson:
    """Answer 200 with a body that says it is JSON and is not."""


@dataclass(frozen=True, slots=True)
class WrongShape:
    """Answer 200 with JSON that is well-formed but nothing like the right body."""


@dataclass(frozen=True, slots=True)
class EmptyMembers:
    """Answer 200 with a roster without its members; `keep` leaves the first so many in."""

    keep: int = 0


@dataclass(frozen=True, slots=True)
class OtherId:
    """Answer as if another character had taken that name."""


@dataclass(frozen=True, slots=True)
class Slow:
    """Answer right, but late."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reset:
    """Cut the connection before the answer."""


Fault = Status | Html | HalfJson | InvalidJson | WrongShape | EmptyMembers | OtherId | Slow | Reset


@dataclass(slots=True)
class _Plan:
    path: str
    fault: Fault
    left: int | None


@dataclass(slots=True)
class Faults:
    """The faults to come, oldest first; each has a path glob and a number of times."""

    _plans: list[_Plan] = field(default_factory=list)

    def add(self, path: str, fault: Fault, *, times: int | None = 1) -> None:
        """Let requests whose decoded path fits the glob (`*` spans slashes) fail; None means until `clear`."""
        self._plans.append(_Plan(path, fault, times))

    def clear(self) -> None:
        self._plans.clear()

    def take(self, path: str) -> Fault | None:
        """Return the fault of this request and count it as used."""
        for plan in self._plans:
            if fnmatchcase(path, plan.path):
                if plan.left is not None:
                    plan.left -= 1
                    if plan.left <= 0:
                        self._plans.remove(plan)
                return plan.fault
        return None
