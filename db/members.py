"""Members of a server: the comparison with a whole list, and single changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.recordset import rows, with_rows
from db.tables.people import Member
from db.tables.servers import Server
from domain.names import fold


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A member as Discord tells; bots are no members."""

    user_id: int
    username: str
    global_name: str | None
    nick: str | None
    role_ids: tuple[int, ...]
    pending: bool
    joined_at: datetime | None


@dataclass(frozen=True, slots=True)
class MemberChanges:
    """How many members a comparison wrote."""

    joined: int
    changed: int
    left: int


# What a row tells as of a later moment stands: an event came in after the list was read. The look at the row before
# the statement counts who returns as joined.
UPSERT = with_rows(
    """
    INSERT INTO guild_identity.discord_users AS known (
        server_id, user_id, username, global_name, nick, username_key, global_name_key, nick_key,
        role_ids, pending, joined_at, first_seen_at, changed_at
    )
    SELECT :server_id, user_id, username, global_name, nick, username_key, global_name_key, nick_key,
        role_ids, pending, joined_at, :as_of, :as_of
    FROM jsonb_to_recordset(:members) AS row (
        user_id bigint, username text, global_name text, nick text, username_key text, global_name_key text,
        nick_key text, role_ids bigint[], pending boolean, joined_at timestamptz
    )
    ON CONFLICT (server_id, user_id) DO UPDATE SET
        username = excluded.username, global_name = excluded.global_name, nick = excluded.nick,
        username_key = excluded.username_key, global_name_key = excluded.global_name_key,
        nick_key = excluded.nick_key, role_ids = excluded.role_ids, pending = excluded.pending,
        joined_at = excluded.joined_at, changed_at = excluded.changed_at, left_at = NULL
    WHERE known.changed_at <= excluded.changed_at AND (
        (known.username, known.global_name, known.nick, known.username_key, known.global_name_key, known.nick_key,
            known.role_ids, known.pending, known.joined_at)
        IS DISTINCT FROM
        (excluded.username, excluded.global_name, excluded.nick, excluded.username_key, excluded.global_name_key,
            excluded.nick_key, excluded.role_ids, excluded.pending, excluded.joined_at)
        OR known.left_at IS NOT NULL
    )
    RETURNING NOT EXISTS (
        SELECT FROM guild_identity.discord_users AS before
        WHERE (before.server_id, before.user_id) = (known.server_id, known.user_id) AND before.left_at IS NULL
    ) AS has_joined
    """,
    "members",
)


async def upsert(
    session: AsyncSession, server_id: int, members: Iterable[MemberFacts], *, as_of: datetime
) -> tuple[int, int]:
    """Write the members that are new, back or different; give how many joined and how many changed."""
    written = await session.scalars(
        UPSERT, {"server_id": server_id, "as_of": as_of, "members": rows(_row(m) for m in members)}
    )
    joined = written.all()
    return sum(joined), len(joined) - sum(joined)


async def end_absent(session: AsyncSession, server_id: int, present: Sequence[int], *, as_of: datetime) -> int:
    """Note that all members who are not in a whole list have left; give how many."""
    gone = await session.scalars(
        sa.update(Member)
        .where(
            Member.server_id == server_id,
            Member.left_at.is_(None),
            Member.changed_at <= as_of,
            Member.user_id.not_in(
                sa.select(sa.func.unnest(sa.bindparam("present", list(present), sa.ARRAY(sa.BigInteger))))
            ),
        )
        .values(left_at=as_of, changed_at=as_of)
        .returning(Member.user_id)
    )
    return len(gone.all())


async def end_one(session: AsyncSession, server_id: int, user_id: int, *, now: datetime) -> bool:
    """Note that a member has left; False when that was known."""
    gone = await session.scalar(
        sa.update(Member)
        .where(Member.server_id == server_id, Member.user_id == user_id, Member.left_at.is_(None))
        .values(left_at=now, changed_at=now)
        .returning(Member.user_id)
    )
    return gone is not None


async def mark_synced(session: AsyncSession, server_id: int, *, now: datetime) -> None:
    """Note that a whole member list was compared."""
    await session.execute(sa.update(Server).where(Server.id == server_id).values(members_synced_at=now))


def _row(member: MemberFacts) -> dict[str, Any]:
    return {
        "user_id": member.user_id,
        "username": member.username,
        "global_name": member.global_name,
        "nick": member.nick,
        "username_key": fold(member.username),
        "global_name_key": fold(member.global_name),
        "nick_key": fold(member.nick),
        "role_ids": sorted(member.role_ids),
        "pending": member.pending,
        "joined_at": member.joined_at,
    }
