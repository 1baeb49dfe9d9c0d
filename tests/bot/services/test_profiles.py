"""Which profiles are asked for, and what is written of them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import db.profiles
from bot.services import pipeline, profiles, servers
from bot.services.context import Context
from bot.services.pipeline import FollowUp
from bot.services.profiles import CRASHES, GIVEN_UP, STOPPED, Ended, Passed, Profiles, PutOff
from bot.services.runs import LEASE, begin, close_expired
from db.runs import Scope
from db.tables.servers import Server
from domain.runs import RunSource, Trigger
from sandbox.battlenet import Html, OtherId, Slow, Status
from sandbox.battlenet.faults import Fault
from tests.support.clock import FakeClock
from tests.support.scene import ELSEWHERE, LOGIN_MS, SERVER, Scene, adventurer, client_of, follow
from tests.support.turns import nobody, others

PROFILES = "/eu/profile/wow/character/*"
CHARACTERS = "common.wow_characters"


async def set_interval(scene: Scene, server_id: int, hours: int) -> None:
    async with scene.ctx.sessions.begin() as session:
        await session.execute(sa.update(Server).where(Server.id == server_id).values(profile_interval_hours=hours))


async def test_a_new_character_gets_what_its_profile_tells(scene: Scene) -> None:
    run = await scene.sync_all()
    stored = await scene.stored(scene.member(3))
    assert (run.source, run.status, run.trigger) == ("blizzard_profiles", "success", "timer")
    assert run.counts == {"profiles_checked": 8, "profiles_changed": 8, "profiles_failed": 0}
    assert (stored.realm_name, stored.gender, stored.spec_id) == ("Amberfall", "FEMALE", 64)
    assert (stored.equipped_item_level, stored.achievement_points) == (270, 12_000)
    assert stored.last_login_at == datetime.fromtimestamp(LOGIN_MS / 1000 + 3, UTC)


async def test_a_profile_younger_than_the_interval_is_not_asked_for(scene: Scene, clock: FakeClock) -> None:
    await scene.sync_all()
    scene.stand_in.requests.clear()
    clock.advance(hours=23, minutes=59)
    scene.world.join(scene.world.add(adventurer(50)), scene.guild, 9)
    await scene.sync_all()
    assert scene.asked_profiles() == [f"/eu/profile/wow/character/amberfall/{adventurer(50).name.lower()}"]


async def test_an_older_profile_goes_with_its_date_and_an_unchanged_one_writes_no_character(
    scene: Scene, clock: FakeClock
) -> None:
    await scene.sync_all()
    before = await scene.versions(CHARACTERS)
    scene.stand_in.requests.clear()
    clock.advance(hours=24)
    run = await scene.sync_all()
    asked = [seen for seen in scene.stand_in.requests if "/character/" in seen.path]
    assert [(seen.status, "If-Modified-Since" in seen.headers) for seen in asked] == [(304, True)] * 8
    assert (run.status, run.counts["profiles_changed"]) == ("success", 0)
    assert await scene.versions(CHARACTERS) == before
    scene.stand_in.requests.clear()
    clock.advance(hours=6)
    await scene.sync_all()
    assert scene.asked_profiles() == []


async def test_an_equal_answer_writes_no_character(scene: Scene, clock: FakeClock) -> None:
    await scene.sync_all()
    async with scene.ctx.sessions.begin() as session:
        await session.execute(sa.text("UPDATE common.profile_checks SET last_modified = NULL"))
    before = await scene.versions(CHARACTERS)
    scene.stand_in.requests.clear()
    clock.advance(hours=24)
    run = await scene.sync_all()
    assert [seen.status for seen in scene.stand_in.requests if "/character/" in seen.path] == [200] * 8
    assert (run.counts["profiles_changed"], await scene.versions(CHARACTERS)) == (0, before)


async def test_a_newer_profile_is_written(scene: Scene, clock: FakeClock) -> None:
    await scene.sync_all()
    scene.world.login(scene.member(3), equipped_item_level=285, spec=62)
    clock.advance(hours=24)
    run = await scene.sync_all()
    stored = await scene.stored(scene.member(3))
    assert (run.counts["profiles_changed"], stored.equipped_item_level, stored.spec_id) == (1, 285, 62)


async def test_what_a_profile_leaves_out_stays_as_stored(scene: Scene, clock: FakeClock) -> None:
    await scene.sync_all()
    scene.world.login(scene.member(3), equipped_item_level=285)
    scene.member(3).active_spec = None
    clock.advance(hours=24)
    await scene.sync_all()
    stored = await scene.stored(scene.member(3))
    assert (stored.equipped_item_level, stored.spec_id) == (285, 64)


async def test_a_failed_profile_is_asked_for_again_by_the_next_run_and_no_other(scene: Scene) -> None:
    unlucky = f"/eu/profile/wow/character/amberfall/{scene.member(3).name.lower()}"
    scene.stand_in.faults.add(unlucky, Status(403))
    run = await scene.sync_all()
    assert (run.status, run.reason) == ("partial", "1 of 8 profiles could not be read (refused (403))")
    scene.stand_in.requests.clear()
    run = await scene.sync_all()
    assert (run.status, run.counts["profiles_changed"], scene.asked_profiles()) == ("success", 1, [unlucky])


async def test_another_character_at_the_name_is_not_taken_over_nor_is_its_date(scene: Scene, clock: FakeClock) -> None:
    await scene.sync_all()
    dates = "SELECT character_id, last_modified FROM common.profile_checks ORDER BY 1"
    before, stored = await scene.query(dates), await scene.stored(scene.member(3))
    for character in scene.world.members(scene.guild):
        scene.world.login(character, equipped_item_level=289)
    scene.stand_in.faults.add(PROFILES, OtherId(), times=None)
    clock.advance(hours=24)
    run = await scene.sync_all()
    assert (run.counts["profiles_changed"], await scene.query(dates)) == (0, before)
    assert (await scene.stored(scene.member(3))).equipped_item_level == stored.equipped_item_level


async def test_the_answer_for_a_character_that_moved_realm_meanwhile_says_nothing_of_its_new_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.sync()
    character = scene.member(3)
    write = db.profiles.write

    async def after_the_move(*given: Any) -> int:
        monkeypatch.undo()
        scene.world.transfer(character, ELSEWHERE)
        await scene.sync()
        return await write(*given)

    monkeypatch.setattr(db.profiles, "write", after_the_move)
    await scene.refresh()
    stored = await scene.stored(character)
    assert (stored.realm_name, stored.equipped_item_level) == (None, None)
    assert (await scene.refresh()).counts["profiles_checked"] == 1
    stored = await scene.stored(character)
    assert (stored.realm_name, stored.equipped_item_level) == ("Twilight Harbor", 270)


async def test_the_profile_of_a_departed_character_is_not_asked_for(scene: Scene, clock: FakeClock) -> None:
    await scene.sync_all()
    scene.leave(3)
    scene.stand_in.requests.clear()
    clock.advance(hours=24)
    await scene.sync_all()
    assert len(scene.asked_profiles()) == 7
    assert not any(path.endswith(f"/{scene.member(3).name.lower()}") for path in scene.asked_profiles())


async def test_the_shortest_interval_of_the_servers_that_muster_is_in_counts(scene: Scene, clock: FakeClock) -> None:
    await follow(scene.ctx, scene.guild, server_id=5_002)
    await follow(scene.ctx, scene.guild, server_id=5_003)
    for server_id, hours in ((SERVER, 48), (5_002, 12), (5_003, 1)):
        await set_interval(scene, server_id, hours)
    await servers.note_absence(scene.ctx, 5_003)
    await scene.sync_all()
    scene.stand_in.requests.clear()
    clock.advance(hours=11)
    await scene.sync_all()
    assert scene.asked_profiles() == []
    clock.advance(hours=1)
    await scene.sync_all()
    assert len(scene.asked_profiles()) == 8


async def test_with_nothing_due_there_is_no_run(scene: Scene) -> None:
    await scene.sync_all()
    assert await scene.sync_all() is None
    assert await scene.query("SELECT count(*) FROM common.sync_log WHERE source = 'blizzard_profiles'") == [1]


async def test_the_profiles_of_a_guild_that_nobody_follows_are_not_read(scene: Scene) -> None:
    await scene.sync()
    await servers.note_absence(scene.ctx, SERVER)
    assert await scene.refresh() is None
    assert scene.asked_profiles() == []


async def test_a_long_refresh_is_one_run_that_shows_how_far_it_is(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "BATCH", 3)
    seen: list[object] = []

    async def look() -> bool:
        seen.append((await scene.last_run()).counts.get("profiles_checked"))
        return False

    await scene.sync()
    turn = await Profiles(scene.ctx, scene.battlenet).turn(scene.guild_id, stop=asyncio.Event(), others_wait=look)
    run = await scene.last_run()
    assert turn == Ended(run.id, 8, scene.ctx.clock())
    assert (seen, run.counts["profiles_checked"]) == ([None, 3], 8)


async def test_while_others_wait_a_turn_is_one_batch_and_the_run_goes_on_with_the_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "BATCH", 3)
    await scene.sync()
    work = Profiles(scene.ctx, scene.battlenet)
    assert await work.turn(scene.guild_id, stop=asyncio.Event(), others_wait=others) == Passed()
    first = await scene.last_run()
    assert (first.status, len(scene.asked_profiles())) == ("running", 3)
    run = await scene.refresh(work)
    assert (run.id, run.status, run.counts["profiles_checked"]) == (first.id, "success", 8)
    assert len(scene.asked_profiles()) == 8


async def test_a_refresh_between_its_turns_is_kept_alive(
    scene: Scene, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "BATCH", 3)
    await scene.sync()
    work = Profiles(scene.ctx, scene.battlenet)
    await work.turn(scene.guild_id, stop=asyncio.Event(), others_wait=others)
    clock.advance(seconds=LEASE.total_seconds() - 1)
    await work.keep_alive()
    clock.advance(seconds=LEASE.total_seconds() - 1)
    assert await close_expired(scene.ctx) == 0
    assert (await scene.refresh(work)).status == "success"


async def test_a_stop_writes_what_has_arrived_and_gives_back_the_rest(scene: Scene) -> None:
    await scene.sync()
    stop = asyncio.Event()
    slow = scene.member(3).name.lower()
    scene.stand_in.faults.add(f"/eu/profile/wow/character/amberfall/{slow}", Slow(3600), times=None)

    work = Profiles(scene.ctx, scene.battlenet)
    turn = asyncio.create_task(work.turn(scene.guild_id, stop=stop, others_wait=nobody))
    while len(scene.asked_profiles()) < 8:  # noqa: ASYNC110 (the stand-in tells no event)
        await asyncio.sleep(0.01)
    # The answers that are under way.
    await asyncio.sleep(0.1)
    stop.set()
    assert await turn == PutOff(timedelta(0))
    run = await scene.last_run()
    assert (run.status, run.reason) == ("partial", STOPPED)
    assert run.counts == {"profiles_checked": 7, "profiles_changed": 7, "profiles_failed": 0}
    scene.stand_in.faults.clear()
    scene.stand_in.requests.clear()
    assert (await scene.refresh()).status == "success"
    assert [path.rsplit("/", 1)[1] for path in scene.asked_profiles()] == [slow]


async def test_what_waits_for_its_next_turn_is_handed_back_as_well(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "BATCH", 3)
    await scene.sync()
    work = Profiles(scene.ctx, scene.battlenet)
    await work.turn(scene.guild_id, stop=asyncio.Event(), others_wait=others)
    await work.hand_back()
    run = await scene.last_run()
    assert (run.status, run.reason, run.counts["profiles_checked"]) == ("partial", STOPPED, 3)


async def test_an_outage_is_not_asked_for_every_profile(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next batch is under way when the first comes back; no third one follows."""
    monkeypatch.setattr(profiles, "BATCH", 2)
    scene.stand_in.faults.add(PROFILES, Status(503), times=None)
    run = await scene.sync_all()
    assert (run.status, run.reason) == ("error", "2 of 2 profiles could not be read (server_error)")
    assert len(set(scene.asked_profiles())) <= 4


