"""Rows of an export: whom they mean, and what of them is news."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.note_rows import KEPT_LETTERS, Noted, NoteRow, Notes, place

HOME, OTHER = frozenset({"stormrage"}), frozenset({"dertruegewald", "truegewald"})
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EARLIER, LATER = NOON - timedelta(hours=1), NOON + timedelta(hours=1)


def placed(rows: list[NoteRow], *characters: Noted) -> dict[int, str | None]:
    """Place rows and give the public note of each character that got one."""
    return {id_: row.guild_note for id_, row in place(rows, characters, "stormrage").rows.items()}


@pytest.mark.parametrize(
    ("name", "realm"),
    [
        ("Ærin", None),
        ("Ærin", ""),
        ("ærin", "Stormrage"),
        ("ÆRIN", "storm rage"),
        ("Ærin-Stormrage", None),
        ("Aerin", "stormrage"),
        (" Ærin ", None),
        ("Ærin-SomewhereElse", "Stormrage"),
    ],
)
def test_a_character_is_found_however_name_and_realm_are_written(name: str, realm: str | None) -> None:
    assert placed([NoteRow(name, realm, "x")], Noted(1, "Ærin", HOME), Noted(2, "Borin", HOME)) == {1: "x"}


@pytest.mark.parametrize("name", ["Zoë", "Zoe\N{COMBINING DIAERESIS}"])
def test_a_name_counts_however_its_accents_are_encoded(name: str) -> None:
    assert placed([NoteRow(name, None, "x")], Noted(1, "Zoë", HOME), Noted(2, "Zoé", HOME)) == {1: "x"}


def test_the_same_name_on_two_realms_stays_two() -> None:
    twins = (Noted(1, "Thora", HOME), Noted(2, "Thora", OTHER))
    rows = [NoteRow("Thora", "TruegeWald", "there"), NoteRow("Thora-Stormrage", None, "here")]
    assert placed(rows, *twins) == {1: "here", 2: "there"}
    assert placed([NoteRow("Thora", None, "home")], *twins) == {1: "home"}


def test_name_and_realm_are_split_at_the_first_hyphen() -> None:
    hyphened = frozenset({"azjolnerub"})
    assert placed([NoteRow("Thora-Azjol-Nerub", None, "x")], Noted(1, "Thora", hyphened)) == {1: "x"}


def test_names_that_differ_by_an_accent_alone_stay_two() -> None:
    both = (Noted(1, "Thora", HOME), Noted(2, "Thóra", HOME))
    assert placed([NoteRow("Thora", None, "plain"), NoteRow("thóra", None, "marked")], *both) == {
        1: "plain",
        2: "marked",
    }


def test_who_is_not_in_the_guild_yet_leaves_a_namesake_with_another_accent_alone() -> None:
    rows = [NoteRow("Thora", None, "plain"), NoteRow("Thóra", None, "of a newcomer")]
    outcome = place(rows, [Noted(1, "Thora", HOME)], "stormrage")
    assert {id_: row.guild_note for id_, row in outcome.rows.items()} == {1: "plain"}
    assert outcome.unknown == ("Thóra",)


def test_a_spelling_that_fits_two_characters_and_two_that_fit_one_are_ambiguous() -> None:
    fits_two = place([NoteRow("Thora")], [Noted(1, "Thòra", HOME), Noted(2, "Thóra", HOME)], "stormrage")
    assert (fits_two.rows, fits_two.ambiguous) == ({}, ("Thora",))
    fit_one = place([NoteRow("Thòra"), NoteRow("Thóra")], [Noted(1, "Thora", HOME)], "stormrage")
    assert (fit_one.rows, fit_one.ambiguous) == ({}, ("Thòra", "Thóra"))


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (NoteRow("Nobody"), "Nobody"),
        (NoteRow("Thora", "Elsewhere"), "Thora-Elsewhere"),
        (NoteRow("Thora", "???"), "Thora-???"),
        (NoteRow("???"), "???"),
        (NoteRow(""), ""),
        (NoteRow("Thora", character_id=9), "Thora"),
    ],
)
def test_a_row_that_names_nobody_in_the_guild_is_unknown(row: NoteRow, shown: str) -> None:
    outcome = place([row], [Noted(1, "Thora", HOME), Noted(2, "!", HOME)], "stormrage")
    assert (outcome.rows, outcome.unknown, outcome.ambiguous) == ({}, (shown,), ())


def test_an_id_stands_above_name_and_realm() -> None:
    assert placed([NoteRow("Borin", "Elsewhere", "x", character_id=1)], Noted(1, "Thora", HOME)) == {1: "x"}


def test_of_two_rows_for_one_character_the_later_counts_where_it_knows() -> None:
    rows = [NoteRow("Thora", None, "first", "officers'"), NoteRow("Thora", None, "second", None)]
    (row,) = place(rows, [Noted(1, "Thora", HOME)], "stormrage").rows.values()
    assert (row.guild_note, row.officer_note) == ("second", "officers'")


@given(st.text(alphabet=st.characters(), max_size=300))
def test_notes_of_any_characters_are_kept_without_what_no_database_stores(text: str) -> None:
    character = Noted(1, "Thora", HOME)
    kept = placed([NoteRow("Thora", None, text + "\x00\ud83d end")], character)[1]
    assert kept is not None
    kept.encode()
    assert "\x00" not in kept
    assert len(kept) <= KEPT_LETTERS


def test_an_endless_note_is_cut_visibly() -> None:
    kept = placed([NoteRow("Thora", None, "x" * 5_000)], Noted(1, "Thora", HOME))[1]
    assert kept == "x" * (KEPT_LETTERS - 1) + "…"


def test_unknown_is_not_empty() -> None:
    stored = Notes("alt of Ana", NOON, "Discord: ana", NOON)
    assert stored.after(NoteRow("Thora", None, "", None), LATER) == Notes("", LATER, "Discord: ana", NOON)
    assert stored.after(NoteRow("Thora"), LATER) == stored


def test_an_older_export_after_a_newer_one_changes_nothing() -> None:
    stored = Notes("new", NOON, None, None)
    assert stored.after(NoteRow("Thora", None, "old", "officers'"), EARLIER) == Notes("new", NOON, "officers'", EARLIER)


def test_a_late_export_does_not_undo_what_a_newer_one_only_confirmed() -> None:
    confirmed = Notes("same", EARLIER, None, None).after(NoteRow("Thora", None, "same"), LATER)
    assert confirmed.after(NoteRow("Thora", None, "other"), NOON) == Notes("same", LATER, None, None)
