"""Which profiles are asked for, and what is written of them."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bot.services import profiles, servers
from bot.services.runs import LEASE, RunLost, close_expired
from db.tables.servers import Server
from domain.runs import RunStatus
from sandbox.battlenet import Html, OtherId, Status
from sandbox.battlenet.faults import Fault
from tests.support.clock import FakeClock
from tests.support.scene import LOGIN_MS, SERVER, Scene, adventurer, follow

PROFILES = "/eu/profile/wow/character/*"
CHARACTERS = "common.wow_characters"


async def set_interval(scene: Scene, server_id: int, hours: int) -> None:
    async with scene.ctx.sessions.begin() as session:
        await session.execute(sa.update(Server).where(Server.id == server_id).values(profile_interval_hours=hours))


async def test_a_new_character_gets_what_its_profile_tells(scene: Scene) -> None:
    outcome = await scene.sync()
    stored = await scene.stored(scene.member(3))
    assert (outcome.status, outcome.profiles_changed) == (RunStatus.SUCCESS, 8)
    assert (stored.realm_name, stored.gender, stored.spec_id) == ("Amberfall", "FEMALE", 64)
    assert (stored.equipped_item_level, stored.achievement_points) == (270, 12_000)
    assert stored.last_login_at == datetime.fromtimestamp(LOGIN_MS / 1000 + 3, UTC)


async def test_a_profile_younger_than_the_interval_is_not_asked_for(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    scene.stand_in.requests.clear()
    clock.advance(hours=23, minutes=59)
    scene.world.join(scene.world.add(adventurer(50)), scene.guild, 9)
    await scene.sync()
    assert scene.asked_profiles() == [f"/eu/profile/wow/character/amberfall/{adventurer(50).name.lower()}"]


async def test_an_older_profile_goes_with_its_date_and_an_unchanged_one_writes_no_character(
    scene: Scene, clock: FakeClock
) -> None:
    await scene.sync()
    before = await scene.versions(CHARACTERS)
    scene.stand_in.requests.clear()
    clock.advance(hours=24)
    outcome = await scene.sync()
    asked = [seen for seen in scene.stand_in.requests if "/character/" in seen.path]
    assert [(seen.status, "If-Modified-Since" in seen.headers) for seen in asked] == [(304, True)] * 8
    assert (outcome.status, outcome.profiles_changed) == (RunStatus.SUCCESS, 0)
    assert await scene.versions(CHARACTERS) == before
    scene.stand_in.requests.clear()
    clock.advance(hours=6)
    await scene.sync()
    assert scene.asked_profiles() == []


async def test_an_equal_answer_writes_no_character(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    async with scene.ctx.sessions.begin() as session:
        await session.execute(sa.text("UPDATE common.profile_checks SET last_modified = NULL"))
    before = await scene.versions(CHARACTERS)
    scene.stand_in.requests.clear()
    clock.advance(hours=24)
    outcome = await scene.sync()
    assert [seen.status for seen in scene.stand_in.requests if "/character/" in seen.path] == [200] * 8
    assert (outcome.profiles_changed, await scene.versions(CHARACTERS)) == (0, before)


async def test_a_newer_profile_is_written(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    scene.world.login(scene.member(3), equipped_item_level=285, spec=62)
    clock.advance(hours=24)
    outcome = await scene.sync()
    stored = await scene.stored(scene.member(3))
    assert (outcome.profiles_changed, stored.equipped_item_level, stored.spec_id) == (1, 285, 62)


async def test_what_a_profile_leaves_out_stays_as_stored(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    scene.world.login(scene.member(3), equipped_item_level=285)
    scene.member(3).active_spec = None
    clock.advance(hours=24)
    await scene.sync()
    stored = await scene.stored(scene.member(3))
    assert (stored.equipped_item_level, stored.spec_id) == (285, 64)


async def test_a_failed_profile_is_asked_for_again_by_the_next_run_and_no_other(scene: Scene) -> None:
    unlucky = f"/eu/profile/wow/character/amberfall/{scene.member(3).name.lower()}"
    scene.stand_in.faults.add(unlucky, Status(403))
    assert (await scene.sync()).status is RunStatus.PARTIAL
    scene.stand_in.requests.clear()
    outcome = await scene.sync()
    assert (outcome.status, outcome.profiles_changed, scene.asked_profiles()) == (RunStatus.SUCCESS, 1, [unlucky])


async def test_another_character_at_the_name_is_not_taken_over_nor_is_its_date(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    dates = "SELECT character_id, last_modified FROM common.profile_checks ORDER BY 1"
    before, stored = await scene.query(dates), await scene.stored(scene.member(3))
    for character in scene.world.members(scene.guild):
        scene.world.login(character, equipped_item_level=289)
    scene.stand_in.faults.add(PROFILES, OtherId(), times=None)
    clock.advance(hours=24)
    outcome = await scene.sync()
    assert (outcome.profiles_changed, await scene.query(dates)) == (0, before)
    assert (await scene.stored(scene.member(3))).equipped_item_level == stored.equipped_item_level


async def test_the_profile_of_a_departed_character_is_not_asked_for(scene: Scene, clock: FakeClock) -> None:
    await scene.sync()
    scene.leave(3)
    scene.stand_in.requests.clear()
    clock.advance(hours=24)
    await scene.sync()
    assert len(scene.asked_profiles()) == 7
    assert not any(path.endswith(f"/{scene.member(3).name.lower()}") for path in scene.asked_profiles())


async def test_the_shortest_interval_of_the_servers_that_muster_is_in_counts(scene: Scene, clock: FakeClock) -> None:
    await follow(scene.ctx, scene.guild, server_id=5_002)
    await follow(scene.ctx, scene.guild, server_id=5_003)
    for server_id, hours in ((SERVER, 48), (5_002, 12), (5_003, 1)):
        await set_interval(scene, server_id, hours)
    await servers.note_absence(scene.ctx, 5_003)
    await scene.sync()
    scene.stand_in.requests.clear()
    clock.advance(hours=11)
    await scene.sync()
    assert scene.asked_profiles() == []
    clock.advance(hours=1)
    await scene.sync()
    assert len(scene.asked_profiles()) == 8


async def test_profiles_are_written_batch_by_batch(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "BATCH", 3)
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    assert (await scene.sync(progress=tell)).profiles_changed == 8
    assert told[2:] == [f"Reading profiles: {done} of 8…" for done in (0, 3, 6)]


async def test_an_outage_is_not_asked_for_every_profile(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "BATCH", 3)
    scene.stand_in.faults.add(PROFILES, Status(503), times=None)
    outcome = await scene.sync()
    assert (outcome.status, outcome.reason) == (
        RunStatus.PARTIAL,
        "3 of 3 profiles could not be read (server_error)",
    )
    assert len(set(scene.asked_profiles())) == 3


@pytest.mark.parametrize("fault", [Status(403), Html()], ids=str)
async def test_profiles_that_always_fail_keep_nobody_behind_them_waiting(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr(profiles, "BATCH", 3)
    for number in (0, 1, 2):
        name = scene.member(number).name.lower()
        scene.stand_in.faults.add(f"/eu/profile/wow/character/amberfall/{name}", fault, times=None)
    outcome = await scene.sync()
    assert (outcome.status, outcome.profiles_failed, outcome.profiles_changed) == (RunStatus.PARTIAL, 3, 5)


async def test_a_run_that_lost_its_lease_writes_no_profile(scene: Scene, clock: FakeClock) -> None:
    async def stand_still(text: str) -> None:
        if text.startswith("Reading profiles"):
            clock.advance(seconds=LEASE.total_seconds() + 1)
            assert await close_expired(scene.ctx) == 1

    with pytest.raises(RunLost):
        await scene.sync(progress=stand_still)
    assert (await scene.stored(scene.member(3))).equipped_item_level is None
    assert await scene.query("SELECT * FROM common.profile_checks") == []
