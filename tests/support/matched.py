"""Outcomes of matching that a test writes itself, so that what is done of them does not hang on the rules."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from bot.services.context import Context
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.identity import Link, Outcome
from domain.links import Confidence, Source


@dataclass(frozen=True)
class Engine:
    """Compute one outcome, whatever is asked."""

    outcome: Outcome

    async def __call__(self, function: Callable[..., Any], /, *given: Any) -> Any:
        """Give the outcome."""
        return self.outcome


def with_outcome(ctx: Context, outcome: Outcome) -> Context:
    """Let matching find this."""
    return replace(ctx, compute=cast("Any", Engine(outcome)))


def reason(
    strength: Strength = Strength.STRONG, *, written: str = "x", place: Place = Place.NICK, via: int | None = None
) -> Evidence:
    """Make a reason: an equal name, or with `via` a note that names that character."""
    rule = RuleName.EQUAL_NAME if via is None else RuleName.NOTE_NAMES_CHARACTER
    return Evidence(rule, strength, Source.NAME, place, written, "X", via)


def link(character_id: int, user_id: int, confidence: Confidence = Confidence.HIGH) -> Link:
    """Make a link of the first pass."""
    strength = Strength.STRONG if confidence is Confidence.HIGH else Strength.GOOD
    return Link(character_id, user_id, confidence, (reason(strength),), 1)
