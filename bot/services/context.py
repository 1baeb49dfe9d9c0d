"""What every use case is given: sessions, the clock, and this process's name in leases."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.clock import Clock, system_clock
from bot.services.meter import Meter
from db.runs import RunEnd

PUBLIC_ID_BYTES = 6


def random_public_id() -> str:
    """Give a short id that nobody can guess from another; it is safe in custom ids and URLs."""
    return secrets.token_urlsafe(PUBLIC_ID_BYTES)


@dataclass(frozen=True, slots=True)
class Context:
    """Carry what use cases share; `owner` names this process in leases, `meter` is told what happens.

    `unwritten` holds the ends of its runs that the database has not taken yet, by run; `unbroken` the tasks that even
    the end of Muster waits for: cut off in a commit, nobody would know what holds.
    """

    sessions: async_sessionmaker[AsyncSession]
    clock: Clock = system_clock
    owner: str = field(default_factory=lambda: secrets.token_hex(8))
    new_public_id: Callable[[], str] = random_public_id
    meter: Meter = field(default_factory=Meter)
    unwritten: dict[int, RunEnd] = field(default_factory=dict, init=False, compare=False)
    unbroken: set[asyncio.Task[Any]] = field(default_factory=set, init=False, compare=False)
