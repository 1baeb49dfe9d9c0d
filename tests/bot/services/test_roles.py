"""Role sync: what is given and taken, by whom, and what stays."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import pipeline, role_changes, roles
from bot.services.context import Context
from bot.services.members import MemberList
from bot.services.outbox import Outbox
from bot.services.ranks import Chooser
from db import role_ledger
from db.roles import GIVEN, RANKED
from db.tables.guilds import Guild, Membership
from db.tables.people import Member, RankOverride
from db.tables.roles import GivenRole
from db.tables.servers import GuildRank
from domain.errors import Conflict, NotFound, Refused, Unavailable
from domain.links import Source
from domain.ranks import Power, RankTruth
from domain.role_sync import AT_ONCE, Block, ChangeState, RoleAct, RunKind, Stop
from domain.runs import Trigger
from tests.support.clock import FakeClock
from tests.support.crowd import LARGE, ROWS_A_PERSON, populate, work
from tests.support.people import OFFICER, SERVER, insert_guild, insert_server, leave_guild, load_actions
from tests.support.role_sync import BOSS, CHIEF, FRIEND, RAIDER, VETERAN, Sync, role, switched_on

ANA, BEN = 1, 2
GIVE, TAKE = RoleAct.GIVE, RoleAct.TAKE


@pytest.fixture
async def sync(ctx: Context) -> Sync:
    """A server with role sync on, whose guild's ranks 0, 1 and 3 stand for roles."""
    return await switched_on(ctx, await insert_guild(ctx, await insert_server(ctx)))


@pytest.fixture
async def scratch_sync(scratch_ctx: Context) -> Sync:
    """The same on sessions that really commit."""
    return await switched_on(scratch_ctx, await insert_guild(scratch_ctx, await insert_server(scratch_ctx)))


async def set_rank(sync: Sync, character_id: int, rank: int) -> None:
    async with sync.ctx.sessions.begin() as session:
        await session.execute(sa.update(Membership).where(Membership.character_id == character_id).values(rank=rank))


async def read_roster(sync: Sync) -> None:
    """Note that a whole roster was applied now."""
    async with sync.ctx.sessions.begin() as session:
        await session.execute(sa.update(Guild).values(roster_synced_at=sync.ctx.clock()))


async def test_who_has_a_rank_gets_its_role_and_ledger_member_and_log_say_so(sync: Sync) -> None:
    await sync.person(ANA)
    run = await sync.apply()
    assert sync.discord.made == [(ANA, GIVE, RAIDER)]
    assert await sync.ledger() == {(ANA, RAIDER)}
    assert await sync.query("SELECT role_ids FROM guild_identity.discord_users") == [[RAIDER]]
    view = await roles.progress(sync.ctx, SERVER, run)
    assert (view.kind, view.actor_id, view.total, view.done) == (RunKind.APPLY, OFFICER, 1, 1)
    assert view.finished_at is not None
    [begun] = await load_actions(sync.ctx, "role.start")
    [given] = await load_actions(sync.ctx, "role.give")
    assert begun.after is not None
    assert given.after == {"role_id": RAIDER, "batch": run, "kind": "apply"}
    assert (given.subject_id, given.actor_id, begun.after["batch"]) == (ANA, OFFICER, run)


async def test_a_promotion_gives_the_new_role_before_it_takes_the_old_one(sync: Sync) -> None:
    _, character = await sync.person(ANA)
    await sync.apply()
    await set_rank(sync, character, 1)
    await sync.apply()
    assert sync.discord.made[1:] == [(ANA, GIVE, VETERAN), (ANA, TAKE, RAIDER)]
    assert await sync.ledger() == {(ANA, VETERAN)}


async def test_a_hand_given_role_is_never_removed(sync: Sync, clock: FakeClock) -> None:
    _, character = await sync.person(ANA, 3, RAIDER)
    await sync.person(BEN, 1, RAIDER, FRIEND)
    await sync.follow()
    await leave_guild(sync.ctx, character)
    clock.advance(hours=12)
    await read_roster(sync)
    await sync.follow()
    assert sync.discord.held == {ANA: {RAIDER}, BEN: {RAIDER, FRIEND, VETERAN}}


