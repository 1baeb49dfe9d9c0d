"""The queue and who serves it: fair, to the end, through stops, crashes and restarts of the database."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.services import jobs, profiles, runs
from bot.services.jobs import Worker
from bot.services.profiles import STOPPED
from bot.services.runs import LEASE
from db.runs import LEASE_EXPIRED, Scope
from domain.runs import RunSource, Trigger
from sandbox.battlenet import Slow
from sandbox.world import Guild
from tests.support.clock import FakeClock
from tests.support.scene import HOME, Scene, adventurer, follow

PATIENCE_SECONDS = 30
HOUR = 3600
QUEUE = "SELECT status::text FROM jobs.pgqueuer ORDER BY id"
RUNS = "SELECT status, reason FROM common.sync_log WHERE source = 'blizzard_profiles' ORDER BY id"
READ = "SELECT count(*) FROM common.profile_checks"


@pytest.fixture
async def scene(scratch_scene: Scene) -> Scene:
    """Give the small guild with its roster read, and the job for its profiles queued."""
    await scratch_scene.sync()
    scratch_scene.stand_in.requests.clear()
    return scratch_scene


@asynccontextmanager
async def serving(scene: Scene, database: str, *, owner: str = "test") -> AsyncIterator[Worker]:
    """Let a process of that name serve the queue."""
    worker = Worker(replace(scene.ctx, owner=owner), scene.battlenet, database)
    worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def until(seen: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await seen():  # noqa: ASYNC110 (the database tells no event)
            await asyncio.sleep(0.02)


async def drained(scene: Scene) -> None:
    async def empty() -> bool:
        return await scene.query(QUEUE) == []

    await until(empty)


async def asked(scene: Scene, number: int) -> None:
    async def so_many() -> bool:
        return len(set(scene.asked_profiles())) >= number

    await until(so_many)


def path_of(scene: Scene, number: int) -> str:
    return f"/eu/profile/wow/character/amberfall/{scene.member(number).name.lower()}"


async def new_guild(scene: Scene, number: int, size: int) -> Scene:
    """Let a server of its own follow a new guild whose roster was read."""
    guild = Guild(100 + number, f"Guild {number}", f"guild-{number}", HOME, "ALLIANCE")
    scene.world.guilds.append(guild)
    for one in range(size):
        scene.world.join(scene.world.add(adventurer(1_000 * (number + 1) + one)), guild, 5)
    there = replace(scene, guild=guild, guild_id=await follow(scene.ctx, guild, server_id=6_000 + number))
    await there.sync()
    return there


async def test_a_queued_refresh_is_done_and_leaves_nothing_in_the_queue(scene: Scene, database: str) -> None:
    async with serving(scene, database):
        await drained(scene)
    assert await scene.query(RUNS) == [("success", None)]
    assert await scene.query(READ) == [8]
    assert await scene.query("SELECT count(*) FROM jobs.pgqueuer_log") == [0]


async def test_a_job_that_is_queued_while_the_queue_is_served_is_taken_at_once(scene: Scene, database: str) -> None:
    async with serving(scene, database):
        await drained(scene)
        await new_guild(scene, 1, 3)
        await drained(scene)
    assert await scene.query(READ) == [11]


async def test_a_large_guild_keeps_no_small_one_waiting(
    scratch_scene: Scene, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "BATCH", 5)
    large = await new_guild(scratch_scene, 0, 100)
    small = [await new_guild(scratch_scene, number, 3) for number in range(1, 11)]
    scratch_scene.stand_in.requests.clear()
    async with serving(scratch_scene, database):
        await drained(scratch_scene)
    order = [path.rsplit("/", 1)[1] for path in scratch_scene.asked_profiles()]
    names = {one.name.lower() for there in small for one in scratch_scene.world.members(there.guild)}
    last = max(place for place, name in enumerate(order) if name in names)
    assert len(order) == len(set(order)) == 100 + 30
    # A turn of the large guild at the start, one beside the small ones, and what was under way already.
    assert last + 1 - len(names) <= 4 * 5
    assert await large.query(RUNS) == [("success", None)] * 11


async def test_two_processes_take_nothing_twice(scratch_scene: Scene, database: str) -> None:
    for number in range(12):
        await new_guild(scratch_scene, number, 4)
    scratch_scene.stand_in.requests.clear()
    async with serving(scratch_scene, database, owner="one"), serving(scratch_scene, database, owner="other"):
        await drained(scratch_scene)
    assert set(Counter(scratch_scene.asked_profiles()).values()) == {1}
    assert await scratch_scene.query(RUNS) == [("success", None)] * 12


async def test_a_stop_hands_the_job_back_and_the_next_process_goes_on(scene: Scene, database: str) -> None:
    scene.stand_in.faults.add(path_of(scene, 3), Slow(HOUR), times=None)
    async with serving(scene, database):
        await asked(scene, 8)
        await asyncio.sleep(0.1)  # the other answers arrive
    assert await scene.query(QUEUE) == ["queued"]
    assert await scene.query(RUNS) == [("partial", STOPPED)]
    assert await scene.query(READ) == [7]
    scene.stand_in.faults.clear()
    async with serving(scene, database, owner="next"):
        await drained(scene)
    assert await scene.query(RUNS) == [("partial", STOPPED), ("success", None)]
    assert Counter(scene.asked_profiles()).most_common(2)[1][1] == 1


async def test_a_stop_does_not_wait_for_a_gate_that_is_shut(scene: Scene, database: str) -> None:
    limiter = scene.battlenet._exchange._limiter
    limiter._sleep = asyncio.sleep
    limiter.pause(50)
    async with serving(scene, database) as worker:

        async def at_work() -> bool:
            return await scene.query(RUNS) != []

        await until(at_work)
        async with asyncio.timeout(3):
            await worker.stop()
    assert (await scene.query(QUEUE), scene.asked_profiles()) == (["queued"], [])


async def test_a_gate_that_is_shut_for_long_puts_the_job_off_with_its_run(scene: Scene, database: str) -> None:
    scene.battlenet._exchange._limiter.pause(HOUR)
    async with serving(scene, database):

        async def put_off() -> bool:
            return await scene.query("SELECT execute_after > now() + interval '50 min' FROM jobs.pgqueuer") == [True]

        await until(put_off)
        assert await scene.query(RUNS) == [("running", None)]
    assert await scene.query(RUNS) == [("partial", STOPPED)]
    assert await scene.query(QUEUE) == ["queued"]


async def test_the_job_of_a_killed_process_is_taken_over_and_its_run_closed(
    scene: Scene, database: str, clock: FakeClock
) -> None:
    """The state that kill -9 leaves: the job picked, the run running, some profiles read, and no heartbeat to come."""
    dead = replace(scene.ctx, owner="dead")
    await runs.begin(dead, RunSource.BLIZZARD_PROFILES, Scope(guild_id=scene.guild_id), trigger=Trigger.TIMER)
    async with scene.ctx.sessions.begin() as session:
        await session.execute(
            sa.text(
                "UPDATE jobs.pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(), "
                "heartbeat = now() - interval '1 hour'"
            )
        )
        read = "INSERT INTO common.profile_checks SELECT id, :now, NULL FROM common.wow_characters ORDER BY id LIMIT 3"
        await session.execute(sa.text(read), {"now": clock.now})
    clock.advance(seconds=LEASE.total_seconds() + 1)
    async with serving(scene, database):
        await drained(scene)
    assert await scene.query(RUNS) == [("error", LEASE_EXPIRED), ("success", None)]
    assert len(scene.asked_profiles()) == 5


async def test_a_run_that_another_process_still_holds_is_waited_for(
    scene: Scene, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "HELD_ELSEWHERE", timedelta(milliseconds=50))
    monkeypatch.setattr(jobs, "LOOK", timedelta(milliseconds=100))
    other = replace(scene.ctx, owner="other")
    run = await runs.begin(other, RunSource.BLIZZARD_PROFILES, Scope(guild_id=scene.guild_id), trigger=Trigger.TIMER)
    async with serving(scene, database):

        async def tried() -> bool:
            return await scene.query("SELECT attempts > 1 FROM jobs.pgqueuer") == [True]

        await until(tried)
        assert scene.asked_profiles() == []
        await runs.end(other, run)
        await drained(scene)
    assert await scene.query(READ) == [8]


async def test_a_restart_of_the_database_in_mid_run_loses_nothing(
    scene: Scene, database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(profiles, "BATCH", 2)
    monkeypatch.setattr(jobs, "PAUSES", (0.05, 0.2, 1.0))
    monkeypatch.setattr(jobs, "AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(jobs, "STEADY_SECONDS", 0.5)
    caplog.set_level(logging.INFO, jobs.__name__)
    for number in range(8):
        scene.stand_in.faults.add(path_of(scene, number), Slow(0.2))
    async with serving(scene, database):
        await asked(scene, 3)
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        await scene.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")  # noqa: S608
        await drained(scene)
        assert await scene.query(RUNS) == [("success", None)]
        assert await scene.query(READ) == [8]
        await new_guild(scene, 1, 3)
        await drained(scene)
    assert await scene.query(READ) == [11]
    assert caplog.text.count("the job queue failed") <= 1


async def test_a_queue_whose_database_was_away_is_served_again_and_says_so_once(
    scene: Scene,
    database: str,
    admin: AsyncEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever stops and starts the worker meanwhile, as the timers do, does not hide the recovery."""
    monkeypatch.setattr(jobs, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(jobs, "STEADY_SECONDS", 0.1)
    caplog.set_level(logging.INFO, jobs.__name__)
    name = make_url(database).database

    async def allow(connections: bool) -> None:
        async with admin.connect() as connection:
            await connection.execute(sa.text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {connections}'))
            if not connections:
                others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
                await connection.execute(sa.text(others))

    def logged(text: str) -> Callable[[], Awaitable[bool]]:
        async def seen() -> bool:
            return text in caplog.text

        return seen

    async with serving(scene, database) as worker:
        await drained(scene)
        await allow(connections=False)
        await until(logged("the job queue failed"))
        await worker.stop()
        worker.start()
        await asyncio.sleep(0.3)  # some more tries in vain
        await allow(connections=True)
        await until(logged("the job queue works again"))
        await new_guild(scene, 1, 3)
        await drained(scene)
    assert await scene.query(READ) == [11]
    assert [caplog.text.count(text) for text in ("the job queue failed", "the job queue works again")] == [1, 1]


async def test_a_roster_applied_while_the_last_profiles_are_read_is_not_missed(
    scene: Scene, database: str, clock: FakeClock
) -> None:
    scene.stand_in.faults.add(path_of(scene, 3), Slow(0.5))
    async with serving(scene, database):
        await asked(scene, 8)
        scene.world.join(scene.world.add(adventurer(50)), scene.guild, 9)
        clock.advance(minutes=1)
        await scene.sync()
        assert len(await scene.query(QUEUE)) == 1
        await drained(scene)
    assert await scene.query(READ) == [9]


async def test_a_job_that_fails_again_and_again_is_left_to_the_next_roster(
    scene: Scene, database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> int:
        raise ValueError("broken")

    monkeypatch.setattr(jobs, "PAUSES", (0.0, 0.0))
    with monkeypatch.context() as patch:
        patch.setattr("db.profiles.write", broken)
        async with serving(scene, database):
            await drained(scene)
    assert await scene.query(RUNS) == [("error", "ValueError")]
    assert "the next roster tries again" in caplog.text
    assert await scene.query("SELECT * FROM jobs.pgqueuer_log") == []
    await scene.sync()
    async with serving(scene, database):
        await drained(scene)
    assert await scene.query(READ) == [8]


async def test_a_worker_that_was_stopped_can_be_started_again(scene: Scene, database: str) -> None:
    async with serving(scene, database) as worker:
        await worker.stop()
        worker.start()
        worker.start()
        await drained(scene)
    assert (await scene.query(RUNS))[-1] == ("success", None)
