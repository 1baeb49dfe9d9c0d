"""What holds of matching whatever a guild is called and writes."""

import random
from dataclasses import replace
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.evidence import RuleName, Strength
from domain.identity import Alias, Case, Character, Link, Member, Outcome, Owner
from domain.links import Confidence, Source
from domain.matching import match

# Few names, so that they meet: twins, slips, decoration, other scripts, and words that notes use otherwise.
NAMES = ["Thor", "Thorin", "Thór", "Mike", "Mikes", "Bear", "Anna", "Боб", "Боба", "김", "Zorkuline", "Zorkulina"]
NOTES = [
    *(
        "alt of {}",
        "{}'s alt",
        "main: {}",
        "{}",
        "discord: {}",
        "@{}",
        "{}s mage",
        "{} (warrior)",
        "твинк {}",
        "{}부캐",
    ),
    *("{}'s wife", "not an alt of {}", "alt of {}-Argus", "{}, {}", "legend", "Main tank", ""),
]
_T = TypeVar("_T")
BORNE = ["{}", "{}", "{} | Dave", "xx{}xx", "{}_87", "{}-Argus", "[GM] {}", "{} / {}"]
PERSONS = [Source.OFFICER, Source.BATTLENET_OAUTH, Source.NAME, Source.GUILD_NOTE]


