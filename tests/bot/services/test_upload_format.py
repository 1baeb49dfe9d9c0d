"""Uploads read: every field of the format, what is refused with which path, and garbage of all kinds."""

import hashlib
import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.upload_format import ROWS_LIMIT, BadJson, Invalid, read
from domain.note_rows import NoteRow
from domain.uploads import Export, Format, GuildName, InvalidRow
from tests.support.uploads import body, export, golden_cases, row

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MISSING = object()


def told(content: Any) -> Export:
    return read(body(content), received_at=NOW)


def with_field(path: str, value: Any, content: dict[str, Any]) -> dict[str, Any]:
    """Give the content with another value at a path such as `guild.realm`, or without one."""
    copied = json.loads(json.dumps(content))
    *parents, last = path.split(".")
    place = copied
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return copied


@pytest.mark.parametrize("case", golden_cases(), ids=lambda case: case.name)
def test_what_the_real_addon_and_companion_send_is_taken_whole(case: Path) -> None:
    sent = json.loads((case / "upload.json").read_bytes())
    found = read((case / "upload.json").read_bytes(), received_at=datetime(2099, 1, 1, tzinfo=UTC))
    assert found.invalid == ()
    assert found.size == len(found.rows) == len(sent.get("rows") or sent["characters"])
    if found.format is Format.MUSTER:
        seen = sent["exporter"]["officer_notes"]
        assert found.guild == GuildName(*(sent["guild"].get(name) for name in ("name", "realm", "region")))
        assert found.officer_notes is seen
        assert list(found.titles.values()) == sent["ranks"]
        assert [(one.character_name, one.guild_note) for one in found.rows] == [
            (one["name"], one.get("note")) for one in sent["rows"]
        ]
        assert [one.officer_note for one in found.rows] == [one.get("officer_note") for one in sent["rows"]]
        assert all(one.blizzard_id for one in found.rows)


def test_every_field_of_a_row_is_read() -> None:
    whole = {
        "guid": "Player-3702-0A1B2C3D",
        "name": "Bob",
        "realm": "Azjol-Nerub",
        "class": "MAGE",
        "level": 90,
        "rank": 1,
        "note": "",
        "officer_note": "trial",
        "last_online": 1_767_225_600,
        "online": True,
        "of a later release": {},
    }
    found = told(export(whole, {"name": "Eve"}, at=LONG_AGO, export_id="1767225600-5f3a", ranks=["GM", "Officer"]))
    assert found == Export(
        format=Format.MUSTER,
        export_id="1767225600-5f3a",
        exported_at=LONG_AGO,
        guild=GuildName("Raiders of Dawn", "Stormrage", "eu"),
        exporter="Bob-Stormrage",
        officer_notes=True,
        titles={0: "GM", 1: "Officer"},
        rows=(NoteRow("Bob", "Azjol-Nerub", "", "trial", guid="Player-3702-0A1B2C3D"), NoteRow("Eve")),
        size=2,
        invalid=(),
        addon_version="1.0.0",
    )


def test_without_the_right_to_see_them_every_officer_note_is_unknown() -> None:
    found = told(export(row("Bob", "", ""), row("Eve", "", "told anyway"), at=LONG_AGO, officer_notes=False))
    assert [one.officer_note for one in found.rows] == [None, None]
    assert [one.guild_note for one in found.rows] == ["", ""]
    assert not found.officer_notes


def test_a_clock_that_is_ahead_keeps_nobody_out() -> None:
    assert told(export(row("Bob"), at=NOW + timedelta(days=900))).exported_at == NOW


def test_the_time_of_the_earlier_system_is_the_arrival_and_its_id_what_was_sent() -> None:
    sent = body(
        {
            "characters": [
                {"name": "Bob", "realm": "Argent Dawn", "guild_note": "", "officer_note": "", "rank": 1, "level": 90}
                | {"rank_name": "Officer", "class": "Mage", "last_login": "yesterday"},
                {"name": "Eve", "officer_note": "trial", "rank": 2, "rank_name": "Raider", "last_online": None},
                {"name": "Sue", "rank": 2, "rank_name": "Member"},
            ],
            "addon_version": "0.9",
            "uploaded_by": "Bob",
        }
    )
    assert read(sent, received_at=NOW) == Export(
        format=Format.EARLIER_SYSTEM,
        export_id=hashlib.sha256(sent).hexdigest(),
        exported_at=NOW,
        guild=None,
        exporter="Bob",
        officer_notes=True,
        titles={1: "Officer"},
        rows=(NoteRow("Bob", "Argent Dawn", "", None), NoteRow("Eve", None, None, "trial"), NoteRow("Sue")),
        size=3,
        addon_version="0.9",
    )


