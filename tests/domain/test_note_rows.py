"""Rows of an export: whom they mean, and what of them is news."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.note_rows import KEPT_LETTERS, JoinedBy, Noted, NoteRow, Notes, Placed, place

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


def test_a_note_that_says_the_same_is_no_news() -> None:
    stored = Notes("same", EARLIER, "", EARLIER)
    assert stored.after(NoteRow("Thora", None, "same", ""), LATER) == stored


def called(number: int) -> str:
    """Give a name of letters alone, another one for each number."""
    return "N" + "".join("abcdefghij"[int(digit)] for digit in f"{number:03}")


def guided(
    size: int, *, agreeing: int, more: tuple[NoteRow, ...] = (), others: tuple[Noted, ...] = ()
) -> tuple[Placed, int]:
    """Place rows of so many characters, of whom so many have the guid that Battle.net's id says; the ids from 1."""
    characters = [Noted(n, called(n), HOME, blizzard_id=1_000 + n) for n in range(1, size + 1)]
    rows = [
        NoteRow(called(n), None, "x", guid=f"Player-3702-{1_000 + n if n <= agreeing else 900_000 + n:08X}")
        for n in range(1, size + 1)
    ]
    outcome = place([*rows, *more], [*characters, *others], "stormrage")
    return outcome, size


RENAMED = Noted(500, "Oldname", HOME, blizzard_id=0xABCDEF)
NEW_NAME = NoteRow("Newname", None, "renamed", guid="Player-3702-00ABCDEF")


def test_a_renamed_character_is_found_by_its_guid() -> None:
    outcome, size = guided(100, agreeing=100, more=(NEW_NAME,), others=(RENAMED,))
    assert outcome.joined_by is JoinedBy.GUID
    assert outcome.rows[500].guild_note == "renamed"
    assert len(outcome.rows) == size + 1
    assert (outcome.unknown, outcome.ambiguous) == ((), ())


@pytest.mark.parametrize(("agreeing", "joined_by"), [(94, JoinedBy.NAME), (95, JoinedBy.GUID)])
def test_guids_count_where_95_percent_of_the_joins_by_name_agree(agreeing: int, joined_by: JoinedBy) -> None:
    outcome, _ = guided(100, agreeing=agreeing, more=(NEW_NAME,), others=(RENAMED,))
    assert outcome.joined_by is joined_by
    assert (500 in outcome.rows) == (joined_by is JoinedBy.GUID)
    assert outcome.unknown == (() if joined_by is JoinedBy.GUID else ("Newname",))
    assert set(outcome.rows) >= set(range(1, 101))  # whose guid is nobody's is known by name


@pytest.mark.parametrize(("size", "agreeing", "counts"), [(9, 9, True), (9, 8, False), (1, 1, True), (1, 0, False)])
def test_of_a_few_joins_all_have_to_agree(size: int, agreeing: int, *, counts: bool) -> None:
    outcome, _ = guided(size, agreeing=agreeing, more=(NEW_NAME,), others=(RENAMED,))
    assert (500 in outcome.rows) == counts


def test_without_any_join_by_name_no_guid_counts() -> None:
    outcome = place([NEW_NAME], [RENAMED], "stormrage")
    assert (outcome.joined_by, outcome.unknown) == (JoinedBy.NAME, ("Newname",))


def test_who_took_the_old_name_of_a_renamed_character_gets_none_of_its_notes() -> None:
    newcomer = NoteRow("Oldname", None, "a newcomer's", guid="Player-3702-00000007")
    outcome, _ = guided(100, agreeing=100, more=(newcomer, NEW_NAME), others=(RENAMED,))
    assert outcome.rows[500].guild_note == "renamed"
    assert outcome.unknown == ("Oldname",)


def test_two_characters_that_exchanged_their_names_are_told_by_guid() -> None:
    twins = (Noted(500, "Ann", HOME, blizzard_id=5), Noted(501, "Eve", HOME, blizzard_id=6))
    more = (NoteRow("Ann", None, "6", guid="Player-1-6"), NoteRow("Eve", None, "5", guid="Player-1-5"))
    outcome, _ = guided(100, agreeing=100, more=more, others=twins)
    assert (outcome.rows[500].guild_note, outcome.rows[501].guild_note) == ("5", "6")


def test_an_ambiguous_name_is_told_by_guid() -> None:
    both = (Noted(500, "Thòra", HOME, blizzard_id=5), Noted(501, "Thóra", HOME, blizzard_id=6))
    outcome, _ = guided(100, agreeing=100, more=(NoteRow("Thora", None, "y", guid="Player-1-6"),), others=both)
    assert outcome.rows[501].guild_note == "y"
    assert 500 not in outcome.rows


def test_of_two_characters_with_one_id_the_name_tells() -> None:
    both = (Noted(500, "Bob", HOME, blizzard_id=5), Noted(501, "Bob", OTHER, blizzard_id=5))
    more = (NoteRow("Bob", "TruegeWald", "there", guid="Player-2-5"), NoteRow("Bob", None, "here", guid="Player-1-5"))
    outcome, _ = guided(100, agreeing=100, more=more, others=both)
    assert (outcome.rows[500].guild_note, outcome.rows[501].guild_note) == ("here", "there")
    stranger, _ = guided(100, agreeing=100, more=(NoteRow("Rob", None, "?", guid="Player-1-5"),), others=both)
    assert stranger.ambiguous == ("Rob",)


def test_two_rows_of_one_guid_and_different_names_mean_nobody() -> None:
    more = (NEW_NAME, NoteRow("Thirdname", None, "?", guid=NEW_NAME.guid))
    outcome, _ = guided(100, agreeing=100, more=more, others=(RENAMED,))
    assert outcome.ambiguous == ("Newname", "Thirdname")


@pytest.mark.parametrize("guid", ["", "Player-1", "Pet-0-1-2-3-4-5", "Player-1-XYZ", "Player-1-5-6", "player 1 5", "5"])
def test_a_guid_of_another_form_tells_nothing(guid: str) -> None:
    assert NoteRow("Thora", guid=guid).blizzard_id is None
