"""When the addon exports: by itself, on demand, and what it says to it."""

import re

import pytest

from tests.wow_addon.client import settled
from tests.wow_addon.conftest import Play
from tests.wow_addon.guild import DAY, FIRST, HOUR, MINUTE, NOW, WRITTEN_LATER, member, world

WAITING = "waiting for the whole roster from the game."


# ---------------------------------------------------------------- whole and stable


def test_a_short_first_roster_is_not_exported(play: Play) -> None:
    client = play(world(5, answers=[{"after": 0.5, "shown": 2}, {"after": 1.5}])).login()
    client.advance(1.4)
    assert client.exports() == {}
    client.advance(10)
    assert len(client.export()["rows"]) == 5
    assert client.calls("GuildRoster") == 1


def test_a_short_roster_that_comes_twice_is_not_exported(play: Play) -> None:
    answers = [{"after": 0.5, "shown": 2}, {"after": 0.7, "shown": 2}, {"after": 2.5}]
    client = play(world(5, answers=answers)).login()
    client.advance(5)
    assert client.exports() == {}
    client.advance(10)
    assert len(client.export()["rows"]) == 5


@pytest.mark.parametrize("answers", [[{"after": 0.5}], [{"after": 0.5}, {"after": 0.7}, {"after": 2}]])
def test_a_roster_that_stays_the_same_for_three_seconds_is_stable(play: Play, answers: list[dict[str, float]]) -> None:
    client = play(world(5, answers=answers)).login()
    client.advance(3.4)
    assert client.exports() == {}
    client.advance(0.2)
    assert len(client.export()["rows"]) == 5


def test_a_roster_that_grows_right_after_the_read_is_read_again(play: Play) -> None:
    client = play(world(5, answers=[{"after": 0.5, "shown": 5}, {"after": 4}]))
    client.change("roster", world(9)["roster"][-5:])
    client.login()
    client.advance(3.8)
    assert len(client.export()["rows"]) == 5
    client.change("roster", world(9)["roster"])
    client.change("answers", [{"after": 0.5}])
    client.advance(16 * MINUTE)
    assert len(client.export()["rows"]) == 9


def test_an_update_without_any_member_is_no_roster(play: Play) -> None:
    client = play(world(5, answers=[{"after": 0.5, "shown": 0}, {"after": 0.7, "shown": 0}])).login()
    client.advance(20)
    assert client.exports() == {}
    assert client.errors() == []


def test_a_request_that_the_game_drops_is_made_again(play: Play) -> None:
    client = play(world(5, answers=[])).login()
    client.advance(29)
    assert client.calls("GuildRoster") == 1
    client.change("answers", [{"after": 0.5}])
    client.advance(10)
    assert client.calls("GuildRoster") == 2
    assert len(client.export()["rows"]) == 5


def test_a_roster_that_stays_partial_is_asked_for_ever_more_rarely_and_at_once_by_muster(play: Play) -> None:
    client = play(world())
    name = client.get("roster")[0]["name"]
    client.change_member(0, name=None)
    client.login()
    client.advance(MINUTE)
    assert client.calls("GuildRoster") >= 3
    client.advance(2 * HOUR)
    assert client.calls("GuildRoster") < 20
    asked = client.calls("GuildRoster")
    client.type("/muster")
    assert client.calls("GuildRoster") == asked + 1
    client.change_member(0, name=name)
    client.advance(5)
    assert len(client.export()["rows"]) == 5


def test_updates_without_end_delay_no_export_and_cost_nothing_afterwards(play: Play) -> None:
    client = play(world()).login()
    for _ in range(600):
        client.fire("GUILD_ROSTER_UPDATE", False)
        client.advance(0.1)
    assert client.exports()
    counted = client.calls("GetNumGuildMembers")
    for _ in range(600):
        client.fire("GUILD_ROSTER_UPDATE", False)
        client.advance(0.1)
    assert client.calls("GetNumGuildMembers") == counted
    assert client.calls("GuildRoster") == 1


