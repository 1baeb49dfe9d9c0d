"""The companion as a real process: what it costs while nothing happens, and how soon an export arrives."""

import asyncio
import tempfile
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.companion.game import Game, export
from tests.companion.process import cpu_milliseconds, resident, run, running
from tests.companion.server import KEY, Muster
from tests.support.need import ROOT

WORK = "companion"
MEGABYTE = 2**20
ROWS = 1000
GUILDS = 30
"""So many guilds of 1,000 make a file of 5 MB."""
SETTLE = 2.0
IDLE = 10.0


async def measure(_url: str) -> list[Figure]:
    """Let the companion upload, read a large file, and idle."""
    return await asyncio.to_thread(_measure)


def _measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as name, Muster() as muster:
        folder = Path(name)
        environment = {
            "HOME": name,
            "MUSTER_COMPANION_HOME": str(folder / "home"),
            "MUSTER_COMPANION_KEY": KEY,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "PYTHONPATH": str(ROOT / "companion_app"),
        }
        game = Game(folder)
        game.write(export(1, rows=ROWS))
        done = run("setup", "--address", muster.address, "--folder", str(game.folder), **environment)
        if done.returncode:
            raise RuntimeError(done.stderr)
        with running(**environment) as process:
            muster.wait_for(lambda: muster.stored)
            time.sleep(SETTLE)
            memory, used = resident(process.pid), cpu_milliseconds(process.pid)
            time.sleep(IDLE)
            used = cpu_milliseconds(process.pid) - used
            start = time.perf_counter()
            game.write(export(2, rows=ROWS))
            muster.wait_for(lambda: len(muster.stored) == 2)
            arrived = time.perf_counter() - start
            others = [export(3, guild=f"Guild {number}", rows=ROWS) for number in range(GUILDS)]
            size = game.write(export(3, rows=ROWS), *others).stat().st_size
            muster.wait_for(lambda: len(muster.stored) == 3)
            time.sleep(SETTLE)
            memory_afterwards = resident(process.pid)
    return [
        Figure(WORK, "memory when idle", memory / MEGABYTE, "MB", at_most=40),
        Figure(
            WORK, f"memory after a file of {size / MEGABYTE:.1f} MB", memory_afterwards / MEGABYTE, "MB", at_most=40
        ),
        Figure(WORK, f"CPU in {IDLE:.0f} s when idle", used, "ms", at_most=1),
        Figure(WORK, f"{ROWS:,} rows, from the game's write to Muster (1 s of it until the file rests)", arrived, "s"),
    ]