async def test_a_role_that_an_officer_took_and_gave_again_is_theirs(sync: Sync, clock: FakeClock) -> None:
    _, character = await sync.person(ANA)
    await sync.apply()
    await leave_guild(sync.ctx, character)
    clock.advance(hours=1)
    sync.discord.held[ANA].clear()
    await sync.tell_roles()
    await sync.follow()
    sync.discord.held[ANA].add(RAIDER)
    await sync.tell_roles()
    await read_roster(sync)
    await sync.follow()
    assert sync.discord.held[ANA] == {RAIDER}


async def test_a_departure_takes_a_role_only_after_two_good_rosters(sync: Sync, clock: FakeClock) -> None:
    _, character = await sync.person(ANA)
    await sync.apply()
    clock.advance(hours=6)
    await leave_guild(sync.ctx, character)
    await read_roster(sync)
    await sync.follow()
    assert sync.discord.held[ANA] == {RAIDER}
    clock.advance(hours=6)
    await read_roster(sync)
    await sync.follow()
    assert sync.discord.held[ANA] == set()
    assert await sync.ledger() == set()
    [taken] = await load_actions(sync.ctx, "role.take")
    assert (taken.actor_id, taken.before) == (None, {"role_id": RAIDER})


async def test_the_departure_of_the_best_character_changes_nothing_before_a_second_roster(
    sync: Sync, clock: FakeClock
) -> None:
    player, main = await sync.person(ANA, 1)
    await sync.apply()
    _, alt = await sync.person(BEN, 3)
    async with sync.ctx.sessions.begin() as session:
        await session.execute(
            sa.text("UPDATE guild_identity.player_characters SET player_id = :player WHERE character_id = :alt"),
            {"player": player, "alt": alt},
        )
    await leave_guild(sync.ctx, main)
    await read_roster(sync)
    assert (await sync.preview()).changes == ()
    clock.advance(hours=6)
    await read_roster(sync)
    await sync.follow()
    assert sync.discord.held[ANA] == {RAIDER}


@pytest.mark.parametrize(
    ("table", "column", "stop"),
    [
        ("common.guilds", "roster_synced_at", Stop.ROSTER_UNREAD),
        ("guild_identity.servers", "members_synced_at", Stop.MEMBERS_UNREAD),
    ],
)
async def test_a_roster_or_a_member_list_that_was_never_read_whole_changes_nothing(
    sync: Sync, table: str, column: str, stop: Stop
) -> None:
    await sync.person(ANA)
    async with sync.ctx.sessions.begin() as session:
        await session.execute(sa.text(f"UPDATE {table} SET {column} = NULL"))  # noqa: S608 (names of this module)
    plan = await sync.preview()
    assert (plan.changes, plan.stop) == ((), stop)
    await sync.follow()
    assert sync.discord.made == []


@pytest.mark.parametrize(
    ("values", "stop"),
    [({"role_sync": False}, Stop.OFF), ({"rank_truth": RankTruth.REPORT_ONLY}, Stop.REPORT_ONLY)],
)
async def test_what_is_off_is_shown_and_not_done(sync: Sync, values: dict[str, object], stop: Stop) -> None:
    await sync.person(ANA)
    await sync.configure(**values)
    plan = await sync.preview()
    assert (len(plan.changes), plan.stop) == (1, stop)
    await sync.follow()
    with pytest.raises(Refused):
        await sync.start()
    assert sync.discord.made == []


async def test_without_manage_roles_nothing_begins_and_the_audit_channel_hears_it_once(sync: Sync) -> None:
    await sync.person(ANA)
    sync.discord.may_manage = False
    with pytest.raises(Refused, match="Manage Roles"):
        await sync.start()
    await sync.follow()
    await sync.follow()
    assert await sync.cards(roles.BLOCKED) == [{"role_id": None, "block": "no_right", "members": 1}]


