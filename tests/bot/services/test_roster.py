from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.battlenet.client import BattleNetClient
from bot.battlenet.limiter import Lane, Limiter
from bot.services import reference, roster
from bot.services.context import Context
from db import jobs
from domain.errors import NotFound
from domain.regions import Region
from domain.runs import RunStatus, Trigger
from sandbox.battlenet import BattleNetStandIn, EmptyMembers
from sandbox.sample import sample_guild
from sandbox.world import Character, Guild, Realm
from tests.support.clock import FakeClock
from tests.support.scene import (
    CHANNEL,
    ELSEWHERE,
    NEXT_DOOR,
    OFFICER,
    SERVER,
    Scene,
    adventurer,
    client_of,
    follow,
    guild_of,
)


def replace_realm(character: Character, realm: Realm, *, visible: bool) -> Character:
    character.realm, character.visible = realm, visible
    return character


def key(character: Character) -> str:
    return f"{character.name}-{character.realm.slug}"


async def test_a_first_sync_stores_the_whole_sample_guild(ctx: Context) -> None:
    sample = sample_guild()
    async with (
        BattleNetStandIn(sample.world, per_second=None, per_hour=None) as stand_in,
        client_of(stand_in) as battlenet,
    ):
        scene = Scene(ctx, battlenet, stand_in, sample.guild, await follow(ctx, sample.guild))
        outcome = await scene.sync()
        members = sample.world.members(sample.guild)
        assert (outcome.status, outcome.reason) == (RunStatus.SUCCESS, None)
        assert outcome.characters == outcome.new == len(members)
        assert await scene.roster() == {key(one): one.rank for one in members}
        facts = "SELECT blizzard_id, realm_id, name, class_id, race_id, level FROM common.wow_characters"
        assert set(await scene.query(facts)) == {
            (one.id, one.realm.id, one.name, one.class_id, one.race_id, one.level) for one in members
        }


async def test_an_unchanged_roster_writes_no_character_and_no_membership(scene: Scene, clock: FakeClock) -> None:
    await scene.sync_all()
    tables = ("common.wow_characters", "common.guild_memberships", "common.profile_checks")
    before = [await scene.versions(table) for table in tables]
    clock.advance(hours=6)
    outcome = await scene.sync()
    assert (outcome.characters, outcome.new, outcome.changed) == (8, 0, 0)
    assert [await scene.versions(table) for table in tables] == before
    assert await scene.query("SELECT roster_synced_at FROM common.guilds") == [clock.now]


