"""`muster demo` as a process: started, read, and ended with Ctrl-C."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.need import not_run

ROOT = Path(__file__).resolve().parents[2]


async def demo(*arguments: str) -> Process:
    """Start a demo."""
    command = (sys.executable, "-m", "bot", "demo", *arguments)
    return await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"}, stdout=PIPE, stderr=PIPE
    )


async def read_until(process: Process, sign: str) -> list[str]:
    """Read what a demo prints up to the line that holds the sign, and give those lines."""
    assert process.stdout is not None
    lines = []
    async for line in process.stdout:
        lines.append(line.decode())
        if sign in lines[-1]:
            return lines
    pytest.fail(f"{sign!r} was not said, but: {''.join(lines)}")


async def interrupt(process: Process) -> int:
    """Press Ctrl-C, see that every process of the demo ends, and give the exit code."""
    started = await children(process.pid)
    process.send_signal(signal.SIGINT)
    _, errors = await process.communicate()
    assert b"Traceback" not in errors
    # The tracker that Python starts beside a worker process ends when it sees that both are gone.
    for _ in range(500):
        left = [pid for pid in started if Path(f"/proc/{pid}").exists()]
        if not left:
            break
        await asyncio.sleep(0.02)
    assert left == []
    assert process.returncode is not None
    return process.returncode


async def children(pid: int) -> list[int]:
    """Wait until a process has children and give their ids, and those of their children."""
    if not Path("/proc/self").exists():
        not_run("the children of a process are listed in /proc")
    for _ in range(500):
        if found := list(children_of(pid)):
            return found
        await asyncio.sleep(0.02)
    pytest.fail("the demo started no process")


def children_of(pid: int) -> Iterator[int]:
    with suppress(FileNotFoundError):
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in file.read_text().split():
                yield int(child)
                yield from children_of(int(child))
