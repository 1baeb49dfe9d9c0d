"""Spreadsheets: what is read of CSV files as they come, and what is decided about each row."""

import codecs
import csv
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.identity import Owner
from domain.links import Source
from domain.sheet import CharacterRow, IdRow, Remark, read_characters, read_ids
from domain.sheet_plan import Fate, Known, KnownCharacter, KnownMember, Main, SheetPlan, plan

HEADER = "Discord,Character,Class,Spec,Role,MainAlt,Realm\n"


def names(content: bytes) -> list[tuple[str, str]]:
    return [(row.discord, row.name) for row in read_characters(content).rows]


def test_a_row_tells_person_character_realm_class_and_main() -> None:
    sheet = read_characters((HEADER + "Dave,Ana,Mage,Fire,DPS,Main,Stormrage\nDave,Bo,Priest,,,Alt,\n").encode())
    assert sheet.rows == (
        CharacterRow(2, "Dave", "Ana", "Stormrage", "Mage", is_main=True),
        CharacterRow(3, "Dave", "Bo", "", "Priest", is_main=False),
    )
    assert (sheet.remarks, sheet.notices) == ((), ())


@pytest.mark.parametrize("header", ["Main/Alt", "MainAlt", "main / alt", " MAIN/ALT ", "Main Alt"])
def test_headers_may_be_written_in_any_case_and_with_spaces(header: str) -> None:
    [row] = read_characters(f" DISCORD ,character,{header},Joined on\nDave,Ana,MAIN,2024\n".encode()).rows
    assert row == CharacterRow(2, "Dave", "Ana", "", "", is_main=True)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_commas_semicolons_and_tabs_separate(delimiter: str, newline: str) -> None:
    text = newline.join(delimiter.join(cells) for cells in (("Discord", "Character", "Class"), ("Dave", "Ana", "Mage")))
    assert names(text.encode()) == [("Dave", "Ana")]


def test_excels_own_first_line_names_the_separator_and_counts_as_a_line() -> None:
    sheet = read_characters(b"sep=;\r\nDiscord;Character;Class;MainAlt\r\nDave;Ana;;\r\nEve;;;\r\n")
    assert [row.line for row in sheet.rows] == [3]
    assert [remark.line for remark in sheet.remarks] == [4]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
    ],
)
def test_unicode_files_are_read_with_and_without_their_mark(encoding: str, mark: bytes) -> None:
    content = mark + (HEADER + "Jürgen,Ána,,,,,\nИван,Рёжё,,,,,\n").encode(encoding)
    assert names(content) == [("Jürgen", "Ána"), ("Иван", "Рёжё")]
    assert read_characters(content).notices == ()


def test_another_encoding_is_a_fallback_and_said_aloud() -> None:
    sheet = read_characters((HEADER + "Jürgen,Ána,,,,,\n").encode("cp1252"))
    assert [(row.discord, row.name) for row in sheet.rows] == [("Jürgen", "Ána")]
    [notice] = sheet.notices
    assert "Windows-1252" in notice

    sheet = read_characters((HEADER + "Dave,Ana,,,,,\n").encode("utf-16-le"))
    assert [(row.discord, row.name) for row in sheet.rows] == [("Dave", "Ana")]
    assert "UTF-16" in sheet.notices[0]


def test_a_cell_in_quotes_may_hold_separators_and_line_breaks() -> None:
    content = b'Discord,Character,Class,MainAlt,Comment\n"Dave, the\nRock",Ana,,Main,"a ""b""\n\nc"\nEve,Bo,,,\n'
    sheet = read_characters(content)
    assert [(row.line, row.discord, row.name) for row in sheet.rows] == [(2, "Dave, the Rock", "Ana"), (6, "Eve", "Bo")]


def test_bad_rows_are_told_with_line_and_reason_and_the_others_go_on() -> None:
    sheet = read_characters(
        b"Discord,Character,Class,MainAlt,Realm\n"
        b",Ana,,,\n"
        b"Dave,,,,\n"
        b"\n"
        b" , ,,,\n"
        b"Dave,Bo,,Maybe,\n"
        b"Dave,Cy-Stormrage,,,Ravencrest\n"
        b"Dave,Di,,,,extra\n"
        b"Dave\n"
        b"Dave,Ed\n"
    )
    assert [(remark.line, remark.text) for remark in sheet.remarks] == [
        (2, "no name in column Discord"),
        (3, "no name in column Character"),
        (6, "`Maybe` is neither Main nor Alt, and is taken for Alt"),
        (7, "two realms: `Stormrage` and `Ravencrest`"),
        (8, "6 cells, but 5 in the first line"),
        (9, "no name in column Character"),
    ]
    assert [(row.line, row.name) for row in sheet.rows] == [(6, "Bo"), (10, "Ed")]


