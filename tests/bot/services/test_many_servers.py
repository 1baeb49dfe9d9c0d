"""One process for many servers, guilds and regions; and servers that Muster is removed from and invited to again."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from bot.battlenet.client import BattleNetClient
from bot.services import audit, pipeline, reference, schedule, servers
from bot.services.context import Context
from bot.services.members import MemberList
from bot.services.pipeline import RosterSync
from domain.errors import Unavailable
from domain.regions import Region
from domain.runs import RunStatus, Trigger
from sandbox.battlenet import BattleNetStandIn
from sandbox.realms import REALMS
from sandbox.world import Guild, Realm, World
from tests.support.clock import FakeClock
from tests.support.people import facts, insert_members, load_links
from tests.support.scene import OFFICER, SERVER, Scene, adventurer, client_of, follow

ALLIES = 5_002
HOMES = {region: next(realm for realm in REALMS if realm.region == region) for region in Region}
GUILD_NAMES = {
    Region.EU: ("The Ember Vigil", "the-ember-vigil"),
    Region.US: ("The Ember Vigil", "the-ember-vigil"),
    Region.KR: ("잿빛 수호대", "잿빛-수호대"),
    Region.TW: ("霧色守夜人", "霧色守夜人"),
}


async def sync_due(scene: Scene) -> list[RosterSync]:
    """Sync every roster that is due, as the timer does."""
    due = await schedule.due_guilds(scene.ctx)
    return [await pipeline.sync_roster(scene.ctx, scene.battlenet, one, trigger=Trigger.TIMER) for one in due]


def rosters_asked(stand_in: BattleNetStandIn) -> Counter[str]:
    """Count the roster calls by path."""
    return Counter(seen.path for seen in stand_in.requests if seen.path.endswith("/roster"))


async def allies_of(scene: Scene) -> None:
    """Let a second server follow the guild, both with members read and a member called like a character."""
    await follow(scene.ctx, scene.guild, server_id=ALLIES, channel_id=7_002)
    for server_id, user_id in ((SERVER, 1), (ALLIES, 2)):

        async def fetch(user_id: int = user_id) -> MemberList:
            return MemberList(scene.ctx.clock(), [facts(user_id, "Naaaa")], fetched=1, expected=1)

        await pipeline.sync_members(scene.ctx, server_id, fetch, trigger=Trigger.TIMER)


async def test_two_servers_of_one_guild_share_one_fetch_and_are_both_followed_up(scene: Scene) -> None:
    await allies_of(scene)
    [sync] = await sync_due(scene)
    assert list(rosters_asked(scene.stand_in).values()) == [1]
    assert [one.server_id for one in sync.servers] == [SERVER, ALLIES]
    assert all(one.linked == 1 and one.audit.opened for one in sync.servers)
    ours, theirs = await load_links(scene.ctx, SERVER), await load_links(scene.ctx, ALLIES)
    assert (ours.keys() == theirs.keys(), list(ours.values()), list(theirs.values())) == (True, [{1}], [{2}])
    assert await schedule.due_guilds(scene.ctx) == []


async def test_servers_of_different_guilds_know_only_their_own(scene: Scene) -> None:
    rivals = Guild(71, "Rivals", "rivals", scene.guild.realm, "HORDE")
    scene.world.guilds.append(rivals)
    scene.world.join(scene.world.add(adventurer(500, name="Zed")), rivals, 0)
    rivals_id = await follow(scene.ctx, rivals, server_id=ALLIES, channel_id=7_002)
    for server_id in (SERVER, ALLIES):
        await insert_members(scene.ctx, facts(1, "Zed"), facts(2, "Naaaa"), server_id=server_id)
        async with scene.ctx.sessions.begin() as session:
            (await session.get_one(servers.Server, server_id)).members_synced_at = scene.ctx.clock()
    syncs = await sync_due(scene)
    assert {sync.outcome.guild_id: [one.server_id for one in sync.servers] for sync in syncs} == {
        scene.guild_id: [SERVER],
        rivals_id: [ALLIES],
    }
    assert list((await load_links(scene.ctx, SERVER)).values()) == [{2}]
    assert list((await load_links(scene.ctx, ALLIES)).values()) == [{1}]
    found = {
        server_id: {finding.facts["name"] for finding in await audit.standing(scene.ctx, server_id)}
        for server_id in (SERVER, ALLIES)
    }
    assert "Zed" in found[SERVER]
    assert found[ALLIES] == {"Naaaa"}


@pytest.fixture
async def four_regions() -> AsyncIterator[BattleNetStandIn]:
    """Serve a guild in each region; realm, guild and characters have the same ids and names wherever they can."""
    world = World(REALMS)
    for region, home in HOMES.items():
        name, slug = GUILD_NAMES[region]
        guild = Guild(70, name, slug, home, "ALLIANCE")
        world.guilds.append(guild)
        for number in range(3):
            world.join(world.add(adventurer(number, realm=home)), guild, number)
    async with BattleNetStandIn(world, per_second=None, per_hour=None) as served:
        yield served


async def test_four_regions_in_one_process_are_kept_apart(ctx: Context, four_regions: BattleNetStandIn) -> None:
    async with client_of(four_regions) as battlenet:
        followed = {
            region: await servers.follow_guild(
                ctx,
                battlenet,
                await _present(ctx, 6_000 + place),
                region=region,
                realm=next(iter(dict(home.translations).values()), home.name),
                name=GUILD_NAMES[region][0],
                actor_id=OFFICER,
            )
            for place, (region, home) in enumerate(HOMES.items())
        }
        assert {region: (guild.region, guild.name) for region, guild in followed.items()} == {
            region: (region, name) for region, (name, _) in GUILD_NAMES.items()
        }
        for region in Region:
            realms = {realm.slug for realm in await reference.realm_choices(ctx, region)}
            assert realms == {realm.slug for realm in REALMS if realm.region == region}
        syncs = [
            await pipeline.sync_roster(ctx, battlenet, guild_id, trigger=Trigger.TIMER)
            for guild_id in await schedule.due_guilds(ctx)
        ]
    assert [(sync.outcome.status, sync.outcome.new) for sync in syncs] == [(RunStatus.SUCCESS, 3)] * 4
    _assert_each_was_asked_in_its_own_region(four_regions)
    scene = Scene(ctx, battlenet, four_regions, four_regions.world.guilds[0], followed[Region.EU].id)
    assert await scene.query("SELECT region, count(*) FROM common.wow_characters GROUP BY 1 ORDER BY 1") == [
        (region.value, 3) for region in sorted(Region)
    ]


def _assert_each_was_asked_in_its_own_region(stand_in: BattleNetStandIn) -> None:
    asked = rosters_asked(stand_in)
    assert sorted(path.split("/")[1] for path in asked) == sorted(Region)
    assert set(asked.values()) == {1}
    for seen in stand_in.requests:
        region = seen.path.split("/")[1]
        if region in set(Region):
            assert seen.query["namespace"].endswith(f"-{region}")
            assert seen.query.get("locale") in (None, Region(region).locale)


async def _present(ctx: Context, server_id: int) -> int:
    await servers.note_presence(ctx, server_id, f"server {server_id}")
    return server_id


async def test_realms_and_characters_of_equal_ids_in_two_regions_are_two(
    ctx: Context, battlenet: BattleNetClient
) -> None:
    """Nothing says that ids of different regions differ."""
    twins = tuple(
        Realm(region, 9_001, "amberfall", "Amberfall", 9_001, (), "English", "enUS", "UTC") for region in ("eu", "us")
    )
    world = World(twins)
    guilds = [Guild(70, "Twins", "twins", home, "HORDE") for home in twins]
    world.guilds += guilds
    for guild in guilds:
        world.join(world.add(adventurer(1, realm=guild.realm)), guild, 0)
    async with BattleNetStandIn(world, per_second=None, per_hour=None) as stand_in, client_of(stand_in) as client:
        ids = [await follow(ctx, guild, server_id=6_000 + place) for place, guild in enumerate(guilds)]
        assert len(set(ids)) == 2
        for guild_id in ids:
            assert (await pipeline.sync_roster(ctx, client, guild_id, trigger=Trigger.TIMER)).outcome.new == 1
        scene = Scene(ctx, client, stand_in, guilds[0], ids[0])
        assert len(await scene.roster()) == 1
        assert await scene.query("SELECT region FROM common.wow_characters ORDER BY 1") == ["eu", "us"]


async def test_a_server_that_muster_was_removed_from_is_read_and_told_no_more_and_its_data_stay(
    scene: Scene, clock: FakeClock
) -> None:
    await allies_of(scene)
    await sync_due(scene)
    links, tables = await load_links(scene.ctx, ALLIES), ("players", "player_characters", "audit_issues", "action_log")
    before = [await scene.versions(f"guild_identity.{table}") for table in tables]
    waiting = "SELECT server_id FROM guild_identity.outbox WHERE state = 'pending' ORDER BY 1"
    assert await scene.query(waiting) == [SERVER, ALLIES]

    await servers.note_absence(scene.ctx, ALLIES)
    assert await scene.query(waiting) == [SERVER]
    clock.advance(days=1)
    assert await schedule.due_servers(scene.ctx) == [SERVER]
    [sync] = await sync_due(scene)
    assert [one.server_id for one in sync.servers] == [SERVER]
    assert [await scene.versions(f"guild_identity.{table}") for table in tables] == before
    assert await load_links(scene.ctx, ALLIES) == links


async def test_a_guild_whose_only_server_removed_muster_is_not_read(scene: Scene, clock: FakeClock) -> None:
    await sync_due(scene)
    await servers.note_absence(scene.ctx, SERVER)
    scene.stand_in.requests.clear()
    clock.advance(days=30)
    assert await sync_due(scene) == []
    assert scene.stand_in.requests == []


async def test_invited_again_a_server_goes_on_where_it_was(scene: Scene, clock: FakeClock) -> None:
    await allies_of(scene)
    await sync_due(scene)
    links = await load_links(scene.ctx, ALLIES)
    view = await servers.view(scene.ctx, ALLIES)
    standing = await audit.standing(scene.ctx, ALLIES)
    await servers.note_absence(scene.ctx, ALLIES)
    clock.advance(days=30)
    await servers.note_presence(scene.ctx, ALLIES, "server 5002")
    assert await servers.view(scene.ctx, ALLIES) == view
    assert await load_links(scene.ctx, ALLIES) == links
    assert await audit.standing(scene.ctx, ALLIES) == standing
    assert ALLIES in await schedule.due_servers(scene.ctx)
    await pipeline.follow_up(scene.ctx, ALLIES)
    waiting = "SELECT kind FROM guild_identity.outbox WHERE server_id = 5002 AND state = 'pending'"
    assert await scene.query(waiting) == [audit.REPORT], "what no report had told yet is told now"


async def test_a_removal_while_its_members_are_read_ends_the_run_and_changes_nobody(scene: Scene) -> None:
    await allies_of(scene)
    before = await scene.versions("guild_identity.discord_users")

    async def fetch() -> MemberList:
        await servers.note_absence(scene.ctx, ALLIES)
        raise Unavailable("Discord did not give the whole member list (error 403).")

    with pytest.raises(Unavailable):
        await pipeline.sync_members(scene.ctx, ALLIES, fetch, trigger=Trigger.TIMER)
    assert await scene.versions("guild_identity.discord_users") == before
    assert (await scene.last_run()).status == "error"


async def test_a_list_that_came_whole_before_the_removal_counts_and_tells_nobody(scene: Scene) -> None:
    await allies_of(scene)
    await sync_due(scene)

    async def fetch() -> MemberList:
        await servers.note_absence(scene.ctx, ALLIES)
        return MemberList(scene.ctx.clock(), [facts(2, "Naaaa"), facts(3)], fetched=2, expected=2)

    await pipeline.sync_members(scene.ctx, ALLIES, fetch, trigger=Trigger.TIMER)
    assert (await scene.last_run()).status == "success"
    assert await scene.query("SELECT id FROM guild_identity.outbox WHERE server_id = 5002") == []
    assert (await servers.view(scene.ctx, ALLIES)).server_id == ALLIES


async def test_a_removal_while_the_roster_is_read_leaves_the_guilds_other_server_served(scene: Scene) -> None:
    await allies_of(scene)

    async def remove(_: str) -> None:
        await servers.note_absence(scene.ctx, ALLIES)

    sync = await pipeline.sync_roster(
        scene.ctx, scene.battlenet, scene.guild_id, trigger=Trigger.TIMER, progress=remove
    )
    assert sync.outcome.status is RunStatus.SUCCESS
    assert [one.server_id for one in sync.servers] == [SERVER]
    assert await scene.query("SELECT DISTINCT server_id FROM guild_identity.outbox") == [SERVER]
