"""What is due is computed from the runs themselves."""

from datetime import timedelta

import pytest

from bot.services import options, runs, schedule, servers
from bot.services.context import Context
from bot.services.schedule import RETRY_AFTER, SPREAD
from db.runs import Scope
from domain.options import Options
from domain.runs import RunSource, RunStatus, Trigger
from sandbox.world import Guild
from tests.support.clock import FakeClock
from tests.support.scene import HOME, OFFICER, follow
from tests.support.statements import statements

ROSTER_EVERY = timedelta(hours=Options().roster_hours)
MEMBERS_EVERY = timedelta(minutes=Options().member_minutes)
EARLIEST = 1 - SPREAD


async def guilds(ctx: Context, count: int) -> list[int]:
    found = []
    for number in range(count):
        guild = Guild(100 + number, f"Guild {number}", f"guild-{number}", HOME, "HORDE")
        found.append(await follow(ctx, guild, server_id=6_000 + number))
    return found


async def run(ctx: Context, guild_id: int, status: RunStatus = RunStatus.SUCCESS) -> None:
    scope = Scope(guild_id=guild_id)
    async with runs.running(ctx, RunSource.BLIZZARD_API, scope, trigger=Trigger.TIMER) as lease:
        lease.status = status


async def test_a_guild_that_was_never_read_is_due_before_all_others(ctx: Context, clock: FakeClock) -> None:
    first, second, new = await guilds(ctx, 3)
    await run(ctx, second)
    clock.advance(minutes=1)
    await run(ctx, first)
    assert await schedule.due_guilds(ctx) == [new]
    clock.advance(hours=6)
    assert await schedule.due_guilds(ctx) == [new, second, first]


async def test_after_a_downtime_what_was_missed_is_due_once(ctx: Context, clock: FakeClock) -> None:
    [guild_id] = await guilds(ctx, 1)
    await run(ctx, guild_id)
    clock.advance(days=3)
    assert await schedule.due_guilds(ctx) == [guild_id]
    await run(ctx, guild_id)
    assert await schedule.due_guilds(ctx) == []


async def test_runs_are_spread_over_the_last_tenth_of_the_interval(ctx: Context, clock: FakeClock) -> None:
    ids = await guilds(ctx, 12)
    for guild_id in ids:
        await run(ctx, guild_id)
    clock.advance(seconds=ROSTER_EVERY.total_seconds() * EARLIEST - 1)
    assert await schedule.due_guilds(ctx) == []
    clock.advance(seconds=ROSTER_EVERY.total_seconds() * SPREAD / 2)
    assert 0 < len(await schedule.due_guilds(ctx)) < len(ids)
    clock.advance(seconds=ROSTER_EVERY.total_seconds() * SPREAD / 2 + 1)
    assert sorted(await schedule.due_guilds(ctx)) == sorted(ids)


@pytest.mark.parametrize("good_before", [False, True])
async def test_a_failed_run_is_tried_again_after_ten_minutes(ctx: Context, clock: FakeClock, good_before: bool) -> None:
    [guild_id] = await guilds(ctx, 1)
    if good_before:
        await run(ctx, guild_id)
        clock.advance(hours=1)
    await run(ctx, guild_id, RunStatus.ERROR)
    clock.advance(seconds=RETRY_AFTER.total_seconds() - 1)
    assert await schedule.due_guilds(ctx) == []
    clock.advance(seconds=1)
    assert await schedule.due_guilds(ctx) == [guild_id]


async def test_a_partial_run_is_a_good_one(ctx: Context, clock: FakeClock) -> None:
    [guild_id] = await guilds(ctx, 1)
    await run(ctx, guild_id, RunStatus.PARTIAL)
    clock.advance(hours=1)
    assert await schedule.due_guilds(ctx) == []


async def test_a_guild_is_read_once_whatever_its_servers_and_not_without_any(ctx: Context) -> None:
    [guild_id] = await guilds(ctx, 1)
    guild = Guild(100, "Guild 0", "guild-0", HOME, "HORDE")
    assert await follow(ctx, guild, server_id=6_050) == guild_id
    assert await schedule.due_guilds(ctx) == [guild_id]
    await servers.note_absence(ctx, 6_000)
    assert await schedule.due_guilds(ctx) == [guild_id]
    await servers.note_absence(ctx, 6_050)
    assert await schedule.due_guilds(ctx) == []


