"""The worker process: one, other than this one, made when needed and gone when not."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bot.worker import WorkerProcess
from bot.worker_main import NICENESS, ComputationFailed
from domain.errors import InvalidInput, Unavailable
from domain.identity import Case, Character, Member, Outcome
from domain.matching import match

PATIENCE_SECONDS = 20.0
HEAVY = ("discord", "sqlalchemy", "typer", "pydantic", "aiohttp", "matplotlib")
MEGABYTE = 2**20
WORKER_MEGABYTES = 40

# A program of its own, whose end is not this one's: prints the worker's id and leaves it at work. What stands here at
# its top level would run a second time if the worker loaded its parent's program.
PARENT = """
import asyncio, os, pathlib, time
from bot.worker import WorkerProcess

with pathlib.Path(__file__).with_name("loads").open("a") as loads:
    loads.write("once\\n")

async def main():
    worker = WorkerProcess()
    print(await worker(os.getpid), flush=True)
    if {busy}:
        await worker(time.sleep, 3600)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


@pytest.fixture
async def worker() -> AsyncIterator[WorkerProcess]:
    """Give a worker that is closed at the end."""
    made = WorkerProcess()
    yield made
    await made.close()


def lives(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def until(reached: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not reached():  # noqa: ASYNC110 (what is waited for is the system's)
            await asyncio.sleep(0.01)


def loaded() -> set[str]:
    """Give the packages that the process which runs this has loaded."""
    return {name.partition(".")[0] for name in sys.modules}


def signals() -> tuple[object, object]:
    return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)


def resident() -> int:
    """Give the memory, in bytes, that the process which runs this occupies."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(mark: str) -> str:
    """End the process without a word the first time, and work the second."""
    if Path(mark).exists():
        return "done"
    Path(mark).touch()
    die()
    raise AssertionError


async def test_work_is_done_in_one_other_process_made_when_it_is_needed(worker: WorkerProcess) -> None:
    assert worker.pid is None
    pids = await asyncio.gather(*(worker(os.getpid) for _ in range(3)))
    assert set(pids) == {worker.pid}
    assert worker.pid != os.getpid()


async def test_matching_gives_there_what_it_gives_here(worker: WorkerProcess) -> None:
    case = Case((Character(1, "Ærïn", "stormrage", 1, 5),), (Member(7, "aerin"),))
    outcome = await worker(match, case)
    assert outcome == match(case) != Outcome()


def refuse(text: str) -> None:
    raise InvalidInput(text)


async def test_what_a_function_refuses_is_refused_here_in_its_own_words(worker: WorkerProcess) -> None:
    with pytest.raises(InvalidInput, match="Give a number"):
        await worker(refuse, "Give a number.")


async def test_of_any_other_error_kind_and_place_are_told_but_not_its_text_which_may_hold_a_note(
    worker: WorkerProcess, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ComputationFailed, match=r"ValueError at worker_main\.py:\d+ in answer") as raised:
        await worker(int, "alt of thrall".upper())
    assert "THRALL" not in "".join(traceback.format_exception(raised.value)) + caplog.text
    assert await worker(int, "7") == 7


async def test_what_cannot_come_back_is_an_error_and_no_wait_for_ever(worker: WorkerProcess) -> None:
    with pytest.raises(ComputationFailed, match="TypeError"):
        await worker(threading.Lock)
    assert await worker(int, "7") == 7


async def test_what_a_function_prints_is_no_answer(worker: WorkerProcess) -> None:
    assert await worker(print, "hello") is None
    assert await worker(int, "7") == 7


async def test_who_stops_waiting_leaves_the_next_answer_to_the_next(worker: WorkerProcess) -> None:
    await worker(os.getpid)
    waiting = asyncio.create_task(worker(time.sleep, 0.2))
    await asyncio.sleep(0.05)
    waiting.cancel()
    assert await worker(int, "7") == 7


async def test_answers_come_before_computing(worker: WorkerProcess) -> None:
    assert await worker(os.nice, 0) == os.nice(0) + NICENESS


def children() -> set[int]:
    """Give the ids of the processes that this one has started."""
    return {int(child) for file in Path("/proc/self/task").glob("*/children") for child in file.read_text().split()}


async def test_the_worker_is_one_process_without_a_companion(worker: WorkerProcess) -> None:
    before = children()
    pid = await worker(os.getpid)
    assert children() - before == {pid}


async def test_only_functions_of_modules_can_be_called(worker: WorkerProcess) -> None:
    with pytest.raises((AttributeError, TypeError, ValueError), match="pickle"):
        await worker(threading.Lock().acquire)
    assert await worker(int, "7") == 7


async def test_the_loop_goes_on_while_the_worker_is_busy(worker: WorkerProcess) -> None:
    await worker(os.getpid)
    busy = asyncio.create_task(worker(time.sleep, 0.3))
    turns = 0
    while not busy.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 3


async def test_the_worker_loads_only_what_it_computes_with(worker: WorkerProcess) -> None:
    await worker(match, Case((), ()))
    assert await worker(loaded) & set(HEAVY) == set()
    assert await worker(resident) < WORKER_MEGABYTES * MEGABYTE


async def test_an_interrupt_or_a_supervisors_signal_to_the_whole_group_leaves_the_worker_to_its_parent(
    worker: WorkerProcess,
) -> None:
    assert await worker(signals) == (signal.SIG_IGN, signal.SIG_IGN)


async def test_after_an_idle_while_the_process_ends_and_the_next_call_makes_a_new_one() -> None:
    worker = WorkerProcess(idle_seconds=0.05)
    first = await worker(os.getpid)
    await until(lambda: worker.pid is None and not lives(first))
    second = await worker(os.getpid)
    assert second != first
    await worker.close()


async def test_work_that_takes_longer_than_the_idle_while_is_finished() -> None:
    worker = WorkerProcess(idle_seconds=0.05)
    first = await worker(os.getpid)
    await asyncio.gather(worker(time.sleep, 0.3), worker(time.sleep, 0.01))
    assert worker.pid == first
    await worker.close()


async def test_a_killed_worker_is_replaced_and_its_work_done_again(
    worker: WorkerProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = await worker(os.getpid)
    assert await worker(die_once, str(tmp_path / "mark")) == "done"
    assert worker.pid != first
    assert "ended in the middle of its work" in caplog.text


async def test_a_worker_that_was_killed_while_idle_is_replaced(worker: WorkerProcess) -> None:
    first = await worker(os.getpid)
    os.kill(first, signal.SIGKILL)
    assert await worker(os.getpid) != first


async def test_several_calls_survive_a_killed_worker(worker: WorkerProcess, tmp_path: Path) -> None:
    await worker(os.getpid)
    calls = asyncio.gather(worker(die_once, str(tmp_path / "mark")), *(worker(int, str(n)) for n in range(5)))
    assert await calls == ["done", 0, 1, 2, 3, 4]


async def test_work_that_kills_every_worker_is_given_up_with_a_plain_text(worker: WorkerProcess) -> None:
    with pytest.raises(Unavailable, match="cut off twice"):
        await worker(die)
    assert await worker(int, "7") == 7


async def test_closing_ends_a_busy_worker_and_what_waits_for_it() -> None:
    worker = WorkerProcess()
    pid = await worker(os.getpid)
    waiting = [asyncio.create_task(worker(time.sleep, 3_600)) for _ in range(3)]
    await asyncio.sleep(0.05)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await worker.close()
    assert not lives(pid)
    for error in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(error, Unavailable | asyncio.CancelledError)
    assert worker.pid is None


async def test_nothing_is_begun_after_the_end() -> None:
    worker = WorkerProcess()
    await worker.close()
    with pytest.raises(Unavailable, match="stopping"):
        await worker(os.getpid)
    assert worker.pid is None


@contextmanager
def parent(folder: Path, *, busy: bool = False) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a program with a worker; gives both."""
    program = folder / "program.py"
    program.write_text(PARENT.format(busy=busy))
    process = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
    )
    assert process.stdout is not None
    with process, process.stdout:
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
async def test_the_worker_dies_with_a_parent_that_is_killed(tmp_path: Path, *, busy: bool) -> None:
    with parent(tmp_path, busy=busy) as (process, pid):
        assert lives(pid)
        process.kill()
        await until(lambda: not lives(pid))


async def test_the_worker_does_not_load_its_parents_program(tmp_path: Path) -> None:
    with parent(tmp_path) as (process, _):
        assert process.poll() is None
        assert (tmp_path / "loads").read_text() == "once\n"
