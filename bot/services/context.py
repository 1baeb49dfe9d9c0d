"""What every use case is given: sessions, the clock, and this process's name in leases."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, TypeVarTuple

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.clock import Clock, system_clock
from bot.services.meter import Meter
from db.runs import RunEnd
from domain.role_sync import ServerRoles

PUBLIC_ID_BYTES = 6

_Given = TypeVarTuple("_Given")
_Result = TypeVar("_Result")


class Compute(Protocol):
    """Do what takes over 50 ms of CPU: call a pure function of a module and wait for its result.

    No session and no lock is held meanwhile.
    """

    async def __call__(self, function: Callable[[*_Given], _Result], /, *given: *_Given) -> _Result:
        """Give what the function makes of its arguments; both are copied, where another process does it."""


async def compute_here(function: Callable[[*_Given], _Result], /, *given: *_Given) -> _Result:
    """Compute in this process, which nobody else waits for: a test, or a command of the command line."""
    return function(*given)


def random_public_id() -> str:
    """Give a short id that nobody can guess from another; it is safe in custom ids and URLs."""
    return secrets.token_urlsafe(PUBLIC_ID_BYTES)


class RoleBook:
    """Tell the roles of a server as Discord has them now; nothing is known before the bot says where to look."""

    def __init__(self) -> None:
        self._look: Callable[[int], ServerRoles | None] | None = None

    def __call__(self, server_id: int) -> ServerRoles | None:
        """Give a server's roles, None while Discord does not show the server."""
        return None if self._look is None else self._look(server_id)

    def ask(self, look: Callable[[int], ServerRoles | None]) -> None:
        """Look there from now on."""
        self._look = look


@dataclass(frozen=True, slots=True)
class Context:
    """Carry what use cases share; `owner` names this process in leases, `meter` is told what happens.

    `compute` is where long computations are done: the bot's are done by `bot.worker`. `roles` tells what roles the
    servers have on Discord now.

    `unwritten` holds the ends of its runs that the database has not taken yet, by run; `unbroken` the tasks that even
    the end of Muster waits for: cut off in a commit, nobody would know what holds. `matching` is held by the server
    that is being matched. `fixing` names the officer who is fixing many findings of a server at this moment.
    """

    sessions: async_sessionmaker[AsyncSession]
    clock: Clock = system_clock
    owner: str = field(default_factory=lambda: secrets.token_hex(8))
    new_public_id: Callable[[], str] = random_public_id
    meter: Meter = field(default_factory=Meter)
    compute: Compute = compute_here
    roles: RoleBook = field(default_factory=RoleBook, compare=False)
    unwritten: dict[int, RunEnd] = field(default_factory=dict, init=False, compare=False)
    unbroken: set[asyncio.Task[Any]] = field(default_factory=set, init=False, compare=False)
    matching: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, compare=False)
    fixing: dict[int, int] = field(default_factory=dict, init=False, compare=False)
