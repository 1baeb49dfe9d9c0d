"""The action log as officers read it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.audit import Action
from db.tables.guilds import Character
from db.tables.people import PlayerMember
from domain.acts import AREAS, ActKind, Doer
from domain.audit import SubjectKind


@dataclass(frozen=True, slots=True)
class LogFilters:
    """Which acts are shown; None is no limit."""

    actor_id: int | None = None
    by: Doer = Doer.ALL
    kind: ActKind | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One act; `rule` or `actor_id` say whose, both None: Muster's own."""

    at: datetime
    actor_id: int | None
    rule: str | None
    action: str
    subject: SubjectKind
    subject_id: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None


async def acts(session: AsyncSession, server_id: int, filters: LogFilters, *, limit: int, offset: int = 0) -> list[Act]:
    """Load a stretch of the log, the last act first."""
    found = await session.execute(
        sa.select(
            Action.at,
            Action.actor_id,
            Action.rule,
            Action.action,
            Action.subject_kind,
            Action.subject_id,
            Action.before,
            Action.after,
        )
        .where(Action.server_id == server_id, *_conditions(filters))
        .order_by(Action.at.desc(), Action.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [Act(*row) for row in found]


async def count(session: AsyncSession, server_id: int, filters: LogFilters) -> int:
    """Count the acts that are shown."""
    query = sa.select(sa.func.count()).select_from(Action)
    return await session.scalar(query.where(Action.server_id == server_id, *_conditions(filters))) or 0


async def character_names(session: AsyncSession, character_ids: Iterable[int]) -> dict[int, str]:
    """Load what characters are called now."""
    found = await session.execute(sa.select(Character.id, Character.name).where(Character.id.in_([*character_ids])))
    return {row[0]: row[1] for row in found}


async def player_members(session: AsyncSession, server_id: int, player_ids: Iterable[int]) -> dict[int, list[int]]:
    """Load the members that players have now."""
    found = await session.execute(
        sa.select(PlayerMember.player_id, PlayerMember.user_id)
        .where(PlayerMember.server_id == server_id, PlayerMember.player_id.in_([*player_ids]))
        .order_by(PlayerMember.user_id)
    )
    members: dict[int, list[int]] = {}
    for player_id, user_id in found:
        members.setdefault(player_id, []).append(user_id)
    return members


def _conditions(filters: LogFilters) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if filters.actor_id is not None:
        conditions.append(Action.actor_id == filters.actor_id)
    if filters.by is not Doer.ALL:
        is_persons = Action.actor_id.is_not(None)
        conditions.append(is_persons if filters.by is Doer.PEOPLE else sa.not_(is_persons))
    if filters.kind is not None:
        conditions.append(sa.or_(*(Action.action.startswith(f"{area}.") for area in AREAS[filters.kind])))
    if filters.since is not None:
        conditions.append(Action.at >= filters.since)
    return conditions
