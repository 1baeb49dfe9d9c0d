"""The golden files of the upload contract are what the addon makes today."""

import json

import pytest

from tests.wow_addon.client import GOLDEN, golden_world
from tests.wow_addon.golden import CASES, folder, made, saved_of
from tests.wow_addon.lua import read_saved


@pytest.mark.parametrize("case", CASES)
def test_golden_files_are_what_the_addon_makes_of_their_client(case: str) -> None:
    stale = [name for name, content in made(case).items() if (folder(case) / name).read_bytes() != content]
    assert not stale, f"{case}: {stale} out of date; run python -m tests.wow_addon.golden"


def test_every_golden_folder_is_a_case_or_format_0() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {*CASES, "format_0"}


@pytest.mark.parametrize("case", CASES)
def test_every_member_of_the_client_is_a_row_of_the_upload(case: str) -> None:
    rows = json.loads((folder(case) / "upload.json").read_text("utf-8"))["rows"]
    assert sorted(row["guid"] for row in rows) == sorted(row["guid"] for row in golden_world(case)["roster"])


def test_hidden_officer_notes_are_nowhere_in_the_file() -> None:
    saved = saved_of("hidden_officer_notes")
    hidden = [row["officer_note"] for row in golden_world("hidden_officer_notes")["roster"] if row["officer_note"]]
    assert len(hidden) == 3
    assert not [note for note in hidden if note.encode() in saved]
    assert b'officer_note"]' not in saved
    (export,) = read_saved(saved)["exports"].values()
    assert export["exporter"]["officer_notes"] is False


def test_hostile_notes_survive_the_file_letter_by_letter() -> None:
    (export,) = read_saved(saved_of("hostile_notes"))["exports"].values()
    told = {row["guid"]: (row["public_note"], row["officer_note"]) for row in golden_world("hostile_notes")["roster"]}
    assert {row["guid"]: (row["note"], row["officer_note"]) for row in export["rows"]} == told
