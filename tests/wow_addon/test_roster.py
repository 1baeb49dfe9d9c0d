"""What the addon reads of the guild, and when it reads nothing."""

import pytest

from tests.wow_addon.client import golden_world
from tests.wow_addon.conftest import Play
from tests.wow_addon.guild import DAY, FIRST, HOUR, ME, member, names, world

# Every function whose values an export is made of, with the number of its values.
READ = {
    "IsInGuild": 1,
    "GetCurrentRegion": 1,
    "GetGuildInfo": 4,
    "GetRealmName": 1,
    "GetNormalizedRealmName": 1,
    "UnitName": 1,
    "UnitGUID": 1,
    "GetServerTime": 1,
    "InCombatLockdown": 1,
    "IsAddOnRestrictionActive": 1,
    "CanViewOfficerNote": 1,
    "GuildControlGetNumRanks": 1,
    "GuildControlGetRankName": 1,
    "GetNumGuildMembers": 3,
    "GetGuildRosterShowOffline": 1,
    "GetGuildRosterInfo": 17,
    "GetGuildRosterLastOnline": 4,
}


def test_a_whole_roster_is_exported_by_itself_after_login(play: Play) -> None:
    client = play(world()).login()
    client.advance(5)
    export = client.export()
    assert export["format"] == 1
    assert export["exported_at"] == FIRST
    assert export["addon_version"] == "1.0.0"
    assert export["guild"] == {"name": "Night Watch", "realm": "Argent Dawn", "region": "eu"}
    assert export["exporter"] == {"name": "Bob", "realm": "ArgentDawn", "officer_notes": True}
    assert export["ranks"] == ["Guild Master", "Officer", "Raider"]
    assert export["rows"][0] == {
        "guid": ME,
        "name": "Bob",
        "realm": "ArgentDawn",
        "class": "PRIEST",
        "level": 90,
        "rank": 1,
        "note": "note 0",
        "officer_note": "secret 0",
        "online": True,
        "last_online": FIRST,
    }
    assert list(client.exports()) == ["eu/Argent Dawn/Night Watch"]


def test_offline_members_are_exported_although_the_player_hides_them(play: Play) -> None:
    client = play(world(show_offline=False)).login()
    client.advance(5)
    assert len(client.export()["rows"]) == 5


def test_names_split_at_the_first_hyphen_only(play: Play) -> None:
    client = play(golden_world("realms")).login()
    client.advance(5)
    rows = {(row["name"], row["realm"]) for row in client.export()["rows"]}
    assert {
        ("Bob", "Azjol-Nerub"),
        ("Bob", "ArgentDawn"),
        ("Бурьян", "Ревущийфьорд"),
        ("Ilaria", "Pozzodell'Eternità"),
        ("Drummer", "Aggra(Português)"),
    } <= rows


def test_a_name_without_realm_has_the_players_own(play: Play) -> None:
    client = play(world(roster=[member("Bob", 0, guid=ME), member("Ann-Aegwynn", 1)])).login()
    client.advance(5)
    assert [(row["name"], row["realm"]) for row in client.export()["rows"]] == [
        ("Ann", "Aegwynn"),
        ("Bob", "ArgentDawn"),
    ]


def test_a_guild_of_another_realm_keeps_its_own(play: Play) -> None:
    client = play(world(guild={"name": "Night Watch", "realm": "Quel'Thalas"})).login()
    client.advance(5)
    assert list(client.exports()) == ["eu/Quel'Thalas/Night Watch"]


@pytest.mark.parametrize(("number", "region"), [(1, "us"), (2, "kr"), (3, "eu"), (4, "tw")])
def test_the_region_is_the_clients(play: Play, number: int, region: str) -> None:
    client = play(world(region=number)).login()
    client.advance(5)
    assert client.export()["guild"]["region"] == region


@pytest.mark.parametrize("number", [5, 72])
def test_another_region_exports_nothing_and_says_why(play: Play, number: int) -> None:
    client = play(world(region=number)).login()
    client.advance(60)
    assert client.exports() == {}
    assert client.type("/muster") == ["Muster does not know the region of this game, so nothing is exported."]