async def test_a_server_that_discord_does_not_show_is_left_alone(sync: Sync) -> None:
    await sync.person(ANA)
    sync.ctx.roles.ask(lambda _server_id: None)
    await sync.follow()
    assert (await roles.preview(sync.ctx, SERVER, None)).stop is Stop.UNSEEN
    with pytest.raises(Unavailable):
        await roles.undo(sync.ctx, SERVER, actor_id=OFFICER)
    assert await sync.query("SELECT count(*) FROM guild_identity.role_runs") == [0]


async def test_some_members_can_be_previewed_and_begun_alone(sync: Sync) -> None:
    for user_id in (ANA, BEN):
        await sync.person(user_id)
    plan = await sync.preview(user_ids=(BEN,))
    assert plan.user_ids == (BEN,)
    live = sync.discord.look(SERVER)
    words = {"kind": RunKind.FIX, "actor_id": OFFICER, "facts": live, "user_ids": (BEN,)}
    await roles.start(sync.ctx, SERVER, key=plan.key, **words)
    await sync.deliver()
    assert sync.discord.made == [(BEN, GIVE, RAIDER)]


async def test_an_override_holds_and_its_roles_follow_it(sync: Sync) -> None:
    player, _ = await sync.person(ANA, 3)
    async with sync.ctx.sessions.begin() as session:
        session.add(
            RankOverride(
                server_id=SERVER, player_id=player, rank_index=1, reason="", set_by=OFFICER, set_at=sync.ctx.clock()
            )
        )
    await sync.apply()
    assert sync.discord.held[ANA] == {VETERAN}


async def test_inference_gives_no_role(sync: Sync) -> None:
    await sync.person(ANA, 3, source=Source.NAME)
    await sync.person(BEN, 3, source=Source.MIGRATED_SHEET)
    assert (await sync.preview()).changes == ()


async def test_a_role_with_powers_needs_the_word_of_somebody_who_has_them_now(sync: Sync) -> None:
    sync.discord.roles[FRIEND] = role(FRIEND, Power.MANAGE_SERVER)
    await sync.person(OFFICER, None)
    await sync.person(BOSS, None, FRIEND)
    await sync.person(ANA, 0)
    await sync.person(BEN, 0, by=BOSS)
    await sync.person(3, 0, source=Source.BATTLENET_OAUTH, by=None)
    plan = await sync.preview()
    assert plan.user_ids == (BEN, 3)
    assert [(one.user_id, one.power) for one in plan.withheld] == [(ANA, Power.MANAGE_SERVER)]
    await sync.apply()
    sync.discord.held[BOSS].clear()
    await sync.tell_roles()
    await sync.person(4, 0, by=BOSS)
    assert [one.user_id for one in (await sync.preview()).withheld] == [ANA, 4]


async def test_a_word_that_lost_its_power_between_start_and_delivery_gives_nothing(sync: Sync) -> None:
    sync.discord.roles[FRIEND] = role(FRIEND, Power.MANAGE_SERVER)
    await sync.person(BOSS, None, FRIEND)
    await sync.person(BEN, 0, by=BOSS)
    run = await sync.start()
    sync.discord.held[BOSS].clear()
    await sync.tell_roles()
    await sync.deliver()
    [failure] = (await roles.progress(sync.ctx, SERVER, run)).left_out
    assert (failure.state, "Manage Server" in failure.reason) == (ChangeState.FAILED, True)
    assert sync.discord.held[BEN] == set()


