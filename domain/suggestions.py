"""What matching leaves to people: suggestions, alt groups tied by notes alone, and contradicted links."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.bearers import Person
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.identity import Candidate, Character, Contradiction, Suggestion
from domain.links import Confidence, Source
from domain.namesakes import NOBODY
from domain.notes import Form
from domain.passes import Matching
from domain.readings import SOURCES, Reading
from domain.similar import Similar

_RULES: Final = tuple(RuleName)
MOST_CANDIDATES: Final = 5
"""Candidates that a suggestion holds: a person chooses among few."""


@dataclass(slots=True)
class _Candidacy:
    """What speaks for a person, and how much: reasons, and the likeness of the likest name."""

    reasons: list[Evidence] = field(default_factory=list)
    likeness: float = 0.0

    def add(self, reason: Evidence, likeness: float = 0.0) -> None:
        if reason not in self.reasons:
            self.reasons.append(reason)
        self.likeness = max(self.likeness, likeness)

    @property
    def weight(self) -> tuple[int, float, int]:
        """Order candidates: the strongest reason, then the likeness, then how many reasons there are."""
        return max(reason.strength for reason in self.reasons), self.likeness, len(self.reasons)


def suggestions(matching: Matching) -> tuple[tuple[Suggestion, ...], tuple[Suggestion, ...]]:
    """Give who may own the characters without a link, and who else those with a link that is not sure."""
    finder = _Finder(matching)
    open_, others = [], []
    for character in sorted(matching.case.characters, key=lambda one: one.id):
        link = matching.links.get(character.id)
        if link is None and character.id not in matching.owners:
            open_.append(Suggestion(character.id, finder.candidates(character)))
        elif link is not None and link.confidence is not Confidence.HIGH:
            candidates = (one for one in finder.candidates(character) if one.user_id != link.user_id)
            others.append(Suggestion(character.id, tuple(candidates)))
    return tuple(one for one in open_ if one.candidates), tuple(one for one in others if one.candidates)


class _Finder:
    def __init__(self, matching: Matching) -> None:
        self._matching = matching
        self._bearers = matching.bearers
        self._names = Similar(self._bearers.names)
        self._naming: defaultdict[int, list[tuple[int, Reading]]] = defaultdict(list)
        for id_, readings in matching.readings.of.items():
            for reading in readings:
                if len(reading.characters) == 1 and id_ in matching.owners:
                    self._naming[reading.characters[0]].append((id_, reading))

    def candidates(self, character: Character) -> tuple[Candidate, ...]:
        found: defaultdict[Person, _Candidacy] = defaultdict(_Candidacy)
        for person, reason, likeness in self._reasons(character):
            found[person].add(reason, likeness)
        ranked: list[tuple[tuple[int, float, bool, int, int], Candidate]] = []
        for person, candidacy in found.items():
            member = self._bearers.shown(person)
            if member is None or self._matching.is_rejected(character.id, person):
                continue
            has_rank = any(character.rank in one.ranks for one in self._bearers.members[person])
            reasons = sorted(candidacy.reasons, key=_order)
            if has_rank:
                reasons.append(
                    Evidence(RuleName.SAME_RANK, Strength.HINT, Source.SIMILAR_NAME, None, "", member.username)
                )
            strength, likeness, count = candidacy.weight
            order = (-strength, -likeness, not has_rank, -count, member.id)
            ranked.append((order, Candidate(member.id, tuple(reasons))))
        return tuple(candidate for _, candidate in sorted(ranked, key=lambda one: one[0])[:MOST_CANDIDATES])

    def _reasons(self, character: Character) -> Iterator[tuple[Person, Evidence, float]]:
        matching = self._matching
        noted = matching.noted(character) or NOBODY
        for verdict in (matching.equal[character.id], noted, matching.decorated[character.id]):
            for person, reasons in verdict.reasons.items():
                yield from ((person, reason, 1.0) for reason in reasons)
        yield from self._like_its_name(character)
        for reading in matching.readings.of.get(character.id, ()):
            if reading.nickname:
                yield from self._like_a_nickname(reading)
        for id_, reading in self._naming.get(character.id, ()):
            reason = Evidence(
                RuleName.NAMED_IN_NOTE,
                Strength.WEAK,
                SOURCES[reading.place],
                reading.place,
                reading.mention.written,
                self._bearers.characters[id_].name,
                id_,
            )
            yield matching.owners[id_], reason, 0.75

    def _like_its_name(self, character: Character) -> Iterator[tuple[Person, Evidence, float]]:
        for near in self._names.find(self._bearers.keys[character.id]):
            # A name that is another character's own speaks for that one first.
            likeness = near.likeness - (0.1 if near.key in self._bearers.by_key else 0.0)
            for bearer in self._bearers.names[near.key]:
                yield bearer.person, _similar(bearer.place, bearer.name, character.name), likeness

    def _like_a_nickname(self, reading: Reading) -> Iterator[tuple[Person, Evidence, float]]:
        """Look for whom a nickname that nobody bears may stand: a slip in a character's name, or a member's."""
        for near in self._bearers.similar_characters.find(reading.nickname, beginning=3):
            for one in self._bearers.by_key[near.key]:
                if (owner := self._matching.owners.get(one.id)) is not None:
                    yield owner, _similar(reading.place, reading.mention.written, one.name, one.id), near.likeness
        for near in self._names.find(reading.nickname, beginning=3):
            for bearer in self._bearers.names[near.key]:
                reason = _similar(reading.place, reading.mention.written, bearer.name)
                yield bearer.person, reason, near.likeness


def _order(reason: Evidence) -> tuple[int, int, str, str, str, int]:
    """Order reasons by what they say alone: the strongest first."""
    place = "" if reason.place is None else reason.place.value
    return -reason.strength, _RULES.index(reason.rule), place, reason.written, reason.other, reason.via or 0


def _similar(place: Place, written: str, other: str, via: int | None = None) -> Evidence:
    return Evidence(RuleName.SIMILAR_NAME, Strength.WEAK, Source.SIMILAR_NAME, place, written, other, via)


def groups(matching: Matching) -> tuple[tuple[int, ...], ...]:
    """Give the characters that notes tie together, though nobody knows yet whose they are."""
    sets = _Sets(one.id for one in matching.case.characters if one.id not in matching.owners)
    leading: defaultdict[int, set[int]] = defaultdict(set)
    for id_, readings in sorted(matching.readings.of.items()):
        if id_ in matching.owners:
            continue
        for reading in readings:
            others = _tied(matching, reading)
            sets.tie([id_, *(other for other in others if other not in matching.owners)])
            leading[id_].update(other for other in others if other in matching.owners)
    attached: defaultdict[Person, set[int]] = defaultdict(set)
    found = []
    for members in sets.several():
        anchors = {other for id_ in members for other in leading[id_]}
        owners = {matching.owners[other] for other in anchors}
        if len(owners) == 1:
            attached[owners.pop()].update((*members, min(anchors)))
        elif len(members) > 1:
            found.append(tuple(members))
    return tuple(sorted((*found, *(tuple(sorted(several)) for several in attached.values()))))


def _tied(matching: Matching, reading: Reading) -> Sequence[int]:
    if not reading.nickname:
        return reading.characters if len(reading.characters) == 1 else ()
    sharing = matching.readings.leading_to(reading)
    if len(sharing) > 1:
        owners = {matching.owners[id_] for id_ in sharing if id_ in matching.owners}
        return sharing if not owners else ()
    if reading.mention.form is Form.BARE:
        return sharing
    near = matching.bearers.similar_characters.find(reading.nickname)
    if len(near) == 1 and len(only := matching.bearers.by_key[near[0].key]) == 1:
        return [*sharing, only[0].id]
    return sharing


class _Sets:
    """Keep which of some ids belong together."""

    def __init__(self, ids: Iterable[int]) -> None:
        self._parents = {id_: id_ for id_ in ids}

    def tie(self, ids: Sequence[int]) -> None:
        for id_ in ids[1:]:
            first, second = sorted((self._root(ids[0]), self._root(id_)))
            self._parents[second] = first

    def several(self) -> Iterable[Sequence[int]]:
        found: defaultdict[int, list[int]] = defaultdict(list)
        for id_ in sorted(self._parents):
            found[self._root(id_)].append(id_)
        return found.values()

    def _root(self, id_: int) -> int:
        while self._parents[id_] != id_:
            self._parents[id_] = self._parents[self._parents[id_]]
            id_ = self._parents[id_]
        return id_


def contradictions(matching: Matching) -> tuple[Contradiction, ...]:
    """Give the linked characters of which a note, or a member's whole name, says clearly that they are another's."""
    found = []
    for character in sorted(matching.case.characters, key=lambda one: one.id):
        owner = matching.owners.get(character.id)
        if owner is None:
            continue
        against = _against(matching, character, owner)
        members = {person: matching.bearers.shown(person) for person in against}
        user_ids = tuple(sorted(member.id for member in members.values() if member is not None))
        if user_ids:
            reasons = (reason for person, reasons in sorted(against.items()) for reason in reasons if members[person])
            found.append(Contradiction(character.id, user_ids, tuple(dict.fromkeys(reasons))))
    return tuple(found)


def _against(matching: Matching, character: Character, owner: Person) -> Mapping[Person, list[Evidence]]:
    found: defaultdict[Person, list[Evidence]] = defaultdict(list)
    equal = matching.equal[character.id]
    namesake = equal.winner
    if namesake is not None and owner not in equal.reasons and not matching.is_rejected(character.id, namesake):
        found[namesake] += (reason for reason in equal.reasons[namesake] if reason.rule is RuleName.EQUAL_NAME)
    for reading in matching.readings.of.get(character.id, ()):
        people = matching.people(reading, character.id)
        meant = {person for person, _ in people}
        if len(meant) == 1 and owner not in meant and not matching.is_rejected(character.id, *meant):
            for person, reason in people:
                if reason.strength is Strength.STRONG:
                    found[person].append(reason)
    return {person: reasons for person, reasons in found.items() if reasons}
