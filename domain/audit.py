"""The words of the audit: what a rule is, what a finding is, and how far one has come."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Final
from zlib import crc32

HEADER_COLOUR: Final = 0xD4A84B


class Severity(Enum):
    """Grade a finding; not a str, since severities sort by rank and never as text."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Give the place in a report, 0 for the gravest."""
        return _RANKS[self]

    @property
    def colour(self) -> int:
        """Give the colour of its part of a report, as 0xRRGGBB."""
        return _COLOURS[self]


_RANKS: Final = {severity: rank for rank, severity in enumerate(Severity)}
_COLOURS: Final = {
    Severity.CRITICAL: 0xFF0000,
    Severity.ERROR: 0xFF0000,
    Severity.WARNING: 0xFFA500,
    Severity.INFO: 0x3498DB,
}


class SubjectKind(StrEnum):
    """Name what a finding is about."""

    CHARACTER = "character"
    MEMBER = "member"
    PLAYER = "player"
    RANK = "rank"
    SERVER = "server"
    REFERENCE = "reference"
    """An id of the game's own: a class, a specialization or a race."""
    RULE = "rule"


class State(StrEnum):
    """Tell how far a finding has come; all but resolved are open."""

    OPEN = "open"
    NOTIFIED = "notified"
    IGNORED = "ignored"
    RESOLVED = "resolved"


class Fix(StrEnum):
    """Name an act that a finding offers; every finding can be ignored and resolved besides."""

    LINK = "link"
    """Say whose the character is, or which character is the member's."""
    CHOOSE = "choose"
    """Choose one of the members that something speaks for, or none of them."""
    UNLINK = "unlink"
    SET_ROLE = "set-role"
    ALIAS = "alias"
    """Say what a name in the guild's notes means."""
    HIATUS = "hiatus"
    """Say that the player is away for a while."""
    SYNC = "sync"
    """Ask Battle.net, or Discord, about the subject now."""
    MAIN = "main"
    """Choose another main or off-spec, or none."""
    MERGE = "merge"
    """Say that two players are one."""
    REJECT = "reject"
    """Say that they are not."""
    DEPARTURES = "departures"
    """Let held departures leave, or keep them."""
    MAP_ROLE = "map-role"
    """Choose the role of a rank."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Describe what opens and closes findings of one type; `symbol` and `title` head its part of a report.

    `fingerprint` says in words which facts make a finding a new one when they change; `closes` what ends it.
    `has_card` tells that a message of its own shows it as soon as it is there, so that reports of new findings need
    not.
    """

    name: str
    version: int
    severity: Severity
    subject: SubjectKind
    title: str
    symbol: str
    description: str
    fingerprint: str
    closes: str
    fixes: tuple[Fix, ...] = ()
    has_card: bool = False

    @property
    def number(self) -> int:
        """Give the number under which findings about the rule itself stand; it follows from the name for good."""
        return crc32(self.name.encode())


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold one open finding; `facts` are the values its line in a report is made of."""

    id: int
    public_id: str
    rule: str
    severity: Severity
    subject_id: int
    facts: Mapping[str, Any]