def test_without_the_right_officer_notes_are_unknown_and_not_empty(play: Play) -> None:
    client = play(world(can_view_officer_note=False)).login()
    client.advance(5)
    export = client.export()
    assert export["exporter"]["officer_notes"] is False
    assert not [row for row in export["rows"] if "officer_note" in row]
    assert all(row["note"] for row in export["rows"])


def test_with_the_right_an_empty_officer_note_is_empty(play: Play) -> None:
    client = play(golden_world("empty_notes")).login()
    client.advance(5)
    assert {(row["note"], row["officer_note"]) for row in client.export()["rows"]} == {("", "")}


def test_a_right_that_comes_during_the_wait_asks_for_the_roster_again(play: Play) -> None:
    client = play(world(can_view_officer_note=False, answers=[{"after": 2}])).login()
    client.advance(1)
    client.change("can_view_officer_note", True)
    client.advance(5)
    assert client.exports() == {}, "the officer notes of this roster were hidden when it was sent"
    client.advance(20)
    assert client.calls("GuildRoster") == 2
    assert client.export()["rows"][0]["officer_note"] == "secret 0"


@pytest.mark.parametrize(
    ("ago", "seconds"),
    [
        ([0, 0, 0, 0], 0),
        ([0, 0, 0, 5], 5 * HOUR),
        ([0, 0, 2, 1], 2 * DAY + HOUR),
        ([0, 1, 0, 0], 30 * DAY),
        ([2, 0, 0, 3], 2 * 365 * DAY + 3 * HOUR),
    ],
)
def test_last_online_is_told_to_the_hour_and_never_ahead(play: Play, ago: list[int], seconds: int) -> None:
    client = play(world(2)).login()
    client.change_member(0, last_online=ago)
    client.advance(5)
    (last,) = (row["last_online"] for row in client.export()["rows"] if row["guid"] != ME)
    assert last % HOUR == 0
    assert last <= FIRST - seconds < last + HOUR


def test_a_member_of_whom_the_game_tells_little_is_a_row_with_less(play: Play) -> None:
    bare = {"name": "Ann-Aegwynn", "online": False}
    client = play(world(roster=[bare, member("Bob-ArgentDawn", 0, guid=ME)])).login()
    client.advance(5)
    assert client.export()["rows"][0] == {"name": "Ann", "realm": "Aegwynn", "online": False, "officer_note": ""}


def test_a_thousand_members_are_one_export_read_once(play: Play) -> None:
    client = play(world(1000)).login()
    client.advance(5)
    export = client.export()
    assert len(export["rows"]) == 1000
    assert names(export) == sorted(names(export))
    assert client.calls("GetGuildRosterInfo") == 1000
    assert client.calls("SetGuildRosterShowOffline") == 2


def test_a_guild_of_one_is_whole(play: Play) -> None:
    client = play(world(1)).login()
    client.advance(5)
    assert names(client.export()) == ["Bob"]


def test_the_order_of_the_guild_window_makes_no_difference(play: Play) -> None:
    one = play(world(30)).login()
    other = play({**world(30), "roster": world(30)["roster"][::-1]}).login()
    for client in (one, other):
        client.advance(5)
    assert one.export()["rows"] == other.export()["rows"]


# ---------------------------------------------------------------- not whole


def test_a_roster_with_a_row_that_cannot_be_read_is_not_exported(play: Play) -> None:
    client = play(world()).login()
    client.change_member(2, name="")
    client.advance(60)
    assert client.exports() == {}
    client.change_member(2, name="Late-ArgentDawn")
    client.advance(60)
    assert "Late" in names(client.export())


def test_fewer_rows_than_members_are_not_exported(play: Play) -> None:
    client = play(world()).login()
    client.before("GetGuildRosterInfo", lambda _: client.change("show_offline", False))
    client.advance(60)
    assert client.exports() == {}
    assert client.get("show_offline") is False


def test_the_same_member_twice_is_no_whole_roster(play: Play) -> None:
    twice = [member("Ann-Aegwynn", 1), member("Ann-Aegwynn", 2), member("Bob-ArgentDawn", 0, guid=ME)]
    client = play(world(roster=twice)).login()
    client.advance(60)
    assert client.exports() == {}


