"""What fails around a running bot: the user is told what to do, nothing is half done, and it goes on by itself."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.pool import NullPool

from db import migrate
from db.embedded import EmbeddedPostgres
from db.engine import create_engine
from sandbox.battlenet import EmptyMembers, Fault, HalfJson, Html, InvalidJson, Reset, Slow, WrongShape
from sandbox.stage import STILL_WORKING
from tests.e2e.conftest import Home
from tests.e2e.small import NAMES, small_guild

HOUR = 3600
WRITTEN_AT_THE_END = "common.sync_log, common.instance_lease, guild_identity.outbox, jobs.pgqueuer"
STOP_SECONDS = 10
LATE_SECONDS = 2.0
AWAY = "database does not answer"
FULL = "disk of the machine that runs Muster is full; nothing was changed"
FAILED, WORKS = "delivery failed", "delivery works again"
QUEUE_FAILED, QUEUE_WORKS = "the job queue failed", "the job queue works again"
WRONG: dict[str, tuple[Fault, str]] = {
    "a web page": (Html(), "broken"),
    "half a body": (HalfJson(), "broken"),
    "no JSON": (InvalidJson(), "broken"),
    "another shape": (WrongShape(), "broken"),
    "no members": (EmptyMembers(), "without members"),
    "cut connections": (Reset(), "network"),
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder of this test's own that PostgreSQL's own user reaches too."""
    with tempfile.TemporaryDirectory(prefix="muster-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def own_postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Give a server of this test's own, to be stopped and started as it likes."""
    with EmbeddedPostgres(folder, durable=False) as server:
        yield server


@asynccontextmanager
async def at_home(**settings: str) -> AsyncIterator[Home]:
    """Give the small guild with everything chosen and read."""
    async with Home(small_guild(), settings=settings) as home:
        await home.raise_curtain()
        await home.set_up()
        yield home


async def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    """Ask a database something."""
    engine = create_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        found = await connection.execute(sa.text(sql))
        given = [tuple(row) for row in found] if found.returns_rows else []
    await engine.dispose()
    return given


def logged(home: Home, text: str) -> int:
    """Count the lines of the log that say something."""
    return sum(text in line for line in home.bot.log)


async def test_a_database_restarted_in_mid_run_is_told_survived_and_logged_once(own_postgres: EmbeddedPostgres) -> None:
    url = own_postgres.url()
    await migrate.upgrade(url)
    async with at_home(DATABASE_URL=url) as home:
        home.battlenet.faults.add("*/roster", Slow(LATE_SECONDS))
        running = await home.begin("sync roster")
        await home.discord.until(lambda: "Reading the roster" in running.text, "the roster call that is slow")
        own_postgres.stop()
        await running.finished(lambda answer: not answer.text.endswith(STILL_WORKING), within=20)
        assert AWAY in running.text
        assert AWAY in (await home.begin("sync status")).text
        await home.discord.until(lambda: logged(home, FAILED), "the failure in the log", within=60)

        own_postgres.start()
        assert "in the guild" in await home.say("sync roster")
        # The end of the first could not be written while the database was away; the process makes up for that itself.
        ended = "SELECT status::text FROM common.sync_log WHERE source = 'blizzard_api' ORDER BY id"
        assert await rows(url, ended) == [("success",), ("error",), ("success",)]
        for failed, works in ((FAILED, WORKS), (QUEUE_FAILED, QUEUE_WORKS)):
            # A lost listener is noticed by the next check of its health, up to 20 s later.
            await home.discord.until(lambda text=works: logged(home, text), "the recovery in the log", within=60)
            assert (logged(home, failed), logged(home, works)) == (1, 1)
        assert await home.bot.stop() == 0


async def test_connections_cut_by_the_database_are_replaced(own_postgres: EmbeddedPostgres) -> None:
    url = own_postgres.url()
    await migrate.upgrade(url)
    async with at_home(DATABASE_URL=url) as home:
        await rows(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()",
        )
        assert "in the guild" in await home.say("sync roster")
        assert await home.bot.stop() == 0


async def test_a_full_disk_is_told_leaves_nothing_half_written_and_heals(folder: Path) -> None:
    data = EmbeddedPostgres(folder)
    async with Home(small_guild(), settings={"MUSTER_DATA_DIR": str(folder)}) as home:
        await home.raise_curtain()
        guild = home.sample.guild
        where = {"region": guild.realm.region, "realm": guild.realm.slug, "guild": guild.name}
        assert guild.name in await home.say("setup guild", where)
        ((path,),) = await rows(data.url(), "SELECT pg_relation_filepath('common.guild_memberships')")
        assert await home.bot.stop() == 0
        # A device that is always full, in the place of a table that is still empty.
        table = folder / "cluster" / str(path)
        assert table.stat().st_size == 0
        table.rename(empty := table.with_name("empty"))
        table.symlink_to(Path("/dev/full"))

        await home.raise_curtain()
        assert FULL in await home.say("sync roster")
        assert await rows(data.url(), "SELECT id FROM common.wow_characters") == []
        assert FULL in await home.say("sync status")
        assert logged(home, "No space left on device")
        assert "on this server" in await home.say("sync members")
        assert await home.bot.stop() == 0

        table.unlink()
        empty.rename(table)
        await home.raise_curtain()
        assert f"**{len(NAMES)} characters** in the guild" in await home.say("sync roster")
        assert await home.bot.stop() == 0


async def test_a_battlenet_that_answers_wrongly_changes_nothing_and_stops_nobody(database: str) -> None:
    async with at_home(DATABASE_URL=database) as home:
        for kind, (fault, why) in WRONG.items():
            home.battlenet.faults.add("*/roster", fault, times=None)
            told = await home.say("sync roster")
            assert why in told, kind
            assert "Nothing was changed" in told, kind
            home.battlenet.faults.clear()
        again = await home.say("sync roster")
        assert f"**{len(NAMES)} characters** in the guild" in again
        assert "Nothing changed" in again
        assert await home.bot.stop() == 0


async def mid_roster(home: Home) -> None:
    """Be told to stop while a roster is being read."""
    home.battlenet.faults.add("*/roster", Slow(HOUR))
    shown = await home.begin("sync roster")
    await home.discord.until(lambda: "Reading the roster" in shown.text, "the roster call that hangs")


async def mid_delivery(home: Home) -> None:
    """Be told to stop while a message is on its way."""
    path = f"/channels/{home.audit_channel}/messages"
    fault = home.discord.fault("POST", path, None, delay=HOUR)
    assert "finding" in await home.say("audit report")
    await home.discord.until(lambda: fault not in home.discord.faults, "the message that hangs")


@pytest.mark.parametrize("get_busy", [mid_roster, mid_delivery])
async def test_sigterm_in_the_middle_ends_within_ten_seconds_and_hands_back(
    database: str, get_busy: Callable[[Home], Awaitable[None]]
) -> None:
    async with at_home(DATABASE_URL=database) as home:
        await get_busy(home)
        home.bot.log.clear()
        async with asyncio.timeout(STOP_SECONDS):
            assert await home.bot.stop() == 0
        assert await rows(database, "SELECT id FROM common.sync_log WHERE status = 'running'") == []
        assert await rows(database, "SELECT id FROM guild_identity.outbox WHERE state = 'sending'") == []
        assert await rows(database, "SELECT owner FROM common.instance_lease") == []
        assert not any("ERROR" in line or "Traceback" in line for line in home.bot.log)


async def test_sigterm_ends_within_ten_seconds_although_everything_hangs(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = asyncio.Event()

    async def hang(*_: object, **__: object) -> bool:
        await let_go.wait()
        return True

    async with at_home(DATABASE_URL=database) as home:
        await rows(database, "DELETE FROM common.profile_checks")
        home.battlenet.faults.add("*/profile/wow/character/*", Slow(HOUR), times=None)
        assert "in the guild" in await home.say("sync roster")
        await mid_delivery(home)
        await mid_roster(home)
        engine = create_engine(database, poolclass=NullPool)
        async with engine.connect() as holder:
            await holder.execute(sa.text(f"LOCK TABLE {WRITTEN_AT_THE_END} IN ACCESS EXCLUSIVE MODE"))
            monkeypatch.setattr(web.WebSocketResponse, "close", hang)  # the gateway's farewell is not answered
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    assert await home.bot.stop() == 0
            finally:
                let_go.set()
                monkeypatch.undo()
        await engine.dispose()
