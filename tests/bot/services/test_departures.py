"""Large departures: held, told, decided once."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import departures, servers
from bot.services.context import Context
from bot.services.departures import Decision, NotAsShown
from bot.services.runs import LEASE, close_expired
from db import locks
from db.tables.outbox import OutboxMessage, OutboxState
from domain.errors import Conflict, NotFound
from domain.roster import Departure
from domain.runs import RunStatus
from sandbox.battlenet import BattleNetStandIn, EmptyMembers
from tests.support.clock import FakeClock
from tests.support.scene import CHANNEL, OFFICER, SERVER, Scene, adventurer, client_of, follow, guild_of

OTHER_SERVER, OTHER_CHANNEL = 5_002, 7_002


@pytest.fixture
async def holding(scene: Scene) -> Scene:
    """Give a guild of eight of whom numbers 1 to 5 are held."""
    await scene.sync()
    scene.leave(1, 2, 3, 4, 5)
    assert (await scene.sync()).held == 5
    return scene


async def states(scene: Scene) -> dict[int, str]:
    """Load the held departures, number of the character -> state."""
    rows = await scene.query(
        "SELECT c.blizzard_id - 1000, h.state FROM common.held_departures AS h "
        "JOIN common.wow_characters AS c ON c.id = h.character_id"
    )
    return dict(rows)


async def notices(scene: Scene) -> list[tuple[int, dict[str, Any]]]:
    async with scene.ctx.sessions() as session:
        found = await session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id))
        return [(message.channel_id, message.payload) for message in found if message.kind == departures.NOTICE]


async def end_all(scene: Scene, state: OutboxState) -> None:
    """End all messages that wait."""
    async with scene.ctx.sessions.begin() as session:
        await session.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.state == OutboxState.PENDING)
            .values(state=state, finished_at=scene.ctx.clock())
        )


@pytest.mark.parametrize(
    ("size", "leavers", "held"),
    [(40, 10, False), (40, 11, True), (44, 11, False), (45, 12, True), (8, 4, False), (5, 3, True), (3, 2, False)],
)
async def test_departures_are_held_beyond_ten_and_a_quarter_or_three_and_a_half(
    ctx: Context, size: int, leavers: int, held: bool
) -> None:
    world, guild = guild_of(size)
    async with BattleNetStandIn(world, per_second=None, per_hour=None) as stand_in, client_of(stand_in) as battlenet:
        scene = Scene(ctx, battlenet, stand_in, guild, await follow(ctx, guild, server_id=None))
        await scene.sync()
        scene.leave(*range(leavers))
        outcome = await scene.sync()
    assert (outcome.held, outcome.departed) == ((leavers, 0) if held else (0, leavers))
    assert len(await scene.roster()) == outcome.characters == (size if held else size - leavers)


async def test_half_a_roster_departs_nobody(scene: Scene) -> None:
    await scene.sync()
    members = await scene.roster()
    scene.stand_in.faults.add("*/roster", EmptyMembers(keep=2))
    assert (await scene.sync()).held == 6
    assert await scene.roster() == members
    assert ((await scene.sync()).held, await states(scene)) == (0, {})


async def test_while_departures_are_held_all_else_of_the_roster_is_applied(scene: Scene) -> None:
    await scene.sync()
    scene.leave(1, 2, 3, 4, 5)
    scene.world.rename(scene.member(6), "Umgetauft")
    scene.world.promote(scene.member(7))
    scene.world.join(scene.world.add(adventurer(50)), scene.guild, 9)
    outcome = await scene.sync()
    assert (outcome.status, outcome.held, outcome.newly_held) == (RunStatus.SUCCESS, 5, 5)
    assert (outcome.renamed, outcome.rank_moved, outcome.new, outcome.departed) == (1, 1, 1, 0)
    assert outcome.characters == len(await scene.roster()) == 9
    assert await states(scene) == dict.fromkeys(range(1, 6), "held")


async def test_each_good_roster_replaces_the_held_set(holding: Scene) -> None:
    holding.rejoin(5)
    holding.leave(6)
    outcome = await holding.sync()
    assert (outcome.held, outcome.newly_held) == (5, 1)
    assert await states(holding) == dict.fromkeys([1, 2, 3, 4, 6], "held")


async def test_held_departures_become_ordinary_once_enough_came_back(holding: Scene) -> None:
    holding.rejoin(2, 3, 4, 5)
    outcome = await holding.sync()
    assert (outcome.held, outcome.departed, await states(holding)) == (0, 1, {})


async def test_apply_ends_the_memberships_of_the_held_who_are_still_absent(holding: Scene, clock: FakeClock) -> None:
    holding.leave(6)
    await holding.sync()
    holding.rejoin(5)
    await holding.sync()
    decided_at = clock.advance(minutes=5)
    decision = await departures.decide(holding.ctx, SERVER, apply=True, actor_id=OFFICER)
    assert decision == Decision(holding.guild_id, "The Ember Vigil", applied=True, characters=5)
    ended = (
        "SELECT c.blizzard_id FROM common.guild_memberships AS m JOIN common.wow_characters AS c "
        "ON c.id = m.character_id WHERE m.left_at = :at ORDER BY 1"
    )
    assert await holding.query(ended, at=decided_at) == [1001, 1002, 1003, 1004, 1006]
    assert (await states(holding), len(await holding.roster())) == ({}, 3)
    assert ((await holding.sync()).departed, (await holding.sync()).held) == (0, 0)


async def test_discard_keeps_the_members_and_asks_again_only_when_the_set_grows(holding: Scene) -> None:
    decision = await departures.decide(holding.ctx, SERVER, apply=False, actor_id=OFFICER)
    assert (decision.applied, decision.characters) == (False, 5)
    again = await holding.sync()
    assert (again.held, again.newly_held, again.characters) == (0, 0, 8)
    assert await states(holding) == dict.fromkeys(range(1, 6), "kept")
    holding.leave(6)
    grown = await holding.sync()
    assert (grown.held, grown.newly_held, grown.departed) == (6, 6, 0)
    assert await states(holding) == dict.fromkeys(range(1, 7), "held")
    assert len(await holding.roster()) == 8


async def test_an_officer_may_still_apply_what_was_discarded(holding: Scene) -> None:
    await departures.decide(holding.ctx, SERVER, apply=False, actor_id=OFFICER)
    decision = await departures.decide(holding.ctx, SERVER, apply=True, actor_id=OFFICER)
    assert (decision.characters, len(await holding.roster())) == (5, 3)


async def test_every_server_of_the_guild_is_told_what_waits_and_who_decided(scene: Scene) -> None:
    await follow(scene.ctx, scene.guild, server_id=OTHER_SERVER, channel_id=OTHER_CHANNEL)
    await follow(scene.ctx, scene.guild, server_id=5_003, channel_id=None)
    await follow(scene.ctx, scene.guild, server_id=5_004, channel_id=7_004)
    await servers.note_absence(scene.ctx, 5_004)
    await scene.sync()
    scene.leave(1, 2, 3, 4, 5)
    outcome = await scene.sync()
    held = {"event": "held", "run_id": outcome.run_id, "characters": 5, "guild": "The Ember Vigil"}
    assert await notices(scene) == [(CHANNEL, held), (OTHER_CHANNEL, held)]
    await end_all(scene, OutboxState.DELIVERED)
    await departures.decide(scene.ctx, OTHER_SERVER, apply=True, actor_id=OFFICER)
    decided = {
        "event": "decided",
        "by": OFFICER,
        "server_id": OTHER_SERVER,
        "characters": 5,
        "applied": True,
        "guild": "The Ember Vigil",
    }
    assert (await notices(scene))[2:] == [(CHANNEL, decided), (OTHER_CHANNEL, decided)]


async def test_the_servers_are_told_once_while_nobody_new_is_held(holding: Scene) -> None:
    assert len(await notices(holding)) == 1
    await end_all(holding, OutboxState.DELIVERED)
    assert ((await holding.sync()).newly_held, len(await notices(holding))) == (0, 1)
    holding.leave(6)
    assert ((await holding.sync()).newly_held, len(await notices(holding))) == (1, 2)


async def test_a_server_that_had_no_channel_at_the_hold_is_told_once_it_has_one(scene: Scene) -> None:
    await servers.set_audit_channel(scene.ctx, SERVER, None, actor_id=OFFICER)
    await scene.sync()
    scene.leave(1, 2, 3, 4, 5)
    await scene.sync()
    assert await notices(scene) == []
    await servers.set_audit_channel(scene.ctx, SERVER, CHANNEL, actor_id=OFFICER)
    await scene.sync()
    await scene.sync()
    assert [(channel, told["characters"]) for channel, told in await notices(scene)] == [(CHANNEL, 5)]
    await end_all(scene, OutboxState.DELIVERED)
    await scene.sync()
    assert len(await notices(scene)) == 1


async def test_a_server_that_the_notice_did_not_reach_is_told_again(holding: Scene) -> None:
    await follow(holding.ctx, holding.guild, server_id=OTHER_SERVER, channel_id=OTHER_CHANNEL)
    await end_all(holding, OutboxState.FAILED)
    await holding.sync()
    await end_all(holding, OutboxState.DELIVERED)
    await holding.sync()
    assert [channel for channel, _ in await notices(holding)] == [CHANNEL, CHANNEL, OTHER_CHANNEL]


async def test_the_notice_of_an_earlier_hold_tells_nothing_of_the_present_one(holding: Scene, clock: FakeClock) -> None:
    await end_all(holding, OutboxState.DELIVERED)
    holding.rejoin(1, 2, 3, 4, 5)
    await holding.sync()
    clock.advance(hours=6)
    holding.leave(1, 2, 3, 4, 5)
    await servers.set_audit_channel(holding.ctx, SERVER, None, actor_id=OFFICER)
    await holding.sync()
    await servers.set_audit_channel(holding.ctx, SERVER, CHANNEL, actor_id=OFFICER)
    await holding.sync()
    assert len(await notices(holding)) == 2


async def test_a_notice_not_yet_sent_tells_the_newest_number(holding: Scene) -> None:
    holding.leave(6)
    await holding.sync()
    assert [payload["characters"] for _, payload in await notices(holding)] == [6]


async def test_each_decision_is_told_though_none_was_delivered_in_between(holding: Scene, clock: FakeClock) -> None:
    await departures.decide(holding.ctx, SERVER, apply=False, actor_id=OFFICER)
    clock.advance(minutes=1)
    await departures.decide(holding.ctx, SERVER, apply=True, actor_id=OFFICER)
    told = [payload["applied"] for _, payload in await notices(holding) if payload["event"] == "decided"]
    assert told == [False, True]


async def test_the_servers_are_told_though_the_run_dies_after_the_roster_was_applied(
    scene: Scene, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.sync()
    scene.leave(1, 2, 3, 4, 5)

    async def die(*_: object) -> bool:
        raise asyncio.CancelledError

    monkeypatch.setattr("db.runs.end_run", die)
    with pytest.raises(asyncio.CancelledError):
        await scene.sync()
    clock.advance(seconds=LEASE.total_seconds() + 1)
    assert await close_expired(replace(scene.ctx, owner="another process")) == 1
    assert (len(await states(scene)), len(await notices(scene))) == (5, 1)


async def test_a_decision_is_logged_with_who_took_it(holding: Scene) -> None:
    await departures.decide(holding.ctx, SERVER, apply=True, actor_id=OFFICER)
    rows = await holding.query("SELECT server_id, actor_id, action, after FROM guild_identity.action_log")
    assert rows == [
        (SERVER, OFFICER, "departures.apply", {"characters": 5, "applied": True, "guild": "The Ember Vigil"})
    ]


async def test_the_held_are_listed_by_name_with_how_they_stand(holding: Scene, clock: FakeClock) -> None:
    await holding.refresh()  # a profile tells the realm's name
    listed = await departures.list_held(holding.ctx, SERVER)
    assert [one.name for one in listed] == sorted(holding.member(number).name for number in range(1, 6))
    assert {(one.realm, one.state, one.held_at) for one in listed} == {("Amberfall", Departure.HELD, clock.now)}
    await departures.decide(holding.ctx, SERVER, apply=False, actor_id=OFFICER)
    assert {one.state for one in await departures.list_held(holding.ctx, SERVER)} == {Departure.KEPT}


@pytest.mark.parametrize("apply", [True, False])
async def test_with_nothing_held_there_is_nothing_to_decide(scene: Scene, apply: bool) -> None:
    await scene.sync()
    with pytest.raises(Conflict, match="No departures wait"):
        await departures.decide(scene.ctx, SERVER, apply=apply, actor_id=OFFICER)
    assert await notices(scene) == []


async def test_a_server_without_a_guild_has_nothing_to_list_or_decide(ctx: Context) -> None:
    await servers.note_presence(ctx, SERVER, "alone")
    assert await departures.list_held(ctx, SERVER) == []
    with pytest.raises(NotFound, match="/setup guild"):
        await departures.decide(ctx, SERVER, apply=True, actor_id=OFFICER)


async def test_a_decision_waits_for_a_roster_that_is_being_applied(scratch_scene: Scene) -> None:
    scene = scratch_scene
    await scene.sync()
    scene.leave(1, 2, 3, 4, 5)
    await scene.sync()
    async with scene.ctx.sessions.begin() as applying:
        await locks.hold(applying, locks.Lock.ROSTER, scene.guild_id)
        deciding = asyncio.create_task(departures.decide(scene.ctx, SERVER, apply=True, actor_id=OFFICER))
        waits = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        async with asyncio.timeout(30):
            while not deciding.done() and await applying.scalar(waits) == 0:
                pass
        assert not deciding.done()
    assert (await deciding).characters == 5


async def test_a_decision_is_about_what_waits_once_the_roster_is_applied(scratch_scene: Scene) -> None:
    scene = scratch_scene
    await scene.sync()
    scene.leave(1, 2, 3, 4, 5)
    await scene.sync()
    shown = departures.fingerprint(await departures.list_waiting(scene.ctx, SERVER))
    async with scene.ctx.sessions.begin() as applying:
        await locks.hold(applying, locks.Lock.ROSTER, scene.guild_id)
        deciding = asyncio.create_task(departures.decide(scene.ctx, SERVER, apply=True, actor_id=OFFICER, shown=shown))
        waits = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        async with asyncio.timeout(30):
            while not deciding.done() and await applying.scalar(waits) == 0:
                pass
        await applying.execute(
            sa.text(
                "DELETE FROM common.held_departures AS h USING common.wow_characters AS c "
                "WHERE c.id = h.character_id AND c.blizzard_id = 1001"
            )
        )
    with pytest.raises(NotAsShown) as refused:
        await deciding
    assert len(refused.value.waiting) == 4
    assert await states(scene) == dict.fromkeys(range(2, 6), "held")
    shown = departures.fingerprint(refused.value.waiting)
    assert (await departures.decide(scene.ctx, SERVER, apply=True, actor_id=OFFICER, shown=shown)).characters == 4


async def test_of_two_officers_who_decide_at_once_one_is_told_that_it_was_done(scratch_scene: Scene) -> None:
    scene = scratch_scene
    await follow(scene.ctx, scene.guild, server_id=OTHER_SERVER, channel_id=OTHER_CHANNEL)
    await scene.sync()
    scene.leave(1, 2, 3, 4, 5)
    await scene.sync()
    answers = await asyncio.gather(
        *(departures.decide(scene.ctx, server, apply=True, actor_id=OFFICER) for server in (SERVER, OTHER_SERVER)),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "Decision"]
    assert len([payload for _, payload in await notices(scene) if payload["event"] == "decided"]) == 2
