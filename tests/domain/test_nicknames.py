import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.nicknames import pieces


def parts(text: str | None, *, handle: bool = False) -> list[str]:
    return [piece.key for piece in pieces(text, handle=handle) if not piece.whole]


# nickname -> its parts; [] where it is one name.
NICKNAMES: dict[str, list[str]] = {
    "Thor": [],
    "Thor Odinson": [],  # two words are one name: "The Rock" is no Rock
    "Thor | Dave": ["thor", "dave"],
    "Thor|Dave": ["thor", "dave"],
    "Thor / Dave / Ana": ["thor", "dave", "ana"],
    "Thor/Dave/Ana": ["thor", "dave", "ana"],
    "Thor (Alt)": ["thor", "alt"],
    "[GM] Thor": ["gm", "thor"],
    "<Officer> Thor": ["officer", "thor"],
    "Thor - Dave": ["thor", "dave"],
    "Thor – Dave": ["thor", "dave"],
    "Thor, Dave & Ana": ["thor", "dave", "ana"],
    "Thor · Dave": ["thor", "dave"],
    "Thor・Dave": ["thor", "dave"],
    "Thor｜Dave": ["thor", "dave"],
    "Thor（Dave）": ["thor", "dave"],
    "「밥」Dave": ["밥", "dave"],
    "⚔️ Thor ⚔️": [],  # the whole is Thor already
    "Thor 🔥 Dave": ["thor", "dave"],
    "Thor → Dave": ["thor", "dave"],
    "Thor [2.8k]": ["thor", "28k"],
    "Thor | 480": ["thor"],  # figures are no name
    "𝕿𝖍𝖔𝖗 | Dave": ["thor", "dave"],
    "Thor-Argus": ["thor"],
    "🔥🔥🔥": [],
    " | ": [],
}


@pytest.mark.parametrize(("text", "expected"), NICKNAMES.items(), ids=NICKNAMES)
def test_a_nickname_is_taken_apart_where_people_put_names_together(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


HANDLES: dict[str, list[str]] = {
    "thor": [],
    "thor_87": ["thor"],
    "thor.87": ["thor"],
    "_thor_": [],
    "xx_thor_xx": ["thor"],
    "the_thor": ["thor"],
    "thor.official": ["thor"],
    "rob_in_hood": [],  # nobody knows which part is the name
    "thor_dave": [],
    "87_87": [],
}


@pytest.mark.parametrize(("text", "expected"), HANDLES.items(), ids=HANDLES)
def test_a_username_gives_a_part_only_where_all_else_is_decoration(text: str, expected: list[str]) -> None:
    assert parts(text, handle=True) == expected


def test_the_whole_name_comes_first() -> None:
    first = next(pieces("Thor | Dave"))
    assert (first.key, first.written, first.whole) == ("thordave", "Thor | Dave", True)


def test_a_name_with_its_realm_keeps_the_realm_and_splits_at_the_first_hyphen() -> None:
    realms = {piece.key: piece.realm for piece in pieces("Thor-Azjol-Nerub")}
    assert realms["thor"] == "azjolnerub"


def test_a_part_said_twice_is_given_once() -> None:
    assert parts("Thor | Thor | Dave") == ["thor", "dave"]


@pytest.mark.parametrize("text", [None, "", "!!!", "\N{ZERO WIDTH SPACE}"])
def test_a_name_without_letters_gives_nothing(text: str | None) -> None:
    assert list(pieces(text)) == []


@given(st.text(st.characters()), st.booleans())
def test_no_text_raises_and_every_piece_is_a_name(text: str, handle: bool) -> None:
    found = list(pieces(text, handle=handle))
    assert all(piece.key for piece in found)
    assert [piece.whole for piece in found] == [True, *[False] * len(found)][: len(found)]


@pytest.mark.parametrize("piece", ["|", "a|", " - ", "-", "a-", " ", "(", "🔥", "._"])
def test_the_work_grows_with_the_length_and_not_with_its_square(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    assert len(list(pieces(text))) + len(list(pieces(text, handle=True))) < 10
