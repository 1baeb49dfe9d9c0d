"""The ledger of roles that members have from Muster: what is not in it, nobody takes from them."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.people import Member
from db.tables.roles import GivenRole, RoleChange
from domain.role_sync import RoleAct

# A role that somebody took away is nobody's any more; one just given may not have been told by Discord yet.
FORGET_TAKEN = sa.text(
    """
    DELETE FROM guild_identity.role_ledger AS given
    WHERE given.server_id = :server_id AND given.given_at < :settled AND NOT EXISTS (
        SELECT FROM guild_identity.discord_users AS member
        WHERE (member.server_id, member.user_id) = (given.server_id, given.user_id)
            AND member.left_at IS NULL AND given.role_id = ANY (member.role_ids)
            AND (member.joined_at IS NULL OR member.joined_at <= given.given_at)
    )
    """
)


async def note_held(session: AsyncSession, made: RoleChange, *, now: datetime) -> None:
    """Note on the member and in the ledger what a change did to them, so that nobody waits for Discord to tell."""
    mine = (Member.server_id == made.server_id, Member.user_id == made.user_id)
    without = sa.func.array_remove(Member.role_ids, made.role_id)
    if made.act is RoleAct.GIVE:
        roles = sa.func.array_append(without, made.role_id)
        given = insert(GivenRole).values(
            server_id=made.server_id, user_id=made.user_id, role_id=made.role_id, given_at=now
        )
        await session.execute(
            given.on_conflict_do_update(
                index_elements=[GivenRole.server_id, GivenRole.user_id, GivenRole.role_id], set_={"given_at": now}
            )
        )
    else:
        roles = without
        await forget(session, made)
    await session.execute(sa.update(Member).where(*mine).values(role_ids=roles, changed_at=now))


async def forget(session: AsyncSession, made: RoleChange) -> None:
    """Strike a role from the ledger that the member does not have from Muster any more."""
    await session.execute(
        sa.delete(GivenRole).where(
            GivenRole.server_id == made.server_id,
            GivenRole.user_id == made.user_id,
            GivenRole.role_id == made.role_id,
        )
    )


async def forget_taken(session: AsyncSession, server_id: int, *, settled: datetime) -> None:
    """Strike the roles from the ledger, given before a moment, that people took away or that went with their member."""
    await session.execute(FORGET_TAKEN, {"server_id": server_id, "settled": settled})


async def forget_taken_from(
    session: AsyncSession, server_id: int, user_id: int, *, held: Collection[int], settled: datetime
) -> None:
    """Strike the roles of one member from the ledger, given before a moment, that are not among those they hold."""
    await session.execute(
        sa.delete(GivenRole).where(
            GivenRole.server_id == server_id,
            GivenRole.user_id == user_id,
            GivenRole.given_at < settled,
            GivenRole.role_id != sa.all_(sa.bindparam(None, list(held), sa.ARRAY(sa.BigInteger))),
        )
    )


async def forget_all(session: AsyncSession, server_id: int) -> int:
    """Leave all roles that Muster gave to the officers; give how many."""
    gone = await session.scalars(
        sa.delete(GivenRole).where(GivenRole.server_id == server_id).returning(GivenRole.role_id)
    )
    return len(gone.all())


async def is_given(session: AsyncSession, server_id: int, user_id: int, role_id: int) -> bool:
    """Tell whether a member has a role from Muster, given since they last joined."""
    given = sa.exists().where(
        GivenRole.server_id == server_id,
        GivenRole.user_id == user_id,
        GivenRole.role_id == role_id,
        Member.server_id == GivenRole.server_id,
        Member.user_id == GivenRole.user_id,
        sa.or_(Member.joined_at.is_(None), Member.joined_at <= GivenRole.given_at),
    )
    return bool(await session.scalar(sa.select(given)))
