"""The passes of a matching: links, each from the evidence and from what those before it linked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from domain.bearers import Bearers, Person
from domain.evidence import Evidence, RuleName, Strength
from domain.identity import Case, Character, Link, leads_over
from domain.links import Confidence
from domain.namesakes import NOBODY, Verdict, decorated_names, equal_names
from domain.readings import Reading, Readings


class Matching:
    """The state of one matching: who owns what, as far as its passes have come."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.bearers = Bearers(case)
        self.readings = Readings(case, self.bearers)
        self.owners: dict[int, Person] = {
            character_id: ("player", owner.player_id) for character_id, owner in case.character_owners.items()
        }
        """The person behind each character; what a pass links is there for the next one."""
        self.links: dict[int, Link] = {}
        self.equal: Mapping[int, Verdict] = {one.id: equal_names(self.bearers, one) for one in case.characters}
        self.decorated: Mapping[int, Verdict] = {
            one.id: decorated_names(self.bearers, one, known=one.id in self.readings.called) for one in case.characters
        }

    def link(self) -> None:
        """Link in passes until nothing changes; each sees what those before it linked, whatever the order of rows.

        While others may still be linked, a character waits for the owner of whom its strongest note names.
        """
        waiting = {one.id: one for one in self.case.characters if one.id not in self.owners}
        looked_at: Iterable[Character] = tuple(waiting.values())
        round_, patient = 1, True
        while waiting:
            decided = (self._decide(one, round_, patient=patient) for one in looked_at)
            found = [one for one in decided if one is not None]
            if not found and not patient:
                break
            for link, person in found:
                self.links[link.character_id] = link
                self.owners[link.character_id] = person
                del waiting[link.character_id]
            round_ += bool(found)
            patient = bool(found)
            # Only the owner of another character can have changed what a character's notes mean.
            following = {id_ for link, _ in found for id_ in self.readings.following(link.character_id)}
            looked_at = tuple(waiting[id_] for id_ in (following if found else waiting) if id_ in waiting)
        self._lower_contradicted()

    def _lower_contradicted(self) -> None:
        """Take back high confidence where notes turned out to mean somebody else, and where it led over such a link."""
        doubted = {id_ for id_ in self.links if self._is_contradicted(id_)}
        while doubted:
            for id_ in doubted:
                self.links[id_] = replace(self.links[id_], confidence=Confidence.MEDIUM)
            doubted = {
                id_ for id_, link in self.links.items() if link.confidence is Confidence.HIGH and link.over & doubted
            }

    def _is_contradicted(self, character_id: int) -> bool:
        link, owner = self.links[character_id], self.owners[character_id]
        if link.confidence is not Confidence.HIGH or link.rule is RuleName.ALIAS:
            return False
        noted = self.noted(self.bearers.characters[character_id]) or NOBODY
        against = (reason for person, reasons in noted.reasons.items() if person != owner for reason in reasons)
        return any(reason.strength is Strength.STRONG for reason in against)

    def _decide(self, character: Character, round_: int, *, patient: bool) -> tuple[Link, Person] | None:
        """Link a character by the first kind of evidence that means one person."""
        noted = self.noted(character, patient=patient)
        equal, decorated = self.equal[character.id], self.decorated[character.id]
        by_alias = noted is not None and noted.winner is not None and _rule(noted) is RuleName.ALIAS
        for verdict in (noted, equal) if by_alias else (equal, noted, decorated):
            if verdict is None:
                return None
            winner = verdict.winner
            if winner is None or self.is_rejected(character.id, winner):
                continue
            member = self.bearers.shown(winner)
            if member is None:
                return None
            reasons = self._reasons(winner, verdict, (equal, noted or NOBODY, decorated))
            if reasons[0].rule in self.case.suggesting:
                return None
            agreed = not equal.reasons or winner in equal.reasons or by_alias
            confidence = self._confidence(reasons) if agreed else Confidence.MEDIUM
            return Link(character.id, member.id, confidence, reasons, round_), winner
        return None

    def _reasons(self, person: Person, first: Verdict, verdicts: Sequence[Verdict]) -> tuple[Evidence, ...]:
        """Give all that speaks for a person, what decided before the rest."""
        rest = [one for verdict in verdicts if verdict is not first for one in verdict.reasons.get(person, ())]
        return tuple(dict.fromkeys((*first.reasons[person], *rest)))

    def _confidence(self, reasons: Sequence[Evidence]) -> Confidence:
        """Give how sure a link for these reasons is: no surer than any link that the first of them leads over."""
        over = (self.links[id_].confidence for id_ in leads_over(reasons) if id_ in self.links)
        if reasons[0].strength is Strength.STRONG and all(one is Confidence.HIGH for one in over):
            return Confidence.HIGH
        return Confidence.MEDIUM

    def noted(self, character: Character, *, patient: bool = False) -> Verdict | None:
        """Weigh the notes, the officer note first; None while the first name in them may yet mean somebody."""
        reasons: defaultdict[Person, list[Evidence]] = defaultdict(list)
        winner: Person | None = None
        decided = False
        for reading in self.readings.of.get(character.id, ()):
            people = self.people(reading, character.id)
            if patient and not decided and not people and self._may_yet_mean(reading):
                return None
            for person, evidence in people:
                reasons[person].append(evidence)
            if not decided and people:
                decided = True
                meant = {person for person, _ in people}
                # Of several characters with one name each must be that person's.
                whole = all(id_ in self.owners for id_ in reading.characters)
                winner = meant.pop() if len(meant) == 1 and whole else None
        if not reasons:
            return NOBODY
        return Verdict({person: tuple(several) for person, several in reasons.items()}, winner)

    def people(self, reading: Reading, character_id: int) -> list[tuple[Person, Evidence]]:
        """Give the people a reading means, as far as is known now; several where nobody stands out."""
        owned = [
            (self.owners[id_], reading.evidence(via=id_, other=self.bearers.characters[id_].name))
            for id_ in self.readings.leading_to(reading)
            if id_ != character_id and id_ in self.owners
        ]
        return [*owned, *((person, reading.evidence()) for person in reading.people)]

    def _may_yet_mean(self, reading: Reading) -> bool:
        return any(id_ not in self.owners for id_ in self.readings.leading_to(reading))

    def is_rejected(self, character_id: int, person: Person) -> bool:
        """Tell whether somebody said that a character and a person are not one."""
        return any((character_id, one.id) in self.case.rejected for one in self.bearers.members.get(person, ()))


def _rule(verdict: Verdict) -> RuleName | None:
    return None if verdict.winner is None else verdict.reasons[verdict.winner][0].rule