def test_a_quote_left_open_is_told_with_all_that_it_took_along() -> None:
    sheet = read_characters(b'Discord,Character,Class,MainAlt\nDave,Ana,,\n"Eve,Bo,,\nFay,Cy,,\nGus,Di,,\n')
    assert [row.name for row in sheet.rows] == ["Ana"]
    [remark] = sheet.remarks
    assert remark.line == 3
    assert "nothing is read to line 5" in remark.text


def test_a_quote_in_the_middle_costs_its_own_row_only() -> None:
    sheet = read_characters(b'Discord,Character,Class,MainAlt\n"Da"ve,Ana,,\nE"ve,Bo,,\nFay,Cy,,\n')
    assert [(row.discord, row.name) for row in sheet.rows] == [('E"ve', "Bo"), ("Fay", "Cy")]
    assert [remark.line for remark in sheet.remarks] == [2]


def test_a_cell_of_any_length_stops_nothing() -> None:
    content = b"Discord,Character,Class,MainAlt\nDave," + b"x" * (csv.field_size_limit() + 1) + b",,\nEve,Bo,,\n"
    sheet = read_characters(content)
    assert [row.name for row in sheet.rows] == ["Bo"]
    assert [remark.line for remark in sheet.remarks] == [2]


def test_a_realm_may_stand_behind_the_name() -> None:
    [row] = read_characters(b"Discord,Character,Class,MainAlt\nDave,Ana-Azjol-Nerub,,\n").rows
    assert (row.name, row.realm) == ("Ana", "Azjol-Nerub")


def test_formulas_are_plain_text() -> None:
    content = b'Discord,Character,Class,MainAlt\n=1+1,"=HYPERLINK(""http://x"",""Ana"")",@SUM(A1),+1\n'
    sheet = read_characters(content)
    [row] = sheet.rows
    assert (row.discord, row.class_name, row.is_main) == ("=1+1", "@SUM(A1)", False)
    assert row.name.startswith("=HYPERLINK")

    sheet_of_ids = read_ids(b'Discord,DiscordID\nDave,"=""123"""\n')
    assert sheet_of_ids.rows == ()
    assert "is no Discord id" in sheet_of_ids.remarks[0].text


def test_what_cannot_be_seen_is_no_part_of_a_cell() -> None:
    content = "Discord,Character,Class,MainAlt\n\u200bDave\0,\u202eAna\x1b[31m,,\n".encode()
    assert names(content) == [("Dave", "Ana[31m")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no column Discord .* found: nothing"),
        (b"\n\n", "no column Discord"),
        (b"Name;Toon\nDave;Ana\n", "no column Discord in the first line; found: Name;Toon"),
        (b"Discord,Toon\n", "no column Character .* found: Discord, Toon"),
        (b"Discord,Character,discord\n", "column Discord stands twice"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no column Discord"),
        (b'"Discord,Character\n', "no column Discord"),
    ],
)
def test_a_file_without_its_columns_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_characters(content)


def test_a_useful_column_that_is_missing_is_said() -> None:
    assert read_characters(b"Discord,Character\n").notices == ("no column Class", "no column Main/Alt")


def test_ids_are_read_and_what_is_none_is_told() -> None:
    sheet = read_ids(
        b"Discord;Discord ID;Joined\n"
        b"Dave;123456789012345678;\n"
        b"Eve;1.23457E+17;\n"
        b"Fay;fay#1234;\n"
        b"Gus;99999999999999999999;\n"
        b"Hal;0;\n"
        b";123456789012345679;\n"
        b"Ida;;\n"
        b"Jon;\xd9\xa1\xd9\xa2;\n"
    )
    assert sheet.rows == (IdRow(2, "Dave", 123456789012345678),)
    told = {remark.line: remark.text for remark in sheet.remarks}
    assert set(told) == {3, 4, 5, 6, 7, 8, 9}
    assert "rounded the id" in told[3]
    assert told[4] == "`fay#1234` is no Discord id"
    assert told[7] == "no name in column Discord"


