"""A running bot on its own data folder: what it outlives, and how it ends."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.services.profiles import STOPPED
from db.embedded import EmbeddedPostgres
from db.engine import create_engine
from db.tables.guilds import ProfileCheck
from db.tables.runs import InstanceLease, SyncRun
from domain.runs import RunSource, RunStatus, Trigger
from sandbox.battlenet import Slow, Status
from sandbox.discord import Exchange, buttons
from tests.e2e.conftest import Home
from tests.e2e.small import NAMES, small_guild

HOUR = 3600
LINKED = 2
STOP_SECONDS = 10
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TIMERS_HERE = "the timers run here"
PROFILES_READ = "**Profiles** · ✅"


@pytest.fixture(scope="module")
async def set_up(data_dir: Path) -> AsyncIterator[Home]:
    """Give the small guild with everything chosen and read."""
    async with Home(small_guild(), settings={"MUSTER_DATA_DIR": str(data_dir)}) as home:
        await home.raise_curtain()
        await home.set_up()
        await home.meanwhile(home.command("sync status", until=PROFILES_READ))
        yield home


@pytest.fixture
async def home(set_up: Home) -> Home:
    """Give that guild with the bot running, whatever the test before has done to it."""
    if not set_up.bot.running:
        await set_up.raise_curtain()
    return set_up


async def left_running(data_dir: Path) -> list[RunSource]:
    """Give what a dead process was at."""
    with EmbeddedPostgres(data_dir) as server:
        engine = create_engine(server.url())
        async with engine.connect() as connection:
            left = await connection.scalars(sa.select(SyncRun.source).where(SyncRun.status == RunStatus.RUNNING))
            sources = [RunSource(source) for source in left]
        await engine.dispose()
    return sources


async def change(data_dir: Path, statement: sa.Executable) -> None:
    """Change something in the database of a bot that does not run."""
    with EmbeddedPostgres(data_dir) as server:
        engine = create_engine(server.url())
        async with engine.begin() as connection:
            await connection.execute(statement)
        await engine.dispose()


async def how_it_ended(data_dir: Path, source: RunSource) -> tuple[Trigger, RunStatus, str | None, bool]:
    """Give the trigger, status and reason of a source's last run, and whether the timers are free for another."""
    with EmbeddedPostgres(data_dir) as server:
        engine = create_engine(server.url())
        async with engine.begin() as connection:
            last = sa.select(SyncRun.trigger, SyncRun.status, SyncRun.reason)
            last = last.where(SyncRun.source == source).order_by(SyncRun.id.desc()).limit(1)
            trigger, status, reason = (await connection.execute(last)).one()
            holders = await connection.scalar(sa.select(sa.func.count()).select_from(InstanceLease))
        await engine.dispose()
    return trigger, status, reason, not holders


def workers(pid: int) -> list[Path]:
    """Give the processes in which a bot computes."""
    # Under the thread that started each.
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    processes = [Path("/proc", child) for file in threads for child in file.read_text().split()]
    return [one for one in processes if b"worker_main" in (one / "cmdline").read_bytes()]


async def test_a_battlenet_outage_during_a_sync_tells_the_officer_and_changes_nothing(home: Home) -> None:
    home.battlenet.faults.add("*/roster", Status(503, retry_after=HOUR), times=None)
    told = await home.say("sync roster")
    assert "503" in told
    assert "Nothing was changed" in told
    home.battlenet.faults.clear()
    again = await home.say("sync roster")
    assert f"**{len(NAMES)} characters** in the guild" in again
    assert "Nothing changed" in again


