"""Any real roster becomes a world; a file that is none is refused in one line."""

import copy
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.names import fold
from sandbox.battlenet import BattleNetStandIn
from sandbox.people import Naming
from sandbox.rosterfile import display_name, world_from_roster
from tests.sandbox.battlenet_client import Client


def member(number: int, name: str, rank: int, slug: str = "grey-keep-of-ash") -> dict[str, Any]:
    return {
        "character": {
            "name": name,
            "id": number,
            "realm": {"id": 77 if slug == "grey-keep-of-ash" else 78, "slug": slug},
            "level": 80,
            "playable_class": {"id": 1 + number % 13},
            "playable_race": {"id": 2},
        },
        "rank": rank,
    }


HREF = "https://us.api.blizzard.com/data/wow/guild/grey-keep-of-ash/caf%C3%A9-noir/roster?namespace=profile-us"
ROSTER: dict[str, Any] = {
    "_links": {"self": {"href": HREF}},
    "guild": {
        "name": "Café Noir",
        "id": 5,
        "realm": {"name": "Grey Keep of Ash", "id": 77, "slug": "grey-keep-of-ash"},
    },
    "members": [member(1, "Onera", 3), member(2, "Twora", 0), member(3, "Onera", 6, "amberfall")],
}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "roster.json"
    path.write_text(json.dumps(ROSTER), encoding="utf-8")
    return path


def test_guild_characters_and_realms_are_those_of_the_file(written: Path) -> None:
    sample = world_from_roster(written)
    guild = sample.guild
    assert (guild.name, guild.slug, guild.realm.region, guild.faction) == ("Café Noir", "café-noir", "us", "HORDE")
    assert {(one.id, one.name, one.rank, one.realm.slug) for one in sample.world.members(guild)} == {
        (1, "Onera", 3, "grey-keep-of-ash"),
        (2, "Twora", 0, "grey-keep-of-ash"),
        (3, "Onera", 6, "amberfall"),
    }


def test_the_guild_master_owns_the_server(written: Path) -> None:
    sample = world_from_roster(written)
    assert sample.people[0].main.name == "Twora"
    assert sample.owner is sample.people[0].member


def test_the_same_seed_invents_the_same_people(written: Path) -> None:
    assert world_from_roster(written, 4).members == world_from_roster(written, 4).members
    assert world_from_roster(written, 4).members != world_from_roster(written, 5).members


def test_the_realm_index_has_the_realms_of_the_file_and_more(written: Path) -> None:
    realms = [realm for realm in world_from_roster(written).world.realms if realm.region == "us"]
    assert [(realm.id, realm.name) for realm in realms][:2] == [(77, "Grey Keep of Ash"), (78, "Amberfall")]
    assert len(realms) > 2
    assert any("'" in realm.name for realm in realms)


def test_a_file_without_an_address_is_european(tmp_path: Path) -> None:
    roster = copy.deepcopy(ROSTER)
    del roster["_links"]
    path = tmp_path / "roster.json"
    path.write_text(json.dumps(roster), encoding="utf-8")
    guild = world_from_roster(path).guild
    assert (guild.realm.region, guild.slug) == ("eu", "café-noir")


def test_newer_rosters_with_factions_keep_them(tmp_path: Path) -> None:
    roster = copy.deepcopy(ROSTER)
    roster["guild"]["faction"] = {"type": "ALLIANCE", "name": "Alliance"}
    roster["members"][0]["character"]["faction"] = {"type": "HORDE"}
    path = tmp_path / "roster.json"
    path.write_text(json.dumps(roster), encoding="utf-8")
    sample = world_from_roster(path)
    assert sample.guild.faction == "ALLIANCE"
    assert [one.faction for one in sample.world.characters] == ["HORDE", None, None]


def test_a_class_or_race_that_nobody_knows_yet_is_served(tmp_path: Path) -> None:
    roster = copy.deepcopy(ROSTER)
    roster["members"][0]["character"]["playable_class"]["id"] = 99
    roster["members"][0]["character"]["playable_race"]["id"] = 98
    path = tmp_path / "roster.json"
    path.write_text(json.dumps(roster), encoding="utf-8")
    unknown = world_from_roster(path).world.find("Onera", "grey-keep-of-ash")
    assert (unknown.class_id, unknown.race_id, unknown.active_spec) == (99, 98, None)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, r"^cannot read .*roster\.json: No such file"),
        ("<html>", r"is not JSON$"),
        ("\udcff", r"is not JSON$"),
        ("[]", r"has no guild or no members$"),
        ('{"code": 404}', r"has no guild or no members$"),
        (json.dumps(ROSTER | {"members": []}), r"is a roster without members$"),
        (json.dumps(ROSTER | {"guild": {"name": "x"}}), r"a part of it lacks 'realm'$"),
        (json.dumps(ROSTER | {"members": [{"rank": 1}]}), r"a part of it lacks 'character'$"),
        (json.dumps(ROSTER | {"members": [7]}), r"a part of it has another form$"),
        (json.dumps(ROSTER | {"members": [member(1, "Onera", 3)] * 2}), r"Onera exists on grey-keep-of-ash already$"),
    ],
)
def test_an_unusable_file_is_refused_in_one_line(tmp_path: Path, text: str | None, complaint: str) -> None:
    path = tmp_path / "roster.json"
    if text is not None:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=complaint) as caught:
        world_from_roster(path)
    assert "\n" not in str(caught.value)


def test_a_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^cannot read"):
        world_from_roster(tmp_path)


@pytest.mark.parametrize(
    ("slug", "name"), [("grey-keep-of-ash", "Grey Keep of Ash"), ("amberfall", "Amberfall"), ("the-keep", "The Keep")]
)
def test_a_realm_is_called_readably_after_its_slug(slug: str, name: str) -> None:
    assert display_name(slug) == name


async def test_a_real_roster_is_served_as_it_was_recorded(shared: Path) -> None:
    path = shared / "fixtures" / "guild_roster.eu.stormrage.avalerion.json"
    recorded = json.loads(path.read_text(encoding="utf-8"))
    async with BattleNetStandIn(world_from_roster(path).world) as stand_in, httpx.AsyncClient() as http:
        client = Client(stand_in, http)
        await client.sign_in()
        served = await client.json("/data/wow/guild/stormrage/avalerion/roster")
    assert without_addresses(served["members"]) == without_addresses(recorded["members"])
    assert {key: served["guild"][key] for key in ("id", "name")} == {
        key: recorded["guild"][key] for key in ("id", "name")
    }


def test_part_of_a_real_guilds_members_is_named_like_its_characters(shared: Path) -> None:
    sample = world_from_roster(shared / "fixtures" / "guild_roster.eu.stormrage.avalerion.json")
    assert len(sample.characters) == 418
    people = [person for person in sample.people if person.member]
    humans = sum(not one.bot for one in sample.members)
    named = [person for person in people if person.naming is not Naming.UNRELATED]
    assert 0.4 <= len(named) / humans <= 0.5
    assert len(people) < humans
    for person in named:
        assert person.member is not None
        assert person.named_after in person.characters
        assert fold(person.member.shown_name.partition(" | ")[0]) == fold(person.named_after.name)


def without_addresses(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: without_addresses(inner) for key, inner in part.items() if key not in ("key", "_links")}
    if isinstance(part, list):
        return [without_addresses(inner) for inner in part]
    return part
