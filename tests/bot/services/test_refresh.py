"""What an officer lets Muster ask anew because of a finding."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.services import audit, reference, refresh, runs
from bot.services.members import MemberList
from bot.services.refresh import MembersRead, NameAsked, ProfileRead, Refreshed, RosterRead
from db.runs import Scope
from db.tables.audit import Issue
from db.tables.people import Member
from db.tables.servers import Server
from domain.audit import State
from domain.errors import Conflict, Unavailable
from domain.regions import Region
from domain.runs import RunSource, Trigger
from sandbox.battlenet import Fault, Html, OtherId, Status
from tests.support.clock import FakeClock
from tests.support.people import facts, load_actions, load_issues
from tests.support.scene import LOGIN_MS, OFFICER, SERVER, Scene
from tests.support.uploads import insert_key

REFERENCES = (
    (10_000_008, "class", "Mage", "playable-class/8"),
    (20_000_064, "specialization", "Frost", "playable-specialization/64"),
    (30_000_001, "race", "Human", "playable-race/index"),
)


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    """The small guild, read whole with its profiles and the game's names; nobody is a member of the server."""
    await reference.ensure_region(scene.ctx, scene.battlenet, Region.EU)
    await scene.sync_all()
    await read_members(scene)
    return scene


async def read_members(scene: Scene) -> None:
    async with scene.ctx.sessions.begin() as session:
        (await session.get_one(Server, SERVER)).members_synced_at = scene.ctx.clock()


async def everybody() -> MemberList:
    raise AssertionError("nobody asked for the members")


async def look(scene: Scene, rule: str) -> dict[int, Issue]:
    """Let the audit run; give a rule's findings that stand, by subject."""
    async with scene.ctx.sessions.begin() as session:
        await audit.run_rules(scene.ctx, session, server_id=SERVER)
    found = await load_issues(scene.ctx, rule, SERVER)
    return {one.subject_id: one for one in found if one.state is not State.RESOLVED}


async def ask(scene: Scene, issue: Issue) -> Refreshed:
    return await refresh.refresh(scene.ctx, scene.battlenet, SERVER, issue.public_id, fetch=everybody, actor_id=OFFICER)


async def stale(scene: Scene, clock: FakeClock) -> tuple[Issue, int]:
    """Let all characters be long away; give the finding about the first, and the time of its last login."""
    clock.advance(days=40)
    await scene.sync_all()
    await read_members(scene)
    found = await look(scene, "stale_character")
    assert len(found) == 8
    character = await scene.stored(scene.member(0))
    scene.stand_in.requests.clear()
    return found[character.id], LOGIN_MS


async def test_a_character_that_was_played_meanwhile_is_stale_no_more_and_no_other_is_asked_for(
    scene: Scene, clock: FakeClock
) -> None:
    issue, login = await stale(scene, clock)
    scene.member(0).last_login = login + int(timedelta(days=39).total_seconds()) * 1000

    done = await ask(scene, issue)

    assert isinstance(done, ProfileRead)
    assert done.changed
    assert done.last_login_at == (await scene.stored(scene.member(0))).last_login_at
    assert len(scene.asked_profiles()) == 1
    assert issue.subject_id not in await look(scene, "stale_character")
    [logged] = await load_actions(scene.ctx, "finding.refresh", SERVER)
    assert (logged.actor_id, logged.subject_id, logged.rule) == (OFFICER, issue.subject_id, "stale_character")


async def test_the_same_answer_writes_no_character_and_the_finding_stays(scene: Scene, clock: FakeClock) -> None:
    issue, _ = await stale(scene, clock)
    before = await scene.versions("common.wow_characters")
    done = await ask(scene, issue)
    assert isinstance(done, ProfileRead)
    assert not done.changed
    assert await scene.versions("common.wow_characters") == before
    assert issue.subject_id in await look(scene, "stale_character")


async def test_another_character_at_the_name_is_not_taken_for_it(scene: Scene, clock: FakeClock) -> None:
    issue, login = await stale(scene, clock)
    scene.member(0).last_login = login + int(timedelta(days=39).total_seconds()) * 1000
    scene.stand_in.faults.add(f"/eu/profile/wow/character/*/{scene.member(0).name.lower()}", OtherId())
    done = await ask(scene, issue)
    assert isinstance(done, ProfileRead)
    assert not done.changed
    assert issue.subject_id in await look(scene, "stale_character")


@pytest.mark.parametrize("fault", [Status(403), Status(503), Html()], ids=str)
async def test_an_answer_of_no_use_changes_nothing_and_says_so(scene: Scene, clock: FakeClock, fault: Fault) -> None:
    issue, _ = await stale(scene, clock)
    scene.stand_in.faults.add("/eu/profile/wow/character/*", fault, times=9)
    with pytest.raises(Unavailable, match=r"Battle.net gave no profile of .*Nothing was changed"):
        await ask(scene, issue)
    assert await load_actions(scene.ctx, "finding.refresh", SERVER) == []


async def test_an_old_roster_is_read_at_once(scene: Scene, clock: FakeClock) -> None:
    clock.advance(days=4)
    await read_members(scene)
    [issue] = (await look(scene, "stale_data")).values()
    assert issue.facts["source"] == "roster"
    assert await ask(scene, issue) == RosterRead(8)
    assert await look(scene, "stale_data") == {}


