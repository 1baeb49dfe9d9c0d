import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from domain.similar import CROWDED_END, SLIP_LENGTH, TOO_MANY, Similar


def found(keys: list[str], key: str, **more: int) -> list[str]:
    return [near.key for near in Similar(keys).find(key, **more)]


@pytest.mark.parametrize("key", ["thorinda", "thorindale", "thorindla", "horindal", "thorrindal", "thorimdal"])
def test_one_slip_is_found(key: str) -> None:
    assert found(["thorindal", "banana"], key) == ["thorindal"]


def test_two_slips_are_found_in_long_names_only() -> None:
    assert found(["thorindale"], "thorimdalle") == ["thorindale"]
    assert found(["thoris"], "thromis") == []


@pytest.mark.parametrize(("known", "key"), [("ana", "ann"), ("bob", "rob"), ("ana", "banana")])
def test_short_names_resemble_nothing(known: str, key: str) -> None:
    assert found([known], key) == []


def test_a_beginning_stands_for_the_whole_from_four_letters_on() -> None:
    assert found(["thorindal"], "thor") == ["thorindal"]
    assert found(["thorindal"], "tho") == []
    assert found(["thorindal"], "tho", beginning=3) == ["thorindal"]
    assert found(["thor"], "thorindal") == ["thor"]


def test_a_beginning_of_many_names_stands_for_none() -> None:
    many = [f"thor{letters}" for letters in ("aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg")]
    assert len(many) > TOO_MANY
    assert found(many, "thor") == []


def test_syllables_count_twice() -> None:
    assert found(["김철수"], "김철") == ["김철수"]
    assert found(["박"], "김") == []


def test_the_likeliest_comes_first_and_a_wrong_first_letter_counts_more() -> None:
    assert found(["morindal", "thorindel"], "thorindal")[0] == "thorindel"
    assert found(["zanaria", "banarie"], "banaria") == ["banarie", "zanaria"]


KEYS = st.text(st.sampled_from("abc김"), max_size=8)


@given(st.lists(KEYS, max_size=12), KEYS)
def test_a_name_is_not_found_for_itself_and_what_is_found_is_known(keys: list[str], key: str) -> None:
    near = found(keys, key)
    assert key not in near
    assert set(near) <= set(keys)
    assert len(near) == len(set(near))
    assert near == found(keys[::-1], key)


@given(st.lists(st.text(st.sampled_from("abcd"), min_size=SLIP_LENGTH, max_size=8), max_size=CROWDED_END), st.data())
def test_every_single_slip_is_found_as_comparing_with_all_would(keys: list[str], data: st.DataObject) -> None:
    key = data.draw(st.text(st.sampled_from("abcd"), min_size=SLIP_LENGTH, max_size=8))
    expected = {known for known in keys if known != key and OSA.distance(key, known) == 1}
    assert expected <= set(found(keys, key))


def test_names_that_all_begin_and_end_alike_cost_no_square() -> None:
    shuffler = random.Random(7)
    keys = ["abcd" + "".join(shuffler.choices("efgh", k=8)) + "wxyz" for _ in range(20_000)]
    similar = Similar(keys)
    # Comparing each of these with all would take minutes.
    assert not any(key in {near.key for near in similar.find(key)} for key in keys[:2_000])
