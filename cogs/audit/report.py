"""The layout of a report: what fits into one message, and which findings that shows by name."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cogs.audit import texts
from cogs.audit.lines import ShowRole, line
from cogs.common.paginator import COMPONENT_LIMIT, TEXT_LIMIT, fit_lines
from cogs.common.text import escape
from cogs.common.texts import and_more
from domain.audit import Finding, Severity
from domain.audit_groups import FindingGroup, group_findings

TITLE_LIMIT = 60
HEADER_COMPONENTS = 2
GROUP_COMPONENTS = 5
"""A container, its text, and a row with two buttons."""
REST_COMPONENTS = 1
GROUPS_LIMIT = (COMPONENT_LIMIT - HEADER_COMPONENTS - REST_COMPONENTS) // GROUP_COMPONENTS


@dataclass(frozen=True, slots=True)
class Block:
    """One type of findings as it stands in a message; `more` of them are not shown by name."""

    rule: str
    colour: int
    text: str
    shown_ids: tuple[int, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Report:
    """A whole message: a header, the types, and a last line for the types that found no room."""

    header: str
    blocks: tuple[Block, ...]
    rest: str | None

    @property
    def shown_ids(self) -> tuple[int, ...]:
        """Give the findings that the message shows by name."""
        return tuple(id_ for block in self.blocks for id_ in block.shown_ids)


def groups_of(payload: Mapping[str, Any]) -> tuple[FindingGroup, ...]:
    """Read the groups of a queued report, all they carry; their totals count findings that they do not."""
    totals = {(Severity(group["severity"]), group["rule"]): group["total"] for group in payload["groups"]}
    findings = [
        Finding(rule=group["rule"], severity=Severity(group["severity"]), **finding)
        for group in payload["groups"]
        for finding in group["findings"]
    ]
    return tuple(
        replace(group, total=total, more=total - len(group.findings))
        for group in group_findings(findings, len(findings))
        for total in (totals[group.severity, group.rule.name],)
    )


def lay_out(
    groups: Sequence[FindingGroup],
    *,
    only_new: bool,
    role: ShowRole,
    roster_at: datetime | None = None,
    hint: str | None = None,
) -> Report:
    """Lay out a report within the budget of one message: text is shared evenly among the types that need it.

    `roster_at` tells as of when ranks and characters are true.
    """
    head = [texts.TITLE, *_summary(groups, only_new=only_new)]
    head += [texts.roster_as_of(roster_at)] if groups and roster_at else []
    header = "\n".join([*head, *([hint] if hint else [])])
    others = groups[GROUPS_LIMIT:]
    fitting = [(group, [line(finding, role) for finding in group.findings]) for group in groups[:GROUPS_LIMIT]]
    rest = texts.more_types(sum(group.total for group in others), len(others)) if others else None
    room = TEXT_LIMIT - len(header) - len(rest or "")
    shares = share_evenly([len(_full_text(group, lines)) for group, lines in fitting], room)
    blocks = tuple(_block(group, lines, share) for (group, lines), share in zip(fitting, shares, strict=True))
    return Report(header, blocks, rest)


def share_evenly(needs: Sequence[int], room: int) -> list[int]:
    """Share room so that who needs less than an even part leaves the remainder to the others."""
    shares = [0] * len(needs)
    order = sorted(range(len(needs)), key=needs.__getitem__)
    for waiting, place in zip(range(len(order), 0, -1), order, strict=True):
        shares[place] = min(needs[place], room // waiting)
        room -= shares[place]
    return shares


def heading(group: FindingGroup, total: int | None = None) -> str:
    """Head a type of findings with its total, or with that of all its severities."""
    return texts.heading(group.rule.symbol, escape(group.rule.title, TITLE_LIMIT), total or group.total)


def _summary(groups: Iterable[FindingGroup], *, only_new: bool) -> list[str]:
    counts: Counter[Severity] = Counter()
    for group in groups:
        counts[group.severity] += group.total
    if not counts:
        return [texts.NOTHING]
    return [texts.scope(counts.total(), only_new=only_new), texts.severities(counts.items())]


def _full_text(group: FindingGroup, lines: Sequence[str]) -> str:
    return "\n".join([heading(group), *lines, *([and_more(group.more)] if group.more else [])])


def _block(group: FindingGroup, lines: Sequence[str], limit: int) -> Block:
    text = _full_text(group, lines)
    shown = len(group.findings)
    if len(text) > limit:
        head, tail = heading(group), and_more(group.total)
        lines, _ = fit_lines(lines, limit - len(head) - len(tail) - 2)
        shown = len(lines)
        text = "\n".join([head, *lines, and_more(group.total - shown)])
    return Block(
        rule=group.rule.name,
        colour=group.severity.colour,
        text=text,
        shown_ids=tuple(finding.id for finding in group.findings[:shown]),
        more=group.total - shown,
    )
