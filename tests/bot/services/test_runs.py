"""Runs as leases: one at a time, kept alive, closed when their process went away."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from bot.services import runs, schedule
from bot.services.context import Context
from bot.services.runs import LEASE, Run, RunLost, running
from db.runs import LEASE_EXPIRED, Scope, begin_run
from domain.errors import Conflict, InvalidInput
from domain.regions import Region
from domain.runs import RunSource, RunStatus, Trigger
from sandbox.battlenet import Slow
from tests.support.clock import FakeClock
from tests.support.scene import SERVER, Scene

EXPIRED = LEASE.total_seconds() + 1
THE_SERVER = Scope(server_id=SERVER)


def begin(
    ctx: Context, source: RunSource = RunSource.DISCORD_BOT, scope: Scope = THE_SERVER
) -> AbstractAsyncContextManager[Run]:
    return running(ctx, source, scope, trigger=Trigger.COMMAND)


async def die_in_mid_run(scene: Scene) -> None:
    """Leave a run as a killed process does: running, with no heartbeat to come."""
    async with scene.ctx.sessions.begin() as session:
        run_id = await begin_run(
            session,
            source=RunSource.BLIZZARD_API,
            scope=Scope(guild_id=scene.guild_id),
            trigger=Trigger.TIMER,
            owner="a killed process",
            actor_id=None,
            now=scene.ctx.clock(),
            lease=LEASE,
        )
    assert run_id is not None


async def test_of_two_syncs_of_one_guild_at_once_one_runs(scratch_scene: Scene) -> None:
    scene = scratch_scene
    scene.stand_in.faults.add("*/roster", Slow(0.2))
    answers = await asyncio.gather(scene.sync(Trigger.TIMER), scene.sync(Trigger.COMMAND), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "RosterOutcome"]
    assert await scene.query("SELECT status FROM common.sync_log") == ["success"]
    assert len([seen for seen in scene.stand_in.requests if seen.path.endswith("/roster")]) == 1


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute", "commit"])
async def test_a_run_that_is_cancelled_while_it_begins_keeps_no_lease(
    scratch_scene: Scene, scratch_engine: AsyncEngine, moment: str
) -> None:
    async def work() -> None:
        async with begin(scratch_scene.ctx):
            await asyncio.sleep(EXPIRED)

    def cancel(*_: object) -> None:
        working.cancel()

    working = asyncio.create_task(work())
    sa.event.listen(scratch_engine.sync_engine, moment, cancel, once=True)
    with pytest.raises(asyncio.CancelledError):
        await working
    assert await scratch_scene.query("SELECT status, reason FROM common.sync_log") == [("error", "stopped")]
    async with begin(scratch_scene.ctx):
        pass


@pytest.mark.parametrize("moment", ["before_cursor_execute", "commit"])
async def test_a_run_that_begins_or_ends_is_known_as_work_that_the_end_of_muster_waits_for(
    scratch_scene: Scene, scratch_engine: AsyncEngine, moment: str
) -> None:
    waited_for = []

    def look(*_: object) -> None:
        waited_for.append(len(scratch_scene.ctx.unbroken))

    sa.event.listen(scratch_engine.sync_engine, moment, look)
    async with begin(scratch_scene.ctx):
        pass
    sa.event.remove(scratch_engine.sync_engine, moment, look)
    assert waited_for == [1, 1]
    assert scratch_scene.ctx.unbroken == set()


async def test_a_stop_is_a_stop_even_if_the_lease_could_not_be_taken(
    scratch_scene: Scene, scratch_engine: AsyncEngine
) -> None:
    def cancel_and_break(*_: object) -> None:
        beginning.cancel()
        raise sa.exc.OperationalError("the database is away", None, Exception())

    beginning = asyncio.create_task(
        runs.begin(scratch_scene.ctx, RunSource.DISCORD_BOT, THE_SERVER, trigger=Trigger.TIMER)
    )
    sa.event.listen(scratch_engine.sync_engine, "before_cursor_execute", cancel_and_break, once=True)
    with pytest.raises(asyncio.CancelledError):
        await beginning


async def test_many_who_begin_at_once_get_one_run(scratch_ctx: Context) -> None:
    async def attempt() -> bool:
        try:
            async with begin(scratch_ctx):
                await release.wait()
                return True
        except Conflict:
            return False

    release = asyncio.Event()
    attempts = [asyncio.create_task(attempt()) for _ in range(8)]
    while sum(task.done() for task in attempts) < 7:
        await asyncio.wait([task for task in attempts if not task.done()], return_when=asyncio.FIRST_COMPLETED)
    release.set()
    assert sorted(await asyncio.gather(*attempts)) == [False] * 7 + [True]


@pytest.mark.parametrize(
    ("source", "scope"),
    [
        (RunSource.DISCORD_BOT, Scope(server_id=SERVER + 1)),
        (RunSource.ADDON_UPLOAD, Scope(server_id=SERVER)),
        (RunSource.STATIC_DATA, Scope(region=Region.EU)),
    ],
)
async def test_another_source_or_scope_runs_at_the_same_time(ctx: Context, source: RunSource, scope: Scope) -> None:
    async with begin(ctx), begin(ctx, source, scope) as other:
        assert other.id
    async with begin(ctx) as next_one:
        assert next_one.id > other.id


async def test_a_run_killed_in_the_middle_is_closed_as_an_error(scene: Scene, clock: FakeClock) -> None:
    await die_in_mid_run(scene)
    clock.advance(seconds=EXPIRED - 2)
    assert await runs.close_expired(scene.ctx) == 0
    closed_at = clock.advance(seconds=2)
    assert await runs.close_expired(scene.ctx) == 1
    run = await scene.last_run()
    assert (run.status, run.reason, run.finished_at) == ("error", LEASE_EXPIRED, closed_at)


async def test_the_work_of_a_killed_run_is_done_again(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    scene.leave(1)
    clock.advance(hours=1)
    await die_in_mid_run(scene)
    with pytest.raises(Conflict):
        await scene.sync()
    clock.advance(seconds=EXPIRED)
    await runs.close_expired(scene.ctx)
    assert await schedule.due_guilds(scene.ctx) == []
    clock.advance(minutes=10)
    assert await schedule.due_guilds(scene.ctx) == [scene.guild_id]
    assert (await scene.sync()).departed == 1
    assert await scene.query("SELECT status FROM common.sync_log ORDER BY id") == ["success", "error", "success"]


async def test_whoever_comes_next_closes_an_expired_run_and_goes_ahead(scene: Scene, clock: FakeClock) -> None:
    await die_in_mid_run(scene)
    clock.advance(seconds=EXPIRED)
    assert (await scene.sync()).status is RunStatus.SUCCESS
    log = "SELECT status, reason FROM common.sync_log ORDER BY id"
    assert await scene.query(log) == [("error", LEASE_EXPIRED), ("success", None)]


async def test_a_run_whose_lease_was_lost_writes_nothing(scene: Scene, clock: FakeClock) -> None:
    async def stand_still(_: str) -> None:
        clock.advance(seconds=EXPIRED)
        await runs.close_expired(scene.ctx)

    with pytest.raises(RunLost):
        await scene.sync(progress=stand_still)
    assert (await scene.roster(), await scene.query("SELECT id FROM common.wow_characters")) == ({}, [])
    run = await scene.last_run()
    assert (run.status, run.reason, run.counts) == ("error", LEASE_EXPIRED, {})


async def test_a_run_that_lost_its_lease_to_another_does_not_end_that_one(scene: Scene, clock: FakeClock) -> None:
    newer = replace(scene, ctx=replace(scene.ctx, owner="another process"))

    async def be_overtaken(text: str) -> None:
        if text.startswith("Applying"):
            clock.advance(seconds=EXPIRED)
            await newer.sync()

    with pytest.raises(RunLost):
        await scene.sync(progress=be_overtaken)
    log = "SELECT owner, status FROM common.sync_log ORDER BY id"
    assert await scene.query(log) == [("test", "error"), ("another process", "success")]


async def test_a_heartbeat_keeps_a_long_run_alive(
    scratch_ctx: Context, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "HEARTBEAT", timedelta(milliseconds=5))
    async with begin(scratch_ctx):
        clock.advance(seconds=EXPIRED)
        async with asyncio.timeout(30):
            while await _heartbeat(scratch_ctx) != clock.now:  # noqa: ASYNC110 (the database tells no event)
                await asyncio.sleep(0.005)
        assert await runs.close_expired(scratch_ctx) == 0


async def _heartbeat(ctx: Context) -> object:
    async with ctx.sessions() as session:
        found = await session.connection()
        return (await found.exec_driver_sql("SELECT heartbeat_at FROM common.sync_log")).scalar_one()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("a secret"), "RuntimeError"),
        (InvalidInput("That is no list."), "That is no list."),
        (asyncio.CancelledError(), "stopped"),
    ],
)
async def test_a_run_that_fails_ends_as_an_error_and_says_why(scene: Scene, error: BaseException, reason: str) -> None:
    with pytest.raises(type(error)):
        async with begin(scene.ctx):
            raise error
    run = await scene.last_run()
    assert (run.status, run.reason) == ("error", reason)


async def test_one_process_holds_the_timers_until_it_is_silent_for_too_long(ctx: Context, clock: FakeClock) -> None:
    one, other = replace(ctx, owner="one"), replace(ctx, owner="other")
    assert await runs.hold_instance_lease(one)
    assert not await runs.hold_instance_lease(other)
    clock.advance(seconds=60)
    assert await runs.hold_instance_lease(one)
    clock.advance(seconds=60)
    assert not await runs.hold_instance_lease(other)
    clock.advance(seconds=31)
    assert await runs.hold_instance_lease(other)
    assert not await runs.hold_instance_lease(one)


async def test_a_process_that_gives_up_the_timers_frees_them_at_once(ctx: Context) -> None:
    one, other = replace(ctx, owner="one"), replace(ctx, owner="other")
    await runs.hold_instance_lease(one)
    await runs.give_up_instance_lease(other)
    assert not await runs.hold_instance_lease(other)
    await runs.give_up_instance_lease(one)
    assert await runs.hold_instance_lease(other)


async def test_of_many_processes_that_start_at_once_one_holds_the_timers(
    scratch_sessions: async_sessionmaker[AsyncSession], clock: FakeClock
) -> None:
    processes = [Context(scratch_sessions, clock, owner=f"process {number}") for number in range(8)]
    held = await asyncio.gather(*(runs.hold_instance_lease(process) for process in processes))
    assert sorted(held) == [False] * 7 + [True]


@contextmanager
def no_end_written(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the database take the end of no run."""

    async def away(*_: object) -> bool:
        raise OSError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr("db.runs.end_run", away)
        yield


