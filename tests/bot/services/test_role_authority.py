"""Role sync where somebody could gain by it: merged players, roles given by hand, rules screening, work nobody does."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.services import claims, members, pipeline, player, proofs, roles
from bot.services.context import Context
from bot.services.outbox import Outbox
from db.tables.guilds import Guild
from domain.links import Source
from domain.role_sync import Change, RoleAct, RolePlan
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    facts,
    insert_guild,
    insert_server,
    leave_guild,
    load_actions,
    load_issues,
)
from tests.support.role_sync import BOSS, CHIEF, RAIDER, Sync, switched_on

ANA, BEN, CEM = 1, 2, 3


@pytest.fixture
async def sync(ctx: Context) -> Sync:
    """A server with role sync on, whose guild's ranks 0, 1 and 3 stand for roles."""
    return await switched_on(ctx, await insert_guild(ctx, await insert_server(ctx)))


async def merge(sync: Sync, character_id: int) -> RolePlan:
    """Let Ana claim a character that is Ben's, and an officer without powers merge the two; give what would follow."""
    asked = await claims.ask(sync.ctx, SERVER, character=str(character_id), user_id=ANA)
    await claims.confirm(sync.ctx, SERVER, public_id=asked.public_id, actor_id=OFFICER, manages_server=False)
    await pipeline.follow_up(sync.ctx, SERVER)
    [issue] = await load_issues(sync.ctx, "duplicate_discord")
    await proofs.merge(sync.ctx, SERVER, issue.public_id, actor_id=OFFICER, manages_server=False)
    plan: RolePlan = await sync.preview()
    return plan


async def lose_rank(sync: Sync, clock: FakeClock, character_id: int) -> None:
    """Let a character leave the guild, and two good rosters say so."""
    await leave_guild(sync.ctx, character_id)
    clock.advance(hours=6)
    async with sync.ctx.sessions.begin() as session:
        await session.execute(sa.update(Guild).values(roster_synced_at=clock()))


@pytest.mark.parametrize(("source", "by"), [(Source.OFFICER, BOSS), (Source.BATTLENET_OAUTH, None)])
@pytest.mark.parametrize("high", [ANA, BEN])
async def test_a_merge_gives_no_powers_by_the_word_of_who_knew_of_one_player_only(
    sync: Sync, source: Source, by: int | None, high: int
) -> None:
    await sync.person(BOSS, None, CHIEF)
    await sync.person(ANA, 0 if high == ANA else 3, CHIEF if high == ANA else RAIDER, source=source, by=by)
    _, character = await sync.person(
        BEN, 0 if high == BEN else 3, CHIEF if high == BEN else RAIDER, source=source, by=by
    )

    plan = await merge(sync, character)

    assert plan.changes == ()
    assert [(one.user_id, one.role_id) for one in plan.withheld] == [(BEN if high == ANA else ANA, CHIEF)]


@pytest.mark.parametrize("high", [ANA, BEN])
async def test_an_override_of_one_player_gives_the_other_no_powers_by_a_merge(sync: Sync, high: int) -> None:
    await sync.person(BOSS, None, CHIEF)
    await sync.person(ANA, 3, RAIDER, by=BOSS)
    _, character = await sync.person(BEN, 3, RAIDER, by=BOSS)
    word = {"rank": "0", "reason": "deputy", "until": None, "actor_id": BOSS}
    await player.set_rank(sync.ctx, SERVER, user_id=high, **word)
    sync.discord.held[high].add(CHIEF)
    await sync.tell_roles()

    plan = await merge(sync, character)

    assert plan.changes == ()
    assert [(one.user_id, one.role_id) for one in plan.withheld] == [(BEN if high == ANA else ANA, CHIEF)]


async def make_deputy(sync: Sync, by: int) -> bool:
    """Say that Ana has the chief's rank; tell whether that changed anything."""
    word = await player.set_rank(sync.ctx, SERVER, user_id=ANA, rank="0", reason="deputy", until=None, actor_id=by)
    return word.changed


async def test_a_rank_said_again_by_who_has_the_power_gives_the_role_that_was_withheld(sync: Sync) -> None:
    await sync.person(BOSS, None, CHIEF)
    await sync.person(BEN, None)
    await sync.person(ANA, 3, RAIDER, by=BOSS)
    assert await make_deputy(sync, BEN)
    assert [one.role_id for one in (await sync.preview()).withheld] == [CHIEF]

    assert not await make_deputy(sync, BEN)
    assert await make_deputy(sync, BOSS)

    plan = await sync.preview()
    assert plan.withheld == ()
    assert Change(ANA, RoleAct.GIVE, CHIEF) in plan.changes
    assert [row.actor_id for row in await load_actions(sync.ctx, "player.rank")] == [BEN, BOSS]


