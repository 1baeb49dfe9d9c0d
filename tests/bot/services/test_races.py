"""Transactions that write the same characters at the same time: nobody waits for somebody who waits for them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import runs
from db import locks, profiles, roster
from db.profiles import Checked, ProfileFacts
from db.runs import Scope
from domain.regions import Region
from domain.roster import Identity, RosterEntry, plan
from domain.runs import RunSource, Trigger
from sandbox.world import Guild
from tests.support.scene import HOME, NEXT_DOOR, Scene, adventurer, follow

PATIENCE_SECONDS = 20
NEW = range(100, 108)
HOLD_CHARACTER = "SELECT id FROM common.wow_characters WHERE blizzard_id = 1004 FOR NO KEY UPDATE"
HOLD_CHECK = (
    "SELECT character_id FROM common.profile_checks JOIN common.wow_characters AS c ON c.id = character_id "
    "WHERE blizzard_id = 1004 FOR NO KEY UPDATE OF profile_checks"
)
HOLD_NEW = (
    "INSERT INTO common.wow_characters (region, realm_id, blizzard_id, name, name_key, realm_slug, class_id, level, "
    "first_seen_at) SELECT region, realm_id, 1104, 'x', 'x', 'x', 8, 90, now() FROM common.wow_characters LIMIT 1"
)
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

Work = Callable[[AsyncSession], Awaitable[None]]


@pytest.fixture
async def scene(scratch_scene: Scene) -> Scene:
    """Give the small guild with roster and profiles read."""
    await scratch_scene.sync_all()
    return scratch_scene


@pytest.fixture
async def allied(scene: Scene) -> Scene:
    """Give another guild, which shares the characters of the first."""
    guild = Guild(71, "The Second Watch", "the-second-watch", HOME, "ALLIANCE")
    return replace(scene, guild=guild, guild_id=await follow(scene.ctx, guild, server_id=None))


def entry(number: int, *, moved: bool = False, level: int = 91) -> RosterEntry:
    """Tell of a character of the small guild, or of a new one, what no row says yet."""
    one, realm = adventurer(number), NEXT_DOOR if moved else HOME
    return RosterEntry(Identity(HOME.id, one.id), one.name, realm.slug, 8, 1, level, "ALLIANCE", 5)


async def applying(scene: Scene, entries: Sequence[RosterEntry], *, backwards: bool = False) -> Work:
    """Prepare to apply a roster, in the order of its plan or backwards; another guild's lock is no matter here."""
    run = await runs.begin(scene.ctx, RunSource.BLIZZARD_API, Scope(guild_id=scene.guild_id), trigger=Trigger.TIMER)
    async with scene.ctx.sessions() as session:
        stored = await roster.load(
            session, guild_id=scene.guild_id, region=Region.EU, fetched=[one.identity for one in entries]
        )
    planned = plan(stored, entries)
    assert len(planned.changed) + len(planned.new) == len(entries)
    if backwards:
        planned = replace(planned, changed=planned.changed[::-1], new=planned.new[::-1], joined=planned.joined[::-1])

    async def work(session: AsyncSession) -> None:
        now = scene.ctx.clock()
        await roster.apply(session, planned, guild_id=scene.guild_id, region=Region.EU, run_id=run.id, now=now)

    return work


async def noting(scene: Scene, numbers: Sequence[int], *, item_level: int | None) -> Work:
    """Prepare to write profiles in this order; without an item level they are equal to what is stored."""
    places = [(one.id, one.realm_slug) for one in [await scene.stored(scene.member(number)) for number in numbers]]

    async def work(session: AsyncSession) -> None:
        facts = [ProfileFacts(*place, None, None, None, None, None, item_level, None, None) for place in places]
        await profiles.write(session, facts, [Checked(*place, "later") for place in places], scene.ctx.clock())

    return work


async def meet(scene: Scene, hold: str, *works: Work) -> None:
    """Let works begin at once and go on together: each has what it takes first when all wait for what is held."""

    async def alone(work: Work) -> None:
        async with scene.ctx.sessions.begin() as session:
            await work(session)

    async with scene.ctx.sessions() as holder, scene.ctx.sessions() as watcher:
        await holder.execute(sa.text(hold))
        at_work = [asyncio.create_task(alone(work)) for work in works]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await watcher.scalar(sa.text(BLOCKED)) != len(works):
                await watcher.rollback()
                await asyncio.sleep(0.01)
        await holder.rollback()
    await asyncio.gather(*at_work)