async def test_a_servers_members_are_due_every_fifteen_minutes_while_the_bot_is_in_it(
    ctx: Context, clock: FakeClock
) -> None:
    await servers.note_presence(ctx, 6_001, "one")
    await servers.note_presence(ctx, 6_002, "two")
    assert await schedule.due_servers(ctx) == [6_001, 6_002]
    async with runs.running(ctx, RunSource.DISCORD_BOT, Scope(server_id=6_001), trigger=Trigger.TIMER):
        assert await schedule.due_servers(ctx) == [6_002]
    clock.advance(seconds=(MEMBERS_EVERY * EARLIEST - timedelta(seconds=1)).total_seconds())
    assert await schedule.due_servers(ctx) == [6_002]
    clock.advance(minutes=2)
    assert await schedule.due_servers(ctx) == [6_002, 6_001]
    await servers.note_absence(ctx, 6_002)
    assert await schedule.due_servers(ctx) == [6_001]


async def set_options(ctx: Context, server_id: int, **given: int) -> None:
    await options.change(ctx, server_id, given, actor_id=OFFICER)


async def test_of_the_servers_of_a_guild_the_shortest_interval_counts_while_the_bot_is_in_it(
    ctx: Context, clock: FakeClock
) -> None:
    [guild_id] = await guilds(ctx, 1)
    await follow(ctx, Guild(100, "Guild 0", "guild-0", HOME, "HORDE"), server_id=6_050)
    await set_options(ctx, 6_000, roster_hours=24)
    await set_options(ctx, 6_050, roster_hours=1)
    await run(ctx, guild_id)
    clock.advance(minutes=53)
    assert await schedule.due_guilds(ctx) == []
    clock.advance(minutes=7)
    assert await schedule.due_guilds(ctx) == [guild_id]
    await servers.note_absence(ctx, 6_050)
    assert await schedule.due_guilds(ctx) == []
    clock.advance(hours=23)
    assert await schedule.due_guilds(ctx) == [guild_id]


async def test_each_servers_members_are_due_by_its_own_interval(ctx: Context, clock: FakeClock) -> None:
    for server_id, minutes in ((6_001, 5), (6_002, 15), (6_003, 120)):
        await servers.note_presence(ctx, server_id, "one")
        await set_options(ctx, server_id, member_minutes=minutes)
        async with runs.running(ctx, RunSource.DISCORD_BOT, Scope(server_id=server_id), trigger=Trigger.TIMER):
            pass
    assert await schedule.due_servers(ctx) == []
    for minutes, due in ((5, [6_001]), (10, [6_001, 6_002]), (105, [6_001, 6_002, 6_003])):
        clock.advance(minutes=minutes)
        assert await schedule.due_servers(ctx) == due


async def test_a_failed_run_is_not_tried_again_later_than_a_good_one_would_be(ctx: Context, clock: FakeClock) -> None:
    await servers.note_presence(ctx, 6_001, "one")
    await set_options(ctx, 6_001, member_minutes=5)
    async with runs.running(ctx, RunSource.DISCORD_BOT, Scope(server_id=6_001), trigger=Trigger.TIMER) as lease:
        lease.fail("Discord sent no members")
    clock.advance(minutes=4)
    assert await schedule.due_servers(ctx) == []
    clock.advance(minutes=1)
    assert await schedule.due_servers(ctx) == [6_001]


async def test_a_server_that_muster_is_invited_to_again_has_its_members_compared_at_once(
    ctx: Context, clock: FakeClock
) -> None:
    await servers.note_presence(ctx, 6_001, "one")
    async with runs.running(ctx, RunSource.DISCORD_BOT, Scope(server_id=6_001), trigger=Trigger.TIMER):
        pass
    clock.advance(minutes=1)
    await servers.note_presence(ctx, 6_001, "renamed")
    assert await schedule.due_servers(ctx) == []
    await servers.note_absence(ctx, 6_001)
    assert await schedule.due_servers(ctx) == []
    clock.advance(minutes=1)
    await servers.note_presence(ctx, 6_001, "renamed")
    assert await schedule.due_servers(ctx) == [6_001]
    async with runs.running(ctx, RunSource.DISCORD_BOT, Scope(server_id=6_001), trigger=Trigger.TIMER):
        pass
    assert await schedule.due_servers(ctx) == []


async def test_what_is_due_takes_one_statement_whatever_the_number_of_guilds_and_servers(ctx: Context) -> None:
    for count in (1, 12):
        await guilds(ctx, count)
        for due in (schedule.due_guilds, schedule.due_servers):
            with statements() as seen:
                assert len(await due(ctx)) == count
            assert len(seen) == 1
