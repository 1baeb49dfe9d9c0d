"""The sample guild is the same for the same seed, looks like a guild, and knows the truth about itself."""

import dataclasses
import re
from collections import Counter

import httpx
import pytest

from domain.names import fold
from sandbox.battlenet import BattleNetStandIn
from sandbox.gamedata import CLASSES, RACES, SPECS
from sandbox.people import Naming
from sandbox.sample import BOTS, Sample, sample_guild
from sandbox.world import names_of, path_name
from tests.sandbox.battlenet_client import Client

ROSTER = "/data/wow/guild/amberfall/the-ember-vigil/roster"
SEEDS = (1, 2, 3)


@pytest.fixture(params=SEEDS, name="sample")
def sample_of_a_seed(request: pytest.FixtureRequest) -> Sample:
    return sample_guild(request.param)


def facts(sample: Sample) -> list[object]:
    people = [dataclasses.asdict(person) for person in sample.people]
    return [people, sample.members, list(sample.notes.values())]


def test_the_same_seed_gives_the_same_guild() -> None:
    assert facts(sample_guild(7)) == facts(sample_guild(7))
    assert facts(sample_guild(7)) != facts(sample_guild(8))


def test_it_is_as_large_as_a_real_guild(sample: Sample) -> None:
    assert 58 <= len(sample.people) <= 62
    assert 312 <= len(sample.characters) <= 328
    assert set(sample.world.members(sample.guild)) == set(sample.characters)
    assert 45 <= sum(not member.bot for member in sample.members) <= 75
    assert [member.username for member in sample.members if member.bot] == list(BOTS)
    assert len({character.realm for character in sample.characters}) >= 5


def test_every_character_name_has_2_to_12_letters_and_one_capital(sample: Sample) -> None:
    for character in sample.characters:
        assert 2 <= len(character.name) <= 12
        assert character.name.isalpha()
        assert character.name == character.name.capitalize()


def test_names_come_in_several_scripts_and_with_accents(sample: Sample) -> None:
    names = [character.name for character in sample.characters]
    assert any(re.fullmatch("[а-яё]+", name, re.IGNORECASE) for name in names)
    assert sum(bool(re.search("[à-ÿ]", name)) for name in names) >= 10


def test_ranks_make_a_pyramid_with_one_guild_master(sample: Sample) -> None:
    ranks = Counter(character.rank for character in sample.characters)
    assert (ranks[0], ranks[1]) == (1, 4)
    assert set(ranks) == set(range(8))
    assert len(sample.ranks) == 8
    assert ranks[6] > len(sample.characters) / 3


def test_classes_races_and_specs_exist_and_fit(sample: Sample) -> None:
    for character in sample.characters:
        assert character.class_id in CLASSES
        assert character.faction == RACES[character.race_id or 0][1]
        assert character.active_spec is None or character.active_spec in SPECS[character.class_id]
    assert len({character.faction for character in sample.characters}) == 2


def test_some_profiles_are_hidden_and_some_lack_what_may_be_missing(sample: Sample) -> None:
    hidden = [character for character in sample.characters if not character.visible]
    assert 5 <= len(hidden) <= 60
    assert any(character.active_spec is None for character in sample.characters)
    assert any(character.active_title is None for character in sample.characters)


def test_notes_fit_the_game_and_tell_empty_from_unknown(sample: Sample) -> None:
    assert set(sample.notes) == set(sample.characters)
    notes = list(sample.notes.values())
    assert all(len(text) <= 31 for note in notes for text in (note.guild, note.officer) if text is not None)
    assert {None, ""} <= {note.officer for note in notes}


def test_most_alts_are_noted_as_somebodys_in_the_words_of_several_languages(sample: Sample) -> None:
    alts = [(person, alt) for person in sample.people for alt in person.characters[1:]]
    own = [alt for person, alt in alts if any(one.name in (sample.notes[alt].guild or "") for one in person.characters)]
    assert 0.5 * len(alts) < len(own) < 0.9 * len(alts)
    words = {word for alt in own for word in re.findall(r"[^\W\d]+", sample.notes[alt].guild or "")}
    for word in ("alt", "reroll", "Twink", "твинк"):
        assert word in words


def test_officer_notes_name_members_and_never_one_whose_name_others_bear(sample: Sample) -> None:
    named = [
        person
        for person in sample.people
        if person.member and person.member.username in (sample.notes[person.main].officer or "")
    ]
    assert len(named) >= 8
    assert Naming.SHARED not in {person.naming for person in named}


