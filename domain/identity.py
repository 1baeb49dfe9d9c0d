"""What matching is given and what it gives: a server's characters and members, and who may be who."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.evidence import Evidence, RuleName
from domain.links import Confidence, Source


@dataclass(frozen=True, slots=True)
class Character:
    """A character now in the guild; a note of None is unknown, "" empty. `realm` is the slug."""

    id: int
    name: str
    realm: str
    class_id: int
    rank: int
    guild_note: str | None = None
    officer_note: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member now in the server, no bot.

    `ranks` are those whose mapped role they hold. A hidden one (in rules screening, or opted out) still bears their
    names, so that nobody else is taken for the only one, but is never linked or suggested by a rule.
    """

    id: int
    username: str
    global_name: str | None = None
    nick: str | None = None
    ranks: frozenset[int] = frozenset()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a character or a member is: a player of the server, and where that half of the link comes from."""

    player_id: int
    source: Source


@dataclass(frozen=True, slots=True)
class Alias:
    """An officer's word on what a folded name in notes means: exactly one of a member and a character."""

    key: str
    user_id: int | None = None
    character_id: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """All that matching looks at, in any order; the same case gives the same outcome.

    `rejected` holds pairs (character id, user id) that a person said are not one; `suggesting` the rules that on this
    server may suggest but not link.
    """

    characters: tuple[Character, ...]
    members: tuple[Member, ...]
    character_owners: Mapping[int, Owner] = field(default_factory=dict)
    member_owners: Mapping[int, Owner] = field(default_factory=dict)
    aliases: tuple[Alias, ...] = ()
    rejected: frozenset[tuple[int, int]] = frozenset()
    suggesting: frozenset[RuleName] = frozenset()


@dataclass(frozen=True, slots=True)
class Link:
    """A link that the evidence carries; the first reason is the one that decided. `round` is the pass, from 1."""

    character_id: int
    user_id: int
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    round: int

    @property
    def source(self) -> Source:
        """Give what the link counts as: the strongest source among the reasons that carry it."""
        return max(one.source for one in self.evidence if one.strength >= self.evidence[0].strength)

    @property
    def rule(self) -> RuleName:
        """Give the rule that decided."""
        return self.evidence[0].rule

    @property
    def over(self) -> frozenset[int]:
        """Give the characters that it leads over: all that the deciding name means."""
        return leads_over(self.evidence)


def leads_over(reasons: Sequence[Evidence]) -> frozenset[int]:
    """Give the characters that reasons lead over; those count that are the same words as the first one."""
    first = reasons[0]
    same = (one for one in reasons if (one.rule, one.place, one.written) == (first.rule, first.place, first.written))
    return frozenset(one.via for one in same if one.via is not None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member who may own a character, with the reasons, the strongest first."""

    user_id: int
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A character whose owner a person has to decide; the likeliest candidate first."""

    character_id: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A linked character of which a note or an equal name says that it is somebody else's."""

    character_id: int
    user_ids: tuple[int, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What matching found, each sorted by character id.

    A group holds at least two characters that notes tie together, most of them without a link; one that has a link is
    there because a note of another resembles its name. Contradictions are about links that stand and about those found.
    """

    links: tuple[Link, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    alternatives: tuple[Suggestion, ...] = ()
    """Who else may own a character whose link is not of high confidence."""