def test_a_spreadsheet_of_an_earlier_system_is_read_whole(shared: Path, tmp_path: Path) -> None:
    # The columns as the earlier system's own sheets have them, filled with a real roster's names.
    rosters = sorted((shared / "fixtures").rglob("*roster*.json"))
    assert rosters
    roster = json.loads(rosters[0].read_text(encoding="utf-8"))
    found = [one["character"]["name"] for one in roster["members"]]
    file = tmp_path / "members.csv"
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["Discord", "Character", "Class", "Spec", "Role", "Main/Alt"])
        writer.writerows([f"user {n}", name, "Mage", "Fire", "DPS", "Main"] for n, name in enumerate(found))

    sheet = read_characters(file.read_bytes())

    assert [row.name for row in sheet.rows] == found
    assert sheet.remarks == ()


CELLS = st.sampled_from(
    ["Discord", "Character", "Main/Alt", "Realm", "DiscordID", "Ana", "1", ",", ";", "\t", '"', "\n", "\r"]
)


@given(st.binary() | st.lists(CELLS).map(lambda cells: ("Discord,Character,DiscordID\n" + "".join(cells)).encode()))
def test_bytes_of_any_kind_are_a_sheet_or_refused(content: bytes) -> None:
    for read in (read_characters, read_ids):
        with suppress(InvalidInput):
            sheet = read(content)
            assert all(one.line > 1 for one in (*sheet.rows, *sheet.remarks))


MAGE, WARRIOR = 8, 1
STORMRAGE = frozenset({"stormrage"})
ANA = KnownCharacter(1, "Ana", "Stormrage", STORMRAGE, MAGE)
BO = KnownCharacter(2, "Bo", "Stormrage", STORMRAGE, MAGE)
BO_THERE = KnownCharacter(3, "Bo", "Гордунни", frozenset({"gordunni", "гордунни"}), MAGE)
KNOWN = Known(
    (ANA, BO, BO_THERE),
    {10: KnownMember(10), 20: KnownMember(20)},
    {MAGE: "Mage", WARRIOR: "Warrior"},
)
DAVE, EVE = IdRow(2, "Dave", 10), IdRow(3, "Eve", 20)


def row(
    line: int, discord: str, name: str, realm: str = "", class_name: str = "", *, is_main: bool = False
) -> CharacterRow:
    return CharacterRow(line, discord, name, realm, class_name, is_main)


def fates(planned: SheetPlan) -> list[tuple[int, int, Fate]]:
    return [(link.character.id, link.member.user_id, link.fate) for link in planned.links]


def texts(planned: SheetPlan) -> list[tuple[int, str]]:
    return [(remark.line, remark.text) for remark in planned.remarks]


def owned(player_id: int, source: Source) -> Owner:
    return Owner(player_id, source)


def test_a_characters_name_is_compared_folded_and_a_persons_without_case() -> None:
    planned = plan([row(2, "@DAVE", "ána"), row(3, "eve", "Bo", "Stormrage")], [DAVE, EVE], KNOWN)
    assert fates(planned) == [(1, 10, Fate.NEW), (2, 20, Fate.NEW)]
    assert texts(planned) == []


def test_people_whose_names_differ_in_dots_alone_are_two() -> None:
    planned = plan([row(2, "da.ve", "Ana")], [IdRow(2, "dave", 10)], KNOWN)
    assert fates(planned) == []
    assert texts(planned) == [(2, "`da.ve` has no id in the other file; 1 character not linked")]


def test_an_ambiguous_name_is_listed_and_not_guessed() -> None:
    planned = plan([row(2, "Dave", "Bo")], [DAVE], KNOWN)
    assert fates(planned) == []
    assert texts(planned) == [(2, "several characters are called `Bo`: Bo-Stormrage, Bo-Гордунни")]


@pytest.mark.parametrize("realm", ["Гордунни", "gordunni", "ГОРДУННИ"])
def test_a_realm_tells_two_of_one_name_apart_by_slug_or_name(realm: str) -> None:
    assert fates(plan([row(2, "Dave", "Bo", realm)], [DAVE], KNOWN)) == [(3, 10, Fate.NEW)]


def test_a_made_up_realm_is_listed_and_links_nothing() -> None:
    planned = plan([row(2, "Dave", "Ana", "Everrealm")], [DAVE], KNOWN)
    assert fates(planned) == []
    assert texts(planned) == [(2, "no character `Ana` of the guild is on `Everrealm`, but on Stormrage")]


