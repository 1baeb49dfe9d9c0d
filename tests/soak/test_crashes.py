"""Killed at random moments, again and again: nothing acknowledged is lost, nothing doubled, no run left running."""

import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from db.embedded import EmbeddedPostgres
from tests.soak.crashes import Haunted

pytestmark = pytest.mark.soak

GIVEN_SHARE = 4
"""One kill in so many is of a process on a given database, which goes on without it."""
LONG_AGO = "2020-01-01T00:00:00Z"


class OnGivenDatabase(Haunted):
    """A bot on a database that outlives it and that others could use too: a dead process's leases have to expire."""

    async def before_restart(self) -> None:
        """Let the time go by in which a dead process keeps its leases."""
        async with self.database() as engine, engine.begin() as connection:
            for table, column in (
                ("common.sync_log", "heartbeat_at"),
                ("common.instance_lease", "heartbeat_at"),
                ("guild_identity.outbox", "claimed_until"),
                ("jobs.pgqueuer", "heartbeat"),
            ):
                await connection.execute(sa.text(f"UPDATE {table} SET {column} = '{LONG_AGO}'"))  # noqa: S608


async def haunt(home: Haunted, kills: int, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Kill so many times, check after each, read everything at the end, and say what was done."""
    await home.set_up()
    began = time.monotonic()
    for number in range(kills):
        try:
            await home.haunt()
            await home.check()
        except BaseException as error:
            error.add_note(f"seed {seed}, kill {number + 1}, during {home.killed_during[-1]}")
            error.add_note("\n".join(list(home.bot.log)[-40:]))
            raise
    await home.read_all()
    await home.check()
    each = (time.monotonic() - began) / kills
    during = ", ".join(f"{act} {count}" for act, count in sorted(Counter(home.killed_during).items()))
    with capsys.disabled():
        what = f"{kills} kills, seed {seed}, {each:.1f} s each, {home.changed_roles} roles changed"
        print(f"\n{type(home).__name__}: {what}, during {during}")


async def test_kills_on_an_embedded_database_lose_and_double_nothing(
    folder: Path, kills: int, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    url = EmbeddedPostgres(folder).url()
    async with Haunted(url, Random(seed), settings={"MUSTER_DATA_DIR": str(folder)}) as home:
        await haunt(home, kills, seed, capsys)


async def test_kills_on_a_given_database_lose_and_double_nothing(
    database: str, kills: int, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with OnGivenDatabase(database, Random(seed), settings={"DATABASE_URL": database}) as home:
        await haunt(home, max(1, kills // GIVEN_SHARE), seed, capsys)
