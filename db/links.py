"""Players and the two halves of their links."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.ranks import override
from db.recordset import rows, with_rows
from db.tables.guilds import Character, Membership
from db.tables.people import Member, Player, PlayerCharacter, PlayerMember, RejectedCandidate
from domain.links import Confidence, Source
from domain.matching import CharacterName, MemberNames, NameKind


async def guild_characters(session: AsyncSession, server_id: int, guild_id: int) -> list[CharacterName]:
    """Load the characters now in a guild, with whether this server has linked them."""
    linked = PlayerCharacter.character_id.is_not(None)
    found = await session.execute(
        sa.select(Character.id, Character.name_key, linked)
        .join(Membership, Membership.character_id == Character.id)
        .outerjoin(
            PlayerCharacter,
            sa.and_(PlayerCharacter.character_id == Character.id, PlayerCharacter.server_id == server_id),
        )
        .where(Membership.guild_id == guild_id, Membership.left_at.is_(None))
    )
    return [CharacterName(*row) for row in found]


async def member_names(session: AsyncSession, server_id: int) -> tuple[list[MemberNames], dict[int, int]]:
    """Load the names of the present members, and the player of each who has one."""
    found = await session.execute(
        sa.select(
            Member.user_id,
            Member.username_key,
            Member.global_name_key,
            Member.nick_key,
            PlayerMember.player_id,
        )
        .outerjoin(
            PlayerMember,
            sa.and_(PlayerMember.server_id == Member.server_id, PlayerMember.user_id == Member.user_id),
        )
        .where(Member.server_id == server_id, Member.left_at.is_(None))
    )
    names: list[MemberNames] = []
    players: dict[int, int] = {}
    for row in found:
        keys = (
            (NameKind.USERNAME, row.username_key),
            (NameKind.GLOBAL_NAME, row.global_name_key),
            (NameKind.NICK, row.nick_key),
        )
        names.append(MemberNames(row.user_id, keys))
        if row.player_id is not None:
            players[row.user_id] = row.player_id
    return names, players


async def rejected(session: AsyncSession, server_id: int) -> set[tuple[int, int]]:
    """Load the pairs (character id, user id) that people said are not one."""
    found = await session.execute(
        sa.select(RejectedCandidate.character_id, RejectedCandidate.user_id).where(
            RejectedCandidate.server_id == server_id
        )
    )
    return {(row.character_id, row.user_id) for row in found}


# New players are numbered by their public id, which is known before the database gives the row's own.
CREATE_PLAYERS = with_rows(
    """
    INSERT INTO guild_identity.players (server_id, public_id, created_at)
    SELECT :server_id, public_id, :now FROM jsonb_to_recordset(:players) AS row (public_id text)
    RETURNING id, public_id
    """,
    "players",
)
ADD_MEMBERS = with_rows(
    """
    INSERT INTO guild_identity.player_members
        (server_id, user_id, player_id, source, confidence, evidence, linked_at, linked_by, run_id)
    SELECT :server_id, user_id, player_id, source, confidence, evidence, :now, linked_by, run_id
    FROM jsonb_to_recordset(:halves) AS row (
        user_id bigint, player_id bigint, source text, confidence text, evidence jsonb,
        linked_by bigint, run_id bigint
    )
    """,
    "halves",
)
ADD_CHARACTERS = with_rows(
    """
    INSERT INTO guild_identity.player_characters
        (server_id, character_id, player_id, source, confidence, evidence, linked_at, linked_by, run_id)
    SELECT :server_id, character_id, player_id, source, confidence, evidence, :now, linked_by, run_id
    FROM jsonb_to_recordset(:halves) AS row (
        character_id bigint, player_id bigint, source text, confidence text, evidence jsonb,
        linked_by bigint, run_id bigint
    )
    """,
    "halves",
)


async def create_players(
    session: AsyncSession, server_id: int, public_ids: Iterable[str], now: datetime
) -> dict[str, int]:
    """Create a player for each public id; give their row ids by public id."""
    made = await session.execute(
        CREATE_PLAYERS,
        {"server_id": server_id, "now": now, "players": [{"public_id": public_id} for public_id in public_ids]},
    )
    return {row.public_id: row.id for row in made}


async def add_members(session: AsyncSession, server_id: int, halves: Iterable[dict[str, Any]], now: datetime) -> None:
    """Write member halves as `half` makes them, each with its user_id."""
    await session.execute(ADD_MEMBERS, {"server_id": server_id, "now": now, "halves": rows(halves)})


async def add_characters(
    session: AsyncSession, server_id: int, halves: Iterable[dict[str, Any]], now: datetime
) -> None:
    """Write character halves as `half` makes them, each with its character_id."""
    await session.execute(ADD_CHARACTERS, {"server_id": server_id, "now": now, "halves": rows(halves)})


def half(
    player_id: int,
    source: Source,
    confidence: Confidence,
    evidence: dict[str, Any],
    *,
    linked_by: int | None = None,
    run_id: int | None = None,
) -> dict[str, Any]:
    """Make what both halves of a link carry."""
    return {
        "player_id": player_id,
        "source": source.value,
        "confidence": confidence.value,
        "evidence": evidence,
        "linked_by": linked_by,
        "run_id": run_id,
    }


async def character_half(session: AsyncSession, server_id: int, character_id: int) -> PlayerCharacter | None:
    """Load whose character it is on a server."""
    return await session.get(PlayerCharacter, (server_id, character_id))


async def member_half(session: AsyncSession, server_id: int, user_id: int) -> PlayerMember | None:
    """Load which player a member is."""
    return await session.get(PlayerMember, (server_id, user_id))


async def members_of(session: AsyncSession, server_id: int, player_id: int) -> list[PlayerMember]:
    """Load the member halves of a player."""
    return list(
        await session.scalars(
            sa.select(PlayerMember)
            .where(PlayerMember.server_id == server_id, PlayerMember.player_id == player_id)
            .order_by(PlayerMember.user_id)
        )
    )


async def delete_empty_player(session: AsyncSession, server_id: int, player_id: int, now: datetime) -> bool:
    """Delete a player who owns no character any more, with the member halves; False while one is left.

    An officer's word about the rank keeps the player too, as long as it stands.
    """
    owned = sa.select(PlayerCharacter.character_id).where(
        PlayerCharacter.server_id == server_id, PlayerCharacter.player_id == player_id
    )
    if await session.scalar(sa.select(owned.exists())) or await override(session, server_id, player_id, now):
        return False
    await session.execute(
        sa.delete(PlayerMember).where(PlayerMember.server_id == server_id, PlayerMember.player_id == player_id)
    )
    await session.execute(sa.delete(Player).where(Player.server_id == server_id, Player.id == player_id))
    return True


REJECT = with_rows(
    """
    INSERT INTO guild_identity.rejected_candidates (server_id, character_id, user_id, rejected_by, rejected_at)
    SELECT :server_id, :character_id, user_id, :rejected_by, :now
    FROM jsonb_to_recordset(:members) AS row (user_id bigint)
    ON CONFLICT DO NOTHING
    """,
    "members",
)


async def reject(
    session: AsyncSession, server_id: int, character_id: int, user_ids: Sequence[int], *, by: int, now: datetime
) -> None:
    """Remember that a character is none of these members', so that no rule proposes it again."""
    if user_ids:
        await session.execute(
            REJECT,
            {
                "server_id": server_id,
                "character_id": character_id,
                "members": [{"user_id": user_id} for user_id in user_ids],
                "rejected_by": by,
                "now": now,
            },
        )


async def forget_rejection(session: AsyncSession, server_id: int, character_id: int, user_id: int) -> None:
    """Take back that a character and a member are not one."""
    await session.execute(
        sa.delete(RejectedCandidate).where(
            RejectedCandidate.server_id == server_id,
            RejectedCandidate.character_id == character_id,
            RejectedCandidate.user_id == user_id,
        )
    )
