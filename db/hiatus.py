"""Hiatus: officers' words that a player is away, for as long as they hold."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.people import Availability


@dataclass(frozen=True, slots=True)
class HiatusView:
    """An officer's word that a player is away; `until` None: nobody knows for how long."""

    until: datetime | None
    reason: str
    set_by: int
    set_at: datetime

    @property
    def facts(self) -> dict[str, Any]:
        """Give what the log keeps of it."""
        return {"until": None if self.until is None else self.until.isoformat(), "reason": self.reason}


async def hiatus(session: AsyncSession, server_id: int, player_id: int, now: datetime) -> HiatusView | None:
    """Load a player's hiatus; one that has ended is none."""
    row = (
        await session.execute(
            sa.select(Availability.away_until, Availability.reason, Availability.set_by, Availability.set_at).where(
                Availability.server_id == server_id,
                Availability.player_id == player_id,
                sa.or_(Availability.away_until.is_(None), Availability.away_until > now),
            )
        )
    ).one_or_none()
    return None if row is None else HiatusView(*row)


async def store_hiatus(session: AsyncSession, server_id: int, player_id: int, word: HiatusView) -> None:
    """Store a player's hiatus in place of an earlier one."""
    values = {
        "away_until": word.until,
        "reason": word.reason,
        "set_by": word.set_by,
        "set_at": word.set_at,
    }
    await session.execute(
        insert(Availability)
        .values(server_id=server_id, player_id=player_id, **values)
        .on_conflict_do_update(index_elements=[Availability.server_id, Availability.player_id], set_=values)
    )


async def delete_hiatus(session: AsyncSession, server_id: int, player_id: int) -> None:
    """Delete what an officer said about a player's being away."""
    await session.execute(
        sa.delete(Availability).where(Availability.server_id == server_id, Availability.player_id == player_id)
    )
