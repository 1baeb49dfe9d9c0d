"""Proofs that wait because they would make a member another player than the one whom they are linked to."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.people import PendingProof, PlayerCharacter, PlayerMember, RejectedCandidate
from domain.links import Source


async def of_member(session: AsyncSession, server_id: int, user_id: int) -> PendingProof | None:
    """Load the proof about a member that waits."""
    return await session.scalar(
        sa.select(PendingProof).where(PendingProof.server_id == server_id, PendingProof.user_id == user_id)
    )


async def by_public_id(session: AsyncSession, server_id: int, public_id: str) -> PendingProof | None:
    """Load a proof that waits."""
    return await session.scalar(
        sa.select(PendingProof).where(PendingProof.server_id == server_id, PendingProof.public_id == public_id)
    )


async def drop(
    session: AsyncSession, server_id: int, *, character_id: int, user_id: int, source: Source | None = None
) -> None:
    """Let the proof that a character is a member's wait no longer, if there is one; of a source, or of any."""
    await session.execute(
        sa.delete(PendingProof).where(
            PendingProof.server_id == server_id,
            PendingProof.character_id == character_id,
            PendingProof.user_id == user_id,
            PendingProof.source == source if source is not None else sa.true(),
        )
    )


async def waiting_pairs(session: AsyncSession, server_id: int, user_ids: Collection[int]) -> set[tuple[int, int]]:
    """Load the pairs (character id, user id) of members that a proof is about which still collides with another."""
    found = await session.execute(
        sa.select(PendingProof.character_id, PendingProof.user_id)
        .join(
            PlayerCharacter,
            sa.and_(
                PlayerCharacter.server_id == PendingProof.server_id,
                PlayerCharacter.character_id == PendingProof.character_id,
                PlayerCharacter.player_id == PendingProof.player_id,
            ),
        )
        .where(PendingProof.server_id == server_id, PendingProof.user_id.in_(user_ids))
    )
    return {(row.character_id, row.user_id) for row in found}


async def retarget(session: AsyncSession, server_id: int, player_id: int, *, to: int) -> None:
    """Let the proofs that members are a player be about another one; what is true by that waits no longer."""
    await session.execute(
        sa.update(PendingProof)
        .where(PendingProof.server_id == server_id, PendingProof.player_id == player_id)
        .values(player_id=to)
    )
    own = sa.exists().where(
        PlayerMember.server_id == server_id, PlayerMember.player_id == to, PlayerMember.user_id == PendingProof.user_id
    )
    await session.execute(
        sa.delete(PendingProof).where(PendingProof.server_id == server_id, PendingProof.player_id == to, own)
    )


async def forget_rejections(session: AsyncSession, server_id: int, player_id: int) -> None:
    """Take back that characters and members of a player are not one."""
    characters = sa.select(PlayerCharacter.character_id).where(
        PlayerCharacter.server_id == server_id, PlayerCharacter.player_id == player_id
    )
    members = sa.select(PlayerMember.user_id).where(
        PlayerMember.server_id == server_id, PlayerMember.player_id == player_id
    )
    await session.execute(
        sa.delete(RejectedCandidate).where(
            RejectedCandidate.server_id == server_id,
            RejectedCandidate.character_id.in_(characters),
            RejectedCandidate.user_id.in_(members),
        )
    )


REJECT_PLAYER = sa.text(
    """
    INSERT INTO guild_identity.rejected_candidates (server_id, character_id, user_id, rejected_by, rejected_at)
    SELECT owned.server_id, owned.character_id, :user_id, :by, :now
    FROM guild_identity.player_characters AS owned
    WHERE owned.server_id = :server_id AND owned.player_id = :player_id
    ORDER BY owned.character_id
    ON CONFLICT DO NOTHING
    """
)


async def reject_player(
    session: AsyncSession, server_id: int, player_id: int, user_id: int, *, by: int, now: datetime
) -> None:
    """Remember that none of a player's characters is a member's, so that nothing proposes it again."""
    await session.execute(
        REJECT_PLAYER, {"server_id": server_id, "player_id": player_id, "user_id": user_id, "by": by, "now": now}
    )
