"""First links between characters and members: equal names, and only where nobody else fits."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.evidence import Evidence, Place, RuleName, Strength
from domain.identity import Case, Link, Outcome
from domain.links import Confidence, Source
from domain.names import fold

RULE_NAME: Final = "equal_name"
RULE_VERSION: Final = 1


class NameKind(StrEnum):
    """Name where a member's name is written, the strongest word about who they are in this server first."""

    NICK = "nick"
    GLOBAL_NAME = "global_name"
    USERNAME = "username"


_STRENGTH: Final = {kind: place for place, kind in enumerate(NameKind)}


@dataclass(frozen=True, slots=True)
class CharacterName:
    """Hold a character now in the guild; `linked` if it has a player already."""

    id: int
    name_key: str
    linked: bool


@dataclass(frozen=True, slots=True)
class MemberNames:
    """Hold the folded names of a member who is no bot."""

    user_id: int
    keys: tuple[tuple[NameKind, str], ...]


@dataclass(frozen=True, slots=True)
class NameLink:
    """Propose that a character belongs to a member, with the name that says so as evidence."""

    character_id: int
    user_id: int
    matched: NameKind
    name_key: str


def links_by_equal_name(
    characters: Iterable[CharacterName],
    members: Iterable[MemberNames],
    rejected: Set[tuple[int, int]],
) -> tuple[NameLink, ...]:
    """Link each character whose name one member alone carries, sorted by character id.

    A name counts only if exactly one character of the guild, linked or not, and exactly one member carry it, in
    whatever place. A member who carries several characters' names speaks by the strongest of them alone; if that one
    does not count, the weaker do not either. `rejected` holds pairs (character id, user id) that are never linked; such
    a member still carries the name.
    """
    by_key: defaultdict[str, list[CharacterName]] = defaultdict(list)
    for character in characters:
        if character.name_key:
            by_key[character.name_key].append(character)

    carriers: Counter[str] = Counter()
    claims: list[tuple[MemberNames, NameKind, str]] = []
    for member in members:
        fitting = [(kind, key) for kind, key in member.keys if key in by_key]
        if fitting:
            carriers.update({key for _, key in fitting})
            claims.append((member, *min(fitting, key=_strength)))

    links = []
    for member, kind, key in claims:
        character, *others = by_key[key]
        if others or carriers[key] > 1 or character.linked or (character.id, member.user_id) in rejected:
            continue
        links.append(NameLink(character.id, member.user_id, kind, key))
    return tuple(sorted(links, key=lambda link: link.character_id))


def _strength(name: tuple[NameKind, str]) -> int:
    return _STRENGTH[name[0]]


def match(case: Case) -> Outcome:
    """Find who is who; the outcome does not depend on the order of what the case holds."""
    found = links_by_equal_name(
        (CharacterName(one.id, fold(one.name), one.id in case.character_owners) for one in case.characters),
        (
            MemberNames(
                one.id,
                (
                    (NameKind.USERNAME, fold(one.username)),
                    (NameKind.GLOBAL_NAME, fold(one.global_name)),
                    (NameKind.NICK, fold(one.nick)),
                ),
            )
            for one in case.members
        ),
        case.rejected,
    )
    hidden = {member.id for member in case.members if member.hidden}
    return Outcome(
        tuple(
            Link(
                link.character_id,
                link.user_id,
                Confidence.HIGH,
                (
                    Evidence(
                        RuleName.EQUAL_NAME,
                        Strength.STRONG,
                        Source.NAME,
                        Place(link.matched.value),
                        link.name_key,
                        link.name_key,
                    ),
                ),
                1,
            )
            for link in found
            if link.user_id not in hidden
        )
    )
