"""Members who bear a character's name: equal, as a part, with decoration, in another script, or twice over."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from domain.bearers import CROWD, Bearer, Bearers, Person, exact
from domain.decoration import romanised, undecorated
from domain.evidence import Evidence, RuleName, Strength
from domain.identity import Character, Member
from domain.links import Source
from domain.names import fold
from domain.vocabulary import MEANINGS


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whom a kind of evidence means: one person, or several of whom nobody stands out, or nobody."""

    reasons: Mapping[Person, tuple[Evidence, ...]]
    winner: Person | None = None


NOBODY: Final = Verdict(MappingProxyType({}))


def equal_names(bearers: Bearers, character: Character) -> Verdict:
    """Weigh the names that are the character's: the one that others see first, then a global name, then a username.

    The name that others see counts alike wherever it is written. Who alone bears the character's name best wins; of
    two who share another name too, as one person's two accounts would, the first. Else nobody wins, nor where a best
    name may mean another character that is called alike. Of more than CROWD who bear it best nobody is even named.
    """
    found = bearers.of_character(character)
    if not found:
        return NOBODY
    best = min(one.rank for one in found)
    top = sorted({one.person for one in found if one.rank == best})
    if len(top) > CROWD:
        return NOBODY
    key = bearers.keys[character.id]
    # Many leave accents out: without any, and without a realm, a name hardly tells which of several it means.
    tells = len(bearers.by_key[key]) == 1 or any(
        one.piece.realm or exact(one.piece.written) != key for one in found if one.rank == best
    )
    strength = Strength.STRONG if tells else Strength.GOOD
    reasons = _collect(found, character, RuleName.EQUAL_NAME, strength, Source.NAME)
    if not _apart_from_twins(bearers, character, found, best):
        return Verdict(reasons)
    if len(top) == 1:
        return Verdict(reasons, top[0])
    # Whose names may not be used is not told by them to be somebody else's second account.
    shown = all(bearers.shown(one) is not None for one in top)
    if shown and len(top) == 2 and (second := _second_name(bearers, character, *top)) is not None:
        return Verdict(reasons | {top[0]: (second, *reasons[top[0]])}, top[0])
    return Verdict(reasons)


def decorated_names(bearers: Bearers, character: Character, *, known: bool) -> Verdict:
    """Weigh the names that are the character's but for decoration or script, where nobody bears the name itself.

    Never enough alone: it takes two such names that differ, or that others' notes name the character (`known`).
    """
    key = bearers.keys[character.id]
    if key in bearers.names:
        return NOBODY
    found = bearers.alike(key)
    people = {one.person for one in found}
    if not people or len(people) > CROWD:
        return NOBODY
    reasons = _collect(found, character, RuleName.DECORATED_NAME, Strength.WEAK, Source.SIMILAR_NAME)
    if len(people) > 1 or len(bearers.by_key[key]) > 1:
        return Verdict(reasons)
    (person,) = people
    if not known and len({fold(one.name) for one in found}) == 1:
        return Verdict(reasons)
    carrying = _collect(found, character, RuleName.DECORATED_NAME, Strength.GOOD, Source.SIMILAR_NAME)
    return Verdict(carrying, person)


def _collect(
    found: Iterable[Bearer], character: Character, rule: RuleName, strength: Strength, source: Source
) -> dict[Person, tuple[Evidence, ...]]:
    reasons: defaultdict[Person, list[Evidence]] = defaultdict(list)
    for one in sorted(found, key=lambda one: (one.rank, not one.piece.whole, one.name, one.place, one.person)):
        if one.person not in reasons and len(reasons) == CROWD:
            continue
        part = rule is RuleName.EQUAL_NAME and not one.piece.whole
        # "Dave | Tank" more likely tells what Dave plays than that the character Tank is Dave's.
        given = Strength.GOOD if part and one.piece.key in MEANINGS else strength
        reason = Evidence(RuleName.NAME_PART if part else rule, given, source, one.place, one.name, character.name)
        if reason not in reasons[one.person]:
            reasons[one.person].append(reason)
    return {person: tuple(several) for person, several in reasons.items()}


def _apart_from_twins(bearers: Bearers, character: Character, found: Sequence[Bearer], best: int) -> bool:
    """Tell whether the best names mean this character and none of those that are called alike."""
    key = bearers.keys[character.id]
    if len(bearers.by_key[key]) == 1:
        return True
    fitting = bearers.fitting(key)
    return all(fitting[id(one)] == 1 for one in found if one.rank == best)


def _second_name(bearers: Bearers, character: Character, first: Person, second: Person) -> Evidence | None:
    """Find another name that two people share, apart from the character's: one person may have two accounts."""
    for one, other in ((a, b) for a in bearers.members.get(first, ()) for b in bearers.members.get(second, ())):
        # Whole on one side at least: of user1 and user2 only the stem is shared.
        shared = (_names(one) & (_names(other) | _stems(other))) | (_stems(one) & _names(other))
        key = bearers.keys[character.id]
        apart = {name for name in shared if key not in name and romanised(key) not in name}
        if apart:
            return Evidence(RuleName.SECOND_NAME, Strength.GOOD, Source.SIMILAR_NAME, None, min(apart), character.name)
    return None


def _names(member: Member) -> set[str]:
    return {fold(member.username), fold(member.global_name), fold(member.nick)} - {""}


def _stems(member: Member) -> frozenset[str]:
    return undecorated(romanised(fold(member.username)))
