"""The timers of the running bot: what is due is done, by one process, whatever fails."""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import pipeline, runs, servers
from bot.services.bundle import Services
from bot.services.context import Context
from bot.services.jobs import Worker
from bot.services.pipeline import RosterSync
from bot.services.runs import LEASE
from cogs.common.bot import MusterBot
from cogs.sync import texts
from cogs.timers.cog import DIGEST_LOOK_SECONDS, LEASE_SECONDS, LOOK_SECONDS, Timers
from db.runs import LEASE_EXPIRED, Scope
from db.tables.runs import InstanceLease, SyncRun
from db.tables.servers import Server
from domain.options import Options
from domain.regions import Region
from domain.runs import RunSource, RunStatus, Trigger
from sandbox.world import Guild
from tests.cogs.home import Home, card_of, text_of
from tests.cogs.link.small import read_all, shrink
from tests.support.people import map_rank

ROSTER = RunSource.BLIZZARD_API
MEMBERS = RunSource.DISCORD_BOT
LOGGER = "cogs.timers.cog"
STEADY = "cogs.common.timers"


class Watched(Worker):
    """A worker that serves nothing: its connections know no virtual clock. It keeps what it was told."""

    serves = False

    def start(self) -> None:
        """Note it."""
        self.serves = True

    async def stop(self) -> None:
        """Note it."""
        self.serves = False


@pytest.fixture
def services(services: Services, database: str) -> Services:
    """Let this process run timers."""
    return replace(services, timers=True, worker=Watched(services.ctx, services.battlenet, database))


def serves(home: Home) -> bool:
    """Tell whether this process takes jobs."""
    worker = home.services.worker
    assert isinstance(worker, Watched)
    return worker.serves


def timers(home: Home) -> Timers:
    cog = home.bot.get_cog("Timers")
    assert isinstance(cog, Timers)
    return cog


async def look(home: Home) -> None:
    """Let the time go by in which each timer looks once at what is due."""
    await home.env.advance_time(LOOK_SECONDS)


async def log_of(home: Home, source: RunSource) -> list[tuple[int | None, Trigger, RunStatus]]:
    """Give the runs of a source, oldest first, as (guild or server, trigger, status)."""
    scope = sa.func.coalesce(SyncRun.guild_id, SyncRun.server_id)
    async with home.services.ctx.sessions() as session:
        found = await session.execute(
            sa.select(scope, SyncRun.trigger, SyncRun.status).where(SyncRun.source == source).order_by(SyncRun.id)
        )
        return [(row[0], row[1], row[2]) for row in found]


async def holder(ctx: Context) -> str | None:
    async with ctx.sessions() as session:
        return await session.scalar(sa.select(InstanceLease.owner))


async def read_at(home: Home) -> datetime | None:
    async with home.services.ctx.sessions() as session:
        return await session.scalar(sa.select(Server.members_synced_at).where(Server.id == home.server.id))


async def follow_second(home: Home) -> int:
    """Let a second server follow a second guild, whose roster comes after the first one's; give the guild's id."""
    world = home.sample.world
    rival = Guild(99, "The Second", "the-second", home.sample.guild.realm, "HORDE")
    world.guilds.append(rival)
    world.join(home.leave(1)[0], rival, 0)
    server = home.env.create_guild("Second Hall", owner=home.env.create_user("second_owner"))
    await home.env.settle()
    followed = await servers.follow_guild(
        home.services.ctx,
        home.services.battlenet,
        server.id,
        region=Region(rival.realm.region),
        realm=rival.realm.slug,
        name=rival.name,
        actor_id=home.officer.id,
    )
    return followed.id


