"""Roles that stand for a rank or make officers, and that Discord no longer has."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.servers import GuildRank, Server


@dataclass(frozen=True, slots=True)
class LostRole:
    """A role that is gone, and a rank that it stood for; without a rank it made officers."""

    role_id: int
    rank_index: int | None
    rank_name: str | None


async def lost_roles(
    session: AsyncSession, server_id: int, existing: Collection[int], *, untold_as: str
) -> list[LostRole]:
    """Load the roles that are chosen and do not exist, those left out that a message of this kind told or may yet."""
    there = sa.bindparam(None, list(existing), sa.ARRAY(sa.BigInteger))
    nothing = (sa.cast(sa.null(), sa.SmallInteger), sa.cast(sa.null(), sa.Text))
    chosen = sa.union_all(
        sa.select(GuildRank.role_id, GuildRank.rank_index, GuildRank.name).where(GuildRank.server_id == server_id),
        sa.select(Server.officer_role_id, *nothing).where(Server.id == server_id),
    ).subquery()
    role_id = chosen.c.role_id
    told = sa.select(OutboxMessage.id).where(
        OutboxMessage.server_id == server_id,
        OutboxMessage.kind == untold_as,
        OutboxMessage.dedupe_key == sa.cast(role_id, sa.Text),
        OutboxMessage.state != OutboxState.FAILED,
    )
    found = await session.execute(
        sa.select(chosen).where(role_id.is_not(None), role_id != sa.all_(there), ~told.exists()).order_by(*chosen.c)
    )
    return [LostRole(*row) for row in found]
