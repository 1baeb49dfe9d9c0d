"""MusterDB between sessions: kept, upgraded, repaired, or left alone."""

from typing import Any

import pytest

from tests.support.saved_variables import written
from tests.wow_addon.client import Client
from tests.wow_addon.conftest import Play
from tests.wow_addon.guild import FIRST, MINUTE, NOW, world
from tests.wow_addon.lua import read_saved

NEWER = (
    "your saved data is of a newer version of Muster. It is left as it is, and nothing is exported: update the addon."
)


def saved_session(play: Play, *, bare: bool = False) -> bytes:
    """Give the file of a session with one export."""
    client = play(world()).login()
    client.advance(20)
    assert client.exports()
    return client.logout(bare=bare)


def spoiled(play: Play, path: str, value: Any) -> bytes:
    """Give the file of a session, with something else at a dotted path."""
    database = read_saved(saved_session(play))
    *way, last = path.split(".")
    place = database
    for step in way:
        place = next(iter(place.values())) if step == "*" else place[step]
    place[last] = value
    return written("MusterDB", database)


@pytest.mark.parametrize("bare", [True, False])
def test_the_next_session_keeps_options_and_exports(play: Play, bare: bool) -> None:
    first = play(world()).login()
    first.advance(20)
    first.setting("MUSTER_GREETING")[b"SetValue"](first.setting("MUSTER_GREETING"), False)
    saved = first.logout(bare=bare)
    second = play(world(server_time=NOW + MINUTE), saved).login()
    assert second.database() == first.database() == read_saved(saved)
    assert second.database()["options"] == {"automatic": True, "greeting": False}
    assert second.logout(bare=bare) == saved


def test_a_first_session_starts_with_the_defaults(play: Play) -> None:
    client = play(world(guild=None)).login()
    assert client.database() == {"schema": 1, "options": {"automatic": True, "greeting": True}, "exports": {}}


@pytest.mark.parametrize(
    "broken",
    [
        b'MusterDB = "a text"',
        b"MusterDB = 17",
        b"MusterDB = false",
        b"MusterDB = {}",
        b"MusterDB = { 1, 2, 3 }",
        b'MusterDB = { ["schema"] = "1", ["exports"] = {} }',
        b'MusterDB = { ["schema"] = -3 }',
        b'MusterDB = { ["schema"] = 0.5 }',
        b'MusterDB = { ["schema"] = 0 }',
        b'MusterDB = { ["schema"] = 1, ["options"] = "on", ["exports"] = true }',
        b'MusterDB = { ["schema"] = 1, ["options"] = { ["automatic"] = "yes" }, ["exports"] = { 7, "x", {}, { {} } } }',
        b'MusterDB = { ["schema"] = 1, ["exports"] = { ["eu/Argent Dawn/Night Watch"] = { ["format"] = 1 } } }',
    ],
)
def test_a_broken_table_starts_anew(play: Play, broken: bytes) -> None:
    client = play(world(), broken).login()
    assert client.database()["options"] == {"automatic": True, "greeting": True}
    assert client.database()["schema"] == 1
    assert client.exports() == {}
    client.advance(20)
    assert len(client.export()["rows"]) == 5


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", 2),
        ("format", None),
        ("export_id", 7),
        ("exported_at", "yesterday"),
        ("guild", "Night Watch"),
        ("exporter", False),
        ("exporter.name", None),
        ("ranks", {}),
        ("ranks", [1]),
        ("rows", {}),
        ("rows", "none"),
        ("rows", ["Bob"]),
    ],
)
def test_a_broken_export_is_dropped_and_made_anew(play: Play, path: str, value: Any) -> None:
    client = play(world(server_time=NOW + MINUTE), spoiled(play, f"exports.*.{path}", value)).login()
    assert client.exports() == {}
    client.advance(20)
    assert client.export()["exported_at"] == FIRST + MINUTE
    client.type("/muster status")


def test_a_broken_export_takes_no_other_with_it(play: Play) -> None:
    saved = spoiled(play, "exports.eu/Elsewhere/Gone", {"format": 1})
    client = play(world(server_time=NOW + MINUTE), saved).login()
    assert list(client.exports()) == ["eu/Argent Dawn/Night Watch"]


def test_an_unknown_option_is_kept(play: Play) -> None:
    client = play(world(), spoiled(play, "options.colour", "gold")).login()
    assert client.database()["options"] == {"automatic": True, "greeting": True, "colour": "gold"}


# ---------------------------------------------------------------- a newer Muster


@pytest.mark.parametrize("schema", [2, 99])
def test_a_newer_schema_is_left_alone_and_said(play: Play, schema: int) -> None:
    saved = written("MusterDB", {"schema": schema, "exports": {"x": "of tomorrow"}, "options": {"greeting": False}})
    client = play(world(), saved).login()
    assert client.chat() == [NEWER]
    client.advance(60)
    client.fire("GUILD_ROSTER_UPDATE", True)
    assert client.type("/muster") == [NEWER]
    assert client.type("/muster status") == [f"Now: {NEWER}"]
    assert client.type("/muster options") == [NEWER]
    client.advance(60)
    assert client.calls("GuildRoster") == 0
    assert client.logout() == saved


# ---------------------------------------------------------------- an older one


def with_upgrades(client: Client, schema: int, upgrades: bytes) -> Client:
    """Make the addon one whose schema is newer, with upgrades to it, as a later version would have them."""
    client.on_load(b"local ns = ... ; ns.Database.schema = %d; ns.Database.upgrades = %s" % (schema, upgrades))
    return client.login()


def test_an_older_table_is_upgraded_step_by_step_and_keeps_its_exports(play: Play) -> None:
    saved = saved_session(play)
    upgrades = b"""{
        [1] = function(db) db.steps = "one" end,
        [2] = function(db) db.steps = db.steps .. ", two" end,
    }"""
    client = with_upgrades(play(world(server_time=NOW + MINUTE), saved), 3, upgrades)
    assert client.database() == {**read_saved(saved), "schema": 3, "steps": "one, two"}


def test_an_upgrade_runs_once(play: Play) -> None:
    upgrades = b"{ [1] = function(db) db.steps = (db.steps or 0) + 1 end }"
    once = with_upgrades(play(world(), saved_session(play)), 2, upgrades).logout()
    assert with_upgrades(play(world(), once), 2, upgrades).database()["steps"] == 1


@pytest.mark.parametrize("upgrades", [b"{}", b"{ [1] = function(db) db.options.nothing.more = 1 end }"])
def test_a_table_that_cannot_be_upgraded_starts_anew(play: Play, upgrades: bytes) -> None:
    client = with_upgrades(play(world(), saved_session(play)), 2, upgrades)
    assert client.database() == {"schema": 2, "options": {"automatic": True, "greeting": True}, "exports": {}}
    client.advance(20)
    assert client.exports()