async def test_what_changed_after_the_start_is_looked_at_right_before_each_change(sync: Sync) -> None:
    _, first = await sync.person(ANA)
    await sync.person(BEN)
    await sync.person(3)
    await sync.person(4)
    await sync.person(5)
    run = await sync.start()
    await set_rank(sync, first, 9)
    sync.discord.held[BEN] = {RAIDER}
    del sync.discord.held[3]
    await sync.deliver()
    view = await roles.progress(sync.ctx, SERVER, run)
    assert {one.user_id: one.reason for one in view.left_out} == {
        ANA: "their rank, or what stands for it, has changed meanwhile",
        BEN: "they have the role already",
        3: "they have left the server",
    }
    assert (view.done, view.skipped, view.failed, view.planned) == (2, 3, 0, 0)
    assert await sync.ledger() == {(4, RAIDER), (5, RAIDER)}


async def test_a_run_that_is_switched_off_meanwhile_stops(sync: Sync) -> None:
    await sync.person(ANA)
    run = await sync.start()
    await sync.configure(role_sync=False)
    await sync.deliver()
    assert (await roles.progress(sync.ctx, SERVER, run)).skipped == 1
    assert sync.discord.made == []


async def test_nobody_loses_the_old_role_when_the_new_one_could_not_be_given(sync: Sync) -> None:
    _, character = await sync.person(ANA)
    await sync.apply()
    await set_rank(sync, character, 1)
    run = await sync.start()
    sync.discord.roles[VETERAN] = role(VETERAN, below_bot=False)
    await sync.deliver()
    view = await roles.progress(sync.ctx, SERVER, run)
    assert [(one.role_id, one.state) for one in view.left_out] == [
        (VETERAN, ChangeState.FAILED),
        (RAIDER, ChangeState.SKIPPED),
    ]
    assert sync.discord.held[ANA] == {RAIDER}


async def test_two_starts_at_once_begin_one_run_and_tell_the_other_who_did(scratch_sync: Sync) -> None:
    for user_id in range(1, 6):
        await scratch_sync.person(user_id)
    key = (await scratch_sync.preview()).key
    starts = (scratch_sync.start(key=key, actor_id=actor_id) for actor_id in (71, 72))
    outcomes = await asyncio.gather(*starts, return_exceptions=True)
    [run] = [one for one in outcomes if isinstance(one, str)]
    [refused] = [one for one in outcomes if isinstance(one, Conflict)]
    winner = (await roles.progress(scratch_sync.ctx, SERVER, run)).actor_id
    assert f"<@{winner}> has applied" in refused.text
    await scratch_sync.deliver()
    assert len(scratch_sync.discord.made) == 5
    with pytest.raises(Conflict, match="Nothing is left"):
        await scratch_sync.start(key=key)


async def test_a_plan_that_changed_since_it_was_shown_is_not_begun(sync: Sync) -> None:
    await sync.person(ANA)
    key = (await sync.preview()).key
    await sync.person(BEN)
    with pytest.raises(Conflict, match="not what you were shown"):
        await sync.start(key=key)


async def test_a_crash_between_discord_and_the_note_is_taken_up_again(scratch_sync: Sync, clock: FakeClock) -> None:
    sync = scratch_sync
    await sync.person(ANA)
    run = await sync.start()
    delivery = await sync.next()
    assert delivery is not None
    work = await sync.check(delivery)
    assert work is not None
    sync.discord.make(work)
    assert await sync.ledger() == set()
    clock.advance(minutes=3)
    await sync.deliver()
    view = await roles.progress(sync.ctx, SERVER, run)
    assert (view.done, view.finished_at) == (1, clock())
    assert await sync.ledger() == {(ANA, RAIDER)}
    assert len(await load_actions(sync.ctx, "role.give")) == 1


async def test_a_crash_after_the_note_does_nothing_twice(scratch_sync: Sync, clock: FakeClock) -> None:
    sync = scratch_sync
    await sync.person(ANA)
    await sync.start()
    delivery = await sync.next()
    assert delivery is not None
    work = await sync.check(delivery)
    assert work is not None
    sync.discord.make(work)
    await role_changes.made(sync.ctx, SERVER, work.change_id)
    clock.advance(minutes=3)
    await sync.deliver()
    assert sync.discord.made == [(ANA, GIVE, RAIDER)]
    assert len(await load_actions(sync.ctx, "role.give")) == 1


