"""A roster or a member list that can't be read: told once after three tries and an hour, and its end once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import outages, pipeline, servers
from bot.services.context import Context
from bot.services.members import MemberFacts, MemberList
from bot.services.outages import OUTAGE
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.runs import SyncRun
from db.tables.servers import ServerGuild
from domain.errors import Unavailable
from domain.runs import RunSource, RunStatus, Trigger
from sandbox.battlenet import EmptyMembers
from tests.support.clock import FakeClock
from tests.support.people import SERVER as HALL
from tests.support.people import facts, insert_server
from tests.support.scene import CHANNEL, OFFICER, SERVER, Scene, follow

OTHER_SERVER, OTHER_CHANNEL = 5_002, 7_002


async def words(ctx: Context) -> list[tuple[int, str, str]]:
    """Give what was queued, oldest first, as (server, source, word)."""
    async with ctx.sessions() as session:
        found = await session.scalars(
            sa.select(OutboxMessage).where(OutboxMessage.kind == OUTAGE).order_by(OutboxMessage.id)
        )
        return [(one.server_id, one.payload["source"], one.payload["word"]) for one in found]


async def end_all(ctx: Context, state: OutboxState = OutboxState.DELIVERED) -> None:
    """End all messages that wait."""
    async with ctx.sessions.begin() as session:
        await session.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.state == OutboxState.PENDING)
            .values(state=state, finished_at=ctx.clock())
        )


async def sync(scene: Scene) -> None:
    await pipeline.sync_roster(scene.ctx, scene.battlenet, scene.guild_id, trigger=Trigger.TIMER)


async def fail(scene: Scene, clock: FakeClock, minutes: int, *, every: int = 10) -> None:
    """Let the roster fail for so long, asked every ten minutes, and let what is told arrive."""
    scene.stand_in.faults.add("*/roster", EmptyMembers(), times=None)
    for _ in range(0, minutes + 1, every):
        await sync(scene)
        await end_all(scene.ctx)
        clock.advance(minutes=every)
    scene.stand_in.faults.clear()


@pytest.fixture
async def read(scene: Scene, clock: FakeClock) -> Scene:
    """Give a guild whose roster was read."""
    await sync(scene)
    clock.advance(hours=6)
    return scene


ROSTER = RunSource.BLIZZARD_API.value


async def test_battle_nets_maintenance_hours_are_one_message_and_not_a_storm(read: Scene, clock: FakeClock) -> None:
    await fail(read, clock, minutes=5 * 60)
    assert await words(read.ctx) == [(SERVER, ROSTER, "failing")]
    assert await read.query("SELECT id FROM guild_identity.audit_issues WHERE state <> 'resolved'") == []
    [payload] = await read.query("SELECT payload FROM guild_identity.outbox WHERE kind = :kind", kind=OUTAGE)
    assert payload["failures"] == 7
    assert payload["reason"] == "Battle.net sent a roster without members"


async def test_a_hiccup_is_told_nobody(read: Scene, clock: FakeClock) -> None:
    await fail(read, clock, minutes=50)
    await sync(read)
    assert await words(read.ctx) == []


async def test_its_end_is_told_once_and_a_second_failure_anew(read: Scene, clock: FakeClock) -> None:
    await fail(read, clock, minutes=120)
    for _ in range(3):
        await sync(read)
        await end_all(read.ctx)
        clock.advance(hours=6)
    assert await words(read.ctx) == [(SERVER, ROSTER, "failing"), (SERVER, ROSTER, "over")]
    await fail(read, clock, minutes=120)
    await sync(read)
    assert [word for *_, word in await words(read.ctx)] == ["failing", "over"] * 2


async def test_what_was_told_of_a_guild_followed_before_says_nothing_of_this_one(read: Scene, clock: FakeClock) -> None:
    await fail(read, clock, minutes=70)
    async with read.ctx.sessions.begin() as session:
        await session.execute(sa.update(ServerGuild).values(followed_at=clock()))
    await sync(read)
    assert await words(read.ctx) == [(SERVER, ROSTER, "failing")], "nobody heard that this one failed"

    clock.advance(hours=6)
    await fail(read, clock, minutes=70)
    assert await words(read.ctx) == [(SERVER, ROSTER, "failing")] * 2


async def test_every_server_of_the_guild_is_told_and_none_without_a_channel(read: Scene, clock: FakeClock) -> None:
    await follow(read.ctx, read.guild, server_id=OTHER_SERVER, channel_id=OTHER_CHANNEL)
    await follow(read.ctx, read.guild, server_id=5_003, channel_id=None)
    await fail(read, clock, minutes=120)
    assert sorted(await words(read.ctx)) == [(SERVER, ROSTER, "failing"), (OTHER_SERVER, ROSTER, "failing")]


async def test_a_failure_nobody_heard_of_yet_is_taken_back_when_it_is_over(read: Scene, clock: FakeClock) -> None:
    read.stand_in.faults.add("*/roster", EmptyMembers(), times=None)
    for _ in range(8):
        await sync(read)
        clock.advance(minutes=10)
    assert await words(read.ctx) == [(SERVER, ROSTER, "failing")]
    read.stand_in.faults.clear()
    await sync(read)
    assert await words(read.ctx) == []


async def test_a_failure_that_did_not_arrive_is_told_again_in_another_channel(read: Scene, clock: FakeClock) -> None:
    read.stand_in.faults.add("*/roster", EmptyMembers(), times=None)
    for _ in range(8):
        await sync(read)
        clock.advance(minutes=10)
    await end_all(read.ctx, OutboxState.FAILED)
    await sync(read)
    assert len(await words(read.ctx)) == 1
    await servers.set_audit_channel(read.ctx, SERVER, CHANNEL + 1, actor_id=OFFICER)
    await sync(read)
    assert len(await words(read.ctx)) == 2


async def test_a_kill_before_the_end_was_told_leaves_it_to_the_next_run(
    read: Scene, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fail(read, clock, minutes=120)
    with monkeypatch.context() as patch:

        async def killed(*_: Any) -> None:
            raise asyncio.CancelledError

        patch.setattr(outages, "look_at_roster", killed)
        with pytest.raises(asyncio.CancelledError):
            await sync(read)
    assert [word for *_, word in await words(read.ctx)] == ["failing"]
    clock.advance(hours=6)
    await sync(read)
    assert [word for *_, word in await words(read.ctx)] == ["failing", "over"]


async def test_telling_that_fails_stops_no_sync(
    read: Scene, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no channel in sight")

    monkeypatch.setattr("db.outages.last_told", broken)
    await sync(read)
    assert (await read.last_run()).status == RunStatus.SUCCESS.value
    assert "could not be told" in caplog.text


async def test_several_processes_that_look_at_once_tell_one_message(scratch_scene: Scene, clock: FakeClock) -> None:
    scene = scratch_scene
    await sync(scene)
    clock.advance(hours=6)
    scene.stand_in.faults.add("*/roster", EmptyMembers(), times=None)
    for _ in range(6):
        await sync(scene)
        clock.advance(minutes=10)
    clock.advance(minutes=10)
    await asyncio.gather(*(outages.look_at_roster(scene.ctx, scene.guild_id) for _ in range(5)))
    assert await words(scene.ctx) == [(SERVER, ROSTER, "failing")]


async def compare(ctx: Context, found: Sequence[MemberFacts]) -> None:
    async def fetch() -> MemberList:
        if not found:
            raise Unavailable("Discord did not give the whole member list")
        return MemberList(ctx.clock(), found, len(found), None)

    await pipeline.sync_members(ctx, HALL, fetch, trigger=Trigger.TIMER)


async def test_a_member_list_that_can_not_be_read_is_told_the_same_way(ctx: Context, clock: FakeClock) -> None:
    await insert_server(ctx, channel_id=900)
    for _ in range(9):
        with pytest.raises(Unavailable):
            await compare(ctx, [])
        await end_all(ctx)
        clock.advance(minutes=10)
    source = RunSource.DISCORD_BOT.value
    assert await words(ctx) == [(HALL, source, "failing")]
    await compare(ctx, [facts(1)])
    assert await words(ctx) == [(HALL, source, "failing"), (HALL, source, "over")]


async def test_a_run_begun_by_a_clock_set_back_since_ends_no_row_of_failures(read: Scene, clock: FakeClock) -> None:
    async with read.ctx.sessions.begin() as session:
        ahead = sa.select(SyncRun).where(SyncRun.status == RunStatus.SUCCESS).order_by(SyncRun.id.desc()).limit(1)
        run = (await session.scalars(ahead)).one()
        run.started_at = clock() + (clock() - run.started_at) * 100
    await fail(read, clock, minutes=120)
    assert [word for *_, word in await words(read.ctx)] == ["failing"]
