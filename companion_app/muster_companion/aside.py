"""Work in a process of its own, which ends with it.

What it loads and holds (a file of megabytes, the libraries of a keyring), the process that stays never carries.
"""

import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from .errors import CompanionError

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 120.0
"""Seconds: some keyrings ask their owner first."""
PACKAGES = str(Path(__file__).resolve().parent.parent)
START = "import sys; sys.path.append(sys.argv[1]); from muster_companion.aside import serve; serve()"
"""What the new process runs; it finds the package as we do, installed or not."""
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)


class AsideError(Exception):
    """Say that the process died or took too long; what it raised itself is raised as it is."""


def call(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function of a module in a new process; arguments and result are picklable.

    Raises AsideError, and the CompanionError that the function raises.
    """
    work = pickle.dumps((function, args, kwargs))
    command = [sys.executable, "-P", "-c", START, PACKAGES]
    try:
        # Everything goes through pipes: arguments of a process can be read by others.
        done = subprocess.run(  # noqa: S603 (our own interpreter and file)
            command, input=work, capture_output=True, timeout=PATIENCE, creationflags=NO_WINDOW, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise AsideError(f"no answer within {PATIENCE:.0f} s") from error
    except OSError as error:
        raise AsideError(f"no process could be started: {error.strerror}") from error
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise AsideError(last or f"it ended with {done.returncode}")
    # From our own child, by a pipe that nobody else has.
    result, problem = cast("tuple[T, str | None]", pickle.loads(done.stdout))  # noqa: S301
    if problem is not None:
        raise CompanionError(problem)
    return result


def serve() -> None:
    """Do the one piece of work that comes by stdin."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches both; the parent decides
    out, sys.stdout = sys.stdout.buffer, sys.stderr
    function, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301 (written by `call`)
    result, problem = None, None
    try:
        result = function(*args, **kwargs)
    except CompanionError as error:
        problem = str(error)
    out.write(pickle.dumps((result, problem)))
    out.flush()
