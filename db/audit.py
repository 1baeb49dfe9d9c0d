"""Findings: comparing what rules detect with what stands, opening, closing, reading and marking, all set-based.

A rule takes at most three statements for any number of subjects: one that compares what is detected now with what
stands, one that opens, one that brings up to date and closes. Where nothing changed, only the first one runs.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.detections import DETECTIONS
from db.recordset import rows, with_rows
from db.servers import guild_read_whole
from db.tables.audit import Action, Issue, RuleSetting
from db.tables.servers import ServerGuild
from domain.audit import Finding, Rule, Severity, State
from domain.audit_state import Live, Step, next_step

_PAST = (Step.RESOLVE, Step.REPLACE)
STANDING = Issue.state.in_([State.OPEN, State.NOTIFIED])

_COMPARE = """
    WITH detected AS (
        SELECT * FROM ({detection}) AS found WHERE :enabled
    ), live AS (
        SELECT id, subject_id, fingerprint, facts, rule_version, state, ignored_until,
            state = 'resolved' AND resolved_by IS NOT NULL AS by_person
        FROM guild_identity.audit_issues
        WHERE server_id = :server_id AND rule = :rule AND (state <> 'resolved' OR muted)
    )
    SELECT live.id, live.state, live.fingerprint AS stood, live.ignored_until, live.by_person,
        live.rule_version <> CAST(:rule_version AS smallint) AS outdated,
        subject_id, detected.fingerprint, detected.facts
    FROM detected FULL JOIN live USING (subject_id)
    WHERE live.id IS NULL
        OR live.state <> 'resolved' AND (
            detected.fingerprint IS NULL
            OR (detected.fingerprint, detected.facts, CAST(:rule_version AS smallint))
                IS DISTINCT FROM (live.fingerprint, live.facts, live.rule_version)
            OR live.state = 'ignored' AND live.ignored_until <= :now
        )
        OR live.state = 'resolved' AND detected.fingerprint IS NOT NULL AND (
            NOT live.by_person OR live.ignored_until <= :now
            OR (detected.fingerprint, CAST(:rule_version AS smallint)) <> (live.fingerprint, live.rule_version)
        )
