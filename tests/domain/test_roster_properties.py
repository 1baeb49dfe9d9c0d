"""What holds for the plan of any roster: applied to what is stored it gives what was fetched, and nothing is left."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.roster import Departure, Identity, RosterEntry, RosterPlan, StoredCharacter, plan

IDENTITIES = st.builds(Identity, realm_id=st.integers(1, 3), blizzard_id=st.integers(1, 12))
FACTS = {
    "name": st.sampled_from(["Anna", "Bjørn", "Йод", "김"]),
    "realm_slug": st.sampled_from(["one", "two"]),
    "class_id": st.integers(1, 2),
    "race_id": st.none() | st.integers(1, 2),
    "level": st.integers(89, 90),
    "faction": st.none() | st.sampled_from(["ALLIANCE", "HORDE"]),
}
ENTRIES = st.builds(RosterEntry, identity=IDENTITIES, rank=st.integers(0, 9), **FACTS)
MEMBERS = st.builds(
    StoredCharacter,
    id=st.just(0),
    identity=IDENTITIES,
    rank=st.integers(0, 9),
    held=st.none() | st.sampled_from(Departure),
    **FACTS,
)
FORMER = st.builds(StoredCharacter, id=st.just(0), identity=IDENTITIES, rank=st.none(), held=st.none(), **FACTS)


class Case(NamedTuple):
    stored: list[StoredCharacter]
    fetched: list[RosterEntry]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    characters = draw(st.lists(MEMBERS | FORMER, unique_by=lambda c: c.identity, max_size=20))
    numbered = [replace(character, id=number) for number, character in enumerate(characters, start=1)]
    fresh = draw(st.lists(ENTRIES, max_size=12))
    staying = draw(st.lists(st.sampled_from(numbered), unique=True)) if numbered else []
    fetched = {line.identity: line for line in [*map(as_entry, staying), *fresh]}
    assume(fetched)
    return Case(numbered, list(fetched.values()))


def as_entry(character: StoredCharacter) -> RosterEntry:
    return RosterEntry(
        character.identity,
        character.name,
        character.realm_slug,
        character.class_id,
        character.race_id,
        character.level,
        character.faction,
        character.rank or 0,
    )


def apply(stored: Sequence[StoredCharacter], planned: RosterPlan) -> list[StoredCharacter]:
    """Write a plan as the service does, in memory."""
    rows = {character.id: character for character in stored}
    for character, entry in planned.changed:
        rows[character.id] = replace(
            rows[character.id],
            identity=entry.identity,
            name=entry.name,
            realm_slug=entry.realm_slug,
            class_id=entry.class_id,
            race_id=character.race_id if entry.race_id is None else entry.race_id,
            level=entry.level,
            faction=character.faction if entry.faction is None else entry.faction,
        )
    for character, entry in (*planned.joined, *planned.rank_moved):
        rows[character.id] = replace(rows[character.id], rank=entry.rank)
    for character in planned.departed:
        rows[character.id] = replace(rows[character.id], rank=None)
    for number, entry in enumerate(planned.new, start=len(rows) + 1):
        rows[number] = StoredCharacter(
            number,
            entry.identity,
            entry.name,
            entry.realm_slug,
            entry.class_id,
            entry.race_id,
            entry.level,
            entry.faction,
            entry.rank,
            held=None,
        )
    standing = {character.id: Departure.HELD for character in planned.held}
    standing |= {character.id: Departure.KEPT for character in planned.kept}
    return [replace(row, held=standing.get(row.id)) for row in rows.values()]


def shown(character: StoredCharacter, entry: RosterEntry) -> RosterEntry:
    """Give the entry that the stored row stands for, silent where the roster was silent."""
    line = as_entry(character)
    return replace(
        line,
        race_id=None if entry.race_id is None else line.race_id,
        faction=None if entry.faction is None else line.faction,
    )


@given(cases())
def test_applying_the_plan_gives_the_fetched_roster_and_those_whose_departure_waits(case: Case) -> None:
    planned = plan(case.stored, case.fetched)
    members = {c.identity: c for c in apply(case.stored, planned) if c.rank is not None}
    waiting = {character.identity for character in (*planned.held, *planned.kept)}
    assert {i: shown(members[i], entry) for i, entry in ((e.identity, e) for e in case.fetched)} == {
        entry.identity: entry for entry in case.fetched
    }
    assert members.keys() == {entry.identity for entry in case.fetched} | waiting


@given(cases())
def test_planning_again_gives_nothing_but_those_who_still_wait(case: Case) -> None:
    planned = plan(case.stored, case.fetched)
    again = plan(apply(case.stored, planned), case.fetched)
    assert {c.id for c in again.held} == {c.id for c in planned.held}
    assert {c.id for c in again.kept} == {c.id for c in planned.kept}
    assert replace(again, held=(), kept=()) == RosterPlan(
        (), (), (), (), (), (), (), (), (), unchanged=len(case.fetched)
    )


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_rows_tells_nothing(case: Case, shuffler: random.Random) -> None:
    stored, fetched = list(case.stored), list(case.fetched) * 2
    shuffler.shuffle(stored)
    shuffler.shuffle(fetched)
    assert plan(stored, fetched) == plan(case.stored, case.fetched)


@given(cases())
def test_every_absent_member_is_in_exactly_one_place(case: Case) -> None:
    planned = plan(case.stored, case.fetched)
    listed = {entry.identity for entry in case.fetched}
    absent = sorted(c.id for c in case.stored if c.rank is not None and c.identity not in listed)
    moved = [character for character, _ in planned.transferred]
    assert sorted(c.id for c in (*planned.departed, *planned.held, *planned.kept, *moved)) == absent
