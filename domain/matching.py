"""Matching: who is who, from names and notes, with reasons; what is not clear is suggested, never linked."""

from typing import Final

from domain.evidence import RULES
from domain.identity import Case, Outcome
from domain.passes import Matching
from domain.suggestions import contradictions, groups, suggestions

RULES_IN_FORCE: Final = "-".join(f"{name}={rule.version}" for name, rule in sorted(RULES.items()))
"""Changes with the version of any rule: what older ones left is then looked at again."""


def match(case: Case) -> Outcome:
    """Find who is who; the outcome does not depend on the order of what the case holds."""
    matching = Matching(case)
    matching.link()
    open_, alternatives = suggestions(matching)
    return Outcome(
        tuple(matching.links[id_] for id_ in sorted(matching.links)),
        open_,
        groups(matching),
        contradictions(matching),
        alternatives,
    )