def test_a_roster_without_the_player_is_not_the_players_guild(play: Play) -> None:
    client = play(world(roster=[member("Ann-Aegwynn", 1)])).login()
    client.advance(60)
    assert client.exports() == {}


@pytest.mark.parametrize("missing", ["normalized_realm", "ranks"])
def test_what_the_game_has_not_loaded_yet_is_waited_for(play: Play, missing: str) -> None:
    full = world()
    client = play({**full, missing: None if missing != "ranks" else []}).login()
    client.advance(60)
    assert client.exports() == {}
    client.change(missing, full[missing])
    client.advance(20)
    assert len(client.export()["rows"]) == 5


def test_a_guild_whose_name_comes_late_is_waited_for(play: Play) -> None:
    client = play(world(guild={})).login()
    client.advance(30)
    assert client.exports() == {}
    assert "not loaded" in client.type("/muster status")[-1]
    client.change("guild", {"name": "Night Watch"})
    client.advance(20)
    assert len(client.export()["rows"]) == 5


# ---------------------------------------------------------------- secret values


@pytest.mark.parametrize(
    ("function", "position"), [(function, n + 1) for function, count in READ.items() for n in range(count)]
)
def test_one_secret_value_anywhere_exports_nothing_until_it_is_plain(play: Play, function: str, position: int) -> None:
    client = play(world())
    client.make_secret(function, position)
    client.login()
    client.advance(300)
    assert client.exports() == {}
    assert client.get("show_offline") is False
    client.type("/muster status")
    client.make_secret(function, None)
    client.advance(120)
    assert len(client.export()["rows"]) == 5


def test_a_game_without_secret_values_is_read_as_it_is(play: Play) -> None:
    client = play(world(), without=("issecretvalue", "C_RestrictedActions")).login()
    client.advance(5)
    assert len(client.export()["rows"]) == 5


# ---------------------------------------------------------------- the player's own setting


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("echo", ["now", "later", "never"])
def test_the_players_setting_is_put_back_and_causes_no_storm(play: Play, own: bool, echo: str) -> None:
    client = play(world(show_offline=own))
    client.echo(echo)
    client.login()
    client.advance(2 * HOUR)
    assert len(client.export()["rows"]) == 5
    assert client.get("show_offline") is own
    assert client.calls("SetGuildRosterShowOffline") == (0 if own else 2)
    assert client.calls("GuildRoster") == 1


@pytest.mark.parametrize("function", ["GetGuildRosterInfo", "GetNumGuildMembers", "GetGuildRosterLastOnline"])
def test_the_players_setting_is_put_back_when_the_read_fails(play: Play, function: str) -> None:
    client = play(world()).login()

    def fail(*_: object) -> None:
        if client.get("show_offline"):
            raise RuntimeError("no roster today")

    client.before(function, fail)
    client.advance(5)
    assert client.get("show_offline") is False
    assert client.exports() == {}
    assert len(client.errors()) == 1
    assert "no roster today" in client.errors()[0]
    client.expected_errors = client.errors()
    assert client.type("/muster status")[-1].startswith("Now: the roster could not be read because of an error")


def test_the_players_setting_is_put_back_when_the_setter_itself_fails(play: Play) -> None:
    client = play(world()).login()

    def fail(shown: object) -> None:
        if shown:
            raise RuntimeError("not today")

    client.before("SetGuildRosterShowOffline", fail)
    client.advance(5)
    assert client.calls("SetGuildRosterShowOffline") == 2
    assert client.get("show_offline") is False
    client.expected_errors = client.errors()


def test_an_error_of_the_addon_is_told_on_demand_and_tried_again_later(play: Play) -> None:
    client = play(world())
    client.make_broken("GuildControlGetNumRanks", "ranks are out")
    client.login()
    client.advance(60)
    assert len(client.errors()) == 1, "not an error a second"
    client.type("/muster")
    client.advance(20)
    assert client.chat()[-1] == "the roster could not be read because of an error in Muster; /reload may help."
    assert len(client.errors()) == 2
    client.make_broken("GuildControlGetNumRanks", None)
    client.advance(20 * 60)
    assert len(client.export()["rows"]) == 5
    client.expected_errors = client.errors()