@pytest.mark.parametrize("again", [BEN, OFFICER])
async def test_a_rank_said_again_by_who_lacks_the_power_or_is_no_member_stays_the_first_ones_word(
    sync: Sync, again: int
) -> None:
    await sync.person(BOSS, None, CHIEF)
    await sync.person(BEN, None)
    await sync.person(CEM, None)
    await sync.person(ANA, 3, RAIDER, by=BOSS)
    assert await make_deputy(sync, CEM)

    assert not await make_deputy(sync, again)

    assert await sync.query("SELECT set_by FROM guild_identity.rank_overrides") == [CEM]


async def test_a_rank_said_again_stays_the_first_ones_word_where_no_role_is_withheld(sync: Sync) -> None:
    await sync.person(BOSS, None, CHIEF)
    await sync.person(ANA, 3, RAIDER, CHIEF, by=BOSS)
    assert await make_deputy(sync, OFFICER)

    assert not await make_deputy(sync, BOSS)

    assert await sync.query("SELECT set_by FROM guild_identity.rank_overrides") == [OFFICER]


async def test_undo_gives_no_role_to_who_has_not_accepted_the_rules(sync: Sync, clock: FakeClock) -> None:
    _, character = await sync.person(ANA)
    await sync.apply()
    await lose_rank(sync, clock, character)
    await sync.follow()
    assert sync.discord.held[ANA] == set()
    clock.advance(hours=1)
    await members.member_changed(sync.ctx, SERVER, facts(ANA, pending=True))
    await roles.undo(sync.ctx, SERVER, actor_id=OFFICER)
    await sync.deliver()
    assert sync.discord.held[ANA] == set()


async def test_a_role_that_somebody_gave_to_who_joined_anew_is_never_removed(sync: Sync, clock: FakeClock) -> None:
    _, character = await sync.person(ANA)
    await sync.apply()
    clock.advance(hours=1)
    await members.member_left(sync.ctx, SERVER, ANA)
    clock.advance(hours=1)
    back = replace(facts(ANA, role_ids=(RAIDER,)), joined_at=clock())
    await members.member_changed(sync.ctx, SERVER, back)
    await lose_rank(sync, clock, character)
    await sync.follow()
    assert sync.discord.held[ANA] == {RAIDER}
    assert await sync.ledger() == set()


async def test_undo_takes_no_role_that_somebody_gave_to_who_joined_anew(sync: Sync, clock: FakeClock) -> None:
    await sync.person(ANA)
    await sync.apply()
    clock.advance(hours=1)
    back = replace(facts(ANA, role_ids=(RAIDER,)), joined_at=clock())
    await members.member_changed(sync.ctx, SERVER, back)
    await roles.undo(sync.ctx, SERVER, actor_id=OFFICER)
    await sync.deliver()
    assert sync.discord.held[ANA] == {RAIDER}


async def test_a_role_that_was_taken_and_given_by_hand_between_two_pipelines_is_never_removed(
    sync: Sync, clock: FakeClock
) -> None:
    _, character = await sync.person(ANA)
    await sync.apply()
    clock.advance(hours=1)
    await members.member_changed(sync.ctx, SERVER, facts(ANA))
    clock.advance(minutes=1)
    await members.member_changed(sync.ctx, SERVER, facts(ANA, role_ids=(RAIDER,)))
    await lose_rank(sync, clock, character)
    await sync.follow()
    assert sync.discord.held[ANA] == {RAIDER}


async def test_what_discord_may_not_have_told_yet_stays_in_the_ledger(sync: Sync, clock: FakeClock) -> None:
    await sync.person(ANA)
    await sync.apply()
    clock.advance(minutes=1)
    await members.member_changed(sync.ctx, SERVER, facts(ANA))
    assert await sync.ledger() == {(ANA, RAIDER)}


async def test_a_role_given_by_hand_before_discord_was_ever_asked_is_not_musters(sync: Sync, clock: FakeClock) -> None:
    await sync.person(ANA)
    await sync.start()
    delivery = await sync.next()
    assert delivery is not None
    await Outbox(sync.ctx).retry(delivery.id, "no answer: Unavailable", 0)
    sync.discord.held[ANA].add(RAIDER)
    await sync.tell_roles()
    await sync.deliver()
    assert await sync.ledger() == set()
    assert await sync.query("SELECT state FROM guild_identity.role_changes") == ["skipped"]


async def test_a_change_that_nobody_will_make_holds_no_finding_back_while_role_sync_is_off(sync: Sync) -> None:
    await sync.person(ANA)
    await sync.apply()
    await roles.undo(sync.ctx, SERVER, actor_id=OFFICER)
    delivery = await sync.next()
    assert delivery is not None
    await Outbox(sync.ctx).failed(delivery.id, "error 1")
    sync.discord.held[ANA].clear()
    await sync.tell_roles()
    await pipeline.follow_up(sync.ctx, SERVER)
    assert len(await load_issues(sync.ctx, "no_guild_role")) == 1
    assert await sync.query("SELECT count(*) FROM guild_identity.role_runs WHERE finished_at IS NULL") == [0]
