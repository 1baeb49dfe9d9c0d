import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.matching import CharacterName, MemberNames, NameKind, NameLink, links_by_equal_name
from domain.names import fold

NICK, GLOBAL_NAME, USERNAME = NameKind.NICK, NameKind.GLOBAL_NAME, NameKind.USERNAME


def character(number: int, name: str, *, linked: bool = False) -> CharacterName:
    return CharacterName(number, fold(name), linked)


def member(user_id: int, username: str = "", global_name: str = "", nick: str = "") -> MemberNames:
    names = ((USERNAME, username), (GLOBAL_NAME, global_name), (NICK, nick))
    return MemberNames(user_id, tuple((kind, fold(name)) for kind, name in names if name))


def links(
    characters: list[CharacterName], members: list[MemberNames], rejected: frozenset[tuple[int, int]] = frozenset()
) -> tuple[NameLink, ...]:
    return links_by_equal_name(characters, members, rejected)


@pytest.mark.parametrize("kind", NameKind)
def test_one_character_and_one_member_of_equal_names_are_linked(kind: NameKind) -> None:
    names = MemberNames(7, ((USERNAME, "someone"), (kind, "thor")))
    assert links([character(1, "Thor")], [names]) == (NameLink(1, 7, kind, "thor"),)


def test_the_strongest_of_equal_names_is_the_evidence() -> None:
    found = links([character(1, "Thor")], [member(7, username="thor", global_name="Thor", nick="THÓR")])
    assert found == (NameLink(1, 7, NICK, "thor"),)


def test_accents_case_and_decoration_make_no_difference() -> None:
    found = links([character(1, "Þórdís"), character(2, "김")], [member(7, nick="⚔ THORDIS ⚔"), member(8, nick="김")])
    assert [(link.character_id, link.user_id) for link in found] == [(1, 7), (2, 8)]


def test_two_members_with_one_display_name_are_ambiguous_and_never_linked() -> None:
    assert links([character(1, "Mike")], [member(7, global_name="Mike"), member(8, global_name="mike")]) == ()


@pytest.mark.parametrize("weaker", ["username", "global_name"])
def test_a_nick_is_no_clear_winner_while_another_member_carries_the_name_anywhere(weaker: str) -> None:
    assert links([character(1, "Thor")], [member(7, nick="Thor"), member(8, **{weaker: "thor"})]) == ()


def test_two_characters_of_one_name_on_two_realms_are_linked_to_nobody() -> None:
    assert links([character(1, "Twin"), character(2, "Twin")], [member(7, nick="Twin")]) == ()


def test_a_linked_character_gets_no_new_link() -> None:
    assert links([character(1, "Thor", linked=True)], [member(7, nick="Thor")]) == ()


def test_a_linked_twin_still_makes_the_name_ambiguous() -> None:
    assert links([character(1, "Twin", linked=True), character(2, "Twin")], [member(7, nick="Twin")]) == ()


@pytest.mark.parametrize(
    "names",
    [
        {"nick": "Thor", "global_name": "Jaina"},
        {"nick": "Thor", "username": "jaina"},
        {"global_name": "Thor", "username": "jaina"},
    ],
)
def test_of_two_characters_names_the_stronger_place_wins_and_the_weaker_gives_no_link(names: dict[str, str]) -> None:
    found = links([character(1, "Thor"), character(2, "Jaina")], [member(7, **names)])
    assert [(link.character_id, link.user_id) for link in found] == [(1, 7)]


def test_the_weaker_name_is_not_used_after_the_stronger_one_is_linked() -> None:
    characters = [character(1, "Thor", linked=True), character(2, "Jaina")]
    assert links(characters, [member(7, nick="Thor", username="jaina")]) == ()


def test_an_ambiguous_stronger_name_gives_no_way_to_the_weaker() -> None:
    characters = [character(1, "Twin"), character(2, "Twin"), character(3, "Jaina")]
    assert links(characters, [member(7, nick="Twin", username="jaina")]) == ()


def test_a_weaker_name_still_makes_another_members_name_ambiguous() -> None:
    members = [member(7, nick="Thor", username="jaina"), member(8, nick="Jaina")]
    assert [link.user_id for link in links([character(1, "Thor"), character(2, "Jaina")], members)] == [7]


def test_a_stronger_name_that_is_no_characters_name_does_not_hide_the_weaker() -> None:
    assert len(links([character(1, "Thor")], [member(7, nick="Dave", username="thor")])) == 1


def test_a_rejected_pair_is_never_linked() -> None:
    assert links([character(1, "Thor")], [member(7, nick="Thor")], frozenset({(1, 7)})) == ()


def test_a_rejected_member_still_makes_the_name_ambiguous() -> None:
    members = [member(7, nick="Thor"), member(8, nick="Thor")]
    assert links([character(1, "Thor")], members, frozenset({(1, 7)})) == ()


def test_empty_keys_never_match() -> None:
    assert links([CharacterName(1, "", linked=False)], [MemberNames(7, ((NICK, ""),))]) == ()


@pytest.mark.parametrize(
    ("name", "nick"),
    [("Thor", "Thorin"), ("Ana", "Banana"), ("Walter", "Alt of Bob"), ("Romain", "Main tank"), ("Christina", "Chris")],
)
def test_a_name_inside_a_name_links_nobody(name: str, nick: str) -> None:
    assert links([character(1, name)], [member(7, nick=nick)]) == ()


KEYS = st.sampled_from(["", "thor", "jaina", "mike", "김"])
CHARACTERS = st.lists(
    st.builds(CharacterName, id=st.integers(1, 99), name_key=KEYS, linked=st.booleans()), unique_by=lambda c: c.id
)
MEMBERS = st.lists(
    st.builds(
        MemberNames,
        user_id=st.integers(1, 99),
        keys=st.dictionaries(st.sampled_from(NameKind), KEYS).map(lambda names: tuple(names.items())),
    ),
    unique_by=lambda m: m.user_id,
)
REJECTED = st.frozensets(st.tuples(st.integers(1, 99), st.integers(1, 99)))


@given(CHARACTERS, MEMBERS, REJECTED, st.randoms(use_true_random=False))
def test_the_order_of_rows_tells_nothing(
    characters: list[CharacterName],
    members: list[MemberNames],
    rejected: frozenset[tuple[int, int]],
    shuffler: random.Random,
) -> None:
    mixed = [
        MemberNames(m.user_id, tuple(shuffler.sample(m.keys, len(m.keys))))
        for m in shuffler.sample(members, len(members))
    ]
    assert links(shuffler.sample(characters, len(characters)), mixed, rejected) == links(characters, members, rejected)


@given(CHARACTERS, MEMBERS, REJECTED)
def test_a_link_joins_the_only_character_and_the_only_member_of_a_name(
    characters: list[CharacterName], members: list[MemberNames], rejected: frozenset[tuple[int, int]]
) -> None:
    found = links(characters, members, rejected)
    for link in found:
        assert [c.id for c in characters if c.name_key == link.name_key] == [link.character_id]
        assert [m.user_id for m in members if link.name_key in dict(m.keys).values()] == [link.user_id]
        assert (link.character_id, link.user_id) not in rejected
    assert len({link.user_id for link in found}) == len({link.character_id for link in found}) == len(found)
