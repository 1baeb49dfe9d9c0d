"""Only a whole roster says who is in a guild: whatever else comes changes nothing, and the run says why."""

from dataclasses import replace

import pytest

from domain.runs import RunStatus, Trigger
from sandbox.battlenet import EmptyMembers, Fault, HalfJson, Html, InvalidJson, OtherId, Reset, Slow, Status, WrongShape
from tests.support.clock import FakeClock
from tests.support.scene import NEXT_DOOR, Scene, adventurer, client_of

ROSTER = "/eu/data/wow/guild/*/roster"
PROFILES = "/eu/profile/wow/character/*"
PUBLIC = ("wow_characters", "guild_memberships", "profile_checks", "held_departures", "rank_history", "guilds")

ROSTER_FAULTS = {
    "404": (Status(404), "404"),
    "403": (Status(403), "403"),
    "500": (Status(500), "server_error (status 500)"),
    "502": (Status(502), "server_error (status 502)"),
    "503": (Status(503), "server_error (status 503)"),
    "429": (Status(429), "rate_limited (status 429)"),
    "429 for an hour": (Status(429, retry_after=3600), "asked to wait 3600 s"),
    "304 unasked": (Status(304), "304"),
    "HTML with 200": (Html(), "broken"),
    "HTML with 502": (Html(502), "server_error"),
    "half a body": (HalfJson(), "broken"),
    "invalid JSON": (InvalidJson(), "broken"),
    "another shape": (WrongShape(), "broken"),
    "no members": (EmptyMembers(), "without members"),
    "a cut connection": (Reset(), "network"),
}
# 404 tells that Battle.net shows no profile, another id that somebody else bears the name now: neither is a failure.
PROFILE_ANSWERS = {"404": Status(404), "another character at the name": OtherId()}
PROFILE_FAULTS = {
    "403": (Status(403), "403"),
    "429": (Status(429), "rate_limited"),
    "500": (Status(500), "server_error"),
    "503": (Status(503), "server_error"),
    "HTML with 200": (Html(), "broken"),
    "half a body": (HalfJson(), "broken"),
    "invalid JSON": (InvalidJson(), "broken"),
    "another shape": (WrongShape(), "broken"),
    "a cut connection": (Reset(), "network"),
}


async def state(scene: Scene) -> list[object]:
    return [await scene.versions(f"common.{table}") for table in PUBLIC]


@pytest.mark.parametrize(("fault", "why"), ROSTER_FAULTS.values(), ids=ROSTER_FAULTS)
async def test_a_roster_that_is_not_whole_changes_nothing_and_the_run_says_why(
    scene: Scene, clock: FakeClock, fault: Fault, why: str
) -> None:
    await scene.sync()
    scene.leave(1)
    before = await state(scene)
    clock.advance(hours=25)
    scene.stand_in.faults.add(ROSTER, fault, times=None)
    scene.stand_in.requests.clear()
    outcome = await scene.sync()
    run = await scene.last_run()
    assert outcome.status is RunStatus.ERROR
    assert (run.id, run.status, run.reason) == (outcome.run_id, "error", outcome.reason)
    assert why in run.reason
    assert run.finished_at == clock.now
    assert await state(scene) == before
    assert scene.asked_profiles() == []


async def test_a_roster_that_does_not_come_in_time_changes_nothing(scene: Scene) -> None:
    await scene.sync()
    before = await state(scene)
    scene.stand_in.faults.add(ROSTER, Slow(5), times=None)
    async with client_of(scene.stand_in, patience=0.05) as impatient:
        outcome = await replace(scene, battlenet=impatient).sync()
    assert (outcome.status, await state(scene)) == (RunStatus.ERROR, before)
    assert outcome.reason is not None
    assert "timeout" in outcome.reason


async def test_a_roster_of_another_guild_under_the_name_changes_nothing(scene: Scene) -> None:
    await scene.sync()
    before = await state(scene)
    scene.world.guilds[0] = successor = replace(scene.guild, id=71)
    scene.world.join(scene.member(1), successor, 0)
    outcome = await scene.sync()
    assert (outcome.status, await state(scene)) == (RunStatus.ERROR, before)
    assert outcome.reason == "another guild (The Ember Vigil) stands at this name now"