def test_exact_accents_tell_two_of_one_realm_apart() -> None:
    accented = KnownCharacter(4, "Aná", "Stormrage", STORMRAGE, MAGE)
    known = replace(KNOWN, characters=(ANA, accented))
    assert fates(plan([row(2, "Dave", "aná"), row(3, "Eve", "Ana")], [DAVE, EVE], known)) == [
        (4, 10, Fate.NEW),
        (1, 20, Fate.NEW),
    ]
    planned = plan([row(2, "Dave", "Ànâ")], [DAVE], known)
    assert fates(planned) == []
    assert "several characters" in texts(planned)[0][1]


@pytest.mark.parametrize("name", ["Nobody", "★", "-"])
def test_a_character_that_is_not_in_the_guild_is_listed(name: str) -> None:
    planned = plan([row(2, "Dave", name)], [DAVE], KNOWN)
    assert fates(planned) == []
    assert "is in the guild" in texts(planned)[0][1]


def test_another_class_is_perhaps_another_character_and_not_linked() -> None:
    planned = plan([row(2, "Dave", "Ana", class_name="WARRIOR")], [DAVE], KNOWN)
    assert fates(planned) == []
    assert texts(planned) == [(2, "Ana is no `WARRIOR` but Mage: perhaps another character of this name")]


@pytest.mark.parametrize("class_name", ["", "mage", "Magier", "=A1"])
def test_the_same_class_none_or_one_in_other_words_hinders_nothing(class_name: str) -> None:
    assert fates(plan([row(2, "Dave", "Ana", class_name=class_name)], [DAVE], KNOWN)) == [(1, 10, Fate.NEW)]


def test_a_character_given_to_two_people_is_neithers() -> None:
    planned = plan([row(2, "Dave", "Ana"), row(5, "Eve", "Ana")], [DAVE, EVE], KNOWN)
    assert fates(planned) == []
    assert texts(planned) == [
        (2, "Ana is given to somebody else too, in line 5"),
        (5, "Ana is given to somebody else too, in line 2"),
    ]


def test_a_row_that_stands_twice_counts_once() -> None:
    planned = plan([row(2, "Dave", "Ana"), row(3, "Dave", "Ana", "Stormrage")], [DAVE, DAVE], KNOWN)
    assert (fates(planned), texts(planned), planned.id_remarks) == ([(1, 10, Fate.NEW)], [], ())


def test_a_person_without_an_id_and_a_person_with_two_are_listed() -> None:
    rows = [row(2, "Dave", "Ana"), row(3, "Fay", "Bo"), row(4, "Fay", "Cy")]
    planned = plan(rows, [DAVE, IdRow(7, "dave", 20)], KNOWN)
    assert fates(planned) == []
    assert texts(planned) == [(3, "`Fay` has no id in the other file; 2 characters not linked")]
    assert planned.id_remarks == (Remark(2, "`Dave` has another id in line 7; 1 character not linked"),)


def test_two_ids_that_are_known_to_be_one_person_are_no_question() -> None:
    both = {number: KnownMember(number, owner=owned(5, Source.OFFICER)) for number in (10, 20)}
    planned = plan([row(2, "Dave", "Ana")], [DAVE, IdRow(7, "Dave", 20)], replace(KNOWN, members=both))
    assert (fates(planned), planned.id_remarks) == ([(1, 10, Fate.NEW)], ())


@pytest.mark.parametrize(
    ("member", "told"),
    [
        (None, "has an id that is no member's of this server: 10"),
        (KnownMember(10, has_left=True), "has left the server"),
        (KnownMember(10, opted_out=True), "has opted out"),
    ],
)
def test_who_is_not_here_and_who_has_opted_out_is_listed_and_not_linked(member: KnownMember | None, told: str) -> None:
    known = replace(KNOWN, members={} if member is None else {10: member})
    planned = plan([row(2, "Dave", "Ana", is_main=True)], [DAVE], known)
    assert (fates(planned), planned.mains) == ([], ())
    assert planned.id_remarks == (Remark(2, f"`Dave` {told}; 1 character not linked"),)


def test_one_id_under_two_names_is_one_person() -> None:
    planned = plan([row(2, "Dave", "Ana"), row(3, "David", "Ana")], [DAVE, IdRow(3, "David", 10)], KNOWN)
    assert (fates(planned), texts(planned)) == ([(1, 10, Fate.NEW)], [])


@pytest.mark.parametrize("source", [one for one in Source if not one.is_by_person])
def test_what_a_rule_inferred_gives_way(source: Source) -> None:
    known = replace(KNOWN, characters=(replace(ANA, owner=owned(5, source)),))
    assert fates(plan([row(2, "Dave", "Ana")], [DAVE], known)) == [(1, 10, Fate.MOVED)]