async def test_a_killed_bot_goes_on_where_it_was(home: Home, data_dir: Path) -> None:
    report = await home.discord.wait_for_message(home.audit_channel)
    home.battlenet.faults.add("*/roster", Slow(HOUR))
    shown = await home.begin("sync roster")
    await home.discord.until(lambda: "Reading the roster" in shown.text, "the roster call that hangs")
    [worker] = workers(home.bot.pid)  # which has matched the guild
    await home.bot.kill()
    await home.discord.until(lambda: not worker.exists(), "the end of the killed bot's worker")
    assert await left_running(data_dir) == [RunSource.BLIZZARD_API]
    home.bot.log.clear()

    await home.raise_curtain()
    await home.discord.until(lambda: any(TIMERS_HERE in line for line in home.bot.log), "the process with the timers")
    assert "went away" in await home.say("sync status")
    assert "in the guild" in await home.say("sync roster")
    check = await home.say("setup check")
    assert home.sample.guild.name in check
    assert f"<#{home.audit_channel}>" in check
    answers = []
    for button in buttons(report):
        answer = await home.discord.click(home.owner_id, report, button["custom_id"])
        await answer.finished()
        answers.append(answer.text)
    assert any(f"**{len(NAMES) - LINKED} findings**" in text for text in answers)
    assert not [text for text in answers if "no longer" in text or "went wrong" in text]
    published = [one.method for one in home.recorded if isinstance(one, Exchange) and one.path.endswith("/commands")]
    assert published == ["PUT"]


async def test_sigterm_ends_bot_and_database_cleanly(home: Home, data_dir: Path) -> None:
    postgres = int((data_dir / "cluster" / "postmaster.pid").read_text().split()[0])
    os.kill(postgres, 0)
    async with asyncio.timeout(STOP_SECONDS):
        assert await home.bot.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(postgres, 0)
    assert not any("ERROR" in line or "Traceback" in line for line in home.bot.log)
    for secret in (home.token, home.battlenet.client_secret):
        assert not any(secret in line for line in home.bot.log)


@pytest.mark.parametrize("trigger", [Trigger.TIMER, Trigger.COMMAND])
async def test_sigterm_while_the_roster_is_read_ends_the_run_as_stopped(
    home: Home, data_dir: Path, trigger: Trigger
) -> None:
    assert await home.bot.stop() == 0
    if trigger is Trigger.TIMER:
        await change(data_dir, sa.update(SyncRun).values(started_at=LONG_AGO))
    requests = home.battlenet.requests
    requests.clear()
    home.battlenet.faults.add("*/roster", Slow(HOUR), times=None)
    await home.raise_curtain()
    if trigger is Trigger.COMMAND:
        await home.begin("sync roster")
    await home.discord.until(lambda: any("token" in one.path for one in requests), "the call before the roster's")
    await stop_quietly(home)
    assert await how_it_ended(data_dir, RunSource.BLIZZARD_API) == (trigger, RunStatus.ERROR, "stopped", True)


async def test_sigterm_while_profiles_are_read_hands_them_back_and_the_next_start_goes_on(
    home: Home, data_dir: Path
) -> None:
    assert await home.bot.stop() == 0
    await change(data_dir, sa.delete(ProfileCheck))
    requests = home.battlenet.requests
    requests.clear()
    # One profile is answered, so that the rest is known to be asked for.
    home.battlenet.faults.add("*/profile/wow/character/*/mule*", Slow(HOUR), times=None)
    await home.raise_curtain()
    assert "in the guild" in await home.say("sync roster")
    await home.discord.until(lambda: any("/wow/character/" in one.path for one in requests), "the profile calls")
    await stop_quietly(home)
    ended = await how_it_ended(data_dir, RunSource.BLIZZARD_PROFILES)
    assert ended == (Trigger.TIMER, RunStatus.PARTIAL, STOPPED, True)
    await home.raise_curtain()
    shown = await home.meanwhile(home.command("sync status", until=PROFILES_READ))
    assert PROFILES_READ in shown.text


async def stop_quietly(home: Home) -> None:
    """Tell the bot to stop, see that it does so in time and without an error, and let Battle.net be well again."""
    home.bot.log.clear()
    async with asyncio.timeout(STOP_SECONDS):
        assert await home.bot.stop() == 0
    home.battlenet.faults.clear()
    assert not any("ERROR" in line or "Traceback" in line for line in home.bot.log), "\n".join(home.bot.log)
