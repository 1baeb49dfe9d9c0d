"""The worker process's own side: what it is asked comes in by its standard input, what it found goes out."""

import os
import pickle
import signal
import sys
import threading
import traceback
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Final

from domain.errors import MusterError

NICENESS: Final = 10
"""On a machine at its limit answers come first: people wait for them, for a matching nobody does."""
LENGTH_BYTES: Final = 8
PLACES: Final = 4
"""How many calls of a failure are told, the last ones."""


class ComputationFailed(RuntimeError):
    """Say with what kind of error a computation failed, and where; never its text, which may hold notes and names."""


def send(stream: IO[bytes], content: bytes) -> None:
    """Write one message; raises OSError when nobody reads any more."""
    stream.write(len(content).to_bytes(LENGTH_BYTES))
    stream.write(content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Read one message; raises EOFError when it does not come whole."""
    length = int.from_bytes(_exactly(stream, LENGTH_BYTES))
    return _exactly(stream, length)


def main() -> None:
    """Answer one call after the other until the parent ends or lets go; it is told when to stop, we are not."""
    # Ctrl-C, and a supervisor's SIGTERM, go to all processes of a group.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing printed may pass for an answer
    calls: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_take, args=(calls,), name="calls", daemon=True).start()
    while True:
        send(answers, answer(calls.get()))


def answer(call: bytes) -> bytes:
    """Do what a call asks for; both are pickled: a function with its arguments, and a result with an error."""
    try:
        function, given = pickle.loads(call)  # noqa: S301 (from our own parent)
        return pickle.dumps((function(*given), None), pickle.HIGHEST_PROTOCOL)
    except MusterError as error:
        return pickle.dumps((None, error))
    except Exception as error:
        return pickle.dumps((None, ComputationFailed(_told(error))))


def _take(calls: SimpleQueue[bytes]) -> None:
    """Take calls while another one is at work: so the end of the parent is noticed at once, and is our own."""
    try:
        while True:
            calls.put(receive(sys.stdin.buffer))
    finally:
        os._exit(0)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content


def _told(error: Exception) -> str:
    places = [
        f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-PLACES:]
    ]
    return f"{type(error).__name__} at {', '.join(reversed(places))}"