def test_an_earlier_upload_without_any_officer_note_could_see_none() -> None:
    assert not told({"characters": [{"name": "Bob", "officer_note": ""}]}).officer_notes
    assert not told({"format": 0, "characters": [{"name": "Bob"}]}).officer_notes


HEADER = export(row("Bob"), at=LONG_AGO, export_id="1767225600-5f3a", ranks=["GM"])


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("format", 2, "not one that this server knows"),
        ("format", True, "not one that this server knows"),
        ("format", 1.0, "not one that this server knows"),
        ("format", "1", "not one that this server knows"),
        ("export_id", MISSING, "missing"),
        ("export_id", "short", "shorter than 8 characters"),
        ("export_id", "1767225600/5f3a", "other characters than allowed"),
        ("export_id", "1767225600\n", "other characters than allowed"),
        ("exported_at", "1767225600", "not a whole number"),
        ("exported_at", 1.5, "not a whole number"),
        ("exported_at", True, "not a whole number"),
        ("exported_at", -1, "below 0"),
        ("exported_at", 10**30, "above 253402300799"),
        ("addon_version", "x" * 41, "longer than 40 characters"),
        ("guild", [], "not an object"),
        ("guild.name", MISSING, "missing"),
        ("guild.name", "", "empty"),
        ("guild.region", "cn", "not one of 'us', 'eu', 'kr' or 'tw'"),
        ("guild.realm", 5, "not a text"),
        ("exporter.officer_notes", 1, "neither true nor false"),
        ("exporter.name", "Bob\0", "no database keeps"),
        ("exporter.name", "Bob\ud800", "no database keeps"),
        ("ranks", "GM", "not a list"),
        ("ranks", ["x"] * 11, "more than 10 entries"),
        ("ranks.0", None, "not a text"),
        ("rows", MISSING, "missing"),
        ("rows", {}, "not a list"),
        ("rows", [], "empty: an export has at least"),
        ("rows", [{"name": "Bob"}] * (ROWS_LIMIT + 1), "longer than 1,500 rows"),
    ],
)
def test_a_wrong_field_of_the_head_refuses_all_with_its_path(path: str, value: Any, problem: str) -> None:
    content = with_field(path, value, HEADER) if path != "ranks.0" else {**HEADER, "ranks": [None]}
    with pytest.raises(Invalid, match=problem) as refused:
        read(json.dumps(content).encode(), received_at=NOW)
    assert refused.value.field == {"ranks.0": "ranks[0]"}.get(path, path)


ROW_FIELDS = [
    ("name", MISSING, "missing"),
    ("name", "", "empty"),
    ("name", "x" * 49, "longer than 48 characters"),
    ("realm", "x" * 81, "longer than 80 characters"),
    ("guid", 5, "not a text"),
    ("class", False, "not a text"),
    ("level", "90", "not a whole number"),
    ("level", 1_001, "above 1000"),
    ("rank", 10, "above 9"),
    ("rank", -1, "below 0"),
    ("note", 0, "not a text"),
    ("note", "a\0b", "a text with a character that no database keeps"),
    ("officer_note", ["x"], "not a text"),
    ("officer_note", "\udfff", "a text with a character that no database keeps"),
    ("last_online", 10**20, "above 253402300799"),
    ("online", "yes", "neither true nor false"),
]


@pytest.mark.parametrize(("field", "value", "problem"), ROW_FIELDS)
def test_one_bad_row_among_good_ones_is_left_out_and_told(field: str, value: Any, problem: str) -> None:
    content = export(row("Ana"), row("Bob"), row("Cid"), at=LONG_AGO)
    sent = json.dumps(with_field(f"rows.1.{field}", value, content)).encode()
    found = read(sent, received_at=NOW)
    assert [one.name for one in found.rows] == ["Ana", "Cid"]
    assert found.invalid == (InvalidRow(1, field, problem),)
    assert found.size == 3