def break_roster(monkeypatch: pytest.MonkeyPatch, error: Exception, *guild_ids: int) -> None:
    """Let the sync of these guilds raise what nobody expects."""
    real = pipeline.sync_roster

    async def broken(ctx: Context, battlenet: object, guild_id: int, *, trigger: Trigger) -> RosterSync:
        if guild_id in guild_ids:
            raise error
        return await real(ctx, battlenet, guild_id, trigger=trigger)

    monkeypatch.setattr(pipeline, "sync_roster", broken)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what the timers logged of failures and recoveries, and forget it."""
    lines = [
        f"{record.levelname} {record.getMessage().split(';')[0]}" for record in caplog.records if record.name == STEADY
    ]
    caplog.clear()
    return lines


async def test_a_due_roster_is_synced(home: Home) -> None:
    guild = await home.follow()
    await look(home)
    assert await log_of(home, ROSTER) == [(guild.id, Trigger.TIMER, RunStatus.SUCCESS)]


async def test_a_due_member_list_is_compared(home: Home) -> None:
    await look(home)
    assert (home.server.id, Trigger.TIMER, RunStatus.SUCCESS) in await log_of(home, MEMBERS)
    assert await read_at(home) == home.clock()


async def test_with_nothing_due_battle_net_is_asked_nothing(home: Home) -> None:
    await home.follow()
    await look(home)
    asked, done = len(home.battlenet.requests), await log_of(home, MEMBERS)
    await look(home)
    await look(home)
    assert len(home.battlenet.requests) == asked
    assert await log_of(home, MEMBERS) == done


async def test_a_start_catches_up_once_on_what_was_missed(home: Home) -> None:
    guild = await home.follow()
    await look(home)
    home.clock.advance(days=3)
    await home.restart()
    await look(home)
    await look(home)
    assert await log_of(home, ROSTER) == [(guild.id, Trigger.TIMER, RunStatus.SUCCESS)] * 2
    assert await read_at(home) == home.clock()


async def test_without_the_lease_nothing_is_run(home: Home) -> None:
    other = replace(home.services.ctx, owner="another process")
    await runs.give_up_instance_lease(home.services.ctx)
    assert await runs.hold_instance_lease(other)
    assert serves(home)
    await home.env.advance_time(LEASE_SECONDS)
    assert not timers(home).holds_lease
    assert not serves(home)
    before = await log_of(home, MEMBERS)
    await home.follow()
    home.clock.advance(hours=1)
    assert await runs.hold_instance_lease(other)
    await look(home)
    assert await log_of(home, ROSTER) == []
    assert await log_of(home, MEMBERS) == before


async def test_a_round_ends_when_its_process_loses_the_lease(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    first = (await home.follow()).id
    await follow_second(home)
    real = pipeline.sync_roster

    async def outlived(*given: Any, **named: Any) -> RosterSync:
        done = await real(*given, **named)
        await runs.give_up_instance_lease(home.services.ctx)
        assert await runs.hold_instance_lease(replace(home.services.ctx, owner="another process"))
        await timers(home).lease()
        return done

    monkeypatch.setattr(pipeline, "sync_roster", outlived)
    await look(home)
    assert not timers(home).holds_lease
    assert await log_of(home, ROSTER) == [(first, Trigger.TIMER, RunStatus.SUCCESS)]


async def test_a_process_without_timers_starts_none_and_takes_no_lease(home: Home) -> None:
    await home.bot.remove_cog("Timers")
    await home.env.restart_bot(MusterBot(replace(home.services, timers=False)))
    await home.follow()
    home.clock.advance(hours=1)
    await look(home)
    assert not timers(home).lease.is_running()
    assert not serves(home)
    assert await holder(home.services.ctx) is None
    assert await log_of(home, ROSTER) == []


async def test_whoever_gets_the_lease_closes_the_runs_of_a_process_that_went_away(home: Home) -> None:
    gone = replace(home.services.ctx, owner="gone")
    await runs.give_up_instance_lease(home.services.ctx)
    assert await runs.hold_instance_lease(gone)
    async with runs.running(gone, RunSource.BLIZZARD_API, Scope(region=Region.EU), trigger=Trigger.TIMER):
        home.clock.advance(seconds=LEASE.total_seconds() + 1)
        await home.env.advance_time(LEASE_SECONDS)
        async with home.services.ctx.sessions() as session:
            lost = await session.scalar(sa.select(SyncRun).where(SyncRun.owner == "gone"))
    assert lost is not None
    assert (lost.status, lost.reason) == (RunStatus.ERROR, LEASE_EXPIRED)
    assert await holder(home.services.ctx) == home.services.ctx.owner


async def test_a_look_during_a_renewal_of_the_lease_is_not_skipped(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    guild = await home.follow()
    renewing, go_on = asyncio.Event(), asyncio.Event()
    real = runs.hold_instance_lease

    async def slow(ctx: Context) -> bool:
        renewing.set()
        await go_on.wait()
        return await real(ctx)

    monkeypatch.setattr(runs, "hold_instance_lease", slow)
    cog = timers(home)
    renewal = asyncio.create_task(cog.lease.coro(cog))
    await renewing.wait()
    await cog.rosters.coro(cog)
    go_on.set()
    await renewal
    assert await log_of(home, ROSTER) == [(guild.id, Trigger.TIMER, RunStatus.SUCCESS)]


async def test_a_renewal_that_fails_drops_the_lease_until_one_succeeds(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: Context) -> bool:
        raise OSError("no database")

    caplog.set_level(logging.INFO, STEADY)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "hold_instance_lease", broken)
        await home.env.advance_time(LEASE_SECONDS)
        assert not timers(home).holds_lease
        assert serves(home), "the worker waits for the database by itself"
        await home.env.advance_time(LEASE_SECONDS)
    await home.env.advance_time(LEASE_SECONDS)
    assert timers(home).holds_lease
    assert serves(home)
    assert told(caplog) == ["ERROR instance lease failed", "INFO instance lease works again"]


async def test_profiles_that_became_due_are_queued_without_a_roster(home: Home) -> None:
    await home.follow()
    await look(home)
    await home.read_profiles()
    async with home.services.ctx.sessions.begin() as session:
        await session.execute(sa.text("DELETE FROM jobs.pgqueuer"))
    home.clock.advance(hours=Options().profile_hours)
    cog = timers(home)
    assert cog.profiles.is_running()
    await cog.profiles()
    async with home.services.ctx.sessions() as session:
        assert list(await session.scalars(sa.text("SELECT status::text FROM jobs.pgqueuer"))) == ["queued"]


async def test_an_unavailable_server_is_left_alone(home: Home) -> None:
    await look(home)
    before = await log_of(home, MEMBERS)
    server = home.bot.get_guild(home.server.id)
    assert server is not None
    server.unavailable = True
    home.clock.advance(hours=1)
    await look(home)
    assert await log_of(home, MEMBERS) == before
    server.unavailable = False
    await look(home)
    assert len(await log_of(home, MEMBERS)) == len(before) + 1


async def test_a_guild_that_fails_stops_no_other_and_hides_no_others_failure(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, STEADY)
    first, second = (await home.follow()).id, await follow_second(home)
    with monkeypatch.context() as patch:
        break_roster(patch, OSError("one"), first)
        await look(home)
        assert await log_of(home, ROSTER) == [(second, Trigger.TIMER, RunStatus.SUCCESS)]
        assert told(caplog) == [f"ERROR roster of guild {first} failed"]
    home.clock.advance(hours=Options().roster_hours)
    with monkeypatch.context() as patch:
        break_roster(patch, ValueError("two"), first, second)
        await look(home)
        assert told(caplog) == [f"ERROR roster of guild {second} failed"]
        await look(home)
        assert told(caplog) == []
    await look(home)
    assert sorted(told(caplog)) == [f"INFO roster of guild {guild} works again" for guild in sorted((first, second))]


async def test_a_server_that_fails_stops_no_other(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    second = home.env.create_guild("Second Hall", owner=home.env.create_user("second_owner"))
    await home.env.settle()
    home.clock.advance(hours=1)
    real = pipeline.sync_members

    async def broken(ctx: Context, server_id: int, *rest: object, **words: object) -> object:
        if server_id == home.server.id:
            raise OSError("one")
        return await real(ctx, server_id, *rest, **words)

    monkeypatch.setattr(pipeline, "sync_members", broken)
    await look(home)
    assert (second.id, Trigger.TIMER, RunStatus.SUCCESS) in await log_of(home, MEMBERS)
    assert told(caplog) == [f"ERROR members of server {home.server.id} failed"]


async def test_a_roster_sync_tells_that_profiles_follow(home: Home) -> None:
    await home.follow()
    result = await home.officer.slash(home.general, "sync roster")
    assert texts.PROFILES_FOLLOW in card_of(result)


async def test_a_refusal_is_told_without_alarm(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """A sync that somebody began a moment ago is no failure."""
    guild = await home.follow()
    caplog.set_level(logging.INFO, LOGGER)
    scope = Scope(guild_id=guild.id)
    cog = timers(home)
    async with runs.running(home.services.ctx, ROSTER, scope, trigger=Trigger.COMMAND):
        await cog._roster(guild.id)
    assert [record.levelname for record in caplog.records] == ["INFO"]


async def test_the_end_of_the_bot_frees_the_lease(home: Home) -> None:
    assert await holder(home.services.ctx) == home.services.ctx.owner
    await home.bot.remove_cog("Timers")
    assert await holder(home.services.ctx) is None
    assert not serves(home)


async def test_the_end_of_the_bot_closes_the_run_of_a_timer_before_it_goes_on(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    guild = await home.follow()
    asked = asyncio.Event()

    async def hanging(*_: object, **__: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(home.services.battlenet, "roster", hanging)
    cog = timers(home)
    cog.rosters.restart()
    await asked.wait()
    await home.bot.remove_cog("Timers")
    assert await log_of(home, ROSTER) == [(guild.id, Trigger.TIMER, RunStatus.ERROR)]


async def test_a_digest_that_is_due_is_posted_once_also_after_a_restart(home: Home) -> None:
    shrink(home, 3)
    await read_all(home)
    await home.report_to(home.audit)
    home.clock.now = datetime(2026, 1, 12, 9, 4, tzinfo=UTC)
    await home.env.advance_time(LEASE_SECONDS)
    for _ in range(2):
        await home.env.advance_time(DIGEST_LOOK_SECONDS)
        await home.restart()
    await home.deliver()
    assert sum("## The week in" in text_of(one) for one in home.audit.history()) == 1


async def test_a_role_that_was_deleted_is_said_once_with_the_remedy_and_nothing_else_stops(home: Home) -> None:
    guild = await home.follow()
    role = home.server.create_role("Raiders")
    await map_rank(home.services.ctx, guild.id, 3, role.id, home.server.id)
    await home.report_to(home.audit)
    await look(home)
    found = home.bot.get_guild(home.server.id)
    assert found is not None
    gone = found.get_role(role.id)
    assert gone is not None
    await gone.delete()
    for _ in range(2):
        home.clock.advance(minutes=20)
        await look(home)
    await home.deliver()
    [told] = [text_of(one) for one in home.audit.history() if "A role was deleted" in text_of(one)]
    assert told.splitlines()[1:] == [
        "It stood for **Rank 3**, so everybody of that rank seems to lack it.",
        "Choose again with `/setup ranks`.",
    ]
    assert await read_at(home) == home.clock()


async def test_rules_of_time_alone_follow_a_comparison_that_failed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absence ends and data grow old, whether or not Discord gives the member list."""
    await home.follow()
    await look(home)
    followed: list[int] = []
    real = pipeline.follow_up

    async def noted(ctx: Context, server_id: int, **others: Any) -> pipeline.FollowUp:
        followed.append(server_id)
        return await real(ctx, server_id, **others)

    monkeypatch.setattr(pipeline, "follow_up", noted)
    home.env.inject_error("GET", f"/guilds/{home.server.id}/members", status=500)
    home.clock.advance(minutes=16)
    await look(home)
    assert (await log_of(home, MEMBERS))[-1][2] is RunStatus.ERROR
    assert home.server.id in followed
