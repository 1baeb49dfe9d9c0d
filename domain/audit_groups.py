"""How findings are grouped in a report: by severity and type, the gravest first."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from domain.audit import Finding, Rule, Severity
from domain.audit_rules import rule_of

LINES_PER_TYPE: Final = 20


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
            rule=rule_of(name, severity),
            severity=severity,
            findings=tuple(group[:lines_per_type]),
            more=max(0, len(group) - lines_per_type),
            total=len(group),
        )
        for (severity, name), group in sorted(by_type.items(), key=lambda item: (item[0][0].rank, item[0][1]))
    )
