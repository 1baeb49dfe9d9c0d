"""What comes between the addon and an export: fights, restrictions, and another guild or none."""

import pytest

from tests.wow_addon.client import settled
from tests.wow_addon.conftest import Play
from tests.wow_addon.guild import DAY, HOUR, ME, MINUTE, NOW, WRITTEN_LATER, member, names, world

# ---------------------------------------------------------------- combat and restrictions


def test_combat_during_the_wait_postpones_the_read_to_its_end(play: Play) -> None:
    client = play(world()).login()
    client.change("combat", True)
    client.fire("PLAYER_REGEN_DISABLED")
    client.advance(300)
    assert client.exports() == {}
    assert client.calls("SetGuildRosterShowOffline") == 0
    assert client.calls("GuildRoster") == 1
    client.change("combat", False)
    client.fire("PLAYER_REGEN_ENABLED")
    client.advance(5)
    assert len(client.export()["rows"]) == 5


def test_combat_that_begins_during_the_read_discards_it(play: Play) -> None:
    client = play(world()).login()
    client.before("GetGuildRosterInfo", lambda index: client.change("combat", index == 3 or client.get("combat")))
    client.advance(20)
    assert client.exports() == {}
    assert client.get("show_offline") is False
    client.before("GetGuildRosterInfo", None)
    client.change("combat", False)
    client.fire("PLAYER_REGEN_ENABLED")
    client.advance(5)
    assert len(client.export()["rows"]) == 5


def test_the_end_of_a_fight_disturbs_no_other_wait(play: Play) -> None:
    client = play(world()).login()
    client.advance(2)
    client.fire("PLAYER_REGEN_ENABLED")
    client.advance(2)
    assert len(client.export()["rows"]) == 5
    assert client.calls("GuildRoster") == 1


def test_muster_in_combat_says_so_and_exports_at_its_end(play: Play) -> None:
    client = settled(play(world()))
    first = client.export()
    client.change("combat", True)
    assert client.type("/muster") == ["you are in combat; the export is made when it ends."]
    client.advance(300)
    assert client.export() == first
    client.change("combat", False)
    client.fire("PLAYER_REGEN_ENABLED")
    client.advance(5)
    assert client.export()["export_id"] != first["export_id"]
    assert client.chat()[-1] == WRITTEN_LATER


@pytest.mark.parametrize("kind", range(5))
def test_a_restricted_state_postpones_the_read_to_its_end(play: Play, kind: int) -> None:
    client = play(world(restricted={kind: True})).login()
    client.advance(300)
    assert client.exports() == {}
    assert client.calls("SetGuildRosterShowOffline") == 0
    assert client.calls("GuildRoster") == 0
    assert client.type("/muster") == ["the game restricts addons here; the export is made when that ends."]
    client.change("restricted", {})
    client.fire("ADDON_RESTRICTION_STATE_CHANGED", kind, 0)
    client.advance(5)
    assert len(client.export()["rows"]) == 5


def test_a_restriction_that_begins_during_the_wait_postpones_the_read(play: Play) -> None:
    client = play(world()).login()
    client.change("restricted", {2: True})
    client.advance(300)
    assert client.exports() == {}
    assert client.calls("SetGuildRosterShowOffline") == 0


def test_a_restriction_of_chat_stops_nobody_who_says_nothing(play: Play) -> None:
    client = play(world(restricted={5: True})).login()
    client.advance(5)
    assert client.exports()


def test_an_event_while_restrictions_only_seem_ended_reads_nothing(play: Play) -> None:
    client = play(world(restricted={1: True})).login()
    client.advance(20)
    client.fire("ADDON_RESTRICTION_STATE_CHANGED", 1, 1)
    client.advance(20)
    assert client.exports() == {}


def test_a_game_without_the_restriction_event_tries_again_by_the_clock(play: Play) -> None:
    client = play(world(restricted={1: True}))
    client.forget_event("ADDON_RESTRICTION_STATE_CHANGED")
    client.login()
    client.advance(20)
    client.change("restricted", {})
    client.advance(90)
    assert len(client.export()["rows"]) == 5