@pytest.mark.parametrize("source", [one for one in Source if one > Source.MIGRATED_SHEET])
def test_a_persons_word_stands_above_the_sheet(source: Source) -> None:
    known = replace(KNOWN, characters=(replace(ANA, owner=owned(5, source)),))
    planned = plan([row(2, "Dave", "Ana")], [DAVE], known)
    assert fates(planned) == []
    assert texts(planned) == [(2, "Ana is another player's by a person's word: `/whois` tells whose")]


def test_a_newer_sheet_moves_what_an_earlier_one_said() -> None:
    known = replace(KNOWN, characters=(replace(ANA, owner=owned(5, Source.MIGRATED_SHEET)),))
    assert fates(plan([row(2, "Dave", "Ana")], [DAVE], known)) == [(1, 10, Fate.MOVED)]


@pytest.mark.parametrize(
    ("source", "fate"),
    [(Source.NAME, Fate.CONFIRMED), (Source.MIGRATED_SHEET, Fate.KEPT), (Source.OFFICER, Fate.KEPT)],
)
def test_the_same_link_is_raised_where_a_rule_made_it_and_else_kept(source: Source, fate: Fate) -> None:
    known = replace(
        KNOWN,
        characters=(replace(ANA, owner=owned(5, source)),),
        members={10: KnownMember(10, owner=owned(5, Source.NAME))},
    )
    assert fates(plan([row(2, "Dave", "Ana")], [DAVE], known)) == [(1, 10, fate)]


def test_what_an_officer_took_apart_stays_apart() -> None:
    planned = plan([row(2, "Dave", "Ana")], [DAVE], replace(KNOWN, rejected=frozenset({(1, 10)})))
    assert fates(planned) == []
    assert "`/link add` takes that back" in texts(planned)[0][1]


def test_a_persons_one_main_is_set() -> None:
    planned = plan([row(2, "Dave", "Bo", "Stormrage"), row(3, "Dave", "Ana", is_main=True)], [DAVE], KNOWN)
    assert planned.mains == (Main(1, 10),)


def test_of_several_mains_none_is_guessed() -> None:
    rows = [row(2, "Dave", "Ana", is_main=True), row(3, "Dave", "Gone", is_main=True)]
    planned = plan(rows, [DAVE], KNOWN)
    assert (fates(planned), planned.mains) == ([(1, 10, Fate.NEW)], ())
    assert (2, "`Dave` has several mains, so none is set: `Ana` in line 2, `Gone` in line 3") in texts(planned)


def test_a_main_that_stands_twice_is_one() -> None:
    rows = [
        row(2, "Dave", "Ana"),
        row(3, "Dave", "Ana", "Stormrage", is_main=True),
        row(4, "Dave", "ana", is_main=True),
    ]
    assert plan(rows, [DAVE], KNOWN).mains == (Main(1, 10),)


def test_a_main_that_is_not_linked_is_not_set() -> None:
    planned = plan([row(2, "Dave", "Gone", is_main=True), row(3, "Dave", "Ana")], [DAVE], KNOWN)
    assert planned.mains == ()


def test_a_main_that_stands_already_stays() -> None:
    known = replace(
        KNOWN,
        characters=tuple(replace(one, owner=owned(5, Source.OFFICER)) for one in (ANA, BO)),
        members={10: KnownMember(10, owner=owned(5, Source.OFFICER))},
        mains={5: BO.id},
    )
    planned = plan([row(2, "Dave", "Ana", is_main=True)], [DAVE], known)
    assert planned.mains == ()
    assert texts(planned) == [(2, "`Dave` has another main already, which stays instead of Ana")]
    assert plan([row(2, "Dave", "Bo", is_main=True)], [DAVE], known).remarks == ()


def test_a_main_whose_character_moves_away_makes_room() -> None:
    known = replace(
        KNOWN,
        characters=(replace(ANA, owner=owned(5, Source.NAME)), BO),
        members={10: KnownMember(10, owner=owned(5, Source.NAME)), 20: KnownMember(20)},
        mains={5: ANA.id},
    )
    planned = plan([row(2, "Eve", "Ana"), row(3, "Dave", "Bo", is_main=True)], [DAVE, EVE], known)
    assert fates(planned) == [(1, 20, Fate.MOVED), (2, 10, Fate.NEW)]
    assert planned.mains == (Main(2, 10),)
