import random
from dataclasses import replace
from typing import Any

import pytest

from domain.roster import Departure, Identity, RosterEntry, RosterPlan, StoredCharacter, holds, plan

REALM, OTHER_REALM = 100, 200


def entry(blizzard_id: int, realm_id: int = REALM, **facts: Any) -> RosterEntry:
    base = RosterEntry(
        Identity(realm_id, blizzard_id),
        name=f"Name{blizzard_id}",
        realm_slug=f"realm-{realm_id}",
        class_id=1,
        race_id=2,
        level=90,
        faction="HORDE",
        rank=5,
    )
    return replace(base, **facts)


def stored(blizzard_id: int, realm_id: int = REALM, **facts: Any) -> StoredCharacter:
    line = entry(blizzard_id, realm_id)
    base = StoredCharacter(
        id=realm_id * 1000 + blizzard_id,
        identity=line.identity,
        name=line.name,
        realm_slug=line.realm_slug,
        class_id=line.class_id,
        race_id=line.race_id,
        level=line.level,
        faction=line.faction,
        rank=line.rank,
        held=None,
    )
    return replace(base, **facts)


def guild(size: int) -> list[StoredCharacter]:
    return [stored(number) for number in range(1, size + 1)]


def present(*numbers: int) -> list[RosterEntry]:
    return [entry(number) for number in numbers]


def ids(characters: tuple[StoredCharacter, ...]) -> list[int]:
    return [character.identity.blizzard_id for character in characters]


def nothing(unchanged: int) -> RosterPlan:
    return RosterPlan((), (), (), (), (), (), (), (), (), unchanged)


def test_an_empty_roster_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        plan(guild(3), [])


def test_a_first_roster_is_all_new_sorted_by_identity() -> None:
    result = plan([], [entry(2), entry(1, OTHER_REALM), entry(1)])
    assert [line.identity for line in result.new] == [Identity(100, 1), Identity(100, 2), Identity(200, 1)]
    assert replace(result, new=()) == nothing(0)


def test_an_equal_roster_plans_nothing() -> None:
    assert plan(guild(3), present(3, 1, 2)) == nothing(3)


def test_a_rename_by_id_keeps_the_character() -> None:
    result = plan([stored(1)], [entry(1, name="Renamed")])
    assert result.changed == result.renamed == ((stored(1), entry(1, name="Renamed")),)
    assert (result.new, result.departed, result.transferred, result.unchanged) == ((), (), (), 0)


def test_a_rename_onto_the_name_of_a_departing_character_touches_both_rightly() -> None:
    result = plan([stored(1), stored(2, name="Taken")], [entry(1, name="Taken")])
    assert ids(result.departed) == [2]
    assert [line.name for _, line in result.renamed] == ["Taken"]


def test_a_new_realm_slug_of_the_same_identity_is_a_rename() -> None:
    result = plan([stored(1)], [entry(1, realm_slug="merged")])
    assert result.renamed
    assert not result.transferred


@pytest.mark.parametrize(
    "facts",
    [{"level": 91}, {"race_id": 9999}, {"class_id": 99}, {"faction": "ALLIANCE"}],
    ids=lambda facts: next(iter(facts)),
)
def test_a_changed_fact_is_a_change_and_no_rename_unknown_ids_included(facts: dict[str, Any]) -> None:
    result = plan([stored(1)], [entry(1, **facts)])
    assert result == replace(nothing(0), changed=((stored(1), entry(1, **facts)),))


def test_a_race_or_faction_that_the_roster_lacks_changes_nothing() -> None:
    assert plan([stored(1)], [entry(1, race_id=None, faction=None)]) == nothing(1)


def test_a_race_or_faction_first_seen_is_a_change() -> None:
    assert len(plan([stored(1, race_id=None, faction=None)], [entry(1)]).changed) == 1


def test_a_rank_move_is_no_change_of_the_character() -> None:
    assert plan([stored(1)], [entry(1, rank=0)]) == replace(nothing(0), rank_moved=((stored(1), entry(1, rank=0)),))