@pytest.mark.parametrize("size", [50, 1000])
@pytest.mark.parametrize("followers", [0, 1, 4])
async def test_a_roster_takes_at_most_twelve_statements_whatever_its_size_and_its_servers(
    ctx: Context, size: int, followers: int, statements: Callable[..., AbstractContextManager[list[str]]]
) -> None:
    """The twelfth is not counted here: the job for the profiles, which goes to the driver itself."""
    world, guild = guild_of(size)
    async with BattleNetStandIn(world, per_second=None, per_hour=None) as stand_in, client_of(stand_in) as battlenet:
        scene = Scene(ctx, battlenet, stand_in, guild, await follow(ctx, guild, server_id=None))
        for number in range(followers):
            await follow(ctx, guild, server_id=SERVER + number, channel_id=CHANNEL + number)
        with statements() as first:
            await scene.sync()
        scene.leave(1)
        await scene.sync()
        scene.rejoin(1)
        scene.leave(*range(2, size // 2))
        for number in range(size // 2, size - 10):
            world.rename(scene.member(number), scene.member(number).name + "x")
            world.promote(scene.member(number))
        world.join(world.add(adventurer(size)), guild, 9)
        with statements() as busy:
            outcome = await scene.sync()
        with statements() as still_held:
            await scene.sync()
    assert (outcome.new, outcome.returned, outcome.held) == (1, 1, size // 2 - 2)
    assert outcome.renamed == outcome.rank_moved == size - 10 - size // 2
    assert [len(seen) for seen in (first, busy, still_held)] == [9, 11, 8]
    queued = await scene.query("SELECT kind, count(*) FROM guild_identity.outbox GROUP BY kind ORDER BY kind")
    assert queued == ([("departures", followers), ("roster_news", 2 * followers)] if followers else [])


async def test_a_rename_by_id_keeps_the_character_and_records_the_former_name(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    character = scene.member(3)
    before, former = await scene.stored(character), character.name
    scene.world.rename(character, "Ærwyn")
    clock.advance(hours=6)
    outcome = await scene.sync()
    after = await scene.stored(character)
    assert (outcome.renamed, outcome.new, outcome.departed) == (1, 0, 0)
    assert (after.id, after.name, after.name_key) == (before.id, "Ærwyn", "aerwyn")
    names = "SELECT character_id, name, name_key, realm_slug, borne_until, run_id FROM common.character_names"
    assert await scene.query(names) == [
        (before.id, former, before.name_key, "amberfall", clock.now, outcome.run_id),
    ]


async def test_a_rename_onto_the_name_of_a_departed_character_makes_no_mix_up(scene: Scene) -> None:
    await scene.sync()
    leaver, heir = scene.member(1), scene.member(2)
    departed, kept = await scene.stored(leaver), await scene.stored(heir)
    name = leaver.name
    scene.leave(1)
    await scene.sync()
    scene.world.remove(leaver)
    scene.world.rename(heir, name)
    outcome = await scene.sync()
    assert (outcome.status, outcome.renamed, outcome.new) == (RunStatus.SUCCESS, 1, 0)
    rows = await scene.query("SELECT id FROM common.wow_characters WHERE name = :name ORDER BY id", name=name)
    assert rows == sorted([departed.id, kept.id])
    assert await scene.query("SELECT character_id FROM common.guild_memberships WHERE left_at IS NOT NULL") == [
        departed.id
    ]


async def test_two_characters_may_swap_names_in_one_roster(scene: Scene) -> None:
    await scene.sync()
    one, other = scene.member(1), scene.member(2)
    rows, names = [await scene.stored(one), await scene.stored(other)], [one.name, other.name]
    scene.world.rename(one, "Zwischen")
    scene.world.rename(other, names[0])
    scene.world.rename(one, names[1])
    assert (await scene.sync()).renamed == 2
    assert [(await scene.stored(one)).id, (await scene.stored(other)).id] == [row.id for row in rows]
    assert [(await scene.stored(one)).name, (await scene.stored(other)).name] == names[::-1]


async def test_a_realm_transfer_keeps_the_character_and_forgets_what_its_old_profile_said_of_the_realm(
    scene: Scene, clock: FakeClock
) -> None:
    await scene.sync_all()
    character = scene.member(3)
    before = await scene.stored(character)
    scene.world.transfer(character, ELSEWHERE)
    outcome = await scene.sync()
    after = await scene.stored(character)
    assert (outcome.renamed, outcome.new, outcome.departed, outcome.characters) == (1, 0, 0, 8)
    assert (after.id, after.realm_id, after.realm_slug) == (before.id, ELSEWHERE.id, "twilight-harbor")
    assert (before.realm_name, after.realm_name) == ("Amberfall", None)
    scene.stand_in.requests.clear()
    clock.advance(hours=24)
    await scene.sync_all()
    moved = next(seen for seen in scene.stand_in.requests if seen.path.endswith(f"/{character.name.lower()}"))
    assert "If-Modified-Since" not in moved.headers
    assert (await scene.stored(character)).realm_name == "Twilight Harbor"


async def test_a_character_without_a_profile_bears_its_realms_name_not_its_slug(scene: Scene) -> None:
    """The roster has slugs only; what the region's realm index said is known from the first use of the region."""
    await reference.ensure_region(scene.ctx, scene.battlenet, Region.EU)
    hidden = [replace_realm(scene.member(number), ELSEWHERE, visible=False) for number in (2, 3)]
    await scene.sync()
    assert {(await scene.stored(one)).realm_name for one in hidden} == {"Twilight Harbor"}


async def test_a_return_opens_a_new_membership_of_the_same_character(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    before = await scene.stored(scene.member(3))
    start = clock.now
    scene.leave(3)
    left = clock.advance(hours=6)
    assert (await scene.sync()).departed == 1
    scene.rejoin(3)
    back = clock.advance(hours=6)
    outcome = await scene.sync()
    assert (outcome.returned, outcome.new, outcome.rank_moved) == (1, 0, 0)
    assert await scene.query("SELECT id FROM common.rank_history") == []
    assert (await scene.stored(scene.member(3))).id == before.id
    periods = "SELECT joined_at, left_at FROM common.guild_memberships WHERE character_id = :id ORDER BY id"
    assert await scene.query(periods, id=before.id) == [(start, left), (back, None)]


async def test_a_rank_move_is_recorded_once(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    scene.world.promote(scene.member(3))
    seen_at = clock.advance(hours=6)
    outcome = await scene.sync()
    clock.advance(hours=6)
    assert (outcome.rank_moved, (await scene.sync()).rank_moved) == (1, 0)
    stored = await scene.stored(scene.member(3))
    history = "SELECT character_id, old_rank, new_rank, seen_at, run_id FROM common.rank_history"
    assert await scene.query(history) == [(stored.id, 5, 4, seen_at, outcome.run_id)]
    assert (await scene.roster())[key(scene.member(3))] == 4


async def test_unknown_class_and_race_are_stored_by_their_ids(scene: Scene) -> None:
    newcomer = scene.world.add(adventurer(50, class_id=77, race_id=999, active_spec=None))
    scene.world.join(newcomer, scene.guild, 9)
    outcome = await scene.sync()
    stored = await scene.stored(newcomer)
    assert (outcome.status, stored.class_id, stored.race_id) == (RunStatus.SUCCESS, 77, 999)


async def test_a_race_that_the_roster_lacks_leaves_what_is_stored(scene: Scene) -> None:
    await scene.sync()
    character = scene.member(3)
    character.race_id, character.faction, character.level = None, None, 91
    assert (await scene.sync()).changed == 1
    stored = await scene.stored(character)
    assert (stored.race_id, stored.faction, stored.level) == (1, "ALLIANCE", 91)
    assert await scene.query("SELECT id FROM common.character_names") == []


async def test_two_characters_of_one_name_on_two_realms_are_two(scene: Scene) -> None:
    twin = scene.world.add(adventurer(3, id=2_003, realm=NEXT_DOOR))
    scene.world.join(twin, scene.guild, 6)
    await scene.sync()
    original = scene.member(3)
    assert original.name == twin.name
    assert (await scene.stored(original)).id != (await scene.stored(twin)).id
    members = await scene.roster()
    assert (members[key(original)], members[key(twin)]) == (5, 6)


async def test_one_id_on_two_realms_is_two_characters(scene: Scene) -> None:
    scene.world.join(scene.world.add(adventurer(60, id=1_003, realm=NEXT_DOOR)), scene.guild, 6)
    assert (await scene.sync()).new == 9
    assert await scene.query("SELECT realm_id FROM common.wow_characters WHERE blizzard_id = 1003 ORDER BY 1") == [
        9001,
        9002,
    ]


async def test_a_character_that_changes_guild_stays_one_character(scene: Scene) -> None:
    other = Guild(71, "Second Home", "second-home", NEXT_DOOR, "ALLIANCE")
    scene.world.guilds.append(other)
    await scene.sync()
    before = await scene.stored(scene.member(3))
    scene.world.join(scene.member(3), other, 1)
    there = replace(scene, guild=other, guild_id=await follow(scene.ctx, other, server_id=5_002))
    assert ((await there.sync()).returned, (await scene.sync()).departed) == (1, 1)
    memberships = "SELECT character_id, left_at IS NULL FROM common.guild_memberships WHERE guild_id = :guild"
    assert await scene.query(memberships, guild=there.guild_id) == [(before.id, True)]


async def test_the_log_says_who_asked_what_came_of_it_and_how_long_it_took(scene: Scene, clock: FakeClock) -> None:
    async def read(_: str) -> None:
        clock.advance(seconds=2)

    outcome = await scene.sync(Trigger.COMMAND, actor_id=OFFICER, progress=read)
    run = await scene.last_run()
    assert (run.id, run.source, run.status, run.reason) == (outcome.run_id, "blizzard_api", "success", None)
    assert (run.trigger, run.actor_id, run.owner) == ("command", OFFICER, "test")
    assert (run.duration_ms, run.finished_at) == (4000, clock.now)
    assert run.counts == {
        "characters": 8,
        "new": 8,
        "changed": 0,
        "renamed": 0,
        "rank_moved": 0,
        "returned": 0,
        "departed": 0,
        "held": 0,
        "newly_held": 0,
    }


async def test_a_sync_needs_no_audit_channel(ctx: Context, stand_in: BattleNetStandIn) -> None:
    guild = stand_in.world.guilds[0]
    async with client_of(stand_in) as battlenet:
        scene = Scene(ctx, battlenet, stand_in, guild, await follow(ctx, guild, channel_id=None))
        await scene.sync()
        scene.leave(1, 2, 3, 4, 5)
        outcome = await scene.sync()
    assert (outcome.status, outcome.held) == (RunStatus.SUCCESS, 5)
    assert await scene.query("SELECT id FROM guild_identity.outbox") == []


async def test_a_guild_that_is_not_stored_is_said_to_be_unknown(scene: Scene) -> None:
    with pytest.raises(NotFound, match="/setup guild"):
        await roster.sync_roster(scene.ctx, scene.battlenet, 999_999, trigger=Trigger.COMMAND)


QUEUED = "SELECT entrypoint, convert_from(payload, 'UTF8'), status::text FROM jobs.pgqueuer"


async def test_an_applied_roster_queues_the_profiles_of_its_guild_once(scene: Scene) -> None:
    await scene.sync()
    await scene.sync()
    assert await scene.query(QUEUED) == [("profiles", str(scene.guild_id), "queued")]


async def test_a_roster_that_is_not_applied_queues_no_profiles(scene: Scene) -> None:
    scene.stand_in.faults.add("*/roster", EmptyMembers())
    await scene.sync()
    assert await scene.query(QUEUED) == []


async def test_nobodys_guild_queues_no_profiles(ctx: Context, stand_in: BattleNetStandIn) -> None:
    guild = stand_in.world.guilds[0]
    async with client_of(stand_in) as battlenet:
        scene = Scene(ctx, battlenet, stand_in, guild, await follow(ctx, guild, server_id=None))
        await scene.sync()
    assert await scene.query(QUEUED) == []


async def test_what_is_queued_with_a_transaction_goes_with_it(scratch_scene: Scene) -> None:
    scene = scratch_scene
    async with scene.ctx.sessions() as session:
        await session.execute(sa.text("SELECT 1"))
        await jobs.enqueue_profiles(session, scene.guild_id)
        await session.rollback()
    assert await scene.query(QUEUED) == []


async def test_nothing_is_queued_outside_a_transaction(scratch_scene: Scene) -> None:
    """The dialect begins at the first statement: a job queued before would outlive a rollback."""
    async with scratch_scene.ctx.sessions.begin() as session:
        with pytest.raises(AssertionError, match="has not begun"):
            await jobs.enqueue_profiles(session, scratch_scene.guild_id)


@pytest.mark.parametrize(("trigger", "lane"), [(Trigger.TIMER, Lane.ROSTERS), (Trigger.COMMAND, Lane.PEOPLE)])
async def test_who_waits_for_a_roster_goes_before_a_timer(scene: Scene, trigger: Trigger, lane: Lane) -> None:
    lanes: list[Lane] = []

    class Watched(Limiter):
        @asynccontextmanager
        async def turn(self, lane: Lane) -> AsyncIterator[None]:
            lanes.append(lane)
            async with super().turn(lane):
                yield

    stand_in = scene.stand_in
    client = BattleNetClient(
        stand_in.api, stand_in.oauth, stand_in.client_id, stand_in.client_secret, limiter=Watched()
    )
    await replace(scene, battlenet=client).sync(trigger)
    await client.aclose()
    assert lanes == [Lane.PEOPLE, lane]  # a token first, for which people would have to wait too
