"""What is accepted with gaps, and what is refused as broken."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.battlenet.payloads import (
    GuildPayload,
    GuildRef,
    Payload,
    ProfilePayload,
    RaceIndexPayload,
    RealmIndexPayload,
    RealmPayload,
    RealmRef,
    RosterMember,
    RosterPayload,
)


def read(payload: type[Payload], body: Any) -> Any:
    return payload.read(json.dumps(body, ensure_ascii=False).encode(), locale="en_GB")


def without(body: dict[str, Any], *way: Any) -> dict[str, Any]:
    """Give a copy that lacks one node."""
    copy: dict[str, Any] = json.loads(json.dumps(body))
    node: Any = copy
    for key in way[:-1]:
        node = node[key]
    del node[way[-1]]
    return copy


def with_value(body: dict[str, Any], value: Any, *way: Any) -> dict[str, Any]:
    """Give a copy in which one node is another."""
    copy: dict[str, Any] = json.loads(json.dumps(body))
    node: Any = copy
    for key in way[:-1]:
        node = node[key]
    node[way[-1]] = value
    return copy


def test_a_roster_keeps_each_characters_own_realm(roster_body: dict[str, Any]) -> None:
    roster = read(RosterPayload, roster_body)
    assert roster.guild == GuildRef(
        id=5, name="Nachtwache", realm=RealmRef(id=7, slug="azjolnerub", name="Azjol-Nerub"), faction=None
    )
    assert roster.members[1] == RosterMember(
        id=2, name="Тест", realm_id=9, realm_slug="der-abyssische-rat", class_id=8, race_id=4, level=90, rank=9
    )


@pytest.mark.parametrize("way", [("playable_race",), ("playable_race", "id"), ("key",)])
def test_a_roster_member_may_lack_a_race(way: tuple[str, ...], roster_body: dict[str, Any]) -> None:
    assert len(read(RosterPayload, without(roster_body, "members", 0, "character", *way)).members) == 2


def test_a_roster_member_may_have_a_faction(roster_body: dict[str, Any]) -> None:
    body = with_value(roster_body, {"type": "HORDE"}, "members", 0, "character", "faction")
    assert read(RosterPayload, body).members[0].faction == "HORDE"


def test_an_unknown_class_and_race_are_kept_by_id(roster_body: dict[str, Any]) -> None:
    body = with_value(roster_body, {"id": 99}, "members", 0, "character", "playable_class")
    body = with_value(body, {"id": 998}, "members", 0, "character", "playable_race")
    member = read(RosterPayload, body).members[0]
    assert (member.class_id, member.race_id) == (99, 998)


@pytest.mark.parametrize(
    "way",
    [
        ("rank",),
        ("character",),
        ("character", "id"),
        ("character", "name"),
        ("character", "level"),
        ("character", "realm"),
        ("character", "realm", "id"),
        ("character", "realm", "slug"),
        ("character", "playable_class"),
        ("character", "playable_class", "id"),
    ],
    ids=".".join,
)
def test_one_member_that_lacks_what_identifies_it_breaks_the_whole_roster(
    way: tuple[str, ...], roster_body: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        read(RosterPayload, without(roster_body, "members", 1, *way))


@pytest.mark.parametrize("rank", [-1, 10, "3", 3.5, None, True])
def test_a_rank_outside_0_to_9_breaks_the_whole_roster(rank: Any, roster_body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(RosterPayload, with_value(roster_body, rank, "members", 1, "rank"))


@pytest.mark.parametrize(("key", "value"), [("id", "7"), ("id", 2**63), ("id", -1), ("name", ""), ("name", "a\0b")])
def test_a_member_that_the_database_could_not_hold_breaks_the_roster(
    key: str, value: Any, roster_body: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(RosterPayload, with_value(roster_body, value, "members", 1, "character", key))


def test_a_roster_without_the_members_key_is_broken_and_one_with_no_members_is_not(roster_body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(RosterPayload, without(roster_body, "members"))
    assert read(RosterPayload, with_value(roster_body, [], "members")).members == ()


def test_fields_named_our_way_on_the_wire_are_not_taken_for_the_wires_own(roster_body: dict[str, Any]) -> None:
    body = without(roster_body, "members", 0, "character", "realm")
    body["members"][0] |= {"realm_id": 7, "realm_slug": "azjolnerub"}
    with pytest.raises(ValidationError):
        read(RosterPayload, body)


def test_a_profile_gives_milliseconds_as_an_aware_moment(profile_body: dict[str, Any]) -> None:
    profile = read(ProfilePayload, profile_body)
    assert profile.last_login == datetime(2026, 2, 2, 2, 40, tzinfo=UTC)
    assert (profile.active_spec_id, profile.gender, profile.race_id) == (64, "FEMALE", 4)
    assert (profile.average_item_level, profile.equipped_item_level) == (131, 128)


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("active_spec", "active_spec_id"),
        ("gender", "gender"),
        ("faction", "faction"),
        ("race", "race_id"),
        ("achievement_points", "achievement_points"),
        ("average_item_level", "average_item_level"),
        ("equipped_item_level", "equipped_item_level"),
        ("last_login_timestamp", "last_login"),
    ],
)
def test_what_a_profile_lacks_is_unknown_and_not_zero(key: str, field: str, profile_body: dict[str, Any]) -> None:
    assert getattr(read(ProfilePayload, without(profile_body, key)), field) is None
    assert getattr(read(ProfilePayload, with_value(profile_body, None, key)), field) is None


@pytest.mark.parametrize("moment", ["2026-01-01T00:00", -1, 10**18, 1.5, True])
def test_a_last_login_that_is_none_breaks_the_profile(moment: Any, profile_body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(ProfilePayload, with_value(profile_body, moment, "last_login_timestamp"))


def test_a_guild_may_lack_all_but_its_identity(guild_body: dict[str, Any]) -> None:
    guild = read(GuildPayload, guild_body)
    assert (guild.faction, guild.member_count, guild.crest) == ("HORDE", 2, {"emblem": {"id": 3}})
    assert guild.created == datetime(2008, 1, 10, 21, 20, tzinfo=UTC)
    bare = read(GuildPayload, {key: guild_body[key] for key in ("id", "name", "realm")})
    assert (bare.faction, bare.member_count, bare.crest, bare.created) == (None, None, None, None)


def test_a_realm_has_its_names_by_locale_and_a_plain_name_counts_for_the_locale_asked() -> None:
    index = read(
        RealmIndexPayload,
        {
            "realms": [
                {"id": 1, "slug": "a", "name": {"en_GB": "Azjol-Nerub", "ru_RU": "Азжол-Неруб", "ko_KR": None}},
                {"id": 2, "slug": "b", "name": "Aggramar"},
            ]
        },
    )
    assert index.realms == [
        RealmPayload(id=1, slug="a", names={"en_GB": "Azjol-Nerub", "ru_RU": "Азжол-Неруб"}),
        RealmPayload(id=2, slug="b", names={"en_GB": "Aggramar"}),
    ]


@pytest.mark.parametrize("name", [None, {}, {"en_GB": None}, {"en_GB": 3}, "", 5])
def test_a_realm_without_any_name_breaks_the_index(name: Any) -> None:
    with pytest.raises(ValidationError):
        read(RealmIndexPayload, {"realms": [{"id": 1, "slug": "a", "name": name}]})


@pytest.mark.parametrize(("payload", "key"), [(RealmIndexPayload, "realms"), (RaceIndexPayload, "races")])
def test_an_empty_index_is_broken(payload: type[Payload], key: str) -> None:
    with pytest.raises(ValidationError):
        read(payload, {key: []})


@pytest.fixture
def recorded(shared: Path) -> Callable[[str], Any]:
    def load(name: str) -> Any:
        return json.loads((shared / "fixtures" / name).read_bytes())

    return load


def test_every_recorded_profile_reads_whole(recorded: Callable[[str], Any]) -> None:
    old = [recorded("character.eu.howling-fjord.cyrillic.json"), recorded("character.eu.stormrage.sheday.json")]
    for body in [*recorded("character_profiles_2026.sample.json"), *old]:
        profile = read(ProfilePayload, body)
        assert (profile.id, profile.name, profile.level) == (body["id"], body["name"], body["level"])
        assert profile.last_login is not None
        assert profile.active_spec_id == body["active_spec"]["id"]


def test_the_recorded_guild_and_roster_read_whole(recorded: Callable[[str], Any]) -> None:
    guild = read(GuildPayload, recorded("guild.eu.stormrage.avalerion.json"))
    roster = read(RosterPayload, recorded("guild_roster.eu.stormrage.avalerion.json"))
    assert guild.id == roster.guild.id
    assert len(roster.members) == guild.member_count == 418


def test_the_recorded_indexes_read_whole(recorded: Callable[[str], Any]) -> None:
    realms, races = recorded("realm_index.eu.json"), recorded("playable_race_index.json")
    assert len(read(RealmIndexPayload, realms).realms) == len(realms["realms"])
    assert len(read(RaceIndexPayload, races).races) == len(races["races"])


@pytest.mark.parametrize("name", ["guild_404.json", "character_404.json"])
def test_a_recorded_refusal_is_never_taken_for_data(name: str, recorded: Callable[[str], Any]) -> None:
    for payload in (GuildPayload, RosterPayload, ProfilePayload, RealmIndexPayload, RaceIndexPayload):
        with pytest.raises(ValidationError):
            read(payload, recorded(name))
