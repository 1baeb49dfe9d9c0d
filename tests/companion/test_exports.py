"""What of the addon's table is an export, and the upload that is made of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster_companion.config import Guild
from muster_companion.exports import Contents, Export, newest, read_exports
from muster_companion.lua_data import LuaSyntaxError
from tests.support.saved_variables import written

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "upload"
CASES = sorted(file.parent.name for file in GOLDEN.glob("*/SavedVariables.lua"))


EXPORT: dict[str, Any] = {
    "format": 1,
    "export_id": "1767225600-5f3a9c1e-0a1b2c3d",
    "exported_at": 1767225600,
    "addon_version": "1.0.0",
    "guild": {"name": "Night Watch", "realm": "Argent Dawn", "region": "eu"},
    "exporter": {"name": "Bob", "realm": "ArgentDawn", "officer_notes": True},
    "ranks": ["Guild Master", "Officer"],
    "rows": [{"name": "Bob", "level": 90, "note": "alt of Ann"}, {"name": "Ann", "level": 90}],
}


def saved(*exports: Any, **changed: Any) -> bytes:
    """Write SavedVariables that hold these exports by their number, with fields of MusterDB changed."""
    kept = {f"#{place}": one for place, one in enumerate(exports, 1)}
    return written("MusterDB", {"schema": 1, "options": {}, "exports": kept} | changed)


def read(*exports: Any, **changed: Any) -> Contents:
    """Read such SavedVariables."""
    return read_exports(saved(*exports, **changed))


def only(contents: Contents) -> Export:
    """Give the only export, of which nothing is wrong."""
    assert contents.problems == ()
    (found,) = contents.exports
    return found


def posted(**changed: Any) -> Any:
    """Give the upload of an export with some fields changed, as the server reads it."""
    return json.loads(only(read(EXPORT | changed)).body)


def test_the_golden_files_are_there() -> None:
    assert {"plain", "hidden_officer_notes", "realms", "hostile_notes", "empty_notes"} <= set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_the_upload_of_what_the_addon_wrote_is_the_golden_one(case: str) -> None:
    found = only(read_exports((GOLDEN / case / "SavedVariables.lua").read_bytes()))
    expected = json.loads((GOLDEN / case / "upload.json").read_bytes())
    assert json.loads(found.body) == expected
    guild = expected["guild"]
    assert found.guild == Guild(guild["region"], guild["realm"], guild["name"])
    assert (found.export_id, found.exported_at) == (expected["export_id"], expected["exported_at"])
    assert (found.officer_notes, found.rows) == (expected["exporter"]["officer_notes"], len(expected["rows"]))


def test_the_upload_is_compact_utf_8_in_the_order_of_the_page_whatever_the_games_order() -> None:
    guild = {"name": "Nächte", "realm": "Argent Dawn", "region": "eu"}
    one = EXPORT | {"guild": guild, "ranks": ["Мастер"], "rows": [{"online": True, "note": "é\n🐉", "name": "Bob"}]}
    body = (
        '{"format":1,"export_id":"1767225600-5f3a9c1e-0a1b2c3d","exported_at":1767225600,"addon_version":"1.0.0",'
        '"guild":{"name":"Nächte","realm":"Argent Dawn","region":"eu"},'
        '"exporter":{"name":"Bob","realm":"ArgentDawn","officer_notes":true},"ranks":["Мастер"],'
        '"rows":[{"name":"Bob","note":"é\\n🐉","online":true}]}'
    )
    assert only(read(one)).body == body.encode()
    assert (
        only(read_exports(written("MusterDB", {"exports": {"a": one}, "schema": 1}, bare=True))).body == body.encode()
    )


def test_an_empty_note_is_posted_empty_and_an_unseen_one_not_at_all() -> None:
    (row,) = posted(rows=[{"name": "Bob", "note": "", "officer_note": None}])["rows"]
    assert row == {"name": "Bob", "note": ""}


def test_a_realm_that_the_game_did_not_tell_is_null() -> None:
    upload = posted(guild={"name": "Night Watch", "region": "eu"}, exporter={"name": "Bob", "officer_notes": False})
    assert upload["guild"] == {"name": "Night Watch", "realm": None, "region": "eu"}
    assert upload["exporter"] == {"name": "Bob", "realm": None, "officer_notes": False}


def test_fields_that_the_page_does_not_name_stay_here() -> None:
    upload = posted(secret="x", rows=[{"name": "Bob", "zone": "Dalaran"}])
    assert "secret" not in upload
    assert upload["rows"] == [{"name": "Bob"}]


def test_a_list_may_have_holes_and_any_order() -> None:
    upload = posted(rows={3: {"name": "Cid"}, 1: {"name": "Ann"}}, ranks={4: "Trial", 1: "Master", 2: "Officer"})
    assert [row["name"] for row in upload["rows"]] == ["Ann", "Cid"]
    assert upload["ranks"] == ["Master", "Officer", "", "Trial"]


def test_wrong_rows_are_left_to_the_server_which_names_them() -> None:
    wrong = [{"name": 5, "level": "high", "rank": -1, "note": {"a": 1}, "online": "?"}, "no row", {}, {"level": 1.5}]
    assert posted(rows=wrong)["rows"] == [
        {"name": 5, "level": "high", "rank": -1, "note": {}, "online": "?"},
        "no row",
        {},
        {"level": 1.5},
    ]


def test_what_json_has_no_number_for_is_unknown() -> None:
    source = saved(EXPORT).replace(b'["level"] = 90', b'["level"] = 0/0', 1)
    assert [row["level"] for row in json.loads(only(read_exports(source)).body)["rows"]] == [None, 90]


def test_a_note_that_is_no_utf_8_never_crashes_the_upload() -> None:
    source = saved(EXPORT).replace(b"alt of Ann", b"Ann\\255 \xfe")
    assert json.loads(only(read_exports(source)).body)["rows"][0]["note"] == "Ann\ufffd \ufffd"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"format": None}, "format is missing, a whole number is expected."),
        ({"format": "1"}, "format is wrong, a whole number is expected."),
        ({"format": True}, "format is wrong, a whole number is expected."),
        ({"format": 2}, "the addon is newer than this companion (format 2): update the companion."),
        ({"format": 0}, "format 0 is not known: update the addon, and type /muster in the game."),
        ({"export_id": None}, "export_id is missing, a text is expected."),
        ({"export_id": ""}, "export_id is wrong, a text is expected."),
        ({"exported_at": 1.5}, "exported_at is wrong, a whole number is expected."),
        ({"exported_at": -1}, "exported_at is wrong, a whole number is expected."),
        ({"exported_at": 1e300}, "exported_at is wrong, a whole number is expected."),
        ({"addon_version": 1}, "addon_version is wrong, a text is expected."),
        ({"guild": None}, "guild is missing, a table is expected."),
        ({"guild": "Night Watch"}, "guild is wrong, a table is expected."),
        ({"guild": {"realm": "R", "region": "eu"}}, "guild.name is missing, a text is expected."),
        ({"guild": {"name": "N", "realm": 5, "region": "eu"}}, "guild.realm is wrong, a text is expected."),
        ({"guild": {"name": "N", "realm": "R"}}, "guild.region is missing, a text is expected."),
        ({"exporter": {"name": "Bob"}}, "exporter.officer_notes is missing, true or false is expected."),
        (
            {"exporter": {"name": "Bob", "officer_notes": 1}},
            "exporter.officer_notes is wrong, true or false is expected.",
        ),
        ({"exporter": {"officer_notes": True}}, "exporter.name is missing, a text is expected."),
        ({"ranks": None}, "ranks is missing, a table is expected."),
        ({"ranks": ["Master", 5]}, "ranks is wrong, up to 10 texts are expected."),
        ({"ranks": ["x"] * 11}, "ranks is wrong, up to 10 texts are expected."),
        ({"ranks": {10**9: "x"}}, "ranks is wrong, up to 10 texts are expected."),
        ({"ranks": {"first": "x"}}, "ranks is wrong, a list is expected."),
        ({"rows": None}, "rows is missing, a table is expected."),
        ({"rows": []}, "rows is empty."),
        ({"rows": {"Bob": {"name": "Bob"}}}, "rows is wrong, a list is expected."),
        ({"rows": {0: {"name": "Bob"}}}, "rows is wrong, a list is expected."),
    ],
)
def test_a_wrong_export_is_named_with_its_field_and_hinders_no_other(changed: dict[str, Any], words: str) -> None:
    contents = read(EXPORT | changed, EXPORT)
    assert [found.guild.name for found in contents.exports] == ["Night Watch"]
    assert contents.problems == (f"The export of #1 can't be uploaded: {words}",)


def test_no_value_of_a_wrong_field_is_told() -> None:
    contents = read(EXPORT | {"export_id": {"officer_note": "secret"}})
    assert "secret" not in "".join(contents.problems)


def test_an_export_that_is_no_table_is_named() -> None:
    contents = read(exports={"eu/R/N": "text"})
    assert contents == Contents(problems=("The export of eu/R/N can't be uploaded: it is no table.",))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"schema": 2}, "the addon is newer than this companion (schema 2): update the companion."),
        ({"schema": 0}, "schema 0 is not known: update the addon, and type /muster in the game."),
        ({"schema": None}, "MusterDB.schema is missing, a whole number is expected."),
        ({"schema": "new"}, "MusterDB.schema is wrong, a whole number is expected."),
        ({"exports": None}, "MusterDB.exports is missing, a table is expected."),
        ({"exports": 5}, "MusterDB.exports is wrong, a table is expected."),
    ],
)
def test_of_a_table_that_is_not_ours_nothing_is_uploaded(changed: dict[str, Any], words: str) -> None:
    assert read(EXPORT, **changed) == Contents(problems=(words,))


@pytest.mark.parametrize("source", [b"", b"OtherDB = { exports = {} }", b"MusterDB = nil"])
def test_a_file_without_the_addons_table_is_told(source: bytes) -> None:
    (problem,) = read_exports(source).problems
    assert problem.startswith("The file holds no MusterDB")


def test_a_musterdb_that_is_no_table_is_told() -> None:
    assert read_exports(b"MusterDB = 5").problems == ("MusterDB is wrong, a table is expected.",)


def test_an_addon_that_has_exported_nothing_yet_is_no_problem() -> None:
    assert read() == Contents()


def test_of_a_file_that_is_cut_off_after_a_whole_export_nothing_is_uploaded() -> None:
    whole = saved(EXPORT, EXPORT)
    with pytest.raises(LuaSyntaxError):
        read_exports(whole[: whole.index(b"#2")])


def made(
    exported_at: int,
    export_id: str,
    guild: str = "Night Watch",
    realm: str = "Argent Dawn",
    *,
    officer_notes: bool = True,
) -> Export:
    """Make an export as one of several accounts may hold it."""
    of_guild = {"name": guild, "realm": realm, "region": "eu"}
    exporter = {"name": "Bob", "realm": "ArgentDawn", "officer_notes": officer_notes}
    given = {"exported_at": exported_at, "export_id": export_id, "guild": of_guild, "exporter": exporter}
    return only(read(EXPORT | given))


def test_the_newest_export_of_each_guild_wins_over_accounts_and_flavours() -> None:
    old, new, other = made(1, "1-old"), made(2, "2-new"), made(0, "0-other", guild="Other")
    namesake = made(1, "1-namesake", realm="Silvermoon")
    found = newest([other, new, namesake, old])
    assert found == (other, namesake, new)


def test_a_newer_export_without_officer_notes_does_not_keep_back_those_of_another_account() -> None:
    older, officers, members = (
        made(1, "1-officer"),
        made(2, "2-officer"),
        made(3, "3-member", officer_notes=False),
    )
    assert newest([members, older, officers]) == (officers, members)
    assert newest([made(1, "1-member", officer_notes=False), officers]) == (officers,)


def test_of_two_exports_of_one_second_the_same_one_wins_in_any_order() -> None:
    one, two = made(1, "1-aaaaaaaa"), made(1, "1-bbbbbbbb")
    assert newest([one, two]) == newest([two, one]) == (two,)


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 2000), st.floats(0, 10), st.text(st.characters(codec="utf-8"))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["name", "realm", "note", "region"]), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*EXPORT]), VALUES))
@settings(max_examples=200, deadline=None)
def test_whatever_shape_an_export_has_it_is_made_an_upload_or_told(wrong: dict[str, Any]) -> None:
    contents = read(EXPORT | wrong)
    assert len(contents.exports) + len(contents.problems) == 1
    for found in contents.exports:
        assert json.loads(found.body.decode())["rows"]


@given(
    st.one_of(
        st.tuples(st.just("schema"), VALUES.filter(lambda value: value != 1)), st.tuples(st.just("exports"), VALUES)
    )
)
@settings(max_examples=100, deadline=None)
def test_whatever_shape_the_addons_table_has_nothing_is_made_up(wrong: tuple[str, Any]) -> None:
    assert read(EXPORT, **dict([wrong])).exports == ()
