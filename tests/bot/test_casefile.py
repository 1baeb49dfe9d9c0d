"""Case files: what is read, what is refused and how it is told, and the outcome in the file's own ids."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import casefile
from domain.errors import InvalidInput
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.identity import Candidate, Link, Outcome, Suggestion
from domain.links import Confidence, Source
from domain.matching import match

Json = dict[str, Any]


def character(number: int | str, name: str, **others: Any) -> Json:
    facts = {"realm_slug": "stormrage", "class_id": 1, "level": 80, "rank": 5, "guild_note": "", "officer_note": None}
    return {"id": number, "name": name, **facts, **others}


def member(number: int | str, username: str, **others: Any) -> Json:
    facts = {"global_name": None, "nick": None, "bot": False, "roles": []}
    return {"id": number, "username": username, **facts, **others}


def case(characters: list[Json], members: list[Json]) -> Json:
    return {
        "server": {"region": "eu", "home_realm_slug": "stormrage"},
        "ranks": [{"index": 0, "name": "Guild Master"}, {"index": 5, "name": "Raider"}],
        "characters": characters,
        "members": members,
    }


def small() -> Json:
    return case([character(1, "Ana"), character(2, "Bo")], [member("10", "ana"), member("20", "cy")])


def parse(content: Json) -> casefile.NamedCase:
    return casefile.parse(json.dumps(content).encode())


def refused(content: bytes | Json) -> str:
    with pytest.raises(InvalidInput) as told:
        casefile.parse(content if isinstance(content, bytes) else json.dumps(content).encode())
    assert "\n" not in told.value.text
    return told.value.text


def test_what_scoring_alone_may_see_is_left_alone() -> None:
    content = small()
    assert parse({**content, "truth": {"players": "anything"}, "meta": None, "more": [1]}) == parse(content)


def test_ids_come_back_as_they_were_whether_numbers_or_texts() -> None:
    content = case([character("a-1", "Ana"), character(2, "Bo")], [member(10**20, "ana"), member("020", "bo")])
    named = parse(content)

    links = casefile.answer(named, match(named.case))["links"]

    assert {(link["character"], link["member"]) for link in links} == {("a-1", 10**20), (2, "020")}


def test_the_order_of_rows_makes_no_difference() -> None:
    content = small()
    turned = content | {name: content[name][::-1] for name in ("ranks", "characters", "members")}
    assert parse(turned) == parse(content)


def test_bots_are_left_out_and_counted() -> None:
    named = parse(case([character(1, "Ana")], [member("10", "ana", bot=True), member("20", "cy")]))
    assert (named.member_ids, named.bots) == (("20",), 1)
    assert match(named.case).links == ()


def test_a_role_named_like_a_rank_is_that_rank() -> None:
    named = parse(case([], [member("10", "ana", roles=["RAIDER", "★", "Friend"])]))
    assert named.case.members[0].ranks == {5}


def test_a_note_of_null_stays_unknown_and_an_empty_one_empty() -> None:
    [known] = parse(case([character(1, "Ana")], [])).case.characters
    assert (known.guild_note, known.officer_note) == ("", None)


def drop(*path: str | int) -> Callable[[Json], None]:
    def change(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        del content[path[-1]]

    return change


def put(value: Any, *path: str | int) -> Callable[[Json], None]:
    def change(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (drop("characters"), "characters: missing"),
        (drop("server"), "server: missing"),
        (drop("characters", 1, "name"), "characters[1].name: missing"),
        (drop("characters", 0, "guild_note"), "characters[0].guild_note: missing"),
        (drop("members", 1, "nick"), "members[1].nick: missing"),
        (drop("ranks", 0, "index"), "ranks[0].index: missing"),
        (put(None, "characters", 1, "name"), "characters[1].name: not a text"),
        (put(7, "characters", 1, "officer_note"), "characters[1].officer_note: not a text"),
        (put("5", "characters", 1, "rank"), "characters[1].rank: not a whole number"),
        (put(-1, "characters", 1, "rank"), "characters[1].rank: below 0"),
        (put(1.5, "characters", 0, "class_id"), "characters[0].class_id: not a whole number"),
        (put("no", "members", 0, "bot"), "members[0].bot: neither true nor false"),
        (put(None, "members", 0, "roles"), "members[0].roles: not a list"),
        (put([3], "members", 0, "roles"), "members[0].roles[0]: not a text"),
        (put({}, "members"), "members: not a list"),
        (put("Ana", "characters", 0), "characters[0]: not an object"),
        (put(None, "characters", 0, "id"), "characters[0].id: neither a whole number nor a text"),
        (put(True, "members", 0, "id"), "members[0].id: neither a whole number nor a text"),
        (put("\ud800", "members", 0, "id"), "members[0].id: holds half a character"),
        (put(2, "characters", 0, "id"), "characters[1].id: the same as that of characters[0]"),
        (put("20", "members", 0, "id"), "members[1].id: the same as that of members[0]"),
    ],
)
def test_a_missing_or_wrong_field_is_named_with_its_place(change: Callable[[Json], None], told: str) -> None:
    content = small()
    change(content)
    assert refused(content) == told


def test_many_problems_are_three_named_and_the_rest_counted() -> None:
    content = case([{"id": number} for number in range(100)], [])
    text = refused(content)
    assert text.startswith("characters[0].name: missing; characters[0].realm_slug: missing; ")
    assert text.endswith("; and 697 more")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not JSON: .* line 1, column 1"),
        (b'{"server": ', "not JSON: .* line 1, column 12"),
        (b"[]", "not a case: an object"),
        (b"null", "not a case: an object"),
        (b"[" * 100_000, "not a case: nested too deep"),
        (b'{"ranks": ' + b"9" * 5_000 + b"}", "not JSON: Exceeds the limit"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not JSON"),
    ],
)
def test_what_is_no_json_or_no_case_is_refused_in_one_line(content: bytes, told: str) -> None:
    assert re.match(told, refused(content))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.sampled_from(["server", "ranks", "characters", "members"]), st.integers(0, 7), JSON)
def test_any_value_in_any_place_is_read_or_refused_in_one_line(part: str, field: int, value: Any) -> None:
    content: Any = small()
    record = content[part] if part == "server" else content[part][0]
    record[sorted(record)[field % len(record)]] = value
    told = f"{part}: read"
    try:
        named = parse(content)
        casefile.encode(casefile.answer(named, match(named.case)))
    except InvalidInput as refusal:
        told = refusal.text
    assert told.startswith(part)
    assert "\n" not in told


@settings(deadline=None)
@given(st.binary())
def test_bytes_of_any_kind_are_refused_in_one_line(content: bytes) -> None:
    assert refused(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_file_is_read_in_any_encoding_that_json_has(encoding: str) -> None:
    content = case([character(1, "Ána", guild_note="나는 아나")], [])
    named = casefile.parse(json.dumps(content, ensure_ascii=False).encode(encoding))
    assert [(one.name, one.guild_note) for one in named.case.characters] == [("Ána", "나는 아나")]


def test_notes_of_any_bytes_do_not_stop_the_run_and_can_be_written() -> None:
    odd = ["\0", "\ud800", "a\udfff\0b", "\u202eana", "x" * 100_000, "alt of \ud83d", "@" * 5_000, "\ufeff"]
    rows = [(number, f"Toon{letter}", note) for number, (letter, note) in enumerate(zip("abcdefgh", odd, strict=True))]
    content = case(
        [character(number, name, guild_note=note) for number, name, note in rows],
        [member(str(number), name, nick=nick) for number, name, nick in rows],
    )
    named = parse(content)
    found = json.loads(casefile.encode(casefile.answer(named, match(named.case))))
    assert {(link["character"], link["member"]) for link in found["links"]} == {(n, str(n)) for n in range(8)}


def test_bytes_that_are_no_utf_8_cost_a_letter_not_the_file() -> None:
    content = json.dumps(case([character(1, "Ana", guild_note="QQ")], [])).encode().replace(b"QQ", b"\xff\xfe")
    [known] = casefile.parse(content).case.characters
    assert known.guild_note == "\ufffd\ufffd"


def test_a_guild_without_anybody_is_an_empty_outcome() -> None:
    named = parse(case([], []))
    assert casefile.answer(named, match(named.case)) == {"links": [], "groups": [], "suggestions": []}


def test_the_answer_has_links_groups_and_suggestions_with_their_reasons_by_the_files_ids() -> None:
    named = parse(case([character(n, f"Toon{n}") for n in (7, 8, 9)], [member("a", "x"), member("b", "y")]))
    equal = Evidence(RuleName.EQUAL_NAME, Strength.STRONG, Source.NAME, Place.NICK, "Toon", "Toon")
    noted = Evidence(RuleName.NOTE_NAMES_MEMBER, Strength.GOOD, Source.OFFICER_NOTE, Place.OFFICER_NOTE, "X", "x")
    outcome = Outcome(
        links=(Link(0, 1, Confidence.MEDIUM, (equal, noted), 1),),
        suggestions=(Suggestion(2, (Candidate(1, (equal,)), Candidate(0, (noted,)))),),
        groups=((1, 2),),
    )
    assert casefile.answer(named, outcome) == {
        "links": [
            {
                "character": 7,
                "member": "b",
                "confidence": "medium",
                "reason": "the nickname is “Toon”; the officer note says “X”, and that is x",
            }
        ],
        "groups": [[8, 9]],
        "suggestions": [
            {
                "character": 9,
                "candidates": ["b", "a"],
                "reasons": ["the nickname is “Toon”", "the officer note says “X”, and that is x"],
            }
        ],
    }


def test_the_summary_tells_what_was_read_and_found() -> None:
    named = parse(case([character(1, "Ana", officer_note="x"), character(2, "Bo")], [member("10", "ana", bot=True)]))
    equal = Evidence(RuleName.EQUAL_NAME, Strength.STRONG, Source.NAME, Place.NICK, "Toon", "Toon")
    outcome = Outcome(links=tuple(Link(n, 0, grade, (equal,), 1) for n, grade in enumerate(("high", "medium"))))
    assert casefile.summary(named, outcome, 0.125).splitlines() == [
        "read         2 characters, 1 of them with a note; 0 members (1 bots left out)",
        "links        2 (1 high, 1 medium)",
        "suggestions  0 for a person to decide",
        "alt groups   0",
        "took         0.12 s",
    ]


def test_an_outcome_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "out.json"
    file.write_bytes(b"before")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        with pytest.raises(InvalidInput, match=r"out\.json: cannot be written: No space left"):
            casefile.write(file, b"after")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("out.json", b"before")]

    casefile.write(file, b"after")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("out.json", b"after")]


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "out.json")
    casefile.write(tmp_path / "link.json", b"after")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "out.json").read_bytes() == b"after"


def test_a_folder_that_is_not_there_or_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    for file in (tmp_path / "nowhere" / "out.json", tmp_path):
        with pytest.raises(InvalidInput, match="cannot be written"):
            casefile.write(file, b"after")


def test_an_error_of_a_file_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "guild.json"
    with pytest.raises(InvalidInput, match=r"guild\.json: No such file"):
        casefile.read(file)
    file.write_text("{}")
    with pytest.raises(InvalidInput, match=r"guild\.json: server: missing; "):
        casefile.read(file)