@pytest.mark.parametrize("bad", [None, 5, "Bob", [], True])
def test_a_row_that_is_no_object_is_told_as_a_whole(bad: Any) -> None:
    assert told(export(row("Ana"), bad, at=LONG_AGO)).invalid == (InvalidRow(1, "$", "not an object"),)


def test_an_upload_all_of_whose_rows_are_wrong_is_refused_with_the_path_of_the_first() -> None:
    with pytest.raises(Invalid, match="not a whole number") as refused:
        told(export({"name": "Bob", "level": "x"}, {"name": 5}, at=LONG_AGO))
    assert refused.value.field == "rows[0].level"
    with pytest.raises(Invalid) as refused:
        told({"characters": [5]})
    assert (refused.value.field, refused.value.message) == ("characters[0]", "not an object")


def test_an_empty_roster_is_refused_and_says_why() -> None:
    for content in ({"characters": []}, {**HEADER, "rows": []}):
        with pytest.raises(Invalid, match="an export has at least the character that made it"):
            told(content)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"", "line 1, column 1"),
        (b"{", "line 1, column 2"),
        (b'{"format": 1,\n ]', "line 2, column 2"),
        (b"\xff\xfe{}", "not UTF-8, from byte 1"),
        ('{"format": 1}'.encode("utf-16"), "not UTF-8"),
        (b"MusterDB = {}", "no JSON"),
        (b'{"format": NaN}', "NaN or Infinity"),
        (b'{"format": -Infinity}', "NaN or Infinity"),
        (b'{"rows": [], "rows": []}', "a field twice"),
        (b'{"characters": [{"name": "Bob", "name": "Eve"}]}', "a field twice"),
        (b"[" * 500_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b'{"format": ' + b"9" * 5_000 + b"}", "a number that is too long"),
    ],
)
def test_what_is_no_json_is_told_with_the_place(sent: bytes, why: str) -> None:
    with pytest.raises(BadJson, match=why):
        read(sent, received_at=NOW)


@pytest.mark.parametrize("sent", [b"[]", b"null", b"5", b'"x"', b"true"])
def test_json_that_is_no_object_is_refused_as_a_whole(sent: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read(sent, received_at=NOW)
    assert refused.value.field == "$"


def test_a_byte_order_mark_is_no_reason_to_refuse() -> None:
    assert read(b"\xef\xbb\xbf" + body(HEADER), received_at=NOW) == told(HEADER)


def test_a_refusal_comes_whole_from_the_worker_process() -> None:
    refused = pickle.loads(pickle.dumps(Invalid("rows[3].level", "not a whole number")))  # noqa: S301 (our own)
    assert (refused.field, refused.message) == ("rows[3].level", "not a whole number")
    assert refused.text == "`rows[3].level`: not a whole number."
    assert pickle.loads(pickle.dumps(BadJson("The body is no JSON."))).text == "The body is no JSON."  # noqa: S301


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["format", "export_id", "exported_at", "guild", "exporter", "ranks", "rows", "characters", "uploaded_by"]
)
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["name", "realm", "guid", "class", "level", "rank", "note", "officer_note", "online"]), VALUES
    ),
    max_size=4,
)


def taken_or_refused(sent: bytes) -> None:
    """Read; anything but an export or one of the typed refusals, whose text can be sent, fails."""
    try:
        found = read(sent, received_at=NOW)
    except (BadJson, Invalid) as refused:
        refused.text.encode()
        return
    assert found.rows
    assert found.exported_at <= NOW
    assert len(found.rows) + len(found.invalid) == found.size


@given(st.binary(max_size=400))
def test_garbage_of_any_bytes_is_refused_by_name(sent: bytes) -> None:
    taken_or_refused(sent)


@given(st.dictionaries(NAMES, VALUES | ROWS))
def test_garbage_under_the_formats_own_names_is_refused_by_name(content: dict[str, Any]) -> None:
    taken_or_refused(json.dumps(content).encode())


@given(ROWS, st.sampled_from([*HEADER, ""]), VALUES)
def test_garbage_in_rows_and_one_field_leaves_the_rest_or_is_refused_by_name(
    rows: list[dict[str, Any]], name: str, value: Any
) -> None:
    taken_or_refused(
        json.dumps({**HEADER, "rows": [{"name": "Ana"}, *rows], **({name: value} if name else {})}).encode()
    )
    taken_or_refused(json.dumps({"characters": rows, **({name: value} if name else {})}).encode())