# ---------------------------------------------------------------- guilds


def test_without_a_guild_nothing_is_exported_and_muster_says_so(play: Play) -> None:
    client = play(world(guild=None)).login()
    client.advance(60)
    assert client.exports() == {}
    assert client.calls("GuildRoster") == 0
    assert client.type("/muster") == ["you are in no guild, so there is nothing to export."]
    client.advance(60)
    assert client.calls("GuildRoster") == 0


def test_a_joined_guild_is_exported(play: Play) -> None:
    client = play(world(guild=None)).login()
    client.advance(60)
    client.change("guild", {"name": "Night Watch"})
    client.fire("PLAYER_GUILD_UPDATE", "player")
    client.advance(20)
    assert len(client.export()["rows"]) == 5


def test_a_guild_of_which_only_a_roster_tells_after_login_is_exported(play: Play) -> None:
    client = play(world(guild=None)).login()
    client.advance(10)
    client.change("guild", {"name": "Night Watch"})
    client.fire("GUILD_ROSTER_UPDATE", False)
    client.advance(20)
    assert len(client.export()["rows"]) == 5


def test_another_players_guild_is_none_of_ours(play: Play) -> None:
    client = settled(play(world()))
    client.fire("PLAYER_GUILD_UPDATE", "target")
    client.advance(HOUR)
    assert client.calls("GuildRoster") == 1


def test_leaving_the_guild_keeps_its_export_and_never_updates_it(play: Play) -> None:
    client = settled(play(world()))
    first = client.export()
    client.change("guild", None)
    client.fire("PLAYER_GUILD_UPDATE", "player")
    client.fire("GUILD_ROSTER_UPDATE", True)
    client.advance(2 * DAY)
    assert client.export() == first
    assert client.type("/muster") == ["you are in no guild, so there is nothing to export."]
    again = play(world(guild=None, server_time=NOW + 3 * DAY), client.logout()).login()
    again.advance(60)
    assert again.export() == first


def test_leaving_during_the_wait_ends_it(play: Play) -> None:
    client = play(world(answers=[{"after": 0.5}])).login()
    client.type("/muster")
    client.advance(1)
    client.change("guild", None)
    client.fire("PLAYER_GUILD_UPDATE", "player")
    client.advance(60)
    assert client.exports() == {}
    assert client.chat()[-1] == "you are in no guild, so there is nothing to export."


def test_a_guild_changed_during_the_wait_is_asked_for_anew(play: Play) -> None:
    client = play(world(answers=[{"after": 0.5}])).login()
    client.advance(1)
    client.change("guild", {"name": "Day Watch"})
    client.fire("PLAYER_GUILD_UPDATE", "player")
    client.advance(5)
    assert client.exports() == {}, "what was asked for is the roster of the other guild"
    client.advance(20)
    assert list(client.exports()) == ["eu/Argent Dawn/Day Watch"]


def test_two_characters_keep_the_exports_of_their_two_guilds(play: Play) -> None:
    saved = settled(play(world())).logout()
    other = world(
        3,
        guild={"name": "Day Watch", "realm": "Aegwynn"},
        player={"name": "Twink", "guid": "Player-1-AC"},
        server_time=NOW + MINUTE,
    )
    other["roster"] = [member("Twink-Aegwynn", 0, guid="Player-1-AC"), member("Ann-Aegwynn", 1)]
    exports = settled(play(other, saved)).exports()
    assert {key: names(export) for key, export in exports.items()} == {
        "eu/Aegwynn/Day Watch": ["Ann", "Twink"],
        "eu/Argent Dawn/Night Watch": sorted(names(exports["eu/Argent Dawn/Night Watch"])),
    }
    assert exports["eu/Argent Dawn/Night Watch"]["rows"][0]["guid"] == ME
