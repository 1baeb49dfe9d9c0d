"""Findings one by one, as officers look at them and act on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.audit import STANDING
from db.tables.audit import Action, Issue
from domain.audit import Finding, Severity, State, SubjectKind

_UNRANKED = 100
"""Sorts findings without a rank after those with one."""
_RANK = sa.func.coalesce(Issue.facts["rank"].as_integer(), _UNRANKED)
_NAME = sa.func.coalesce(sa.func.lower(Issue.facts["name"].astext), "")
ORDER = (_RANK, _NAME, Issue.id)
"""Orders the findings of a type as a report does."""
_GRAVITY = sa.case({severity.value: severity.rank for severity in Severity}, value=sa.cast(Issue.severity, sa.Text))
_SHOWN = (Issue.id, Issue.public_id, Issue.rule, Issue.severity, Issue.subject_id, Issue.facts)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which findings a list holds; None is no limit, and `state` OPEN those that are open or notified."""

    rule: str | None = None
    rank: int | None = None
    severity: Severity | None = None
    state: State = State.OPEN


async def by_public_id(session: AsyncSession, server_id: int, public_id: str, *, lock: bool = False) -> Issue | None:
    """Load a finding of a server, perhaps to change it."""
    query = sa.select(Issue).where(Issue.server_id == server_id, Issue.public_id == public_id)
    # What the session knows of the row may be from before the lock.
    return await session.scalar(query.with_for_update().execution_options(populate_existing=True) if lock else query)


async def last_act(session: AsyncSession, issue: Issue) -> Action | None:
    """Load the last act of a person, while the finding stood, on what it is about."""
    is_about = sa.or_(
        sa.and_(Action.subject_kind == issue.subject_kind, Action.subject_id == issue.subject_id),
        Action.after["finding"].astext == issue.public_id,
    )
    if issue.subject_kind is SubjectKind.MEMBER:
        # The link of a member is logged as the character's.
        is_about = sa.or_(is_about, Action.after["user_id"].astext == str(issue.subject_id))
    query = sa.select(Action).where(
        Action.server_id == issue.server_id, Action.actor_id.is_not(None), Action.at >= issue.opened_at, is_about
    )
    if issue.resolved_at is not None:
        query = query.where(Action.at <= issue.resolved_at)
    return await session.scalar(query.order_by(Action.at.desc(), Action.id.desc()).limit(1))


async def listed(
    session: AsyncSession, server_id: int, filters: Filters, *, limit: int, offset: int = 0
) -> list[Finding]:
    """Load a stretch of a list, the gravest first, then by type, rank and name; settled ones from the last on."""
    by_time = [Issue.resolved_at.desc()] if filters.state is State.RESOLVED else []
    found = await session.execute(
        sa.select(*_SHOWN)
        .where(Issue.server_id == server_id, *_conditions(filters))
        .order_by(*by_time, _GRAVITY, Issue.rule, *ORDER)
        .limit(limit)
        .offset(offset)
    )
    return [Finding(*row) for row in found]


async def count(session: AsyncSession, server_id: int, filters: Filters) -> int:
    """Count the findings of a list."""
    query = sa.select(sa.func.count()).select_from(Issue)
    return await session.scalar(query.where(Issue.server_id == server_id, *_conditions(filters))) or 0


async def next_standing(session: AsyncSession, issue: Issue) -> str | None:
    """Give the public id of the finding that stands next in the list of its type, from its end on the first again."""
    key = sa.tuple_(*ORDER)
    here = sa.select(*ORDER).where(Issue.id == issue.id).subquery()
    is_later = key > sa.tuple_(*here.c)
    query = (
        sa.select(Issue.public_id)
        .join(here, sa.true())
        .where(Issue.server_id == issue.server_id, Issue.rule == issue.rule, Issue.id != issue.id, STANDING)
        .order_by(is_later.desc(), *ORDER)
    )
    return await session.scalar(query.limit(1))


async def search(
    session: AsyncSession, server_id: int, text: str, rules: Sequence[str], *, limit: int
) -> list[Finding]:
    """Load findings that are not settled whose name or id holds a text, or that are of one of these types."""
    named = sa.or_(*(Issue.facts[key].astext.icontains(text, autoescape=True) for key in ("name", "username")))
    found = await session.execute(
        sa.select(*_SHOWN)
        .where(
            Issue.server_id == server_id,
            Issue.state != State.RESOLVED,
            sa.or_(named, Issue.public_id == text, Issue.rule == sa.any_(_texts(rules))),
        )
        .order_by(sa.not_(STANDING), _GRAVITY, Issue.rule, *ORDER)
        .limit(limit)
    )
    return [Finding(*row) for row in found]


def _conditions(filters: Filters) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [
        STANDING if filters.state in (State.OPEN, State.NOTIFIED) else Issue.state == filters.state
    ]
    if filters.rule is not None:
        conditions.append(Issue.rule == filters.rule)
    if filters.rank is not None:
        conditions.append(Issue.facts["rank"].as_integer() == filters.rank)
    if filters.severity is not None:
        conditions.append(Issue.severity == filters.severity)
    return conditions


def _texts(values: Sequence[str]) -> sa.BindParameter[Any]:
    return sa.bindparam(None, list(values), sa.ARRAY(sa.Text))