async def test_the_next_good_roster_does_what_a_failed_one_left_undone(scene: Scene) -> None:
    await scene.sync()
    scene.leave(1)
    scene.stand_in.faults.add(ROSTER, Status(404))
    await scene.sync()
    outcome = await scene.sync()
    assert (outcome.status, outcome.departed, outcome.characters) == (RunStatus.SUCCESS, 1, 7)


async def all_profiles_due(scene: Scene, clock: FakeClock) -> dict[str, object]:
    """Read everything once, let every profile change and grow old; give what the profiles told so far."""
    await scene.sync_all()
    for character in scene.world.members(scene.guild):
        scene.world.login(character, equipped_item_level=289, spec=62)
    clock.advance(hours=24)
    scene.stand_in.requests.clear()
    return await profile_facts(scene)


async def profile_facts(scene: Scene) -> dict[str, object]:
    rows = await scene.query("SELECT name, to_jsonb(c) FROM common.wow_characters AS c")
    return dict(rows)


@pytest.mark.parametrize("fault", PROFILE_ANSWERS.values(), ids=PROFILE_ANSWERS)
async def test_a_profile_that_is_not_shown_departs_nobody_changes_nothing_and_is_no_failure(
    scene: Scene, clock: FakeClock, fault: Fault
) -> None:
    stored, members = await all_profiles_due(scene, clock), await scene.roster()
    scene.stand_in.faults.add(PROFILES, fault, times=None)
    outcome = await scene.sync()
    run = await scene.refresh()
    assert len(scene.asked_profiles()) == 8
    assert (run.status, run.reason) == ("success", None)
    assert run.counts == {"profiles_checked": 8, "profiles_changed": 0, "profiles_failed": 0}
    assert (outcome.departed, outcome.held) == (0, 0)
    assert (await scene.roster(), await profile_facts(scene)) == (members, stored)


@pytest.mark.parametrize(("fault", "why"), PROFILE_FAULTS.values(), ids=PROFILE_FAULTS)
async def test_a_failed_profile_departs_nobody_overwrites_nothing_and_makes_the_run_partial(
    scene: Scene, clock: FakeClock, fault: Fault, why: str
) -> None:
    stored, members = await all_profiles_due(scene, clock), await scene.roster()
    unlucky = scene.member(3).name
    scene.stand_in.faults.add(f"{PROFILES}/{unlucky.lower()}", fault, times=None)
    run = await scene.sync_all()
    assert run.status == "partial"
    assert run.counts == {"profiles_checked": 8, "profiles_changed": 7, "profiles_failed": 1}
    assert run.reason.startswith("1 of 8 profiles could not be read (")
    assert why in run.reason
    assert await scene.roster() == members
    after = await profile_facts(scene)
    assert after[unlucky] == stored[unlucky]
    assert all(after[name] != stored[name] for name in stored if name != unlucky)


async def test_a_profile_that_does_not_come_in_time_departs_nobody_and_overwrites_nothing(
    scene: Scene, clock: FakeClock
) -> None:
    stored, members = await all_profiles_due(scene, clock), await scene.roster()
    scene.stand_in.faults.add(PROFILES, Slow(5), times=None)
    async with client_of(scene.stand_in, patience=0.2) as impatient:
        run = await replace(scene, battlenet=impatient).sync_all()
    assert (run.status, run.counts["profiles_failed"]) == ("error", 8)
    assert (await scene.roster(), await profile_facts(scene)) == (members, stored)


async def test_a_character_that_is_there_for_the_first_time_may_have_no_profile(scene: Scene) -> None:
    newcomer = scene.world.add(adventurer(50, level=3, realm=NEXT_DOOR, visible=False))
    scene.world.join(newcomer, scene.guild, 9)
    outcome = await scene.sync(Trigger.COMMAND)
    run = await scene.refresh()
    stored = await scene.stored(newcomer)
    assert (outcome.status, outcome.characters, run.status) == (RunStatus.SUCCESS, 9, "success")
    assert (stored.level, stored.spec_id, stored.equipped_item_level, stored.last_login_at) == (3, None, None, None)
