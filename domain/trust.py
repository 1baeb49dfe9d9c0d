"""Trust in the rules of matching: what people say of a rule's links on a server decides whether it may link on."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from domain.evidence import RuleName

REJECTED_PERCENT: Final = 2
"""A rule of whose links people reject more than this suggests from then on."""


class Counts(NamedTuple):
    """Count a rule's links on a server: those that people confirmed, those they rejected, and all that it made."""

    confirmed: int
    rejected: int
    made: int


def suggesting(counts: Mapping[str, tuple[int, int, int]]) -> frozenset[RuleName]:
    """Give the rules that may suggest but not link, from `Counts` by rule; those of another release are left out."""
    return frozenset(rule for rule in RuleName if rule in counts and _is_doubted(Counts(*counts[rule])))


def _is_doubted(counts: Counts) -> bool:
    return counts.rejected * 100 > counts.made * REJECTED_PERCENT