@pytest.mark.parametrize("hold", [HOLD_CHARACTER, HOLD_CHECK])
async def test_two_guilds_whose_rosters_change_the_same_characters_do_not_deadlock(
    scene: Scene, allied: Scene, hold: str
) -> None:
    changed = [entry(number, moved=True) for number in range(8)]
    one, other = await applying(scene, changed), await applying(allied, changed, backwards=True)
    await meet(scene, hold, one, other)
    assert await scene.query("SELECT DISTINCT level, realm_slug FROM common.wow_characters") == [(91, NEXT_DOOR.slug)]
    assert await scene.query("SELECT DISTINCT last_modified FROM common.profile_checks") == [None]


async def test_two_guilds_that_meet_the_same_new_characters_do_not_deadlock(scene: Scene, allied: Scene) -> None:
    new = [entry(number) for number in NEW]
    one, other = await applying(scene, new), await applying(allied, new, backwards=True)
    await meet(scene, HOLD_NEW, one, other)
    assert await scene.query("SELECT count(*) FROM common.wow_characters WHERE blizzard_id >= 1100") == [8]
    assert await scene.query("SELECT count(*) FROM common.guild_memberships WHERE left_at IS NULL") == [24]


@pytest.mark.parametrize("hold", [HOLD_CHARACTER, HOLD_CHECK])
async def test_two_batches_of_the_same_profiles_do_not_deadlock(scene: Scene, hold: str) -> None:
    one, other = await noting(scene, range(8), item_level=300), await noting(scene, range(7, -1, -1), item_level=301)
    await meet(scene, hold, one, other)
    levels = await scene.query("SELECT DISTINCT equipped_item_level FROM common.wow_characters")
    assert levels in ([300], [301])
    assert await scene.query("SELECT DISTINCT last_modified FROM common.profile_checks") == ["later"]


@pytest.mark.parametrize("hold", [HOLD_CHARACTER, HOLD_CHECK])
async def test_a_roster_and_profiles_of_its_characters_do_not_deadlock(scene: Scene, hold: str) -> None:
    changed = [entry(number, moved=True) for number in range(8)]
    await meet(scene, hold, await applying(scene, changed), await noting(scene, range(7, -1, -1), item_level=300))
    written = await scene.query("SELECT DISTINCT level, equipped_item_level FROM common.wow_characters")
    assert written in ([(91, 300)], [(91, 270)])  # who has moved when the profiles come keeps what is stored
    assert await scene.query("SELECT DISTINCT last_modified FROM common.profile_checks") == [None]


async def test_a_transaction_that_is_undone_for_anothers_is_run_again(scene: Scene) -> None:
    """Two that take two rows crosswise: PostgreSQL undoes one, which begins anew."""
    tries: list[int] = []
    both_have_one = asyncio.Barrier(2)

    async def crossing(first: int, second: int) -> None:
        async def transaction() -> None:
            tries.append(first)
            async with scene.ctx.sessions.begin() as session:
                take = sa.text("UPDATE common.wow_characters SET level = level + 1 WHERE blizzard_id = :id")
                await session.execute(take, {"id": first})
                if len(tries) <= both_have_one.parties:
                    await both_have_one.wait()
                await session.execute(take, {"id": second})

        await locks.again_when_undone(transaction)

    await asyncio.gather(crossing(1001, 1002), crossing(1002, 1001))
    assert len(tries) == 3
    assert await scene.query("SELECT level FROM common.wow_characters WHERE blizzard_id IN (1001, 1002)") == [92, 92]


async def test_what_another_try_cannot_mend_is_not_tried_again(scene: Scene) -> None:
    tries: list[int] = []

    async def broken() -> None:
        tries.append(1)
        await scene.query("SELECT 1 / 0")

    with pytest.raises(DBAPIError, match="division by zero"):
        await locks.again_when_undone(broken)
    assert len(tries) == 1
