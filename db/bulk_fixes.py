"""Many findings at once: which stand, put aside by one statement, and brought back by one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.audit import STANDING
from db.findings import ORDER
from db.tables.audit import Action, Issue
from domain.audit import Finding, Severity, State
from domain.bulk_fixes import Bulk, Standing

BEGUN = "finding.bulk"
"""The act that begins a batch in the log; its `after` holds what was confirmed, and by which key."""

PUT_ASIDE = sa.text(
    """
    WITH stood AS (
        SELECT id, state FROM guild_identity.audit_issues
        WHERE server_id = :server_id AND id = ANY(CAST(:ids AS bigint[])) AND state IN ('open', 'notified')
    ), changed AS (
        UPDATE guild_identity.audit_issues AS issue SET
            state = :state,
            muted = true,
            note = :note,
            ignored_at = :ignored_at,
            ignored_by = :ignored_by,
            ignored_until = :until,
            resolved_at = :resolved_at,
            resolved_by = :resolved_by
        FROM stood
        WHERE issue.id = stood.id
        RETURNING issue.*, stood.state AS was
    )
    INSERT INTO guild_identity.action_log (
        server_id, at, actor_id, rule, rule_version, action, subject_kind, subject_id, before, after
    )
    SELECT server_id, :now, :by, rule, rule_version, :action, subject_kind, subject_id,
        jsonb_build_object('finding', public_id, 'facts', facts, 'state', was),
        jsonb_strip_nulls(jsonb_build_object(
            'finding', public_id, 'state', state, 'note', note, 'until', CAST(:until_text AS text),
            'batch', CAST(:batch AS text)
        ))
    FROM changed
    RETURNING id
    """
)

# What a person put aside and nobody touched since: the finding still carries the moment of that act. An act that is not
# of a batch stands for itself.
_STILL_SO = """
    SELECT issue.*, act.id AS act_id, act.actor_id, act.at, act.action,
        coalesce(act.after ->> 'batch', '.' || act.id) AS batch
    FROM guild_identity.action_log AS act
    JOIN guild_identity.audit_issues AS issue
        ON issue.public_id = act.after ->> 'finding' AND issue.server_id = act.server_id
    WHERE act.server_id = :server_id AND act.at >= :since AND act.actor_id IS NOT NULL AND issue.muted
        AND (
            act.action = 'finding.ignore' AND (issue.ignored_by, issue.ignored_at) = (act.actor_id, act.at)
            OR act.action = 'finding.resolve' AND (issue.resolved_by, issue.resolved_at) = (act.actor_id, act.at)
        )
"""

LIST_ASIDE = sa.text(
    f"""
    SELECT DISTINCT ON (at, batch) batch, action, actor_id, at, count(*) OVER (PARTITION BY at, batch) AS findings,
        id, public_id, rule, severity, subject_id, facts
    FROM ({_STILL_SO}) AS aside
    WHERE batch = coalesce(CAST(:only AS text), batch)
    ORDER BY at DESC, batch, id
    LIMIT :limit
    """  # noqa: S608
)

BRING_BACK = sa.text(
    f"""
    WITH stood AS (
        SELECT id, state FROM ({_STILL_SO}) AS aside WHERE batch = :undone
    ), changed AS (
        UPDATE guild_identity.audit_issues AS issue SET
            state = CASE
                WHEN issue.state = 'resolved' AND issue.resolved_by IS NULL THEN 'resolved'
                WHEN issue.notified_at IS NULL THEN 'open'
                ELSE 'notified'
            END,
            resolved_at = CASE WHEN issue.resolved_by IS NULL THEN issue.resolved_at END,
            resolved_by = NULL,
            muted = false,
            note = NULL,
            ignored_at = NULL,
            ignored_by = NULL,
            ignored_until = NULL
        FROM stood
        WHERE issue.id = stood.id
        RETURNING issue.*, stood.state AS was
    )
    INSERT INTO guild_identity.action_log (
        server_id, at, actor_id, rule, rule_version, action, subject_kind, subject_id, before, after
    )
    SELECT server_id, :now, :by, rule, rule_version, 'finding.reopen', subject_kind, subject_id,
        jsonb_build_object('finding', public_id, 'facts', facts, 'state', was),
        jsonb_build_object('finding', public_id, 'state', state, 'batch', CAST(:batch AS text))
    FROM changed
    RETURNING id
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Aside:
    """An act by which a person ignored or resolved findings, `count` of which are still so; `first` is one of them."""

    batch: str
    is_ignored: bool
    actor_id: int
    at: datetime
    count: int
    first: Finding


async def standing(session: AsyncSession, server_id: int, bulk: Bulk) -> list[Standing]:
    """Load the findings that a bulk is about, in the order of a report."""
    is_of_rank = [] if bulk.rank is None else [Issue.facts["rank"].as_integer() == bulk.rank]
    found = await session.execute(
        sa.select(
            Issue.id, Issue.public_id, Issue.rule, Issue.severity, Issue.subject_id, Issue.facts, Issue.fingerprint
        )
        .where(Issue.server_id == server_id, Issue.rule == bulk.rule, STANDING, *is_of_rank)
        .order_by(*ORDER)
    )
    return [Standing(Finding(*facts), fingerprint) for *facts, fingerprint in found]


async def put_aside(
    session: AsyncSession,
    server_id: int,
    ids: Iterable[int],
    state: State,
    *,
    note: str,
    until: datetime | None,
    batch: str,
    by: int,
    now: datetime,
) -> int:
    """Ignore or resolve what stands of these findings by a person's word; give how many."""
    is_ignored = state is State.IGNORED
    values = {
        "server_id": server_id,
        "ids": [*ids],
        "state": state.value,
        "action": "finding.ignore" if is_ignored else "finding.resolve",
        "note": note,
        "ignored_at": now if is_ignored else None,
        "ignored_by": by if is_ignored else None,
        "resolved_at": None if is_ignored else now,
        "resolved_by": None if is_ignored else by,
        "until": until,
        "until_text": None if until is None else until.isoformat(),
        "batch": batch,
        "by": by,
        "now": now,
    }
    written = await session.scalars(PUT_ASIDE, values)
    return len(written.all())


async def asides(
    session: AsyncSession, server_id: int, *, since: datetime, limit: int, only: str | None = None
) -> list[Aside]:
    """Load the acts since a moment by which persons put findings aside that are still so, the last one first."""
    values = {"server_id": server_id, "since": since, "limit": limit, "only": only}
    found = await session.execute(LIST_ASIDE, values)
    return [
        Aside(
            row.batch,
            row.action == "finding.ignore",
            row.actor_id,
            row.at,
            row.findings,
            Finding(row.id, row.public_id, row.rule, Severity(row.severity), row.subject_id, row.facts),
        )
        for row in found
    ]


async def bring_back(
    session: AsyncSession, server_id: int, undone: str, *, since: datetime, batch: str, by: int, now: datetime
) -> int:
    """Watch again what an act put aside and what is still so; give how many findings that were."""
    values = {"server_id": server_id, "since": since, "undone": undone, "batch": batch, "by": by, "now": now}
    written = await session.scalars(BRING_BACK, values)
    return len(written.all())


async def begun_by(session: AsyncSession, server_id: int, key: str) -> int | None:
    """Give the officer who last began the batch that was shown under a key; None where nobody did."""
    return await session.scalar(
        sa.select(Action.actor_id)
        .where(Action.server_id == server_id, Action.action == BEGUN, Action.after["key"].astext == key)
        .order_by(Action.id.desc())
        .limit(1)
    )
