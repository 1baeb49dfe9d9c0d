"""What becomes of a finding when the audit looks again: a pure step from what stands and what is detected now."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.audit import State
from domain.errors import InvalidInput
from domain.visible import one_line

NOTE_LIMIT: Final = 200


class Step(StrEnum):
    """Name what an audit does with a finding."""

    OPEN = "open"
    """There is none: open one."""
    UPDATE = "update"
    """The same problem, told with other facts."""
    RENEW = "renew"
    """Another problem of the same subject, or one whose ignoring ended: it is told again."""
    RESOLVE = "resolve"
    """Its cause is gone."""
    RESUME = "resume"
    """Its cause is back while it is still ignored."""
    REPLACE = "replace"
    """It was put aside, but as another problem, or for a time that is over: open a new one."""
    LEAVE = "leave"
    """It is put aside."""


@dataclass(frozen=True, slots=True)
class Live:
    """A finding that still counts: one that is not resolved, or one that was put aside with its fingerprint.

    `by_person` tells that a person resolved it; `ignored_until` None is no end. `outdated`: another version of its rule
    made the fingerprint.
    """

    state: State
    fingerprint: str
    ignored_until: datetime | None = None
    by_person: bool = False
    outdated: bool = False


def next_step(live: Live | None, detected: str | None, now: datetime) -> Step:
    """Decide what becomes of a subject's finding; `detected` is its fingerprint now, None where there is no cause.

    Ignored findings, and those that a person resolved, do not come back unless their fingerprint changed. Between two
    versions of a rule fingerprints can't be compared: there it is the same problem, told by other facts.
    """
    if live is None:
        return Step.LEAVE if detected is None else Step.OPEN
    if detected is None:
        return Step.LEAVE if live.state is State.RESOLVED else Step.RESOLVE
    ended = live.ignored_until is not None and live.ignored_until <= now
    differs = detected != live.fingerprint and not live.outdated
    if live.state is State.RESOLVED:
        return Step.REPLACE if differs or ended else _as_put_aside(live)
    return Step.RENEW if differs or (live.state is State.IGNORED and ended) else Step.UPDATE


def _as_put_aside(live: Live) -> Step:
    if not live.by_person:
        return Step.RESUME
    return Step.UPDATE if live.outdated else Step.LEAVE


def finding_note(text: str) -> str:
    """Give what is said on ignoring or resolving as it is kept; raises InvalidInput for nothing and for too much."""
    note = one_line(text)
    if not note:
        raise InvalidInput("Say why: other officers will see it beside the finding.")
    if len(note) > NOTE_LIMIT:
        raise InvalidInput(f"What is said about a finding has at most {NOTE_LIMIT} characters. Shorten it.")
    return note
