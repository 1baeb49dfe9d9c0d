"""What is done of what matching found: the links that are made at once, and what a person has to decide."""

from collections.abc import Collection, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from domain.identity import Candidate, Contradiction, Link, Outcome, Suggestion
from domain.links import Confidence, LinkMode

MADE_BY_ITSELF: Final = MappingProxyType(
    {
        LinkMode.AUTOMATIC: frozenset({Confidence.HIGH}),
        LinkMode.SUGGEST: frozenset[Confidence](),
        LinkMode.OFF: frozenset[Confidence](),
    }
)
"""The links that are made without a person, by a server's mode."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A suggestion; with a confidence where the evidence carries the link, but a person has to make it."""

    suggestion: Suggestion
    confidence: Confidence | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to stand after a matching: links to make, and all suggestions, groups and contradictions."""

    links: tuple[Link, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    contradictions: tuple[Contradiction, ...] = ()


def accepted(outcome: Outcome, confidences: Collection[Confidence]) -> tuple[Link, ...]:
    """Give the links of these confidences that do not rest on one that is left to a person."""
    taken = {link.character_id: link for link in outcome.links if link.confidence in confidences}
    left = {link.character_id for link in outcome.links} - taken.keys()
    while resting := [one for one, link in taken.items() if link.over & left]:
        for character_id in resting:
            del taken[character_id]
        left.update(resting)
    return tuple(taken.values())


def decide(outcome: Outcome, mode: LinkMode, links: Collection[Link]) -> Decision:
    """Give what is to stand when of an outcome these links are made; where matching is off, nothing but those."""
    if mode is LinkMode.OFF:
        return Decision(tuple(links))
    made: Set[int] = {link.character_id for link in links}
    open_links = [link for link in outcome.links if link.character_id not in made]
    proposals = [Proposal(one) for one in outcome.suggestions]
    others = {one.character_id: one.candidates for one in outcome.alternatives}
    proposals += [
        Proposal(
            Suggestion(link.character_id, (Candidate(link.user_id, link.evidence), *others.get(link.character_id, ()))),
            link.confidence,
        )
        for link in open_links
    ]
    return Decision(
        tuple(links),
        tuple(sorted(proposals, key=lambda proposal: proposal.suggestion.character_id)),
        outcome.groups,
        outcome.contradictions,
    )