"""
COMPARE = {rule: sa.text(_COMPARE.format(detection=detection)) for rule, detection in DETECTIONS.items()}

OPEN = with_rows(
    """
    WITH opened AS (
        INSERT INTO guild_identity.audit_issues (
            public_id, server_id, rule, rule_version, severity, subject_kind, subject_id, fingerprint, facts, state,
            muted, opened_at
        )
        SELECT public_id, :server_id, :rule, :rule_version, :severity, :subject_kind, subject_id, fingerprint, facts,
            'open', false, :now
        FROM jsonb_to_recordset(:found) AS row (public_id text, subject_id bigint, fingerprint text, facts jsonb)
        ORDER BY subject_id -- whoever opens the same ones at once waits, and neither for the other
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
            rule_version = :rule_version,
            severity = :severity,
            fingerprint = coalesce(row.fingerprint, issue.fingerprint),
            facts = coalesce(row.facts, issue.facts),
            state = CASE row.step
                WHEN 'renew' THEN 'open' WHEN 'resume' THEN 'ignored' WHEN 'resolve' THEN 'resolved' ELSE issue.state
            END,
            muted = issue.muted AND row.step NOT IN ('renew', 'replace'),
            ignored_at = CASE WHEN row.step <> 'renew' THEN issue.ignored_at END,
            ignored_by = CASE WHEN row.step <> 'renew' THEN issue.ignored_by END,
            ignored_until = CASE WHEN row.step <> 'renew' THEN issue.ignored_until END,
            note = CASE WHEN row.step <> 'renew' THEN issue.note END,
            counted_at = CASE WHEN row.step <> 'renew' THEN issue.counted_at END,
            notified_at = CASE WHEN row.step <> 'renew' THEN issue.notified_at END,
            resolved_at = CASE row.step
                WHEN 'resolve' THEN CAST(:now AS timestamptz)
                WHEN 'replace' THEN issue.resolved_at WHEN 'update' THEN issue.resolved_at
            END
        FROM jsonb_to_recordset(:changed) AS row (id bigint, step text, fingerprint text, facts jsonb)
        WHERE issue.id = row.id
        RETURNING issue.*, row.step
    )
    INSERT INTO guild_identity.action_log (
        server_id, at, run_id, rule, rule_version, action, subject_kind, subject_id, before, after
    )
    SELECT server_id, :now, :run_id, rule, rule_version, 'finding.' || step, subject_kind, subject_id,
        CASE WHEN step = 'resolve' THEN told.finding END, CASE WHEN step <> 'resolve' THEN told.finding END
    FROM changed
    CROSS JOIN LATERAL (SELECT jsonb_build_object('finding', public_id, 'facts', facts) AS finding) AS told
    WHERE step IN ('renew', 'resume', 'resolve')
    """,
    "changed",
)


CLOSE_ALL = sa.text(
    """
    WITH closed AS (
        UPDATE guild_identity.audit_issues
        SET state = 'resolved', muted = false, resolved_at = :now, resolved_by = :by
        WHERE server_id = :server_id AND state <> 'resolved' AND subject_kind <> 'rule'
        RETURNING *
    ), forgotten AS (
        -- What a person put aside of the one guild says nothing about the next.
        UPDATE guild_identity.audit_issues SET muted = false
        WHERE server_id = :server_id AND state = 'resolved' AND muted AND subject_kind <> 'rule'
    )
    INSERT INTO guild_identity.action_log (server_id, at, actor_id, action, subject_kind, subject_id, before)
    SELECT server_id, resolved_at, resolved_by, 'finding.resolve', subject_kind, subject_id,
        jsonb_build_object('finding', public_id, 'facts', facts)
    FROM closed
    """
)


MARK_DEPARTURES_SHOWN = sa.text(
    """
    UPDATE guild_identity.audit_issues AS issue
    SET state = 'notified', counted_at = coalesce(counted_at, :now), notified_at = :now
    WHERE server_id = :server_id AND rule = 'held_departures' AND state = 'open' AND EXISTS (
        SELECT FROM guild_identity.outbox AS card
        WHERE card.server_id = :server_id AND card.kind = 'departures' AND card.payload ->> 'event' = 'held'
            AND card.state = 'delivered' AND card.finished_at >= (
                SELECT max(held.held_at)
                FROM common.held_departures AS held
                JOIN guild_identity.server_guilds AS followed USING (guild_id)
                WHERE followed.server_id = :server_id AND held.state = 'held'
            )
    )
    """
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where rules are run: without a guild that was read whole nothing is detected in it; `off` are the rules that the
    server switched off.
    """

    server_id: int
    guild_id: int | None
    off: frozenset[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """A subject for which what stands and what is detected differ, and what becomes of it; `id` None: nothing stands.

    `fingerprint` and `facts` are those detected now, None where there is no cause.
    """

    step: Step
    id: int | None
    subject_id: int
    fingerprint: str | None
    facts: dict[str, Any] | None


async def scope(session: AsyncSession, server_id: int) -> Scope:
    """Load where a server's rules are run."""
    guild_id = await guild_read_whole(session, server_id)
    off = await session.scalars(
        sa.select(RuleSetting.rule).where(RuleSetting.server_id == server_id, RuleSetting.enabled.is_(False))
    )
    return Scope(server_id, guild_id, frozenset(off))


async def compare(
    session: AsyncSession, rule: Rule, where: Scope, *, now: datetime, failed: Iterable[Rule]
) -> list[Difference]:
    """Compare what a rule detects with the findings that count; without a difference the list is empty."""
    failed = tuple(failed)
    found = await session.execute(
        COMPARE[rule.name],
        {
            "server_id": where.server_id,
            "guild_id": where.guild_id,
            "now": now,
            "failed_ids": [one.number for one in failed],
            "failed_names": [one.name for one in failed],
            "failed_versions": [one.version for one in failed],
            "rule": rule.name,
            "rule_version": rule.version,
            "enabled": rule.name not in where.off,
            "off": [*where.off],
        },
    )
    differences = []
    for row in found:
        live = None if row.id is None else _live(row)
        step = next_step(live, row.fingerprint, now)
        differences.append(Difference(step, row.id, row.subject_id, row.fingerprint, row.facts))
    return differences


async def open_findings(
    session: AsyncSession,
    rule: Rule,
    found: Iterable[tuple[str, Difference]],
    *,
    server_id: int,
    run_id: int | None,
    now: datetime,
) -> int:
    """Open findings under public ids; a subject with one that stands already is left. Give how many were new."""
    records = [{"public_id": public_id, "subject_id": one.subject_id, **_cause(one)} for public_id, one in found]
    opened = await session.scalars(
        OPEN,
        {
            "server_id": server_id,
            "rule": rule.name,
            "rule_version": rule.version,
            "severity": rule.severity.value,
            "subject_kind": rule.subject.value,
            "found": rows(records),
            "run_id": run_id,
            "now": now,
        },
    )
    return len(opened.all())


async def change_findings(
    session: AsyncSession, rule: Rule, changed: Iterable[Difference], *, run_id: int | None, now: datetime
) -> None:
    """Take the steps of findings that stand: bring them up to date, renew, resolve or resume them."""
    records = [
        # What a finding was last about stays with it once its cause is gone, or another one takes its place.
        {"id": one.id, "step": one.step.value, **({} if one.step in _PAST else _cause(one))}
        for one in changed
    ]
    values = {"rule_version": rule.version, "severity": rule.severity.value, "run_id": run_id, "now": now}
    await session.execute(CHANGE, {"changed": rows(records), **values})


async def close_all(session: AsyncSession, server_id: int, *, by: int, now: datetime) -> None:
    """Resolve by a person's act every finding of a server but those about Muster's own rules, ignored ones too.

    What was put aside before may come back.
    """
    await session.execute(CLOSE_ALL, {"server_id": server_id, "by": by, "now": now})


async def standing_findings(session: AsyncSession, server_id: int, *, rule: str | None = None) -> list[Finding]:
    """Load the findings, of one rule or of all, that are open or notified, by rank or name of their subject."""
    return await _findings(session, server_id, STANDING, *([] if rule is None else [Issue.rule == rule]))


async def untold_findings(
    session: AsyncSession, server_id: int, *, told_by: sa.Select[int], but: Collection[str] = ()
) -> list[Finding]:
    """Load open findings that no delivered report has counted, nor one of those on the way (`told_by`, finding ids).

    Those of the rules `but` are left out. One statement, so that a delivery that ends meanwhile is seen whole or not at
    all.
    """
    conditions = (Issue.counted_at.is_(None), Issue.id.not_in(told_by), Issue.rule.not_in(but))
    return await _findings(session, server_id, Issue.state == State.OPEN, *conditions)


async def is_first_report(session: AsyncSession, server_id: int, *, told_by: sa.Select[int]) -> bool:
    """Tell whether no report about the guild that a server follows was delivered, nor is on the way (`told_by`)."""
    followed_at = sa.select(ServerGuild.followed_at).where(ServerGuild.server_id == server_id).scalar_subquery()
    told = sa.select(Issue.id).where(
        Issue.server_id == server_id, sa.or_(Issue.counted_at >= followed_at, Issue.id.in_(told_by))
    )
    return not await session.scalar(sa.select(told.exists()))


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
    session: AsyncSession,
    server_id: int,
    *,
    counted: Sequence[int],
    shown: Sequence[int],
    as_of: datetime,
    now: datetime,
) -> None:
    """Note which findings a delivered report counted, and which of them it showed by name.

    One that became another problem after `as_of`, when the report was made, is still to be told.
    """
    renewed = sa.exists().where(
        Action.server_id == server_id,
        Action.action == "finding.renew",
        Action.at > as_of,
        Action.after["finding"].astext == Issue.public_id,
    )
    await session.execute(
        sa.update(Issue)
        .where(Issue.server_id == server_id, _is_one_of(counted), Issue.counted_at.is_(None), ~renewed)
        .values(counted_at=now)
    )
    await session.execute(
        sa.update(Issue)
        .where(Issue.server_id == server_id, _is_one_of(shown), Issue.state == State.OPEN, ~renewed)
        .values(state=State.NOTIFIED, notified_at=now)
    )


async def mark_departures_shown(session: AsyncSession, server_id: int, *, now: datetime) -> None:
    """Note the finding of held departures as shown, once a card about them arrived after they last grew."""
    await session.execute(MARK_DEPARTURES_SHOWN, {"server_id": server_id, "now": now})


def _live(row: sa.Row[Any]) -> Live:
    return Live(State(row.state), row.stood, row.ignored_until, by_person=row.by_person, outdated=row.outdated)


def _cause(one: Difference) -> dict[str, Any]:
    return {"fingerprint": one.fingerprint, "facts": one.facts}


def _is_one_of(ids: Sequence[int]) -> sa.ColumnElement[bool]:
    # Not IN over unnest: without statistics that is planned as a nested loop, quadratic in the first night's hundreds.
    return Issue.id == sa.any_(sa.bindparam(None, list(ids), sa.ARRAY(sa.BigInteger)))
