"""Hiatus: an officer's word that a player is away for a while."""

from datetime import datetime, tzinfo
from typing import Final

from domain.errors import InvalidInput
from domain.moments import parse_until
from domain.visible import one_line

REASON_LIMIT: Final = 200
"""Characters of the reason."""


def hiatus_reason(text: str) -> str:
    """Give the reason of a hiatus as it is kept; raises InvalidInput for none and for one that is too long."""
    reason = one_line(text)
    if not reason:
        raise InvalidInput("Give a reason for the hiatus, in a few words: other officers will read it.")
    if len(reason) > REASON_LIMIT:
        raise InvalidInput(f"The reason for a hiatus has at most {REASON_LIMIT} characters. Shorten it.")
    return reason


def hiatus_end(text: str, *, now: datetime, zone: tzinfo) -> datetime | None:
    """Give when a hiatus ends, None where nothing was typed; raises InvalidInput as `parse_until` does."""
    return parse_until(text, now=now, zone=zone) if one_line(text) else None