async def test_two_processes_note_the_last_two_changes_and_the_run_is_over(scratch_sync: Sync) -> None:
    sync = scratch_sync
    for user_id in (ANA, BEN):
        await sync.person(user_id)
    run = await sync.start()
    first, second = await sync.next(), await sync.next()
    assert first is not None
    assert second is not None
    await asyncio.gather(sync.perform(first), sync.perform(second))
    assert (await roles.progress(sync.ctx, SERVER, run)).finished_at is not None


async def test_a_change_whose_message_failed_for_good_has_failed_with_its_reason(sync: Sync) -> None:
    await sync.person(ANA)
    run = await sync.start()
    delivery = await sync.next()
    assert delivery is not None
    await Outbox(sync.ctx).failed(delivery.id, "error ab12")
    view = await roles.progress(sync.ctx, SERVER, run)
    assert [one.reason for one in view.left_out] == ["error ab12"]
    assert view.finished_at is not None


async def test_undo_takes_back_the_last_run_once_and_switches_role_sync_off(sync: Sync) -> None:
    _, character = await sync.person(ANA)
    await sync.apply()
    await set_rank(sync, character, 1)
    run = await sync.apply()
    undoing = await roles.undo(sync.ctx, SERVER, actor_id=BOSS, run=run)
    await sync.deliver()
    assert sync.discord.held[ANA] == {RAIDER}
    assert sync.discord.made[-2:] == [(ANA, GIVE, RAIDER), (ANA, TAKE, VETERAN)]
    assert await sync.ledger() == {(ANA, RAIDER)}
    assert (await roles.progress(sync.ctx, SERVER, undoing)).done == 2
    with pytest.raises(Conflict, match=f"<@{BOSS}> has undone this run already"):
        await roles.undo(sync.ctx, SERVER, actor_id=OFFICER, run=run)
    last = await roles.last_run(sync.ctx, SERVER)
    assert last is not None
    assert (last.public_id, last.undone_by) == (run, BOSS)
    assert (await sync.preview()).stop is Stop.OFF
    await sync.follow()
    assert sync.discord.held[ANA] == {RAIDER}


async def test_undo_takes_nothing_that_somebody_else_gave_since(sync: Sync, clock: FakeClock) -> None:
    await sync.person(ANA)
    await sync.apply()
    clock.advance(hours=1)
    sync.discord.held[ANA].clear()
    await sync.tell_roles()
    async with sync.ctx.sessions.begin() as session:
        await session.execute(sa.delete(GivenRole))
    sync.discord.held[ANA].add(RAIDER)
    undoing = await roles.undo(sync.ctx, SERVER, actor_id=OFFICER)
    await sync.deliver()
    assert sync.discord.held[ANA] == {RAIDER}
    assert (await roles.progress(sync.ctx, SERVER, undoing)).skipped == 1


async def test_undo_gives_no_powers_back_by_the_word_of_who_lacks_them(sync: Sync, clock: FakeClock) -> None:
    _, character = await sync.person(ANA, 0, source=Source.BATTLENET_OAUTH, by=None)
    await sync.person(OFFICER, None)
    await sync.apply()
    await leave_guild(sync.ctx, character)
    clock.advance(hours=6)
    await read_roster(sync)
    await sync.follow()
    assert sync.discord.held[ANA] == set()
    undoing = await roles.undo(sync.ctx, SERVER, actor_id=OFFICER)
    await sync.deliver()
    [failure] = (await roles.progress(sync.ctx, SERVER, undoing)).left_out
    assert (failure.role_id, "Manage Server" in failure.reason) == (CHIEF, True)
    assert sync.discord.held[ANA] == set()


