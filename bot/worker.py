"""The worker process: computes what would keep Discord's heartbeat and the first answers waiting."""

import asyncio
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar, TypeVarTuple

from bot.worker_main import receive, send
from domain.errors import Unavailable

log = logging.getLogger(__name__)

IDLE_SECONDS = 600.0
"""After so long without work the process ends, and its memory with it."""
TRIES: Final = 2
CUT_OFF_TWICE = (
    "What Muster was computing was cut off twice, perhaps for want of memory, and left undone. Try again in a moment, "
    "and tell whoever runs Muster if it stays so."
)
STOPPING = "Muster is stopping, and what it was computing is left undone. Try again in a moment."

_Given = TypeVarTuple("_Given")
_Result = TypeVar("_Result")


class _CutOff(Exception):
    """Say that the process ended before it answered."""


class WorkerProcess:
    """Call functions in one other process, made at the first call and ended when idle, and at `close`.

    Only functions of modules can be called: what is sent is their name. The process loads what they import, and
    nothing of the bot. It is killed at the end even if at work: nothing in there is worth waiting for.

    A process of our own, not one of multiprocessing: that would start a second one, of 12 MB, to look after locks.
    """

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        # One thread asks and waits, and alone starts and ends the process: calls take turns by themselves.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="worker")
        self._process: subprocess.Popen[bytes] | None = None
        self._at_work = 0
        self._idle: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Give the id of the process, None while there is none."""
        return None if self._process is None else self._process.pid

    async def __call__(self, function: Callable[[*_Given], _Result], /, *given: *_Given) -> _Result:
        """Call a function there, once more in a new process where the first one was killed at it.

        Raises the MusterError that the function raises, ComputationFailed for any other error, Unavailable when the
        second process was killed too or Muster is stopping.
        """
        for _ in range(TRIES):
            try:
                return await self._call(function, *given)
            except _CutOff:
                log.warning("the worker process ended in the middle of its work")
        raise Unavailable(CUT_OFF_TWICE)

    async def close(self) -> None:
        """End the process, at work or not, and wait until it is gone."""
        self._closed = True
        self._rest()
        if self._process is not None:
            self._process.kill()
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        self._end()

    async def _call(self, function: Callable[[*_Given], _Result], *given: *_Given) -> _Result:
        if self._closed:
            raise Unavailable(STOPPING)
        self._rest()
        self._at_work += 1
        loop = asyncio.get_running_loop()
        try:
            result, error = await loop.run_in_executor(self._thread, self._ask, function, given)
        except _CutOff:
            if self._closed:
                raise Unavailable(STOPPING) from None
            raise
        finally:
            self._at_work -= 1
            if not self._at_work and not self._closed:
                self._idle = loop.call_later(self._idle_seconds, self._thread.submit, self._end)
        if error is not None:
            raise error
        return result

    def _rest(self) -> None:
        """Forget that an end was due."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _ask(self, function: Callable[..., _Result], given: tuple[Any, ...]) -> tuple[_Result, Exception | None]:
        """Ask the process, started where there is none, and wait for its answer: a result, or an error."""
        call = pickle.dumps((function, given), pickle.HIGHEST_PROTOCOL)
        process = self._process or _start()
        self._process = process
        if self._closed:  # by the loop's thread, which may have found none to kill
            process.kill()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            send(process.stdin, call)
            answered = receive(process.stdout)
        except (OSError, EOFError) as error:
            self._end()
            raise _CutOff from error
        found: tuple[_Result, Exception | None] = pickle.loads(answered)  # noqa: S301 (from our own process)
        return found

    def _end(self) -> None:
        """End the process, and take note of its end."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(BrokenPipeError), process:
                process.kill()


def _start() -> subprocess.Popen[bytes]:
    """Start a process that finds the modules that this one finds."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", "from bot.worker_main import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
