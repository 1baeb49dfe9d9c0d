"""A clock that is set forward or back: no run twice at once, none lost for ever, no time that is negative."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.services import runs, schedule
from bot.services.context import Context
from bot.services.outbox import Outbox
from bot.services.runs import RunLost
from db import outbox, profiles
from db.runs import Scope
from db.tables.guilds import ProfileCheck
from domain.errors import Conflict
from domain.runs import RunSource, Trigger
from tests.support.clock import FakeClock
from tests.support.scene import CHANNEL, SERVER, Scene

YEAR = {"days": 365}
YEAR_BACK = {"days": -365}


async def test_a_run_that_the_clock_leaps_over_ends_with_a_duration_that_can_be_stored(
    scene: Scene, clock: FakeClock
) -> None:
    async with runs.running(scene.ctx, RunSource.BLIZZARD_API, Scope(guild_id=scene.guild_id), trigger=Trigger.TIMER):
        clock.advance(**YEAR)
    run = await scene.last_run()
    assert (run.status, run.finished_at, run.duration_ms) == ("success", clock.now, runs.LONGEST_MS)


async def test_a_run_during_which_the_clock_is_set_back_has_no_negative_duration(
    scene: Scene, clock: FakeClock
) -> None:
    began = clock.now
    async with runs.running(scene.ctx, RunSource.BLIZZARD_API, Scope(guild_id=scene.guild_id), trigger=Trigger.TIMER):
        clock.advance(hours=-1)
    run = await scene.last_run()
    assert (run.status, run.finished_at, run.duration_ms) == ("success", began, 0)


@pytest.mark.parametrize("leap", [YEAR, YEAR_BACK], ids=["forward", "back"])
async def test_a_run_overtaken_by_another_after_a_leap_writes_nothing(
    scene: Scene, clock: FakeClock, leap: dict[str, float]
) -> None:
    scope = Scope(guild_id=scene.guild_id)
    first = await runs.begin(scene.ctx, RunSource.BLIZZARD_API, scope, trigger=Trigger.TIMER)
    clock.advance(**leap)
    second = await runs.begin(scene.ctx, RunSource.BLIZZARD_API, scope, trigger=Trigger.TIMER)
    async with scene.ctx.sessions.begin() as session:
        with pytest.raises(RunLost):
            await first.confirm(session, clock.now)
        await second.confirm(session, clock.now)


@pytest.mark.parametrize("minutes", [1, -1])
async def test_a_small_step_of_the_clock_lets_no_second_run_in(scene: Scene, clock: FakeClock, minutes: int) -> None:
    scope = Scope(guild_id=scene.guild_id)
    await runs.begin(scene.ctx, RunSource.BLIZZARD_API, scope, trigger=Trigger.TIMER)
    clock.advance(minutes=minutes)
    with pytest.raises(Conflict):
        await runs.begin(scene.ctx, RunSource.BLIZZARD_API, scope, trigger=Trigger.TIMER)


async def test_a_dead_process_of_the_future_keeps_the_timers_from_nobody(ctx: Context, clock: FakeClock) -> None:
    dead, living = replace(ctx, owner="dead"), replace(ctx, owner="living")
    assert await runs.hold_instance_lease(dead)
    clock.advance(**YEAR_BACK)
    assert await runs.hold_instance_lease(living)
    assert not await runs.hold_instance_lease(dead)


async def test_a_guild_read_in_the_future_is_due_now_and_once(scene: Scene, clock: FakeClock) -> None:
    clock.advance(**YEAR)
    await scene.sync()
    assert await schedule.due_guilds(scene.ctx) == []
    clock.advance(**YEAR_BACK)
    assert await schedule.due_guilds(scene.ctx) == [scene.guild_id]
    await scene.sync()
    assert await schedule.due_guilds(scene.ctx) == []


async def test_a_server_read_in_the_future_is_due_now(scene: Scene, clock: FakeClock) -> None:
    clock.advance(**YEAR)
    async with runs.running(scene.ctx, RunSource.DISCORD_BOT, Scope(server_id=SERVER), trigger=Trigger.TIMER):
        pass
    assert await schedule.due_servers(scene.ctx) == []
    clock.advance(**YEAR_BACK)
    assert await schedule.due_servers(scene.ctx) == [SERVER]


async def queue(scene: Scene) -> None:
    async with scene.ctx.sessions.begin() as session:
        await outbox.queue(
            session,
            server_id=SERVER,
            kind="test",
            channel_id=CHANNEL,
            payload={},
            dedupe_key="one",
            now=scene.ctx.clock(),
        )


async def test_a_message_queued_or_claimed_in_the_future_is_sent_now(scene: Scene, clock: FakeClock) -> None:
    sender = Outbox(scene.ctx)
    clock.advance(**YEAR)
    await queue(scene)
    clock.advance(days=-100)
    first = await sender.claim()
    assert first is not None
    assert await sender.claim() is None
    clock.advance(days=-100)
    again = await sender.claim()
    assert again is not None
    assert (again.id, again.nonce) == (first.id, first.nonce)


async def test_a_message_put_off_keeps_waiting_after_a_small_step_back(scene: Scene, clock: FakeClock) -> None:
    sender = Outbox(scene.ctx)
    await queue(scene)
    claimed = await sender.claim()
    assert claimed is not None
    await sender.retry(claimed.id, "busy", after_seconds=timedelta(days=1).total_seconds())
    clock.advance(minutes=-5)
    assert await sender.claim() is None
    clock.advance(days=1, minutes=5)
    assert await sender.claim() is not None


async def test_profiles_read_in_the_future_are_asked_for_again(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    clock.advance(**YEAR)
    async with scene.ctx.sessions.begin() as session:
        members = await session.scalars(sa.text("SELECT id FROM common.wow_characters"))
        await session.execute(
            sa.insert(ProfileCheck), [{"character_id": id_, "checked_at": clock.now} for id_ in members]
        )
    assert await profiles_due(scene) == 0
    clock.advance(**YEAR_BACK)
    assert await profiles_due(scene) == len(scene.world.members(scene.guild))


async def profiles_due(scene: Scene) -> int:
    now = scene.ctx.clock()
    async with scene.ctx.sessions() as session:
        return len(
            await profiles.due(
                session,
                guild_id=scene.guild_id,
                checked_before=now - timedelta(days=1),
                now=now,
                but=(),
                at_most=100,
            )
        )