async def test_what_a_run_gave_counts_although_its_end_could_not_be_written(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with no_end_written(monkeypatch):
        assert (await scene.sync()).characters == 8
    assert "could not be written" in caplog.text
    assert await scene.query("SELECT status FROM common.sync_log") == ["running"]


async def test_nobody_waits_for_a_run_whose_end_could_not_be_written(
    scene: Scene, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended_at = clock.now
    with no_end_written(monkeypatch):
        await scene.sync()
    clock.advance(seconds=5)
    assert (await scene.sync()).status is RunStatus.SUCCESS
    log = await scene.query("SELECT status, finished_at, counts ->> 'characters' FROM common.sync_log ORDER BY id")
    assert log == [("success", ended_at, "8"), ("success", clock.now, "8")]


async def test_an_end_that_could_not_be_written_is_with_the_next_look_for_expired_runs(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_end_written(monkeypatch):
        await scene.sync()
    assert await runs.close_expired(scene.ctx) == 0
    assert await scene.query("SELECT status FROM common.sync_log") == ["success"]
    assert scene.ctx.unwritten == {}


async def test_an_end_is_given_up_with_its_lease_and_changes_no_run_that_others_closed(
    scene: Scene, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_end_written(monkeypatch):
        await scene.sync()
        clock.advance(seconds=EXPIRED)
        assert await runs.close_expired(scene.ctx) == 1
    assert scene.ctx.unwritten == {}
    with no_end_written(monkeypatch):
        await scene.sync()
    clock.advance(seconds=EXPIRED)
    other = replace(scene.ctx, owner="another process")
    assert await runs.close_expired(other) == 1
    assert await runs.close_expired(scene.ctx) == 0
    assert await scene.query("SELECT DISTINCT status, reason FROM common.sync_log") == [("error", LEASE_EXPIRED)]
