"""The command as a real process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.companion.server import KEY, Muster

COMMAND = [sys.executable, "-m", "muster_companion"]
WITHIN = 30


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, without a terminal."""
    return subprocess.run(
        [*COMMAND, *arguments], env=os.environ | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=WITHIN, check=False,
    )  # fmt: skip


def set_up(muster: Muster, *folders: Path) -> None:
    """Leave what `setup` leaves for a server and its guild, in this process's own home."""
    from muster_companion.config import Guild, Target, change_config, new_ref
    from muster_companion.files import write_atomically
    from muster_companion.places import find_places

    places = find_places()
    guild = Guild(muster.guild["region"], muster.guild["realm"], muster.guild["name"])
    target = Target(new_ref(), muster.address, guild, in_keyring=False)
    write_atomically(places.keys / target.ref, KEY.encode())
    change_config(places.config, lambda now: now.with_target(target).with_folders(folders))


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Let the command run; it is killed at the end, if it still lives."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def resident(pid: int) -> int:
    """Give the bytes of a process in memory (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024


def cpu_milliseconds(pid: int) -> float:
    """Give the CPU time that all threads of a process have used (Linux)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6