async def test_undo_of_a_running_run_stops_the_rest_and_takes_back_what_is_just_being_made(sync: Sync) -> None:
    for user_id in (ANA, BEN, 3):
        await sync.person(user_id)
    run = await sync.start()
    first, second = await sync.next(), await sync.next()
    assert first is not None
    assert second is not None
    await sync.perform(first)
    work = await sync.check(second)
    assert work is not None
    undoing = await roles.undo(sync.ctx, SERVER, actor_id=OFFICER)
    sync.discord.make(work)
    await role_changes.made(sync.ctx, SERVER, work.change_id)
    await Outbox(sync.ctx).delivered(second.id, None, ())
    await sync.deliver()
    assert all(not held for held in sync.discord.held.values())
    assert await sync.ledger() == set()
    undone, view = await roles.progress(sync.ctx, SERVER, run), await roles.progress(sync.ctx, SERVER, undoing)
    assert (undone.done, undone.skipped) == (2, 1)
    assert (view.done, view.planned) == (2, 0)
    assert view.finished_at is not None


async def test_there_is_nothing_to_undo_before_a_run_and_an_older_one_stays(sync: Sync) -> None:
    with pytest.raises(Conflict, match="no run"):
        await roles.undo(sync.ctx, SERVER, actor_id=OFFICER)
    await sync.person(ANA)
    older = await sync.apply()
    await sync.person(BEN)
    await sync.apply()
    with pytest.raises(Conflict, match="only the last one"):
        await roles.undo(sync.ctx, SERVER, actor_id=OFFICER, run=older)


async def test_a_run_of_another_server_is_not_known(sync: Sync) -> None:
    await sync.person(ANA)
    run = await sync.apply()
    other = await insert_server(sync.ctx, 200)
    with pytest.raises(NotFound):
        await roles.progress(sync.ctx, other, run)


async def test_a_few_roles_follow_by_themselves_and_many_wait_for_an_officer(sync: Sync) -> None:
    for user_id in range(100, 100 + AT_ONCE):
        await sync.person(user_id)
    await sync.follow()
    assert len(sync.discord.made) == AT_ONCE
    for user_id in range(200, 201 + AT_ONCE):
        await sync.person(user_id)
    await sync.follow()
    await sync.follow()
    assert len(sync.discord.made) == AT_ONCE
    assert await sync.cards(roles.HELD) == [{"members": AT_ONCE + 1, "give": AT_ONCE + 1, "take": 0}]
    await sync.apply()
    assert len(sync.discord.made) == 2 * AT_ONCE + 1


async def test_many_are_not_changed_in_small_steps_while_the_first_ones_are_on_their_way(sync: Sync) -> None:
    for user_id in range(100, 100 + AT_ONCE):
        await sync.person(user_id)
    await roles.follow(sync.ctx, SERVER)
    await sync.person(99)
    await roles.follow(sync.ctx, SERVER)
    assert await sync.query("SELECT count(*) FROM guild_identity.role_runs") == [1]
    assert len(await sync.cards(roles.HELD)) == 1


async def test_an_officers_run_lets_the_next_crowd_be_told_again(sync: Sync, clock: FakeClock) -> None:
    for first in (100, 200):
        for user_id in range(first, first + AT_ONCE + 1):
            await sync.person(user_id)
        clock.advance(minutes=15)
        await sync.follow()
        await mark_cards_sent(sync)
        clock.advance(minutes=15)
        await sync.apply()
    assert len(await sync.cards(roles.HELD)) == 2


async def test_what_waits_for_an_officer_is_told_again_after_a_week(sync: Sync, clock: FakeClock) -> None:
    for user_id in range(100, 101 + AT_ONCE):
        await sync.person(user_id)
    for _ in range(3):
        await sync.follow()
        await mark_cards_sent(sync)
        clock.advance(days=4)
    assert len(await sync.cards(roles.HELD)) == 2


async def mark_cards_sent(sync: Sync) -> None:
    async with sync.ctx.sessions.begin() as session:
        await session.execute(
            sa.text("UPDATE guild_identity.outbox SET state = 'delivered', finished_at = :now WHERE state = 'pending'"),
            {"now": sync.ctx.clock()},
        )


