"""The reasons of a link or a suggestion, as people read them."""

from collections.abc import Mapping, Sequence
from typing import Any

from cogs.common import texts
from cogs.common.text import escape
from domain.evidence import Evidence

REASON_LIMIT = 160


def reasons(evidence: Mapping[str, Any] | Sequence[Any] | None, *, for_officers: bool) -> list[str]:
    """Give the reasons of a half as it is kept, or a bare list of them, in words and escaped, what decided first.

    What another release wrote is named by its rule; it never fails. Members are not told what officer notes hold.
    """
    return [_reason(kept, for_officers=for_officers) for kept in kept_reasons(evidence)]


def kept_reasons(evidence: Mapping[str, Any] | Sequence[Any] | None) -> list[Mapping[str, Any]]:
    """Give the reasons that evidence holds, as they are kept."""
    found = evidence.get("reasons") if isinstance(evidence, Mapping) else evidence
    return [kept for kept in found if isinstance(kept, Mapping)] if isinstance(found, Sequence) else []


def _reason(kept: Mapping[str, Any], *, for_officers: bool) -> str:
    try:
        return escape(Evidence.from_json(kept).text(for_officers=for_officers), REASON_LIMIT)
    except (KeyError, ValueError, TypeError, AttributeError):
        return texts.unknown_reason(escape(str(kept.get("rule", "?")), REASON_LIMIT))
