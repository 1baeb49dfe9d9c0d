import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decoration import SHORTEST, romanised, sounded, undecorated


@pytest.mark.parametrize(
    "key", ["thor123", "xxthorxx", "thethor", "iamthor", "mrthor", "thortv", "thorgaming", "imthor"]
)
def test_digits_and_the_usual_words_are_taken_off(key: str) -> None:
    assert "thor" in undecorated(key)


@pytest.mark.parametrize("key", ["thor", "thorin", "banana", "christina", "walter", "romain"])
def test_a_name_inside_a_name_is_no_decoration(key: str) -> None:
    assert not undecorated(key) & {"thor", "ana", "chris", "alt", "main"}


@pytest.mark.parametrize("key", ["x1", "the", "thexx", "mrx", "tv12", "123", ""])
def test_what_remains_is_long_enough_for_a_name(key: str) -> None:
    assert all(len(one) >= SHORTEST for one in undecorated(key))


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_a_name_is_never_decoration_of_itself(key: str) -> None:
    assert key not in undecorated(key)
    assert all(one in key for one in undecorated(key))


@pytest.mark.parametrize(("key", "expected"), [("thor", "thor"), ("володя", "volodya"), ("밥", "bab"), ("김", "gim")])
def test_names_in_other_scripts_are_romanised(key: str, expected: str) -> None:
    assert romanised(key) == expected


@pytest.mark.parametrize(("one", "other"), [("volodya", "volodia"), ("dmitriy", "dmitri"), ("kim", "gim")])
def test_what_people_romanise_in_several_ways_sounds_alike(one: str, other: str) -> None:
    assert sounded(one) == sounded(other)


@pytest.mark.parametrize(("one", "other"), [("thor", "thorin"), ("anna", "hanna"), ("max", "mac")])
def test_other_names_sound_otherwise(one: str, other: str) -> None:
    assert sounded(one) != sounded(other)


@given(st.text(st.characters(), max_size=60))
def test_no_text_raises(text: str) -> None:
    assert sounded(romanised(text)).isascii() or text.isascii()
