"""Which rules of the audit a server switched off, and how much each of them has found."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.audit import STANDING
from db.tables.audit import Issue, RuleSetting


@dataclass(frozen=True, slots=True)
class Switched:
    """The last word of an officer on whether a rule is run."""

    enabled: bool
    by: int
    at: datetime


async def switched(session: AsyncSession, server_id: int) -> dict[str, Switched]:
    """Load the words of a server's officers, by rule; a rule without one is on."""
    found = await session.execute(
        sa.select(RuleSetting.rule, RuleSetting.enabled, RuleSetting.set_by, RuleSetting.set_at).where(
            RuleSetting.server_id == server_id
        )
    )
    return {row[0]: Switched(row[1], row[2], row[3]) for row in found}


async def standing_counts(session: AsyncSession, server_id: int) -> dict[str, int]:
    """Count the findings that are open or notified, by rule."""
    found = await session.execute(
        sa.select(Issue.rule, sa.func.count()).where(Issue.server_id == server_id, STANDING).group_by(Issue.rule)
    )
    return {row[0]: row[1] for row in found}


async def store(session: AsyncSession, server_id: int, rule: str, word: Switched) -> None:
    """Keep an officer's word on a rule in place of an earlier one."""
    values = {"enabled": word.enabled, "set_by": word.by, "set_at": word.at}
    statement = insert(RuleSetting).values(server_id=server_id, rule=rule, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["server_id", "rule"], set_=values))