def test_a_loading_screen_is_no_login(play: Play) -> None:
    client = settled(play(world()))
    client.fire("PLAYER_ENTERING_WORLD", False, False)
    client.advance(HOUR)
    assert client.calls("GuildRoster") == 1


def test_a_reload_is_a_login(play: Play) -> None:
    client = play(world()).login(reload=True)
    client.advance(5)
    assert len(client.export()["rows"]) == 5


# ---------------------------------------------------------------- changes, and every 15 minutes at most


def test_a_change_is_exported_15_minutes_after_the_last_export(play: Play) -> None:
    client = settled(play(world()))
    first = client.export()
    client.change_member(0, public_note="alt of Bob")
    client.fire("GUILD_ROSTER_UPDATE", True)
    client.advance(14 * MINUTE)
    assert client.export() == first
    assert client.calls("GuildRoster") == 1
    client.advance(2 * MINUTE)
    second = client.export()
    assert "alt of Bob" in [row["note"] for row in second["rows"]]
    assert second["exported_at"] >= first["exported_at"] + 15 * MINUTE
    assert second["export_id"] != first["export_id"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Renamed-ArgentDawn"},
        {"level": 91},
        {"rank_index": 0},
        {"officer_note": "left a trial"},
        {"class_file": "MAGE"},
        {"guid": "Player-1-AA"},
    ],
)
def test_what_says_something_new_about_a_member_is_a_change(play: Play, change: dict[str, object]) -> None:
    client = settled(play(world()))
    first = client.export()
    client.change_member(0, **change)
    client.fire("GUILD_ROSTER_UPDATE", True)
    client.advance(16 * MINUTE)
    assert client.export()["export_id"] != first["export_id"]


@pytest.mark.parametrize("change", [{"ranks": ["Boss", "Officer", "Raider"]}, {"can_view_officer_note": None}])
def test_rank_titles_and_rights_are_part_of_the_content(play: Play, change: dict[str, object]) -> None:
    client = settled(play(world(can_view_officer_note="can_view_officer_note" not in change)))
    first = client.export()
    for name, value in change.items():
        client.change(name, value if value is not None else True)
    client.fire("GUILD_RANKS_UPDATE")
    client.advance(16 * MINUTE)
    assert client.export()["export_id"] != first["export_id"]


def test_a_member_who_joined_or_left_is_a_change(play: Play) -> None:
    client = settled(play(world(5)))
    client.change("roster", world(4)["roster"])
    client.fire("GUILD_ROSTER_UPDATE", True)
    client.advance(16 * MINUTE)
    assert len(client.export()["rows"]) == 4


def test_who_is_online_changes_nothing(play: Play) -> None:
    client = settled(play(world()))
    first = client.export()
    client.change_member(0, online=True, last_online=None)
    client.change_member(1, last_online=[0, 0, 0, 1])
    client.fire("GUILD_ROSTER_UPDATE", True)
    client.advance(16 * MINUTE)
    assert client.calls("GuildRoster") == 2, "it was looked at"
    assert client.export() == first


def test_an_unchanged_export_is_made_anew_after_a_day(play: Play) -> None:
    saved = settled(play(world())).logout()
    client = play(world(server_time=NOW + DAY + MINUTE), saved).login()
    client.advance(20)
    assert client.export()["exported_at"] > NOW + DAY


def test_after_a_quick_relog_the_15_minutes_still_count(play: Play) -> None:
    saved = settled(play(world())).logout()
    changed = world(4, server_time=NOW + 5 * MINUTE)
    client = play(changed, saved).login()
    client.advance(9 * MINUTE)
    assert client.calls("GuildRoster") == 0
    assert re.fullmatch(r"Now: the next look at the roster is in \d+ (s|min)\.", client.type("/muster status")[-1])
    client.advance(2 * MINUTE)
    assert len(client.export()["rows"]) == 4


def test_an_export_dated_ahead_of_the_clock_stops_nothing(play: Play) -> None:
    saved = settled(play(world(server_time=NOW + 10 * DAY))).logout()
    client = play(world(), saved).login()
    client.advance(20)
    assert client.export()["exported_at"] == FIRST


