"""The world changes while it is served, and the next answer shows it."""

from datetime import UTC, datetime

import pytest

from sandbox.world import Character, World, realm_slug
from tests.sandbox.battlenet_client import COPPER, DUSK, HOME, LOGIN, Client

ROSTER = "/data/wow/guild/amberfall/the-ember-vigil/roster"


async def ranks(client: Client) -> dict[str, int]:
    roster = await client.json(ROSTER)
    return {member["character"]["name"]: member["rank"] for member in roster["members"]}


async def test_a_rename_keeps_the_id_and_moves_the_path(client: Client, world: World) -> None:
    world.rename(world.find("Яромир"), "Bo")
    assert (await client.json("/profile/wow/character/dusk-forest/bo"))["id"] == 102
    assert (await client.get("/profile/wow/character/dusk-forest/яромир")).status_code == 404
    assert "Bo" in await ranks(client)


async def test_a_transfer_moves_the_realm_with_or_without_the_id(client: Client, world: World) -> None:
    character = world.find("Яромир")
    world.transfer(character, HOME)
    assert (await client.json("/profile/wow/character/amberfall/яромир"))["id"] == 102
    world.transfer(character, DUSK, new_id=9)
    assert (await client.json("/profile/wow/character/dusk-forest/яромир"))["id"] == 9


async def test_a_new_name_is_a_newer_profile(world: World) -> None:
    character = world.find("Ádra")
    world.rename(character, "Adra")
    assert character.last_login > LOGIN


async def test_an_old_guild_is_brought_up_to_a_moment_with_its_rhythm_kept(world: World) -> None:
    early, late = world.find("Ádra"), world.find("Яромир")
    world.login(late)
    world.catch_up(datetime(2031, 5, 4, tzinfo=UTC))
    assert late.last_login == datetime(2031, 5, 4, tzinfo=UTC).timestamp() * 1000
    assert late.last_login - early.last_login == 3_600_000


async def test_members_come_go_and_change_rank(client: Client, world: World) -> None:
    guild = world.guilds[0]
    world.leave(world.find("Bram", "amberfall"))
    world.join(world.find("Bram", "dusk-forest"), guild, 7)
    world.promote(world.find("Яромир"))
    assert await ranks(client) == {"Ádra": 0, "Яромир": 2, "Bram": 7}
    world.demote(world.find("Яромир"))
    assert (await ranks(client))["Яромир"] == 3
    assert (await client.json("/data/wow/guild/amberfall/the-ember-vigil"))["member_count"] == 3


async def test_a_departed_character_has_no_guild(client: Client, world: World) -> None:
    path = "/profile/wow/character/dusk-forest/яромир"
    assert (await client.json(path))["guild"]["name"] == "The Ember Vigil"
    world.leave(world.find("Яромир"))
    assert "guild" not in await client.json(path)


def test_a_name_is_taken_once_on_a_realm(world: World) -> None:
    with pytest.raises(ValueError, match="Bram exists on amberfall already"):
        world.rename(world.find("Ádra"), "Bram")
    with pytest.raises(ValueError, match="exists"):
        world.transfer(world.find("Bram", "amberfall"), DUSK)
    with pytest.raises(ValueError, match="exists"):
        world.add(Character(1, "BRAM", HOME, 1, 1, 90))
    world.remove(world.find("Bram", "amberfall"))
    world.rename(world.find("Ádra"), "Bram")


def test_a_change_of_case_is_a_rename(world: World) -> None:
    character = world.find("Bram", "amberfall")
    world.rename(character, "bram")
    assert world.character("eu", "amberfall", "bram") is character


def test_ids_of_two_realm_groups_may_collide(world: World) -> None:
    world.add(Character(101, "Ádra", COPPER, 1, 1, 90))
    assert world.character("us", "copper-ridge", "ádra") is not world.character("eu", "amberfall", "ádra")


def test_ranks_go_from_0_to_9_and_only_members_have_one(world: World) -> None:
    with pytest.raises(ValueError, match="0 to 9"):
        world.promote(world.find("Ádra"))
    with pytest.raises(ValueError, match="in no guild"):
        world.demote(world.find("Bram", "dusk-forest"))


def test_a_name_of_two_characters_is_not_found_by_name_alone(world: World) -> None:
    with pytest.raises(LookupError, match="2 characters"):
        world.find("Bram")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Twilight Harbor", "twilight-harbor"),
        ("Quel'Marr", "quelmarr"),
        ("Grim’dal", "grimdal"),
        ("Rivière d'Argent", "rivière-dargent"),
        ("Ridge (South)", "ridge-south"),
    ],
)
def test_a_slug_loses_apostrophes_and_brackets_and_keeps_diacritics(name: str, slug: str) -> None:
    assert realm_slug(name) == slug
