"""Profiles that became due are queued without waiting for a roster."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.services import schedule
from domain.options import Options
from sandbox.battlenet import Status
from sandbox.world import Guild
from tests.support.clock import FakeClock
from tests.support.scene import HOME, Scene, adventurer, follow
from tests.support.statements import statements

EVERY = timedelta(hours=Options().profile_hours)
QUEUE = "SELECT convert_from(payload, 'UTF8')::bigint FROM jobs.pgqueuer ORDER BY id"
STATEMENTS = 1
"""One that asks; the other queues, on the driver itself."""


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    """Give the small guild with roster and profiles read, and nothing queued."""
    await scene.sync_all()
    await empty_queue(scene)
    return scene


async def empty_queue(scene: Scene) -> None:
    async with scene.ctx.sessions.begin() as session:
        await session.execute(sa.text("DELETE FROM jobs.pgqueuer"))


async def test_profiles_are_queued_as_soon_as_their_interval_is_over(scene: Scene, clock: FakeClock) -> None:
    clock.advance(seconds=EVERY.total_seconds() - 1)
    assert (await schedule.queue_profiles(scene.ctx), await scene.query(QUEUE)) == (0, [])
    clock.advance(seconds=1)
    assert (await schedule.queue_profiles(scene.ctx), await scene.query(QUEUE)) == (1, [scene.guild_id])
    await scene.refresh()
    assert await schedule.queue_profiles(scene.ctx) == 0


async def test_what_waits_in_the_queue_is_not_queued_twice(scene: Scene, clock: FakeClock) -> None:
    clock.advance(seconds=EVERY.total_seconds())
    await schedule.queue_profiles(scene.ctx)
    before = await scene.versions("jobs.pgqueuer")
    await schedule.queue_profiles(scene.ctx)
    assert await scene.versions("jobs.pgqueuer") == before


async def test_the_shortest_interval_of_a_guilds_servers_counts(scene: Scene, clock: FakeClock) -> None:
    await follow(scene.ctx, scene.guild, server_id=5_002)
    async with scene.ctx.sessions.begin() as session:
        await session.execute(sa.text("UPDATE guild_identity.servers SET profile_interval_hours = 12 WHERE id = 5002"))
    clock.advance(hours=12)
    assert await schedule.queue_profiles(scene.ctx) == 1


async def test_nothing_is_queued_for_a_guild_that_nobody_follows_any_more(scene: Scene, clock: FakeClock) -> None:
    async with scene.ctx.sessions.begin() as session:
        await session.execute(sa.text("UPDATE guild_identity.servers SET left_at = :now"), {"now": clock.now})
    clock.advance(seconds=EVERY.total_seconds())
    assert await schedule.queue_profiles(scene.ctx) == 0


async def test_a_profile_that_always_fails_is_left_to_the_rosters(scene: Scene, clock: FakeClock) -> None:
    name = scene.member(3).name.lower()
    scene.stand_in.faults.add(f"/eu/profile/wow/character/amberfall/{name}", Status(403), times=None)
    clock.advance(seconds=EVERY.total_seconds())
    assert await schedule.queue_profiles(scene.ctx) == 1
    assert (await scene.refresh()).counts["profiles_failed"] == 1
    await empty_queue(scene)
    clock.advance(minutes=15)
    assert await schedule.queue_profiles(scene.ctx) == 0
    await scene.sync()
    assert await scene.query(QUEUE) == [scene.guild_id]


async def test_a_look_takes_one_question_whatever_the_number_of_guilds(scene: Scene, clock: FakeClock) -> None:
    for number in range(5):
        guild = Guild(200 + number, f"Guild {number}", f"guild-{number}", HOME, "HORDE")
        scene.world.guilds.append(guild)
        scene.world.join(scene.world.add(adventurer(500 + number)), guild, 0)
        guild_id = await follow(scene.ctx, guild, server_id=6_000 + number)
        await replace(scene, guild=guild, guild_id=guild_id).sync_all()
    await empty_queue(scene)
    clock.advance(seconds=EVERY.total_seconds())
    with statements() as sent:
        assert await schedule.queue_profiles(scene.ctx) == 6
    assert len(sent) == STATEMENTS
    assert len(await scene.query(QUEUE)) == 6
