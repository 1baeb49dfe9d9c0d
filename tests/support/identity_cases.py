"""Small cases for matching that a test writes itself: a guild and a server of a few people."""

from collections.abc import Iterable

from domain.evidence import RuleName
from domain.identity import Alias, Case, Character, Link, Member, Outcome, Owner
from domain.links import Confidence, Source
from domain.matching import match
from domain.names import fold

MAGE, WARRIOR = 8, 1
HIGH, MEDIUM = Confidence.HIGH, Confidence.MEDIUM


def char(id_: int, name: str, note: str | None = None, officer_note: str | None = None, **more: object) -> Character:
    """Make a character: a mage of rank 5 on Argus."""
    facts: dict[str, object] = {"realm": "argus", "class_id": MAGE, "rank": 5} | more
    return Character(id=id_, name=name, guild_note=note, officer_note=officer_note, **facts)  # type: ignore[arg-type]


def member(id_: int, username: str, global_name: str | None = None, nick: str | None = None, **more: object) -> Member:
    """Make a member; ids from 100 keep them apart from characters."""
    return Member(id_, username, global_name, nick, **more)  # type: ignore[arg-type]


def outcome(
    characters: Iterable[Character],
    members: Iterable[Member],
    *,
    owned: dict[int, int] | None = None,
    of: dict[int, int] | None = None,
    aliases: Iterable[Alias] = (),
    rejected: Iterable[tuple[int, int]] = (),
    suggesting: Iterable[RuleName] = (),
    source: Source = Source.OFFICER,
) -> Outcome:
    """Match; `owned` gives characters' players, `of` members' players, both by a person's word."""
    return match(
        Case(
            tuple(characters),
            tuple(members),
            {id_: Owner(player, source) for id_, player in (owned or {}).items()},
            {id_: Owner(player, source) for id_, player in (of or {}).items()},
            tuple(aliases),
            frozenset(rejected),
            frozenset(suggesting),
        )
    )


def alias(text: str, *, user_id: int | None = None, character_id: int | None = None) -> Alias:
    """Make an alias as an officer would."""
    return Alias(fold(text), user_id, character_id)


def linked(found: Outcome) -> dict[int, int]:
    """Give the member of each linked character."""
    return {link.character_id: link.user_id for link in found.links}


def suggested(found: Outcome) -> dict[int, list[int]]:
    """Give the candidates of each suggestion, in order."""
    return {one.character_id: [candidate.user_id for candidate in one.candidates] for one in found.suggestions}


def link_of(found: Outcome, character_id: int) -> Link:
    """Give a character's link."""
    (link,) = (link for link in found.links if link.character_id == character_id)
    return link
