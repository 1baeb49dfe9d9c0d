"""The action log: one row for each change by a person or a rule."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db.recordset import rows, with_rows
from domain.audit import SubjectKind

WRITE = with_rows(
    """
    INSERT INTO guild_identity.action_log (
        server_id, at, actor_id, run_id, rule, rule_version, action, subject_kind, subject_id, before, after, evidence
    )
    SELECT :server_id, :now, actor_id, run_id, rule, rule_version, action, subject_kind, subject_id,
        before, after, evidence
    FROM jsonb_to_recordset(:actions) AS row (
        actor_id bigint, run_id bigint, rule text, rule_version smallint, action text, subject_kind text,
        subject_id bigint, before jsonb, after jsonb, evidence jsonb
    )
    """,
    "actions",
)

_batch: ContextVar[str | None] = ContextVar("batch", default=None)


@contextmanager
def of_batch(batch: str) -> Iterator[None]:
    """Let all that this task logs meanwhile carry the id of a batch in its `after`."""
    before = _batch.set(batch)
    try:
        yield
    finally:
        _batch.reset(before)


async def log(session: AsyncSession, server_id: int, actions: Iterable[dict[str, Any]], now: datetime) -> None:
    """Write actions as `action` makes them."""
    if (batch := _batch.get()) is not None:
        actions = [{**one, "after": {**(one["after"] or {}), "batch": batch}} for one in actions]
    await session.execute(WRITE, {"server_id": server_id, "now": now, "actions": rows(actions)})


def action(
    name: str,
    subject: SubjectKind,
    subject_id: int,
    *,
    actor_id: int | None = None,
    run_id: int | None = None,
    rule: str | None = None,
    rule_version: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    evidence: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make a row of the log: who or which rule did what to which subject."""
    return {
        "action": name,
        "subject_kind": subject.value,
        "subject_id": subject_id,
        "actor_id": actor_id,
        "run_id": run_id,
        "rule": rule,
        "rule_version": rule_version,
        "before": before,
        "after": after,
        "evidence": evidence,
    }
