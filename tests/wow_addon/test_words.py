"""What the addon says and shows: commands, options, languages, and its place in the game."""

import re
from typing import Any

import pytest

from tests.wow_addon.client import ADDON, Client, addon_files, toc_lines
from tests.wow_addon.conftest import Play
from tests.wow_addon.guild import FIRST, HOUR, world
from tests.wow_addon.lua import from_lua, runtime

HELP = [
    "/muster: export the guild roster now",
    "/muster status: what is exported, and what is awaited",
    "/muster options: the settings",
    "/muster help: this list",
]


def switch(client: Client, variable: str, value: bool) -> None:
    """Tick or untick a box on the settings page."""
    setting = client.setting(variable)
    setting[b"SetValue"](setting, value)


def texts(locale: str) -> dict[str, str]:
    """Give the texts of a language."""
    lua = runtime()
    namespace: Any = lua.execute(b"return { locales = {} }")
    source = (ADDON / "Locales" / f"{locale}.lua").read_bytes()
    lua.eval(b"function(source, ...) return assert(loadstring(source))(...) end")(source, b"Muster", namespace)
    return dict(from_lua(namespace[b"locales"][locale.encode()]))


# ---------------------------------------------------------------- /muster status, help, options


def test_status_tells_guild_export_and_what_is_awaited(play: Play) -> None:
    client = play(world()).login()
    client.advance(20)
    assert client.type("/muster status") == [
        "Guild: Night Watch (Argent Dawn, EU)",
        "Last export: 5 members, 17 s ago, by Bob, with officer notes.",
        "It is not in the file yet: that happens at your next /reload or logout.",
        "Now: an export is made when the roster changes.",
    ]
    later = play(world(can_view_officer_note=False, server_time=FIRST + 3 * HOUR), client.logout()).login()
    assert later.type("/muster status") == [
        "Guild: Night Watch (Argent Dawn, EU)",
        "Last export: 5 members, 3 h ago, by Bob, with officer notes.",
        "Now: waiting for the whole roster from the game.",
    ]


def test_status_of_an_export_without_officer_notes_says_so(play: Play) -> None:
    client = play(world(can_view_officer_note=False)).login()
    client.advance(20)
    assert client.type("/muster status")[1] == "Last export: 5 members, 17 s ago, by Bob, without officer notes."


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (-30, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (HOUR - 1, "59 min"),
        (HOUR, "1 h"),
        (24 * HOUR - 1, "23 h"),
        (24 * HOUR, "1 d"),
        (99 * 24 * HOUR, "99 d"),
    ],
)
def test_the_age_of_an_export_is_told_in_its_largest_unit(play: Play, seconds: int, age: str) -> None:
    first = play(world()).login()
    first.advance(20)
    later = play(world(combat=True, server_time=FIRST + seconds), first.logout()).login()
    assert later.type("/muster status")[1] == f"Last export: 5 members, {age} ago, by Bob, with officer notes."


def test_status_before_the_first_export(play: Play) -> None:
    client = play(world(combat=True)).login()
    assert client.type("/muster status") == [
        "Guild: Night Watch (Argent Dawn, EU)",
        "Last export: none yet. Type /muster to make one.",
        "Now: you are in combat; the export is made when it ends.",
    ]


def test_status_without_a_guild(play: Play) -> None:
    client = play(world(guild=None)).login()
    assert client.type("/muster status") == ["Now: you are in no guild, so there is nothing to export."]


@pytest.mark.parametrize("words", ["help", "HELP", "what?", "export now", "status please", "%s %d", "-1", "|cff"])
def test_help_and_every_unknown_word_list_the_commands(play: Play, words: str) -> None:
    assert play(world()).login().type(f"/muster {words}") == HELP


@pytest.mark.parametrize("line", ["/muster", "/MUSTER", "/muster   "])
def test_muster_alone_exports(play: Play, line: str) -> None:
    client = play(world()).login()
    client.type(line)
    client.advance(20)
    assert "5 members of Night Watch exported." in client.chat()


def test_options_opens_the_addons_page(play: Play) -> None:
    client = play(world()).login()
    assert client.page() == "Muster"
    assert client.type("/muster Options") == []
    assert client.opened() == "Muster"


def test_the_page_has_a_box_for_each_option(play: Play) -> None:
    client = play(world(locale="deDE")).login()
    assert client.boxes() == {
        "Von selbst exportieren": (
            "Nach dem Einloggen und wenn sich die Mitgliederliste geändert hat, höchstens alle 15 Minuten."
        ),
        "Meldung beim Einloggen": "Eine Zeile im Chat, wenn Ihr Euch einloggt.",
    }


def test_options_are_not_opened_in_combat(play: Play) -> None:
    client = play(world(combat=True)).login()
    assert client.type("/muster options") == ["The settings can't be opened in combat."]
    assert client.opened() is None


def test_a_game_without_settings_exports_all_the_same(play: Play) -> None:
    client = play(world(), without=("Settings",)).login()
    assert client.type("/muster options") == ["This version of the game has no settings for addons."]
    client.advance(20)
    assert client.exports()


