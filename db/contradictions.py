"""Linked characters of which a note or a name says that they are somebody else's."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.identity import LinkContradiction


async def of_character(session: AsyncSession, server_id: int, character_id: int) -> LinkContradiction | None:
    """Load what speaks against a character's link."""
    return await session.get(LinkContradiction, (server_id, character_id), populate_existing=True)


async def drop(session: AsyncSession, server_id: int, character_id: int) -> None:
    """Delete what speaks against a link; the next matching finds it again, unless somebody said that it is wrong."""
    await session.execute(
        sa.delete(LinkContradiction).where(
            LinkContradiction.server_id == server_id, LinkContradiction.character_id == character_id
        )
    )
