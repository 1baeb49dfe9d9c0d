"""Many characters that were long away, asked for at Battle.net one after the other."""

from bot.services import bulk_fixes
from bot.services.bulk_fixes import BulkOutcome, Plan
from db.tables.servers import Server
from domain.bulk_fixes import Bulk, BulkAct
from sandbox.battlenet import Status
from tests.support.clock import FakeClock
from tests.support.scene import OFFICER, SERVER, Scene

SYNC = Bulk("stale_character", BulkAct.SYNC)


async def look(scene: Scene) -> Plan:
    return await bulk_fixes.plan(scene.ctx, SERVER, SYNC)


async def ask(scene: Scene) -> BulkOutcome:
    async def told(done: int, total: int) -> None:
        """Hear nothing of the progress."""

    key = (await look(scene)).key
    return await bulk_fixes.fix(scene.ctx, scene.battlenet, SERVER, SYNC, key=key, actor_id=OFFICER, told=told)


async def long_away(scene: Scene, clock: FakeClock) -> None:
    """Let all eight characters be long away, by profiles read just now."""
    await scene.sync_all()
    clock.advance(days=40)
    await scene.sync_all()
    async with scene.ctx.sessions.begin() as session:
        (await session.get_one(Server, SERVER)).members_synced_at = clock()
    scene.stand_in.requests.clear()


async def test_each_character_is_asked_for_once_and_who_was_played_is_stale_no_more(
    scene: Scene, clock: FakeClock
) -> None:
    await long_away(scene, clock)
    played = scene.member(3)
    played.last_login = int(clock().timestamp()) * 1_000
    assert await ask(scene) == BulkOutcome(8)
    assert len(scene.asked_profiles()) == 8
    left = (await look(scene)).findings
    assert len(left) == 7
    assert played.name not in {finding.facts["name"] for finding in left}


async def test_battlenets_maintenance_ends_a_bulk_after_a_few_and_the_rest_is_not_tried(
    scene: Scene, clock: FakeClock
) -> None:
    await long_away(scene, clock)
    scene.stand_in.faults.add("/eu/profile/wow/character/*", Status(403), times=None)
    outcome = await ask(scene)
    assert (outcome.done, len(outcome.failed), outcome.untried) == (0, bulk_fixes.PATIENCE, 8 - bulk_fixes.PATIENCE)
    scene.stand_in.faults.clear()
    assert await ask(scene) == BulkOutcome(8)


async def test_single_profiles_that_are_refused_end_nothing(scene: Scene, clock: FakeClock) -> None:
    await long_away(scene, clock)
    for number in (0, 1, 3, 4, 6):
        path = f"/eu/profile/wow/character/*/{scene.member(number).name.lower()}"
        scene.stand_in.faults.add(path, Status(403), times=None)
    outcome = await ask(scene)
    assert (outcome.done, len(outcome.failed), outcome.untried) == (3, 5, 0)