def test_a_clock_that_was_ahead_for_a_while_stops_nothing(play: Play) -> None:
    client = settled(play(world()))
    client.change("server_time", NOW + DAY)
    client.fire("GUILD_ROSTER_UPDATE", True)
    client.advance(20)
    assert client.export()["exported_at"] > NOW + DAY
    client.change("server_time", NOW)
    client.change_member(0, public_note="alt of Bob")
    client.fire("GUILD_ROSTER_UPDATE", True)
    client.advance(16 * MINUTE)
    assert client.export()["exported_at"] < NOW + HOUR
    assert "alt of Bob" in [row["note"] for row in client.export()["rows"]]


def test_a_guild_where_all_come_and_go_is_read_four_times_an_hour(play: Play) -> None:
    client = settled(play(world()))
    for _ in range(60 * 6):
        client.fire("GUILD_ROSTER_UPDATE", False)
        client.advance(10)
    assert client.calls("GuildRoster") <= 5
    assert client.calls("SetGuildRosterShowOffline") == 2 * client.calls("GuildRoster")


def test_an_alt_without_the_right_does_not_replace_officer_notes_by_itself(play: Play) -> None:
    saved = settled(play(world())).logout()
    alt = world(can_view_officer_note=False, server_time=NOW + HOUR, player={"name": "Alt", "guid": "Player-1-AB"})
    alt["roster"].append(member("Alt-ArgentDawn", 9, guid="Player-1-AB", online=True, last_online=None))
    client = play(alt, saved).login()
    client.advance(20)
    assert client.export()["exporter"] == {"name": "Bob", "realm": "ArgentDawn", "officer_notes": True}
    client.type("/muster")
    client.advance(20)
    assert client.export()["exporter"] == {"name": "Alt", "realm": "ArgentDawn", "officer_notes": False}
    assert "Without officer notes: Alt may not read them." in client.chat()


def test_without_the_right_they_are_replaced_after_a_day(play: Play) -> None:
    saved = settled(play(world())).logout()
    client = play(world(can_view_officer_note=False, server_time=NOW + DAY), saved).login()
    client.advance(20)
    assert client.export()["exporter"]["officer_notes"] is False


# ---------------------------------------------------------------- /muster


def test_a_forced_export_says_what_is_done_and_what_happens_next(play: Play) -> None:
    client = play(world(answers=[{"after": 0.5}])).login()
    assert client.type("/muster") == [WAITING]
    client.advance(5)
    assert client.chat()[-2:] == ["5 members of Night Watch exported.", WRITTEN_LATER]


def test_a_forced_export_waits_for_the_games_ten_seconds_and_no_longer(play: Play) -> None:
    client = play(world()).login()
    client.advance(4)
    first = client.export()
    assert client.type("/muster") == ["the game answers again in 6 s, then the export is made."]
    client.advance(5)
    assert client.calls("GuildRoster") == 1
    client.advance(5)
    assert client.calls("GuildRoster") == 2
    assert client.export()["export_id"] != first["export_id"], "also of an unchanged roster"
    assert {**client.export(), "rows": []} == {
        **first,
        "rows": [],
        "export_id": client.export()["export_id"],
        "exported_at": client.export()["exported_at"],
    }


def test_each_forced_export_has_an_id_of_its_own(play: Play) -> None:
    client = settled(play(world()))
    ids = {client.export()["export_id"]}
    for _ in range(20):
        client.type("/muster")
        client.advance(15)
        ids.add(client.export()["export_id"])
    assert len(ids) == 21
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{8,80}", export_id) for export_id in ids)


def test_two_words_at_once_are_one_export(play: Play) -> None:
    client = settled(play(world()))
    client.type("/muster")
    client.type("/muster")
    client.advance(15)
    assert client.calls("GuildRoster") == 2
    assert client.chat().count("5 members of Night Watch exported.") == 1


def test_an_export_by_itself_says_nothing(play: Play) -> None:
    client = play(world()).login()
    said = client.chat()
    client.advance(20)
    assert client.exports()
    assert client.chat() == said