def test_a_returner_joins_and_its_facts_are_brought_up_to_date() -> None:
    former = stored(1, rank=None, level=80)
    result = plan([former], [entry(1, name="Back")])
    assert result == replace(
        nothing(0),
        joined=((former, entry(1, name="Back")),),
        changed=((former, entry(1, name="Back")),),
        renamed=((former, entry(1, name="Back")),),
    )


def test_a_character_known_from_elsewhere_joins_without_a_change() -> None:
    known = stored(1, rank=None)
    assert plan([known], [entry(1)]) == replace(nothing(0), joined=((known, entry(1)),))


def test_a_former_member_who_is_absent_does_not_depart_again() -> None:
    assert plan([stored(1), stored(2, rank=None)], present(1)) == nothing(1)


def test_two_characters_of_one_name_on_two_realms_are_two_characters() -> None:
    result = plan([], [entry(1, name="Twin"), entry(2, OTHER_REALM, name="Twin")])
    assert len(result.new) == 2


def test_equal_ids_of_two_realm_groups_are_two_characters() -> None:
    assert plan([stored(1), stored(1, OTHER_REALM)], [entry(1), entry(1, OTHER_REALM)]) == nothing(2)


def test_a_lone_departure_and_a_lone_arrival_of_equal_id_and_class_are_a_transfer() -> None:
    moved = entry(1, OTHER_REALM, name="Moved", rank=4)
    pair = (stored(1), moved)
    assert plan([stored(1), stored(2)], [moved, entry(2)]) == replace(
        nothing(1), changed=(pair,), renamed=(pair,), transferred=(pair,), rank_moved=(pair,)
    )


def test_a_transfer_that_keeps_its_slug_and_name_still_is_a_change() -> None:
    moved = replace(entry(1), identity=Identity(OTHER_REALM, 1))
    result = plan([stored(1)], [moved])
    assert result.changed == result.renamed == result.transferred == ((stored(1), moved),)


def test_transfers_do_not_count_as_departures_of_a_hold() -> None:
    everyone = guild(4)
    moved = [entry(number, OTHER_REALM) for number in range(1, 5)]
    result = plan(everyone, moved)
    assert len(result.transferred) == 4
    assert (result.held, result.departed, result.new) == ((), (), ())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([stored(1)], [entry(1, OTHER_REALM, class_id=7)]),
        ([stored(1)], [entry(2, OTHER_REALM)]),
        ([stored(1)], [entry(1, OTHER_REALM), entry(1, 300)]),
        ([stored(1), stored(1, OTHER_REALM)], [entry(1, 300)]),
    ],
    ids=["another class", "another id", "two arrivals", "two departures"],
)
def test_an_unclear_transfer_is_departures_and_arrivals(
    before: list[StoredCharacter], after: list[RosterEntry]
) -> None:
    result = plan(before, after)
    assert (len(result.departed), len(result.new), result.transferred) == (len(before), len(after), ())


def test_an_arrival_of_equal_id_while_the_other_stays_is_no_transfer() -> None:
    result = plan([stored(1)], [entry(1), entry(1, OTHER_REALM)])
    assert (len(result.new), result.transferred, result.unchanged) == (1, (), 1)


def test_of_a_character_listed_twice_the_highest_rank_counts_whatever_the_order() -> None:
    twice = [entry(1, rank=3), entry(1, rank=1)]
    assert plan([], twice) == plan([], twice[::-1])
    assert plan([], twice).new == (entry(1, rank=1),)


def test_row_order_tells_nothing() -> None:
    before = [*guild(30), stored(40, rank=None), stored(41, rank=None)]
    after = [*present(*range(5, 35), 40), entry(1, OTHER_REALM), entry(6, rank=0), entry(7, level=3)]
    shuffler = random.Random(7)
    shuffled = plan(shuffler.sample(before, len(before)), shuffler.sample(after, len(after)))
    assert shuffled == plan(before, after)


