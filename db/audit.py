"""Findings: comparing what rules detect with what stands, opening, closing, reading and marking, all set-based.

A rule takes at most three statements for any number of subjects: one that compares what is detected now with what
stands, one that opens, one that brings up to date and closes. Where nothing changed, only the first one runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.detections import DETECTIONS
from db.recordset import rows, with_rows
from db.tables.audit import Issue
from domain.audit import Finding, Rule, Severity, State

STANDING = Issue.state.in_([State.OPEN, State.NOTIFIED])

_COMPARE = """
    WITH detected AS ({detection}), standing AS (
        SELECT id, subject_id, fingerprint, facts FROM guild_identity.audit_issues
        WHERE server_id = :server_id AND rule = :rule AND state <> 'resolved'
    )
    SELECT standing.id, detected.subject_id, detected.fingerprint, detected.facts
    FROM detected FULL JOIN standing USING (subject_id)
    WHERE standing.id IS NULL OR detected.subject_id IS NULL
        OR (detected.fingerprint, detected.facts) IS DISTINCT FROM (standing.fingerprint, standing.facts)
"""
COMPARE = {rule: sa.text(_COMPARE.format(detection=detection)) for rule, detection in DETECTIONS.items()}

OPEN = with_rows(
    """
    WITH opened AS (
        INSERT INTO guild_identity.audit_issues (
            public_id, server_id, rule, rule_version, severity, subject_kind, subject_id, fingerprint, facts, state,
            opened_at
        )
        SELECT public_id, :server_id, :rule, :rule_version, :severity, :subject_kind, subject_id, fingerprint, facts,
            'open', :now
        FROM jsonb_to_recordset(:found) AS row (public_id text, subject_id bigint, fingerprint text, facts jsonb)
        ON CONFLICT DO NOTHING
        RETURNING *
    )
    INSERT INTO guild_identity.action_log (
        server_id, at, run_id, rule, rule_version, action, subject_kind, subject_id, after
    )
    SELECT server_id, opened_at, :run_id, rule, rule_version, 'finding.open', subject_kind, subject_id,
        jsonb_build_object('finding', public_id, 'facts', facts)
    FROM opened
    RETURNING id
    """,
    "found",
)

CHANGE = with_rows(
    """
    WITH changed AS (
        UPDATE guild_identity.audit_issues AS issue SET
            fingerprint = coalesce(row.fingerprint, issue.fingerprint),
            facts = coalesce(row.facts, issue.facts),
            state = CASE WHEN row.facts IS NULL THEN 'resolved' ELSE issue.state END,
            resolved_at = CASE WHEN row.facts IS NULL THEN CAST(:now AS timestamptz) END
        FROM jsonb_to_recordset(:changed) AS row (id bigint, fingerprint text, facts jsonb)
        WHERE issue.id = row.id
        RETURNING issue.*
    )
    INSERT INTO guild_identity.action_log (
        server_id, at, run_id, rule, rule_version, action, subject_kind, subject_id, before
    )
    SELECT server_id, resolved_at, :run_id, rule, :rule_version, 'finding.resolve', subject_kind, subject_id,
        jsonb_build_object('finding', public_id, 'facts', facts)
    FROM changed WHERE state = 'resolved'
    """,
    "changed",
)


CLOSE_ALL = sa.text(
    """
    WITH closed AS (
        UPDATE guild_identity.audit_issues SET state = 'resolved', resolved_at = :now, resolved_by = :by
        WHERE server_id = :server_id AND state <> 'resolved' AND subject_kind <> 'rule'
        RETURNING *
    )
    INSERT INTO guild_identity.action_log (server_id, at, actor_id, action, subject_kind, subject_id, before)
    SELECT server_id, resolved_at, resolved_by, 'finding.resolve', subject_kind, subject_id,
        jsonb_build_object('finding', public_id, 'facts', facts)
    FROM closed
    """
)


@dataclass(frozen=True, slots=True)
class Differences:
    """What a comparison found: subjects without a finding, findings whose facts moved, and findings without cause."""

    new: tuple[dict[str, Any], ...]
    changed: tuple[dict[str, Any], ...]
    gone: tuple[int, ...]


async def compare(
    session: AsyncSession, rule: Rule, *, server_id: int, guild_id: int | None, now: datetime, failed: Iterable[Rule]
) -> Differences:
    """Compare what a rule detects with its standing findings; without a guild only failed rules are detected."""
    failed = tuple(failed)
    found = await session.execute(
        COMPARE[rule.name],
        {
            "server_id": server_id,
            "guild_id": guild_id,
            "now": now,
            "failed_ids": [one.number for one in failed],
            "failed_names": [one.name for one in failed],
            "rule": rule.name,
        },
    )
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    gone: list[int] = []
    for row in found:
        facts = {"fingerprint": row.fingerprint, "facts": row.facts}
        if row.id is None:
            new.append({"subject_id": row.subject_id, **facts})
        elif row.facts is None:
            gone.append(row.id)
        else:
            changed.append({"id": row.id, **facts})
    return Differences(tuple(new), tuple(changed), tuple(gone))


async def open_findings(
    session: AsyncSession,
    rule: Rule,
    found: Iterable[Mapping[str, Any]],
    *,
    server_id: int,
    run_id: int | None,
    now: datetime,
) -> int:
    """Open a finding for each subject (with public_id); one that stands already is left. Give how many were new."""
    opened = await session.scalars(
        OPEN,
        {
            "server_id": server_id,
            "rule": rule.name,
            "rule_version": rule.version,
            "severity": rule.severity.value,
            "subject_kind": rule.subject.value,
            "found": rows(found),
            "run_id": run_id,
            "now": now,
        },
    )
    return len(opened.all())


async def change_findings(
    session: AsyncSession,
    rule: Rule,
    changed: Iterable[Mapping[str, Any]],
    gone: Iterable[int],
    *,
    run_id: int | None,
    now: datetime,
) -> None:
    """Bring findings up to date and resolve those whose cause is gone."""
    records = [*changed, *({"id": id_, "fingerprint": None, "facts": None} for id_ in gone)]
    await session.execute(
        CHANGE, {"changed": rows(records), "rule_version": rule.version, "run_id": run_id, "now": now}
    )


async def close_all(session: AsyncSession, server_id: int, *, by: int, now: datetime) -> None:
    """Resolve by a person's act every finding of a server but those about Muster's own rules, ignored ones too."""
    await session.execute(CLOSE_ALL, {"server_id": server_id, "by": by, "now": now})


async def standing_findings(session: AsyncSession, server_id: int, *, rule: str | None = None) -> list[Finding]:
    """Load the findings, of one rule or of all, that are open or notified, by rank or name of their subject."""
    return await _findings(session, server_id, STANDING, *([] if rule is None else [Issue.rule == rule]))


async def untold_findings(session: AsyncSession, server_id: int, *, told_by: sa.Select[int]) -> list[Finding]:
    """Load open findings that no delivered report has counted, nor one of those on the way (`told_by`, finding ids).

    One statement, so that a delivery that ends meanwhile is seen whole or not at all.
    """
    return await _findings(
        session, server_id, Issue.state == State.OPEN, Issue.counted_at.is_(None), Issue.id.not_in(told_by)
    )


async def _findings(session: AsyncSession, server_id: int, *conditions: sa.ColumnElement[bool]) -> list[Finding]:
    # Columns, not rows of the mapper: the first night's hundreds would hold up the answers of others.
    found = await session.execute(
        sa.select(Issue.id, Issue.public_id, Issue.rule, Issue.severity, Issue.subject_id, Issue.facts)
        .where(Issue.server_id == server_id, *conditions)
        .order_by(Issue.facts["rank"].as_integer().nulls_last(), sa.func.lower(Issue.facts["name"].astext), Issue.id)
    )
    return [Finding(*row) for row in found]


async def count_findings(session: AsyncSession, server_id: int) -> dict[Severity, int]:
    """Count the findings that are open or notified, by severity."""
    found = await session.execute(
        sa.select(Issue.severity, sa.func.count())
        .where(Issue.server_id == server_id, STANDING)
        .group_by(Issue.severity)
    )
    return {row[0]: row[1] for row in found}


async def mark_reported(
    session: AsyncSession, server_id: int, *, counted: Sequence[int], shown: Sequence[int], now: datetime
) -> None:
    """Note which findings a delivered report counted, and which of them it showed by name."""
    await session.execute(
        sa.update(Issue)
        .where(Issue.server_id == server_id, _is_one_of(counted), Issue.counted_at.is_(None))
        .values(counted_at=now)
    )
    await session.execute(
        sa.update(Issue)
        .where(Issue.server_id == server_id, _is_one_of(shown), Issue.state == State.OPEN)
        .values(state=State.NOTIFIED, notified_at=now)
    )


def _is_one_of(ids: Sequence[int]) -> sa.ColumnElement[bool]:
    # Not IN over unnest: without statistics that is planned as a nested loop, quadratic in the first night's hundreds.
    return Issue.id == sa.any_(sa.bindparam(None, list(ids), sa.ARRAY(sa.BigInteger)))