def test_discord_names_are_ones_that_discord_allows(sample: Sample) -> None:
    for member in sample.members:
        assert re.fullmatch("[a-z0-9_.]{2,32}", member.username)
        assert all(1 <= len(name) <= 32 for name in (member.nick, member.global_name) if name is not None)
    assert len({member.username for member in sample.members}) == len(sample.members)
    assert len({member.id for member in sample.members}) == len(sample.members)


def test_roles_of_members_are_roles_of_the_server(sample: Sample) -> None:
    assert {role for member in sample.members for role in member.roles} == set(sample.roles)


def test_the_guild_master_owns_the_server(sample: Sample) -> None:
    assert sample.people[0].main.rank == 0
    assert sample.owner is sample.people[0].member


def test_a_large_part_of_the_members_is_named_like_a_character_of_theirs(sample: Sample) -> None:
    linkable = sample.linkable
    assert len(linkable) >= 0.5 * sum(not member.bot for member in sample.members)
    shown = {member.id: member.shown_name for member in sample.members}
    for member_id, character in linkable.items():
        owner = sample.owner_of(character).member
        assert owner is not None
        assert owner.id == member_id
        assert fold(shown[member_id].partition(" | ")[0]) == fold(character.name)


def test_all_ways_of_naming_occur() -> None:
    namings = Counter(person.naming for seed in SEEDS for person in sample_guild(seed).people if person.member)
    assert set(namings) == set(Naming)


def test_strangers_bear_no_characters_name(sample: Sample) -> None:
    named = {person.member.id for person in sample.people if person.member and person.named_after}
    characters = {fold(character.name) for character in sample.characters}
    doubles = [
        member
        for member in sample.members
        if member.id not in named
        if {fold(member.username), fold(member.global_name), fold(member.nick)} & characters
    ]
    assert len(doubles) == 1


def test_one_name_is_shared_by_two_members(sample: Sample) -> None:
    shown = Counter(fold(member.shown_name) for member in sample.members)
    assert sorted(shown.values())[-2:] == [1, 2]


def test_one_name_is_shared_by_characters_of_two_people_on_two_realms(sample: Sample) -> None:
    bearers: dict[str, list[int]] = {}
    for number, person in enumerate(sample.people):
        for character in person.characters:
            bearers.setdefault(fold(character.name), []).append(number)
    twins = [owners for owners in bearers.values() if len(owners) > 1]
    assert len(twins) == 1
    assert len(set(twins[0])) == 2


def test_some_players_have_no_discord_and_some_members_no_character(sample: Sample) -> None:
    assert 1 <= sum(person.member is None for person in sample.people) <= 20
    owners = {person.member.id for person in sample.people if person.member}
    guests = [member for member in sample.members if member.id not in owners and not member.bot]
    assert 5 <= len(guests) <= 12


def test_realms_are_known_in_all_regions_and_languages(sample: Sample) -> None:
    realms = sample.world.realms
    assert {realm.region for realm in realms} == {"us", "eu", "kr", "tw"}
    assert any(" " in realm.name for realm in realms)
    assert any("'" in realm.name for realm in realms)
    assert any(names_of(realm)["ru_RU"] != names_of(realm)["en_US"] for realm in realms)
    groups = Counter(realm.connected_id for realm in realms)
    assert max(groups.values()) >= 3


async def test_what_is_served_has_the_shapes_of_battle_net() -> None:
    sample = sample_guild()
    async with BattleNetStandIn(sample.world, per_second=None) as stand_in, httpx.AsyncClient() as http:
        client = Client(stand_in, http)
        await client.sign_in()
        roster = await client.json(ROSTER)
        assert set(roster) == {"_links", "guild", "members"}
        assert {"name", "id", "realm", "faction"} <= set(roster["guild"])
        assert len(roster["members"]) == len(sample.characters)
        for member in roster["members"]:
            assert set(member) == {"character", "rank"}
            character = member["character"]
            assert set(character) == {"name", "id", "realm", "level", "playable_class", "playable_race", "faction"}
            assert set(character["realm"]) == {"key", "id", "slug"}
            assert set(character["playable_class"]) == {"key", "id"}
        for character in sample.characters:
            path = f"/profile/wow/character/{character.realm.slug}/{path_name(character.name)}"
            answer = await client.get(path)
            assert answer.status_code == (200 if character.visible else 404)
            if character.visible:
                body = answer.json()
                assert {
                    "gender",
                    "faction",
                    "race",
                    "character_class",
                    "realm",
                    "guild",
                    "last_login_timestamp",
                } <= set(body)
                assert body["equipped_item_level"] <= body["average_item_level"]
                assert body["last_login_timestamp"] > 1_500_000_000_000
                assert ("active_spec" in body) == (character.active_spec is not None)