@pytest.mark.parametrize(
    ("departures", "members", "held"),
    [
        (11, 43, True),
        (11, 44, False),  # exactly 25 %
        (10, 39, False),  # over 25 %, but not over 10
        (11, 1000, False),
        (250, 1000, False),
        (251, 1000, True),
        (3, 5, True),
        (3, 6, False),  # exactly 50 %
        (2, 2, False),
        (2, 3, False),
        (10, 19, True),
        (1, 1, False),
        (0, 0, False),
    ],
)
def test_a_sudden_large_departure_is_held(departures: int, members: int, held: bool) -> None:
    assert holds(departures, members) is held


def test_a_small_departure_ends_memberships_at_once() -> None:
    result = plan(guild(10), present(*range(3, 11)))
    assert ids(result.departed) == [1, 2]
    assert result.held == ()


def test_a_half_roster_holds_every_departure_and_applies_all_else() -> None:
    result = plan(guild(10), [entry(1, name="Renamed"), entry(2, rank=0), entry(11)])
    assert ids(result.held) == [3, 4, 5, 6, 7, 8, 9, 10]
    assert result.departed == ()
    assert (len(result.renamed), len(result.rank_moved), len(result.new)) == (1, 1, 1)


def test_former_members_do_not_count_among_the_members_of_a_hold() -> None:
    former = [stored(number, rank=None) for number in range(50, 60)]
    result = plan([*guild(5), *former], present(1, 2))
    assert ids(result.held) == [3, 4, 5]


def test_each_good_roster_replaces_the_held_set() -> None:
    members = [stored(n, held=Departure.HELD if n <= 6 else None) for n in range(1, 11)]
    result = plan(members, present(1, 8, 9, 10))
    assert ids(result.held) == [2, 3, 4, 5, 6, 7]


def test_a_hold_is_not_loosened_by_newcomers_alone() -> None:
    members = [stored(n, held=Departure.HELD if n <= 3 else None) for n in range(1, 10)]
    result = plan(members, present(*range(4, 10)))
    assert (ids(result.held), result.departed) == ([1, 2, 3], ())


def test_a_later_small_departure_beside_a_loosened_hold_departs_alone() -> None:
    members = [stored(n, held=Departure.HELD if n <= 3 else None) for n in range(1, 21)]
    result = plan(members, present(*range(5, 21)))
    assert (ids(result.held), ids(result.departed)) == ([1, 2, 3], [4])


def test_held_members_still_absent_depart_once_others_are_back_and_they_are_few() -> None:
    members = [stored(n, held=Departure.HELD if n <= 6 else None) for n in range(1, 11)]
    result = plan(members, present(*range(3, 11)))
    assert (ids(result.departed), result.held) == ([1, 2], ())


def test_a_held_member_who_is_back_is_held_no_longer_and_unchanged() -> None:
    assert plan([stored(1, held=Departure.HELD), stored(2)], present(1, 2)) == nothing(2)


def discarded(size: int, kept: int) -> list[StoredCharacter]:
    return [stored(n, held=Departure.KEPT if n <= kept else None) for n in range(1, size + 1)]


def test_a_discarded_departure_is_not_asked_again() -> None:
    result = plan(discarded(10, 6), present(7, 8, 9, 10))
    assert result == replace(nothing(4), kept=tuple(discarded(10, 6)[:6]))


def test_a_discarded_departure_that_shrinks_is_not_asked_again() -> None:
    result = plan(discarded(10, 6), present(1, 7, 8, 9, 10))
    assert (ids(result.kept), result.held, result.departed) == ([2, 3, 4, 5, 6], (), ())


def test_a_discarded_departure_that_grows_is_asked_again_as_a_whole() -> None:
    result = plan(discarded(10, 6), present(8, 9, 10))
    assert (ids(result.held), result.kept, result.departed) == ([1, 2, 3, 4, 5, 6, 7], (), ())


def test_a_newcomer_to_a_small_discarded_set_departs_and_the_kept_stay() -> None:
    result = plan(discarded(20, 2), present(*range(4, 21)))
    assert (ids(result.kept), ids(result.departed), result.held) == ([1, 2], [3], ())
