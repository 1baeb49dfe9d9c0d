"""The rules of the audit, and how their findings are laid out in a report."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any, Final
from zlib import crc32

HEADER_COLOUR: Final = 0xD4A84B
LINES_PER_TYPE: Final = 20


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
    RULE = "rule"


class State(StrEnum):
    """Tell how far a finding has come; all but resolved are open."""

    OPEN = "open"
    NOTIFIED = "notified"
    IGNORED = "ignored"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Rule:
    """Describe what opens and closes findings of one type; `symbol` and `title` head its part of a report."""

    name: str
    version: int
    severity: Severity
    subject: SubjectKind
    title: str
    symbol: str
    description: str

    @property
    def number(self) -> int:
        """Give the number under which findings about the rule itself stand; it follows from the name for good."""
        return crc32(self.name.encode())


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            Rule(
                name="role_mismatch",
                version=1,
                severity=Severity.ERROR,
                subject=SubjectKind.PLAYER,
                title="Members with another rank's role",
                symbol="🎭",
                description="A proven player holds roles of ranks, but not the one of their own rank.",
            ),
            Rule(
                name="no_guild_role",
                version=1,
                severity=Severity.WARNING,
                subject=SubjectKind.PLAYER,
                title="Members without their rank's role",
                symbol="🎫",
                description="A proven player holds none of the roles that ranks are mapped to.",
            ),
            Rule(
                name="link_contradicts_note",
                version=1,
                severity=Severity.WARNING,
                subject=SubjectKind.CHARACTER,
                title="Links that a note or a name contradicts",
                symbol="📝",
                description="A person said whose a character is, but a note or an equal name speaks for somebody else.",
            ),
            Rule(
                name="orphan_wow",
                version=1,
                severity=Severity.WARNING,
                subject=SubjectKind.CHARACTER,
                title="Characters without a Discord member",
                symbol="👤",
                description="A character in the guild is not linked to a player who has a member in this server.",
            ),
            Rule(
                name="orphan_discord",
                version=2,
                severity=Severity.WARNING,
                subject=SubjectKind.MEMBER,
                title="Members without a character",
                symbol="🔗",
                description="A member of this server has no linked character in the guild.",
            ),
            Rule(
                name="note_mismatch",
                version=1,
                severity=Severity.INFO,
                subject=SubjectKind.CHARACTER,
                title="Inferred links that are in doubt",
                symbol="❓",
                description="A rule linked a character, but a note or an equal name now speaks for somebody else.",
            ),
            Rule(
                name="unmapped_rank",
                version=1,
                severity=Severity.INFO,
                subject=SubjectKind.RANK,
                title="Ranks without a role",
                symbol="🪜",
                description="A rank that occurs in the guild has no role, while others have.",
            ),
            Rule(
                name="stale_character",
                version=1,
                severity=Severity.INFO,
                subject=SubjectKind.CHARACTER,
                title="Characters that were long away",
                symbol="💤",
                description="A character in the guild has not been logged in for as long as the server's options say.",
            ),
            # The last one: it tells which of those before it failed.
            Rule(
                name="rule_failed",
                version=1,
                severity=Severity.ERROR,
                subject=SubjectKind.RULE,
                title="Rules that could not be run",
                symbol="🛠️",
                description="A rule of the audit broke; what it found before stands as it was.",
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold one open finding; `facts` are the values its line in a report is made of."""

    id: int
    public_id: str
    rule: str
    severity: Severity
    subject_id: int
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Hold what a report shows of one rule; `more` findings of `total` are left for its pages."""

    rule: Rule
    severity: Severity
    findings: tuple[Finding, ...]
    more: int
    total: int


def group_findings(findings: Iterable[Finding], lines_per_type: int = LINES_PER_TYPE) -> tuple[FindingGroup, ...]:
    """Group findings by severity and rule, gravest first, then by the rule's name; within a group as given."""
    by_type: defaultdict[tuple[Severity, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        by_type[finding.severity, finding.rule].append(finding)
    return tuple(
        FindingGroup(
            rule=RULES.get(name) or _unknown_rule(name, severity),
            severity=severity,
            findings=tuple(group[:lines_per_type]),
            more=max(0, len(group) - lines_per_type),
            total=len(group),
        )
        for (severity, name), group in sorted(by_type.items(), key=lambda item: (item[0][0].rank, item[0][1]))
    )


def _unknown_rule(name: str, severity: Severity) -> Rule:
    """Stand in for a rule that this release does not have: after a rollback its findings still show."""
    return Rule(name, 0, severity, SubjectKind.SERVER, title=name, symbol="❔", description="")