async def test_a_roster_that_does_not_come_says_why(scene: Scene, clock: FakeClock) -> None:
    clock.advance(days=4)
    await read_members(scene)
    [issue] = (await look(scene, "stale_data")).values()
    scene.stand_in.faults.add("*/roster", Status(404), times=9)
    with pytest.raises(Unavailable, match=r"could not be read: Battle.net does not know the guild"):
        await ask(scene, issue)
    assert len(await look(scene, "stale_data")) == 1


async def test_a_roster_that_another_officer_reads_right_now_is_not_read_twice(scene: Scene, clock: FakeClock) -> None:
    clock.advance(days=4)
    await read_members(scene)
    [issue] = (await look(scene, "stale_data")).values()
    await runs.begin(scene.ctx, RunSource.BLIZZARD_API, Scope(guild_id=scene.guild_id), trigger=Trigger.COMMAND)
    with pytest.raises(Conflict):
        await ask(scene, issue)


async def test_an_old_member_list_is_read_at_once(scene: Scene, clock: FakeClock) -> None:
    clock.advance(days=4)
    await scene.sync()
    [issue] = (await look(scene, "stale_data")).values()
    assert issue.facts["source"] == "members"

    async def fetch() -> MemberList:
        return MemberList(clock(), [facts(1)], fetched=1, expected=1)

    done = await refresh.refresh(scene.ctx, scene.battlenet, SERVER, issue.public_id, fetch=fetch, actor_id=OFFICER)

    assert done == MembersRead(1)
    assert await look(scene, "stale_data") == {}
    async with scene.ctx.sessions() as session:
        assert await session.get(Member, (SERVER, 1)) is not None


async def test_notes_are_nobodys_to_ask_for_and_it_says_what_brings_them(scene: Scene, clock: FakeClock) -> None:
    await insert_key(scene.ctx, scene.guild_id, SERVER)
    clock.advance(days=8)
    await scene.sync()
    await read_members(scene)
    [issue] = (await look(scene, "stale_data")).values()
    assert issue.facts["source"] == refresh.NOTES
    with pytest.raises(Conflict, match=r"an uploader plays with the addon and `/reload`s"):
        await ask(scene, issue)


@pytest.mark.parametrize(("subject", "word", "name", "path"), REFERENCES)
async def test_a_name_that_this_release_does_not_know_is_asked_for(
    scene: Scene, subject: int, word: str, name: str, path: str
) -> None:
    await forget(scene, word)
    issue = (await look(scene, "unknown_reference"))[subject]
    scene.stand_in.requests.clear()

    assert await ask(scene, issue) == NameAsked(name)

    assert [seen.path for seen in scene.stand_in.requests if "/data/wow/" in seen.path] == [f"/eu/data/wow/{path}"]
    assert issue.subject_id not in await look(scene, "unknown_reference")


async def test_whether_a_new_specialization_fights_near_or_far_is_not_guessed(scene: Scene) -> None:
    await forget(scene, "specialization")
    issue = (await look(scene, "unknown_reference"))[20_000_064]
    await ask(scene, issue)
    assert await scene.query(
        "SELECT role.key FROM common.specializations AS spec JOIN common.roles AS role ON role.id = default_role_id "
        "WHERE spec.id = 64"
    ) == ["damage"]


async def test_a_name_that_battlenet_does_not_tell_yet_leaves_the_finding(scene: Scene) -> None:
    await forget(scene, "class")
    issue = (await look(scene, "unknown_reference"))[10_000_008]
    scene.stand_in.faults.add("/eu/data/wow/playable-class/8", Status(404))
    assert await ask(scene, issue) == NameAsked(None)
    assert issue.subject_id in await look(scene, "unknown_reference")


@pytest.mark.parametrize(("subject", "word", "_name", "_path"), REFERENCES)
async def test_the_games_names_out_of_reach_say_so(
    scene: Scene, subject: int, word: str, _name: str, _path: str
) -> None:
    await forget(scene, word)
    issue = (await look(scene, "unknown_reference"))[subject]
    scene.stand_in.faults.add("/eu/data/wow/*", Status(503), times=9)
    with pytest.raises(Unavailable, match=r"did not answer usefully\. Nothing was changed"):
        await ask(scene, issue)


async def test_for_a_settled_finding_nobody_is_asked(scene: Scene, clock: FakeClock) -> None:
    issue, _ = await stale(scene, clock)
    async with scene.ctx.sessions.begin() as session:
        await session.execute(
            sa.update(Issue).values(state=State.RESOLVED, resolved_by=OFFICER, resolved_at=clock(), note="known")
        )
    with pytest.raises(Conflict, match=f"<@{OFFICER}> resolved this finding meanwhile"):
        await ask(scene, issue)
    assert scene.asked_profiles() == []


async def forget(scene: Scene, word: str) -> None:
    """Let Muster not know what its characters are."""
    async with scene.ctx.sessions.begin() as session:
        if word == "race":
            await session.execute(sa.text("DELETE FROM common.races WHERE id = 1"))
            return
        await session.execute(sa.text("DELETE FROM common.specializations WHERE class_id = 8"))
        if word == "class":
            await session.execute(sa.text("DELETE FROM common.classes WHERE id = 8"))
