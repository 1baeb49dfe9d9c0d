from typing import Any

import simcord

from bot.services import audit, servers
from bot.services.bundle import Services
from cogs.setup.realms import Realms
from domain.regions import Region
from sandbox.battlenet import BattleNetStandIn, faults
from sandbox.world import Guild
from tests.cogs.home import Home, card_of


async def setup_guild(home: Home, **options: Any) -> simcord.InteractionResult:
    """Let the officer choose the sample guild, or what the options say."""
    guild = home.sample.guild
    given = {"region": guild.realm.region, "realm": guild.realm.slug, "guild": guild.name} | options
    return await home.officer.slash(home.general, "setup guild", **given)


async def followed(home: Home) -> str | None:
    """Give the name of the guild that the server follows."""
    view = await servers.view(home.services.ctx, home.server.id)
    return None if view.guild is None else view.guild.name


async def choices(home: Home, typed: str, **filled: Any) -> list[str]:
    """Give the realms that are offered to the officer."""
    offered = await home.officer.autocomplete(home.general, "setup guild", "realm", typed, **filled)
    return [choice["value"] for choice in offered]


async def test_choosing_a_guild_shows_it_and_what_comes_next(home: Home) -> None:
    result = await setup_guild(home)
    assert result.ephemeral
    assert card_of(result).splitlines() == [
        "## The Ember Vigil",
        f"Realm: {home.sample.guild.realm.name} (EU)",
        "Faction: Alliance",
        "Characters: 60",
        "**Next**",
        "- `/sync roster` reads its roster.",
        "- `/setup channels` chooses where findings are posted.",
    ]
    assert await followed(home) == "The Ember Vigil"


async def test_choosing_it_again_shows_only_what_is_left_to_do(home: Home) -> None:
    await home.sync_roster()
    await home.report_to(home.audit)
    assert card_of(await setup_guild(home)).endswith("**Next**\n- `/setup check` tells whether anything is missing.")


async def test_a_realm_is_found_by_its_name_in_any_language(home: Home) -> None:
    realm = next(realm for realm in home.sample.world.realms if realm.region == "eu" and realm.translations)
    localised = realm.translations[0][1]
    assert await choices(home, localised[:4].upper(), region="eu") == [realm.slug]
    await setup_guild(home, realm=home.sample.guild.realm.name)
    assert await followed(home) == "The Ember Vigil"


async def test_realms_that_begin_with_what_is_typed_come_first(home: Home) -> None:
    offered = await choices(home, "s", region="eu")
    begins = [slug.startswith("s") for slug in offered]
    assert begins == sorted(begins, reverse=True)
    assert any(begins)


async def test_without_a_region_no_realm_is_offered(home: Home) -> None:
    assert await choices(home, "") == []


async def test_while_battlenet_is_down_no_realm_is_offered(home: Home) -> None:
    home.battlenet.faults.add("*/data/wow/realm/index", faults.Html())
    assert await choices(home, "", region="eu") == []
    assert await choices(home, "", region="eu")


async def test_realms_that_come_too_late_for_one_letter_are_there_for_the_next(
    services: Services, battlenet: BattleNetStandIn
) -> None:
    battlenet.faults.add("*/data/wow/realm/index", faults.Slow(0.2))
    realms = Realms(services, within=0.01)
    assert await realms.load(Region.EU) == []
    while not await realms.load(Region.EU):
        pass
    assert sum(seen.path.endswith("/realm/index") for seen in battlenet.requests) == 1


async def test_who_may_not_set_up_is_offered_no_realms(home: Home) -> None:
    home.allow("setup", home.plain)
    offered = await home.plain.autocomplete(home.general, "setup guild", "realm", "", region="eu")
    assert offered == []


async def test_an_unknown_guild_says_what_to_check(home: Home) -> None:
    result = await setup_guild(home, guild="No Such Guild")
    assert "Battle.net knows no guild" in home.refused(result)
    assert await followed(home) is None


async def test_an_unknown_realm_says_so(home: Home) -> None:
    result = await setup_guild(home, realm="Nowhere")
    assert "There is no realm" in home.refused(result)


async def test_with_battlenet_down_nothing_changes(home: Home) -> None:
    home.battlenet.faults.add("*/data/wow/guild/*", faults.Html(), times=None)
    result = await setup_guild(home)
    assert "Battle.net does not answer" in home.refused(result)
    assert await followed(home) is None


async def test_another_guild_needs_the_name_of_the_one_that_is_given_up(home: Home) -> None:
    first = home.sample.guild
    other = Guild(70_002, "*Ashen* @everyone", "ashen-everyone", first.realm, "HORDE")
    home.sample.world.guilds.append(other)
    await setup_guild(home)
    options = {"guild": "ashen everyone"}
    assert "type `The Ember Vigil` into `replace`" in home.refused(await setup_guild(home, **options))
    assert await followed(home) == "The Ember Vigil"
    home.refused(await setup_guild(home, **options, replace="The Amber Vigil"))
    result = await setup_guild(home, **options, replace="the ember vigil")
    assert card_of(result).startswith("## \\*Ashen\\* @\u200beveryone\n")
    assert await followed(home) == other.name


async def test_what_was_found_about_a_guild_that_is_given_up_ends_at_once(home: Home) -> None:
    await home.sync_roster()
    await home.sync_members()
    assert await audit.standing(home.services.ctx, home.server.id)
    first = home.sample.guild
    home.sample.world.guilds.append(Guild(70_002, "Ashen", "ashen", first.realm, "HORDE"))
    await setup_guild(home, guild="Ashen", replace=first.name)
    assert await followed(home) == "Ashen"
    assert await audit.standing(home.services.ctx, home.server.id) == []


async def test_regions_are_offered_as_the_game_names_them(home: Home) -> None:
    command = home.bot.tree.get_command("setup").get_command("guild")  # type: ignore[union-attr]
    (region,) = (option for option in command.parameters if option.name == "region")
    assert [(choice.name, choice.value) for choice in region.choices] == [(one.name, one.value) for one in Region]
