"""The worker process: computes what would keep Discord's heartbeat and the first answers waiting."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import TypeVar, TypeVarTuple

from domain.errors import Unavailable

log = logging.getLogger(__name__)

IDLE_SECONDS = 600.0
"""After so long without work the process ends, and its memory with it."""
CUT_OFF_TWICE = (
    "What Muster was computing was cut off twice, perhaps for want of memory. Nothing was changed; try again in a "
    "moment, and tell whoever runs Muster if it stays so."
)
STOPPING = "Muster is stopping. Nothing was changed; try again in a moment."

_Given = TypeVarTuple("_Given")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, eq=False)
class _Pool:
    """A pool and its one process, which is started together with it."""

    executor: ProcessPoolExecutor
    process: BaseProcess


class WorkerProcess:
    """Call functions in one other process, made at the first call and ended when idle, and at `close`.

    Only functions of modules can be called: what is sent is their name. The process loads what they import, and
    nothing of the bot. It is killed at the end even if at work: nothing in there is worth waiting for.
    """

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._pool: _Pool | None = None
        self._at_work = 0
        self._idle: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Give the id of the process, None while there is none."""
        return None if self._pool is None else self._pool.process.pid

    async def __call__(self, function: Callable[[*_Given], _Result], /, *given: *_Given) -> _Result:
        """Call a function there, once more in a new process where the first one was killed at it.

        Raises what the function raises, Unavailable when the second process was killed too or Muster is stopping.
        """
        try:
            return await self._call(function, *given)
        except BrokenProcessPool:
            log.warning("the worker process ended in the middle of its work; a new one begins again")
        try:
            return await self._call(function, *given)
        except BrokenProcessPool as error:
            raise Unavailable(CUT_OFF_TWICE) from error

    async def close(self) -> None:
        """End the process, at work or not, and wait until it is gone."""
        self._closed = True
        self._rest()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.process.kill()
            await asyncio.to_thread(pool.executor.shutdown, cancel_futures=True)

    async def _call(self, function: Callable[[*_Given], _Result], *given: *_Given) -> _Result:
        if self._closed:
            raise Unavailable(STOPPING)
        self._rest()
        self._at_work += 1
        pool = self._pool
        try:
            if pool is None:
                pool = self._pool = _start()
            return await asyncio.wrap_future(pool.executor.submit(function, *given))
        except BrokenProcessPool:
            if self._closed:
                raise Unavailable(STOPPING) from None
            if self._pool is pool:
                self._pool = None
            raise
        finally:
            self._at_work -= 1
            if not self._at_work and not self._closed:
                self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._end_idle)

    def _rest(self) -> None:
        """Forget that an end was due."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _end_idle(self) -> None:
        self._idle = None
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.executor.shutdown(wait=False)


def _start() -> _Pool:
    """Start a pool whose process does not load this one's program again.

    Spawning runs the main module anew under another name; that would load the command line and its settings.
    """
    executor = ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin)
    others = set(active_children())
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        executor.submit(os.getpid)  # the first call starts the process
    finally:
        sys.modules["__main__"] = main
    (process,) = set(active_children()) - others
    return _Pool(executor, process)


def _begin() -> None:
    """Leave the end of the process to its parent, which is told when to stop, and to the parent's own end."""
    # Ctrl-C, and a supervisor's SIGTERM, go to all processes of a group.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
