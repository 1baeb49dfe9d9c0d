"""Realms and races: read at a region's first use, once."""

import asyncio

import pytest

from bot.battlenet.client import BattleNetClient
from bot.services import reference
from bot.services.context import Context
from db import servers
from domain.names import fold
from domain.regions import Region
from sandbox.battlenet import BattleNetStandIn, Fault, HalfJson, Html, Status
from sandbox.gamedata import LOCALES, RACES
from sandbox.realms import REALMS
from tests.support.scene import Scene


def indexes(stand_in: BattleNetStandIn) -> list[str]:
    return [seen.path for seen in stand_in.requests if seen.path.endswith("/index")]


async def test_a_regions_first_use_stores_all_names_of_its_realms_and_the_races(scene: Scene) -> None:
    assert await reference.ensure_region(scene.ctx, scene.battlenet, Region.EU)
    stored = await scene.query("SELECT id, slug, names FROM common.realms WHERE region = 'eu'")
    assert {(realm_id, slug) for realm_id, slug, _ in stored} == {
        (realm.id, realm.slug) for realm in REALMS if realm.region == "eu"
    }
    names = next(names for _, slug, names in stored if slug == "dusk-forest")
    assert set(names) == set(LOCALES)
    assert (names["en_GB"], names["ru_RU"]) == ("Dusk Forest", "Сумеречный бор")
    assert set(await scene.query("SELECT id, name FROM common.races")) == {
        (race_id, name) for race_id, (name, _) in RACES.items()
    }


async def test_a_region_is_read_once_and_each_region_for_itself(scene: Scene) -> None:
    for region in (Region.EU, Region.EU, Region.KR, Region.EU):
        assert await reference.ensure_region(scene.ctx, scene.battlenet, region)
    assert [path.split("/")[1] for path in indexes(scene.stand_in) if "realm" in path] == ["eu", "kr"]


@pytest.mark.parametrize("index", ["realm", "playable-race"])
@pytest.mark.parametrize("fault", [Status(404), Status(403), Status(503), Html(), HalfJson()], ids=str)
async def test_a_region_that_was_not_read_whole_is_read_again_at_its_next_use(
    scene: Scene, index: str, fault: Fault
) -> None:
    scene.stand_in.faults.add(f"/eu/data/wow/{index}/index", fault, times=3)
    assert not await reference.ensure_region(scene.ctx, scene.battlenet, Region.EU)
    assert await scene.query("SELECT id FROM common.realms") == []
    assert await reference.realm_choices(scene.ctx, Region.EU) == []
    scene.stand_in.faults.clear()
    assert await reference.ensure_region(scene.ctx, scene.battlenet, Region.EU)
    assert len(await reference.realm_choices(scene.ctx, Region.EU)) == 9


async def test_realms_stored_again_are_written_only_where_they_differ(scene: Scene) -> None:
    async def store(*realms: tuple[int, str, dict[str, str]]) -> list[tuple[int, object]]:
        async with scene.ctx.sessions.begin() as session:
            await servers.store_realms(session, Region.EU, realms, scene.ctx.clock())
        return await scene.query("SELECT id, xmin::text FROM common.realms ORDER BY id")

    before = await store((1, "one", {"en_GB": "One"}), (2, "two", {"en_GB": "Two"}))
    after = await store((1, "one", {"en_GB": "One"}), (2, "two", {"en_GB": "Renamed"}))
    assert [row[0] for row in set(before) & set(after)] == [1]


async def test_two_first_uses_at_once_store_a_region_once(
    scratch_ctx: Context, stand_in: BattleNetStandIn, battlenet: BattleNetClient
) -> None:
    both = (reference.ensure_region(scratch_ctx, battlenet, Region.EU) for _ in range(4))
    assert await asyncio.gather(*both) == [True] * 4
    assert len(await reference.realm_choices(scratch_ctx, Region.EU)) == 9


async def test_realms_are_offered_by_their_name_and_found_by_any_name(scene: Scene) -> None:
    for region in (Region.EU, Region.KR):
        await reference.ensure_region(scene.ctx, scene.battlenet, region)
    choices = await reference.realm_choices(scene.ctx, Region.EU)
    assert [choice.name for choice in choices] == sorted(realm.name for realm in REALMS if realm.region == "eu")
    assert [one.slug for one in choices if one.fits(fold("сумереч"))] == ["dusk-forest"]
    assert [one.slug for one in choices if one.fits(fold("QUEL MARR"))] == ["quelmarr"]
    [korean] = await reference.realm_choices(scene.ctx, Region.KR)
    assert (korean.slug, korean.name) == ("ashen-hill", "잿빛 언덕")
    assert korean.fits(fold("Ashen"))


async def test_a_regions_first_use_is_a_logged_run(scene: Scene) -> None:
    await reference.ensure_region(scene.ctx, scene.battlenet, Region.EU)
    run = await scene.last_run()
    assert (run.source, run.region, run.status) == ("static_data", "eu", "success")
    assert run.counts["realms"] == 9
