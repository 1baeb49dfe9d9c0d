"""Players and the two halves of their links."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db import history, lookups
from db.recordset import rows, with_rows
from db.tables.guilds import Character
from db.tables.people import Member, Player, PlayerCharacter, PlayerMember, RankOverride, RejectedCandidate
from domain.links import Confidence, LinkEnd, Source

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


@dataclass(frozen=True, slots=True)
class StandingLink:
    """A character and a member of its player, with why the character is theirs."""

    character_id: int
    user_id: int
    character: str
    evidence: Mapping[str, Any]


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


async def characters_of(session: AsyncSession, server_id: int, player_id: int) -> list[PlayerCharacter]:
    """Load the character halves of a player."""
    return list(
        await session.scalars(
            sa.select(PlayerCharacter)
            .where(PlayerCharacter.server_id == server_id, PlayerCharacter.player_id == player_id)
            .order_by(PlayerCharacter.character_id)
        )
    )


async def members_of(session: AsyncSession, server_id: int, player_id: int) -> list[PlayerMember]:
    """Load the member halves of a player."""
    return list(
        await session.scalars(
            sa.select(PlayerMember)
            .where(PlayerMember.server_id == server_id, PlayerMember.player_id == player_id)
            .order_by(PlayerMember.user_id)
        )
    )


async def present_members_of(session: AsyncSession, server_id: int, player_id: int) -> list[PlayerMember]:
    """Load the member halves of a player whose members are in the server now."""
    return list(
        await session.scalars(
            sa.select(PlayerMember)
            .join(Member, sa.and_(Member.server_id == PlayerMember.server_id, Member.user_id == PlayerMember.user_id))
            .where(PlayerMember.server_id == server_id, PlayerMember.player_id == player_id, Member.left_at.is_(None))
            .order_by(PlayerMember.user_id)
        )
    )


async def player(session: AsyncSession, server_id: int, player_id: int) -> Player | None:
    """Load a player of a server as it stands now, to change it."""
    query = sa.select(Player).where(Player.server_id == server_id, Player.id == player_id)
    return await session.scalar(query.execution_options(populate_existing=True))


async def standing(session: AsyncSession, server_id: int, character_ids: Sequence[int]) -> list[StandingLink]:
    """Load the links of these characters to the members of their players, by name."""
    found = await session.execute(
        sa.select(Character.id, PlayerMember.user_id, Character.name, PlayerCharacter.evidence)
        .join(PlayerCharacter, PlayerCharacter.character_id == Character.id)
        .join(
            PlayerMember,
            sa.and_(
                PlayerMember.server_id == PlayerCharacter.server_id,
                PlayerMember.player_id == PlayerCharacter.player_id,
            ),
        )
        .where(
            PlayerCharacter.server_id == server_id,
            Character.id == sa.any_(sa.bindparam(None, list(character_ids), sa.ARRAY(sa.BigInteger))),
        )
        .order_by(Character.name, Character.id, PlayerMember.user_id)
    )
    return [StandingLink(*row) for row in found]


async def move_members(session: AsyncSession, server_id: int, player_id: int, *, to: int) -> None:
    """Let the members of a player belong to another one, their halves otherwise as they are."""
    await session.execute(
        sa.update(PlayerMember)
        .where(PlayerMember.server_id == server_id, PlayerMember.player_id == player_id)
        .values(player_id=to)
    )


async def hand_over(session: AsyncSession, server_id: int, character_ids: Collection[int], player_id: int) -> None:
    """Let characters belong to another player, their halves otherwise as they are; they are nobody's main any more."""
    for column in (Player.main_character_id, Player.offspec_character_id):
        await session.execute(
            sa.update(Player).where(Player.server_id == server_id, column.in_(character_ids)).values({column: None})
        )
    await session.execute(
        sa.update(PlayerCharacter)
        .where(PlayerCharacter.server_id == server_id, PlayerCharacter.character_id.in_(character_ids))
        .values(player_id=player_id)
    )


async def end_links(
    session: AsyncSession,
    server_id: int,
    character_ids: Collection[int],
    ended: LinkEnd,
    *,
    by: int | None,
    now: datetime,
) -> None:
    """Take characters from their players and keep in the history what was.

    Main and off-spec pointers to them are cleared by their foreign keys; a player of whom nothing is known any more
    goes too, as `delete_empty_players` says.
    """
    if not character_ids:
        return
    await history.remember(session, server_id, character_ids, ended, by=by, now=now)
    freed = await session.scalars(
        sa.delete(PlayerCharacter)
        .where(PlayerCharacter.server_id == server_id, PlayerCharacter.character_id.in_(character_ids))
        .returning(PlayerCharacter.player_id)
        # What this session has loaded of them is gone too.
        .execution_options(synchronize_session="fetch")
    )
    await delete_empty_players(session, server_id, set(freed), now)


async def delete_empty_players(
    session: AsyncSession, server_id: int, player_ids: Collection[int], now: datetime
) -> None:
    """Delete those players who own no character any more, with the member halves, also a person's word about one.

    That a member is a player without characters tells nothing. An officer's word about the rank keeps the player, as
    long as it stands.
    """
    owns = sa.exists().where(PlayerCharacter.server_id == Player.server_id, PlayerCharacter.player_id == Player.id)
    ranked = sa.exists().where(
        RankOverride.server_id == Player.server_id,
        RankOverride.player_id == Player.id,
        sa.or_(RankOverride.ends_at.is_(None), RankOverride.ends_at > now),
    )
    empty = set(
        await session.scalars(
            sa.select(Player.id).where(Player.server_id == server_id, Player.id.in_(player_ids), ~owns, ~ranked)
        )
    )
    if not empty:
        return
    await session.execute(
        sa.delete(PlayerMember).where(PlayerMember.server_id == server_id, PlayerMember.player_id.in_(empty))
    )
    await session.execute(sa.delete(Player).where(Player.server_id == server_id, Player.id.in_(empty)))


REJECT = with_rows(
    """
    INSERT INTO guild_identity.rejected_candidates (server_id, character_id, user_id, rejected_by, rejected_at)
    SELECT :server_id, :character_id, user_id, :rejected_by, :now
    FROM jsonb_to_recordset(:members) AS row (user_id bigint)
    ON CONFLICT DO NOTHING
    """,
    "members",
)


REJECTED = f"""
    SELECT character_id, user_id FROM guild_identity.rejected_candidates WHERE server_id = :server_id
    UNION
    SELECT refused.character_id, own.user_id
    FROM guild_identity.rejected_candidates AS refused
    CROSS JOIN {lookups.player_of("refused.user_id")} AS attached
    CROSS JOIN {lookups.members_of("attached.player_id")} AS own
    WHERE refused.server_id = :server_id
"""  # noqa: S608 (pieces of SQL of ours)
"""The pairs that a person said are not one; what holds for one account holds for all of the same player."""


async def rejected(session: AsyncSession, server_id: int) -> frozenset[tuple[int, int]]:
    """Load the pairs (character id, user id) that a person said are not one."""
    found = await session.execute(sa.text(REJECTED), {"server_id": server_id})
    return frozenset((row.character_id, row.user_id) for row in found)


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