@pytest.mark.parametrize("fault", [Status(403), Html()], ids=str)
async def test_profiles_that_always_fail_keep_nobody_behind_them_waiting(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr(profiles, "BATCH", 3)
    for number in (0, 1, 2):
        name = scene.member(number).name.lower()
        scene.stand_in.faults.add(f"/eu/profile/wow/character/amberfall/{name}", fault, times=None)
    run = await scene.sync_all()
    assert run.status == "partial"
    assert run.counts == {"profiles_checked": 8, "profiles_changed": 5, "profiles_failed": 3}


async def test_a_gate_that_is_shut_puts_the_rest_off_and_is_no_failure(scene: Scene) -> None:
    await scene.sync()
    for number in (3, 4):
        name = scene.member(number).name.lower()
        scene.stand_in.faults.add(f"/eu/profile/wow/character/amberfall/{name}", Status(429, retry_after=600))

    work = Profiles(scene.ctx, scene.battlenet)
    turn = await work.turn(scene.guild_id, stop=asyncio.Event(), others_wait=nobody)
    run = await scene.last_run()
    assert isinstance(turn, PutOff)
    assert timedelta(seconds=590) < turn.delay <= timedelta(seconds=600)
    assert (run.status, run.counts["profiles_failed"]) == ("running", 0)
    await work.hand_back()
    async with client_of(scene.stand_in) as later:
        run = await replace(scene, battlenet=later).refresh()
    assert (run.status, run.counts["profiles_checked"]) == ("success", 2)


async def test_a_refresh_that_lost_its_lease_writes_no_profile(
    scene: Scene, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "BATCH", 3)

    async def stand_still() -> bool:
        clock.advance(seconds=LEASE.total_seconds() + 1)
        assert await close_expired(scene.ctx) == 1
        return True

    await scene.sync()
    work = Profiles(scene.ctx, scene.battlenet)
    turn = await work.turn(scene.guild_id, stop=asyncio.Event(), others_wait=stand_still)
    assert turn == PutOff(timedelta(0))
    assert (await scene.stored(scene.member(3))).equipped_item_level is None
    assert await scene.query("SELECT * FROM common.profile_checks") == []
    assert (await scene.refresh(work)).status == "success"


async def test_a_guild_whose_refresh_ends_the_process_again_and_again_waits_for_the_next_roster(
    scene: Scene, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.sync()
    for _ in range(CRASHES):
        await begin(scene.ctx, RunSource.BLIZZARD_PROFILES, Scope(guild_id=scene.guild_id), trigger=Trigger.TIMER)
        clock.advance(seconds=LEASE.total_seconds() + 1)
        assert await close_expired(scene.ctx) == 1
    run = await scene.refresh()
    assert (run.status, run.reason, scene.asked_profiles()) == ("error", GIVEN_UP, [])
    assert GIVEN_UP in caplog.text
    assert (await scene.sync_all()).status == "success"


async def test_one_crash_more_or_less_gives_up_nothing(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    for _ in range(CRASHES - 1):
        await begin(scene.ctx, RunSource.BLIZZARD_PROFILES, Scope(guild_id=scene.guild_id), trigger=Trigger.TIMER)
        clock.advance(seconds=LEASE.total_seconds() + 1)
    assert (await scene.refresh()).status == "success"


async def test_what_a_refresh_changed_is_followed_up_on_the_guilds_servers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    followed: list[tuple[int, int | None]] = []

    async def note(_: Context, guild_id: int, *, run_id: int | None = None) -> tuple[FollowUp, ...]:
        followed.append((guild_id, run_id))
        return ()

    monkeypatch.setattr(pipeline, "follow_up_guild", note)
    run = await scene.sync_all()
    assert followed == [(scene.guild_id, run.id)]
    clock.advance(hours=24)
    assert (await scene.sync_all()).counts["profiles_changed"] == 0
    assert followed == [(scene.guild_id, run.id)]