def test_automatic_export_can_be_switched_off_and_on(play: Play) -> None:
    client = play(world())
    client.login()
    switch(client, "MUSTER_AUTOMATIC", False)
    client.advance(60)
    assert client.exports() == {}
    said = "Now: exporting by itself is switched off; type /muster to export."
    client.fire("GUILD_ROSTER_UPDATE", True)
    assert client.type("/muster status")[-1] == said
    client.type("/muster")
    client.advance(20)
    (first,) = client.exports().values()
    client.change("roster", world(3)["roster"])
    client.fire("GUILD_ROSTER_UPDATE", True)
    client.advance(HOUR)
    assert client.export() == first
    assert client.type("/muster status")[-1] == said
    switch(client, "MUSTER_AUTOMATIC", True)
    client.advance(20)
    assert len(client.export()["rows"]) == 3


def test_switched_off_it_also_awaits_no_interval_and_no_answer(play: Play) -> None:
    client = play(world()).login()
    client.advance(20)
    client.fire("GUILD_ROSTER_UPDATE", True)
    assert "the next look" in client.type("/muster status")[-1]
    switch(client, "MUSTER_AUTOMATIC", False)
    assert "switched off" in client.type("/muster status")[-1]


def test_the_login_message_can_be_switched_off(play: Play) -> None:
    client = play(world()).login()
    assert client.chat() == ["version 1.0.0. Type /muster help to see what it can do."]
    switch(client, "MUSTER_GREETING", False)
    assert play(world(), client.logout()).login().chat() == []


# ---------------------------------------------------------------- languages


def test_both_languages_have_the_same_texts_with_the_same_gaps() -> None:
    english, german = texts("enUS"), texts("deDE")
    assert set(german) == set(english)
    assert {key: re.findall("%.", text) for key, text in german.items()} == {
        key: re.findall("%.", text) for key, text in english.items()
    }
    assert not [key for key, text in german.items() if text == english[key]]


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    code = "\n".join(file.read_text("utf-8") for file in addon_files() if file.parent == ADDON)
    used = set(re.findall(r"ns\.L\.([A-Z_]\w+)", code))
    keys = set(texts("enUS"))
    phases = {key for key in keys if key.startswith("WAIT_")}
    assert used <= keys
    assert keys - phases <= used
    documented = re.findall(r"^--   ((?:\w+, )*\w+)(?:  |$)", (ADDON / "Exporter.lua").read_text("utf-8"), re.MULTILINE)
    assert phases == {f"WAIT_{phase}" for line in documented for phase in line.split(", ")} | {"WAIT_off"}


def test_a_german_game_speaks_german(play: Play) -> None:
    client = play(world(locale="deDE", answers=[{"after": 0.5}])).login()
    assert client.chat() == ["Version 1.0.0. Mit /muster help seht Ihr, was das Addon kann."]
    assert client.type("/muster") == ["warte auf die ganze Mitgliederliste vom Spiel."]
    client.advance(20)
    assert client.chat()[-2:] == [
        "5 Mitglieder von Night Watch exportiert.",
        "Geschrieben wird beim nächsten /reload oder Ausloggen; danach kann der Companion hochladen.",
    ]
    assert client.type("/muster status")[1] == (
        "Letzter Export: 5 Mitglieder, vor 17 Sek., von Bob, mit Offiziersnotizen."
    )
    assert client.type("/muster hilfe")[0] == "/muster: die Mitgliederliste der Gilde jetzt exportieren"


def test_another_language_speaks_english(play: Play) -> None:
    assert play(world(locale="frFR")).login().type("/muster help") == HELP


# ---------------------------------------------------------------- its place in the game


def test_the_toc_names_every_file_of_the_addon_once() -> None:
    assert sorted(addon_files()) == sorted(ADDON.rglob("*.lua"))


def test_the_toc_is_for_the_live_interface_and_the_two_before() -> None:
    tags = dict(line[3:].split(": ", 1) for line in toc_lines() if line.startswith("## "))
    assert tags["Interface"] == "120100, 120007, 120005"
    assert tags["SavedVariables"] == "MusterDB"
    assert {"Title", "Title-deDE", "Notes", "Notes-deDE", "Version", "IconTexture"} <= set(tags)
    assert tags["Version"] == "1.0.0"


def test_the_addon_talks_to_no_other_addon_and_to_no_chat_channel() -> None:
    code = "\n".join(file.read_text("utf-8") for file in addon_files())
    assert not re.findall(r"SendAddonMessage|SendChatMessage|RegisterAddonMessagePrefix|BNSend|LoggedMessage", code)


def test_the_addon_adds_two_globals_and_one_command(play: Play) -> None:
    client = play(world()).login()
    client.advance(20)
    assert client.global_names() - client.globals_before == {"MusterDB", "SLASH_MUSTER1"}


def test_another_addons_loading_is_not_ours(play: Play) -> None:
    client = play(world()).login()
    before = client.database()
    client.fire("ADDON_LOADED", "Details")
    assert client.database() == before