def filled(templates: list[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda text, a, b: text.format(a, b), st.sampled_from(templates), *[st.sampled_from(NAMES)] * 2)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    notes, borne = filled(NOTES), filled(BORNE)
    # No two characters of one name stand on one realm.
    places = [(name, realm) for name in NAMES for realm in ("argus", "twin-peaks")]
    drawn = draw(st.lists(st.sampled_from(places), max_size=9, unique=True))
    ids = range(1, len(drawn) + 1)
    characters = tuple(
        Character(
            id_,
            name,
            realm,
            draw(st.sampled_from([1, 8])),
            draw(st.integers(0, 3)),
            draw(st.none() | notes),
            draw(st.none() | notes),
        )
        for id_, (name, realm) in zip(ids, drawn, strict=True)
    )
    members = tuple(
        Member(
            id_,
            draw(borne).lower(),
            draw(st.none() | borne),
            draw(st.none() | borne),
            draw(st.frozensets(st.integers(0, 3), max_size=2)),
            draw(st.sampled_from([False, False, False, True])),
        )
        for id_ in range(101, 101 + draw(st.integers(0, 6)))
    )
    owners = st.builds(Owner, st.integers(1, 3), st.sampled_from(PERSONS))
    pairs = st.tuples(st.sampled_from([0, *ids]), st.integers(101, 106))
    aliases = st.builds(Alias, st.sampled_from(["bear", "mike"]), st.integers(101, 106))
    return Case(
        characters,
        members,
        draw(st.dictionaries(st.sampled_from([0, *ids]), owners, max_size=3)),
        draw(st.dictionaries(st.integers(101, 106), owners, max_size=4)),
        tuple(draw(st.lists(aliases, max_size=1))),
        draw(st.frozensets(pairs, max_size=3)),
        draw(st.frozensets(st.sampled_from(RuleName), max_size=1)),
    )


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_rows_tells_nothing(case: Case, shuffler: random.Random) -> None:
    def mixed(rows: tuple[_T, ...]) -> tuple[_T, ...]:
        return tuple(shuffler.sample(rows, len(rows)))

    shuffled = replace(
        case,
        characters=mixed(case.characters),
        members=mixed(case.members),
        aliases=mixed(case.aliases),
        character_owners=dict(mixed(tuple(case.character_owners.items()))),
        member_owners=dict(mixed(tuple(case.member_owners.items()))),
    )
    assert match(shuffled) == match(case)


@given(cases())
def test_a_character_has_one_link_or_candidates_or_nothing(case: Case) -> None:
    found = match(case)
    linked = [link.character_id for link in found.links]
    waiting = [suggestion.character_id for suggestion in found.suggestions]
    assert linked == sorted(set(linked))
    assert waiting == sorted(set(waiting))
    assert not set(linked) & set(waiting)
    assert not (set(linked) | set(waiting)) & set(case.character_owners)
    assert {one.id for one in case.characters} >= {*linked, *waiting}


@given(cases())
def test_nobody_hidden_and_nobody_rejected_is_linked_suggested_or_named(case: Case) -> None:
    found = match(case)
    shown = {one.id for one in case.members if not one.hidden}
    pairs = {(link.character_id, link.user_id) for link in found.links}
    pairs |= {(one.character_id, candidate.user_id) for one in found.suggestions for candidate in one.candidates}
    pairs |= {(one.character_id, user_id) for one in found.contradictions for user_id in one.user_ids}
    assert not pairs & case.rejected
    assert {user_id for _, user_id in pairs} <= shown


@given(cases())
def test_a_rule_that_may_only_suggest_links_nothing(case: Case) -> None:
    assert not {link.rule for link in match(case).links} & case.suggesting


@given(cases())
def test_a_link_is_as_sure_as_what_it_rests_on(case: Case) -> None:
    found = match(case)
    by_id = {link.character_id: link for link in found.links}
    for link in found.links:
        first = link.evidence[0]
        assert not link.source.is_by_person
        assert first.strength >= Strength.GOOD
        if link.confidence is Confidence.HIGH:
            assert first.strength is Strength.STRONG
            over = by_id.get(first.via or 0)
            assert over is None or over.confidence is Confidence.HIGH


@given(cases())
def test_groups_are_apart_and_hold_several(case: Case) -> None:
    groups = match(case).groups
    members = [id_ for group in groups for id_ in group]
    assert all(len(group) > 1 for group in groups)
    assert len(members) == len(set(members))


@given(cases())
@settings(max_examples=300)
def test_what_was_linked_surely_and_is_kept_leads_to_nothing_new_and_sure(case: Case) -> None:
    first = match(case)
    again = match(_kept(case, first))
    assert [link for link in again.links if link.confidence is Confidence.HIGH] == []


@given(cases(), st.integers(1, 10_000))
def test_other_ids_in_the_same_order_give_the_same_outcome(case: Case, step: int) -> None:
    def moved(found: Outcome) -> list[tuple[int, int, Confidence]]:
        return [(one.character_id * 3 + step, one.user_id * 5 + step, one.confidence) for one in found.links]

    other = Case(
        tuple(replace(one, id=one.id * 3 + step) for one in case.characters),
        tuple(replace(one, id=one.id * 5 + step) for one in case.members),
        {id_ * 3 + step: replace(one, player_id=one.player_id + step) for id_, one in case.character_owners.items()},
        {id_ * 5 + step: replace(one, player_id=one.player_id + step) for id_, one in case.member_owners.items()},
        tuple(Alias(one.key, one.user_id and one.user_id * 5 + step) for one in case.aliases),
        frozenset((one * 3 + step, user_id * 5 + step) for one, user_id in case.rejected),
        case.suggesting,
    )
    found = match(other)
    assert [(one.character_id, one.user_id, one.confidence) for one in found.links] == moved(match(case))
    assert [tuple(id_ * 3 + step for id_ in group) for group in match(case).groups] == list(found.groups)


@given(cases())
def test_people_and_characters_without_any_likeness_change_nothing(case: Case) -> None:
    more = replace(
        case,
        characters=(*case.characters, Character(77, "Wuxqy", "khadgar", 3, 9, "", None)),
        members=(*case.members, Member(999, "jjvvbbgg", "Jjvvbbgg", None)),
    )
    assert match(more) == match(case)


ANY = st.text(st.characters(), max_size=40)


@given(
    st.lists(st.tuples(ANY, st.none() | ANY, st.none() | ANY), max_size=5),
    st.lists(st.tuples(ANY, st.none() | ANY, st.none() | ANY), max_size=5),
)
def test_no_text_raises(characters: list[tuple[str, str, str]], members: list[tuple[str, str, str]]) -> None:
    found = match(
        Case(
            tuple(Character(n, name, name, 8, 0, note, other) for n, (name, note, other) in enumerate(characters)),
            tuple(Member(100 + n, *names) for n, names in enumerate(members)),
        )
    )
    assert len(found.links) <= len(characters)


def _kept(case: Case, found: Outcome) -> Case:
    """Give the case as it is once the sure links are kept, with players for those who had none."""
    characters, members = dict(case.character_owners), dict(case.member_owners)
    for link in found.links:
        if link.confidence is Confidence.HIGH:
            owner = members.setdefault(link.user_id, Owner(1000 + link.user_id, link.source))
            characters[link.character_id] = _owned(link, owner)
    return replace(case, character_owners=characters, member_owners=members)


def _owned(link: Link, owner: Owner) -> Owner:
    return Owner(owner.player_id, link.source)