async def test_a_role_above_the_bots_own_is_told_once_and_again_after_it_could_be_given(
    sync: Sync, clock: FakeClock
) -> None:
    sync.discord.roles[RAIDER] = role(RAIDER, below_bot=False)
    await sync.person(ANA)
    await sync.person(BEN, 1)
    for _ in range(3):
        await sync.follow()
        await mark_cards_sent(sync)
        clock.advance(minutes=15)
    assert await sync.cards(roles.BLOCKED) == [{"role_id": RAIDER, "block": Block.TOO_HIGH, "members": 1}]
    assert sync.discord.made == [(BEN, GIVE, VETERAN)]
    sync.discord.roles[RAIDER] = role(RAIDER)
    await sync.follow()
    assert sync.discord.held[ANA] == {RAIDER}
    clock.advance(minutes=15)
    sync.discord.roles[RAIDER] = role(RAIDER, below_bot=False)
    await sync.person(3)
    await sync.follow()
    assert len(await sync.cards(roles.BLOCKED)) == 2


async def test_a_deleted_role_is_left_to_the_word_on_deleted_roles(sync: Sync) -> None:
    del sync.discord.roles[RAIDER]
    await sync.person(ANA)
    await sync.follow()
    assert [one.block for one in (await sync.preview()).blocked] == [Block.DELETED]
    assert await sync.cards(roles.BLOCKED) == []


async def test_what_failed_for_good_is_left_to_officers_for_a_day(sync: Sync, clock: FakeClock) -> None:
    await sync.person(ANA)
    await roles.follow(sync.ctx, SERVER)
    delivery = await sync.next()
    assert delivery is not None
    await Outbox(sync.ctx).failed(delivery.id, "Discord refused it")
    clock.advance(hours=23)
    await sync.follow()
    assert sync.discord.made == []
    assert len((await sync.preview()).changes) == 1
    clock.advance(hours=2)
    await sync.follow()
    assert sync.discord.held[ANA] == {RAIDER}


async def test_another_role_for_a_rank_replaces_the_one_that_muster_gave(sync: Sync) -> None:
    await sync.person(ANA)
    await sync.person(BEN, 3, RAIDER)
    await sync.apply()
    async with sync.ctx.sessions.begin() as session:
        await session.execute(sa.update(GuildRank).where(GuildRank.rank_index == 3).values(role_id=FRIEND))
    await sync.apply()
    assert sync.discord.held == {ANA: {FRIEND}, BEN: {RAIDER, FRIEND}}


async def test_who_left_the_server_is_not_planned_and_comes_back_with_a_clean_ledger(
    sync: Sync, clock: FakeClock
) -> None:
    await sync.person(ANA)
    await sync.apply()
    async with sync.ctx.sessions.begin() as session:
        await session.execute(sa.update(Member).values(left_at=sync.ctx.clock()))
    assert (await sync.preview()).changes == ()
    clock.advance(hours=1)
    await sync.follow()
    assert await sync.ledger() == set()


@pytest.mark.parametrize(
    ("powers", "truth", "error"),
    [
        (frozenset[Power](), RankTruth.GAME, Refused),
        (frozenset({Power.MANAGE_SERVER}), RankTruth.REPORT_ONLY, Conflict),
    ],
)
async def test_role_sync_is_switched_on_by_manage_server_and_while_the_game_decides(
    sync: Sync, powers: frozenset[Power], truth: RankTruth, error: type[Exception]
) -> None:
    await sync.configure(role_sync=False, rank_truth=truth)
    with pytest.raises(error):
        await roles.switch(sync.ctx, SERVER, True, chooser=Chooser(OFFICER, powers))
    assert await sync.query("SELECT role_sync FROM guild_identity.servers") == [False]


