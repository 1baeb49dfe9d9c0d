"""A server that follows another guild from now on: what ends with that act, and what stays."""

import asyncio

import pytest
import sqlalchemy as sa

from bot.services import audit, departures, pipeline, schedule, servers
from bot.services.digest import DIGEST
from bot.services.news import LINKS, NEWS
from bot.services.outages import OUTAGE
from db import locks, outbox
from db.tables.audit import Issue
from db.tables.outbox import OutboxState
from db.tables.people import Player, PlayerMember, RankOverride
from db.tables.servers import GuildRank
from domain.audit import State
from domain.regions import Region
from domain.runs import Trigger
from sandbox.world import Guild
from tests.support.clock import FakeClock
from tests.support.people import facts, insert_members, load_actions, load_links
from tests.support.scene import ELSEWHERE, OFFICER, SERVER, Scene, follow

ALLIES = 5_002
RAIDER = 8_001
SERVERS = (SERVER, ALLIES)


@pytest.fixture
def rival(scene: Scene) -> Guild:
    """Let there be a second guild, on another realm."""
    return add_rival(scene)


def add_rival(scene: Scene) -> Guild:
    """Let there be a second guild, on another realm."""
    guild = Guild(71, "Rivals", "rivals", ELSEWHERE, "HORDE")
    scene.world.guilds.append(guild)
    return guild


async def change(scene: Scene, rival: Guild) -> int:
    """Let the server follow the rival instead; give the rival's row id."""
    followed = await servers.follow_guild(
        scene.ctx,
        scene.battlenet,
        SERVER,
        region=Region.EU,
        realm=rival.realm.slug,
        name=rival.name,
        actor_id=OFFICER,
        giving_up=scene.guild.name,
    )
    return followed.id


async def settle(scene: Scene) -> None:
    """Let two servers follow the guild: named ranks, an override, a link, findings, held departures, and both told."""
    ctx = scene.ctx
    await follow(ctx, scene.guild, server_id=ALLIES, channel_id=7_002)
    await scene.sync()
    for server_id in SERVERS:
        await insert_members(ctx, facts(1, "Naaaa"), facts(2), server_id=server_id)
        async with ctx.sessions.begin() as session:
            await session.execute(sa.update(servers.Server).values(members_synced_at=ctx.clock()))
            rank = {"guild_id": scene.guild_id, "rank_index": 0, "name": "Warden", "role_id": RAIDER}
            session.add(GuildRank(server_id=server_id, **rank))
        await pipeline.follow_up(ctx, server_id)
        async with ctx.sessions.begin() as session:
            player_id = await session.scalar(sa.select(PlayerMember.player_id).filter_by(server_id=server_id))
            word = {"rank_index": 2, "reason": "trial", "set_by": OFFICER, "set_at": ctx.clock()}
            session.add(RankOverride(server_id=server_id, player_id=player_id, **word))
    scene.leave(3, 4, 5, 6, 7)
    await pipeline.sync_roster(ctx, scene.battlenet, scene.guild_id, trigger=Trigger.TIMER)


async def view_of(scene: Scene, server_id: int) -> dict[str, list[object]]:
    """Load all that a server holds about its guild."""
    tables = {
        "ranks": "SELECT rank_index, name, role_id FROM guild_identity.guild_ranks WHERE server_id = :id",
        "overrides": "SELECT rank_index, reason FROM guild_identity.rank_overrides WHERE server_id = :id",
        "findings": "SELECT public_id FROM guild_identity.audit_issues WHERE server_id = :id AND state <> 'resolved'",
        "waiting": "SELECT kind FROM guild_identity.outbox WHERE server_id = :id AND state = 'pending' ORDER BY kind",
    }
    return {name: await scene.query(query, id=server_id) for name, query in tables.items()}


async def test_the_servers_view_of_the_old_guild_ends_by_that_act(scene: Scene, rival: Guild) -> None:
    await settle(scene)
    held = await view_of(scene, SERVER)
    assert all(held.values()), held
    assert held["waiting"] == [audit.REPORT, departures.NOTICE]
    rival_id = await change(scene, rival)
    assert await view_of(scene, SERVER) == {"ranks": [], "overrides": [], "findings": [], "waiting": []}
    assert await scene.query("SELECT guild_id FROM guild_identity.server_guilds WHERE server_id = 5001") == [rival_id]
    assert await departures.list_held(scene.ctx, SERVER) == []


@pytest.mark.parametrize("kind", [DIGEST, NEWS, LINKS, OUTAGE])
async def test_what_waits_to_be_told_of_the_old_guild_is_taken_back(scene: Scene, rival: Guild, kind: str) -> None:
    await settle(scene)
    async with scene.ctx.sessions.begin() as session:
        words = {"server_id": SERVER, "kind": kind, "channel_id": 7_001, "payload": {}, "dedupe_key": "old"}
        await outbox.queue(session, now=scene.ctx.clock(), **words)
    await change(scene, rival)
    assert (await view_of(scene, SERVER))["waiting"] == []


