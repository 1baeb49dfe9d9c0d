"""Fixing many findings of one type at once: what can be done so, to which of them, and the key of what was shown."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.audit import Finding, Fix

KEY_BYTES: Final = 9
VOUCHED_AT_ONCE: Final = 10
"""Links that one confirmation proves: who gives their word for them has all of them before their eyes."""


class BulkAct(StrEnum):
    """Name what is done to many findings at once."""

    CHOOSE = "choose"
    """Link each character to the one member who is proposed for it."""
    UNLINK = "unlink"
    NO_MAIN = "no-main"
    SYNC = "sync"
    IGNORE = "ignore"
    RESOLVE = "resolve"

    @property
    def fix(self) -> Fix | None:
        """Give the fix of a single finding that it repeats; None for what can be done to every finding."""
        return _FIXES.get(self)


_FIXES: Final = MappingProxyType(
    {
        BulkAct.CHOOSE: Fix.CHOOSE,
        BulkAct.UNLINK: Fix.UNLINK,
        BulkAct.NO_MAIN: Fix.MAIN,
        BulkAct.SYNC: Fix.SYNC,
    }
)
_ALWAYS: Final = (BulkAct.IGNORE, BulkAct.RESOLVE)
# Not Unlink where a note contradicts a person's word, which is not taken back by the dozen; not Sync where one press
# mends all findings of the type.
_BY_RULE: Final = MappingProxyType(
    {
        "link_suggestion": (BulkAct.CHOOSE,),
        "main_not_linked": (BulkAct.NO_MAIN,),
        "note_mismatch": (BulkAct.UNLINK,),
        "stale_character": (BulkAct.SYNC,),
        "stale_discord_link": (BulkAct.UNLINK,),
    }
)


@dataclass(frozen=True, slots=True)
class Bulk:
    """What is to be done to the findings of a rule that stand; `rank` limits them to characters of one rank."""

    rule: str
    act: BulkAct
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A finding that stands, with the facts whose change would make it another one."""

    finding: Finding
    fingerprint: str


def acts_for(rule: str) -> tuple[BulkAct, ...]:
    """Give what can be done to many findings of a rule at once, what mends them first."""
    return _BY_RULE.get(rule, ()) + _ALWAYS


def proposal(finding: Finding) -> int | None:
    """Give the member who is proposed; None where there are several, so that a person has to choose."""
    match finding.facts.get("user_ids"):
        case [int(only)]:
            return only
        case _:
            return None


def fits(act: BulkAct, finding: Finding) -> bool:
    """Tell whether an act can be done to a finding without asking a person about it."""
    return act is not BulkAct.CHOOSE or proposal(finding) is not None


def at_once(act: BulkAct) -> int | None:
    """Give how many findings one confirmation is about at most; None is no limit."""
    return VOUCHED_AT_ONCE if act is BulkAct.CHOOSE else None


def key_of(bulk: Bulk, chosen: Iterable[Standing]) -> str:
    """Give a short text, fit for a custom id, that changes with what would be done to which findings."""
    told = "\n".join(sorted(f"{one.finding.public_id} {one.fingerprint} {_detail(bulk.act, one)}" for one in chosen))
    digest = hashlib.sha256(f"{bulk.rule} {bulk.act}\n{told}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:KEY_BYTES]).decode()


def _detail(act: BulkAct, one: Standing) -> int | None:
    return proposal(one.finding) if act is BulkAct.CHOOSE else None