async def test_switching_writes_one_row_of_the_log(sync: Sync) -> None:
    chooser = Chooser(OFFICER, frozenset({Power.MANAGE_SERVER}))
    assert await roles.switch(sync.ctx, SERVER, False, chooser=chooser)
    assert not await roles.switch(sync.ctx, SERVER, False, chooser=chooser)
    [switched] = await load_actions(sync.ctx, "setup.role-sync")
    assert (switched.before, switched.after, switched.actor_id) == ({"role_sync": True}, {"role_sync": False}, OFFICER)


async def test_following_without_a_change_writes_nothing(sync: Sync) -> None:
    await sync.person(ANA)
    await sync.follow()
    tables = ("role_runs", "role_changes", "role_ledger", "outbox", "discord_users", "action_log")
    before = [await sync.query(f"SELECT ctid::text, xmin::text FROM guild_identity.{table}") for table in tables]  # noqa: S608
    await sync.follow()
    after = [await sync.query(f"SELECT ctid::text, xmin::text FROM guild_identity.{table}") for table in tables]  # noqa: S608
    assert after == before


async def test_a_member_list_that_is_not_whole_changes_no_role(sync: Sync) -> None:
    await sync.person(ANA)

    async def fetch() -> MemberList:
        raise Unavailable("Discord did not give the whole member list.")

    with pytest.raises(Unavailable):
        await pipeline.sync_members(sync.ctx, SERVER, fetch, trigger=Trigger.TIMER)
    assert await sync.query("SELECT count(*) FROM guild_identity.role_runs") == [0]
    await pipeline.follow_up(sync.ctx, SERVER)
    assert await sync.query("SELECT count(*) FROM guild_identity.role_runs") == [1]


async def test_roles_that_cannot_follow_stop_neither_matching_nor_audit(
    sync: Sync, caplog: pytest.LogCaptureFixture
) -> None:
    await sync.person(ANA)

    def look(_server_id: int) -> None:
        raise RuntimeError("the cache is broken")

    sync.ctx.roles.ask(look)
    assert (await pipeline.follow_up(sync.ctx, SERVER)).audit.failed == ()
    assert f"roles could not follow on server {SERVER}" in caplog.text


async def test_another_guild_leaves_the_given_roles_to_the_officers(sync: Sync) -> None:
    await sync.person(ANA)
    await sync.apply()
    async with sync.ctx.sessions.begin() as session:
        assert await role_ledger.forget_all(session, SERVER) == 1
    await insert_guild(sync.ctx, SERVER, name="Another")
    await sync.follow()
    assert sync.discord.held[ANA] == {RAIDER}


async def test_a_plan_takes_the_same_statements_for_any_number_of_members(
    ctx: Context, statements: Callable[..., Any]
) -> None:
    sync = await switched_on(ctx, await insert_guild(ctx, await insert_server(ctx)))
    counts, sizes = [], []
    for first, size in ((1_000, 10), (10_000, 1_000)):
        await populate(ctx, sync.guild, first, first + size - 1)
        with statements() as seen:
            plan = await sync.preview()
        sizes.append(len(plan.changes) + sum(one.members for one in plan.blocked) + len(plan.withheld))
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 6
    assert 0 < 50 * sizes[0] < sizes[1]


async def test_a_plan_grows_with_the_server_and_not_with_its_square(ctx: Context) -> None:
    sync = await switched_on(ctx, await insert_guild(ctx, await insert_server(ctx)))
    await populate(ctx, sync.guild, 10_000, 10_000 + LARGE - 1)
    async with ctx.sessions.begin() as session:
        await session.execute(
            sa.text(
                """
                INSERT INTO guild_identity.role_ledger (server_id, user_id, role_id, given_at)
                SELECT server_id, user_id, 1, changed_at FROM guild_identity.discord_users
                """
            )
        )
        values = {"server_id": SERVER, "guild_id": sync.guild, "roster_at": ctx.clock(), "now": ctx.clock()}
        for query in (RANKED, GIVEN):
            text = sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")
            [plan] = (await session.execute(text, values)).scalar_one()
            assert work(plan["Plan"]) < LARGE * ROWS_A_PERSON