async def test_the_log_keeps_what_was_given_up_and_who_closed_each_finding(scene: Scene, rival: Guild) -> None:
    await settle(scene)
    standing = len((await view_of(scene, SERVER))["findings"])
    rival_id = await change(scene, rival)
    [logged] = await load_actions(scene.ctx, "setup.guild", SERVER)
    assert logged.before is not None
    [override] = logged.before.pop("overrides")
    assert (override["rank"], override["reason"]) == (2, "trial")
    assert (logged.actor_id, logged.before, logged.after) == (
        OFFICER,
        {
            "guild_id": scene.guild_id,
            "name": "The Ember Vigil",
            "ranks": [{"index": 0, "name": "Warden", "role_id": RAIDER}],
            "given_roles": 0,
        },
        {"guild_id": rival_id, "name": "Rivals"},
    )
    closed = [one for one in await load_actions(scene.ctx, "finding.resolve", SERVER) if one.actor_id == OFFICER]
    assert len(closed) == standing
    assert all(one.before is not None and one.before["finding"] for one in closed)


async def test_ignored_findings_of_the_old_guild_end_too(scene: Scene, rival: Guild) -> None:
    await settle(scene)
    async with scene.ctx.sessions.begin() as session:
        await session.execute(sa.update(Issue).where(Issue.server_id == SERVER).values(state=State.IGNORED))
    await change(scene, rival)
    assert (await view_of(scene, SERVER))["findings"] == []


async def test_what_a_person_put_aside_of_the_old_guild_holds_for_no_other(scene: Scene, rival: Guild) -> None:
    await settle(scene)
    async with scene.ctx.sessions.begin() as session:
        values = {"state": State.RESOLVED, "muted": True, "resolved_by": OFFICER, "resolved_at": scene.ctx.clock()}
        await session.execute(sa.update(Issue).values(**values))
    await change(scene, rival)
    aside = "SELECT DISTINCT server_id FROM guild_identity.audit_issues WHERE muted"
    assert await scene.query(aside) == [ALLIES]


async def test_another_server_of_the_old_guild_sees_no_change(scene: Scene, rival: Guild) -> None:
    await settle(scene)
    before = await view_of(scene, ALLIES)
    assert all(before.values()), before
    held = await departures.list_held(scene.ctx, ALLIES)
    assert len(held) == 5
    tables = ("common.guild_memberships", "common.wow_characters", "common.held_departures")
    shared = [await scene.versions(table) for table in tables]
    await change(scene, rival)
    assert await view_of(scene, ALLIES) == before
    assert await departures.list_held(scene.ctx, ALLIES) == held
    assert [await scene.versions(table) for table in tables] == shared


async def test_who_is_linked_to_whom_outlasts_the_change(scene: Scene, rival: Guild) -> None:
    await settle(scene)
    links = await load_links(scene.ctx, SERVER)
    assert links
    tables = [Player.__table__.fullname, PlayerMember.__table__.fullname, "guild_identity.player_characters"]
    before = [await scene.versions(table) for table in tables]
    rival_id = await change(scene, rival)
    await pipeline.sync_roster(scene.ctx, scene.battlenet, rival_id, trigger=Trigger.TIMER)
    assert await load_links(scene.ctx, SERVER) == links
    assert [await scene.versions(table) for table in tables] == before


async def test_a_guild_that_nobody_follows_any_more_is_not_read_again(
    scene: Scene, rival: Guild, clock: FakeClock
) -> None:
    await settle(scene)
    rival_id = await change(scene, rival)
    clock.advance(days=1)
    assert await schedule.due_guilds(scene.ctx) == [rival_id, scene.guild_id]
    await servers.note_absence(scene.ctx, ALLIES)
    assert await schedule.due_guilds(scene.ctx) == [rival_id]


async def test_coming_back_to_the_old_guild_starts_with_an_empty_rank_map_and_finds_anew(
    scene: Scene, rival: Guild
) -> None:
    await settle(scene)
    links = await load_links(scene.ctx, SERVER)
    await change(scene, rival)
    back = await servers.follow_guild(
        scene.ctx,
        scene.battlenet,
        SERVER,
        region=Region.EU,
        realm=scene.guild.realm.slug,
        name=scene.guild.name,
        actor_id=OFFICER,
        giving_up=rival.name,
    )
    assert back.id == scene.guild_id
    await pipeline.follow_up(scene.ctx, SERVER)
    view = await view_of(scene, SERVER)
    assert (view["ranks"], view["overrides"], view["waiting"]) == ([], [], [audit.REPORT])
    assert view["findings"]
    assert await load_links(scene.ctx, SERVER) == links


async def test_a_message_that_is_being_sent_is_left_to_its_sender(scene: Scene, rival: Guild) -> None:
    await settle(scene)
    async with scene.ctx.sessions.begin() as session:
        await session.execute(sa.update(outbox.OutboxMessage).values(state=OutboxState.SENDING))
    await change(scene, rival)
    query = "SELECT count(*) FROM guild_identity.outbox WHERE server_id = 5001 AND state = 'sending'"
    assert await scene.query(query) == [2]


async def test_a_roster_that_is_just_being_applied_leaves_no_word_about_the_old_guild(scratch_scene: Scene) -> None:
    """The notice of held departures is committed while the server gives the guild up."""
    scene, rival = scratch_scene, add_rival(scratch_scene)
    await scene.sync()
    async with scene.ctx.sessions() as session:
        guild = await session.get_one(servers.Guild, scene.guild_id)
    async with scene.ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.ROSTER, scene.guild_id)
        word = departures.word_of_held(guild, 1, characters=5, newly_held=5)
        await outbox.queue_to_followers(session, guild.id, word, now=scene.ctx.clock())
        changing = asyncio.create_task(change(scene, rival))
        done, _ = await asyncio.wait({changing}, timeout=0.3)
        assert not done
    await changing
    assert await scene.query("SELECT kind FROM guild_identity.outbox") == []
