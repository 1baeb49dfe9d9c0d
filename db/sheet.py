"""Importing a spreadsheet: what it is compared with and how its links are written, in a fixed number of statements."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from db import links, privacy
from db.recordset import rows, with_rows
from db.tables.guilds import Character, Membership
from db.tables.people import Member, Player, PlayerCharacter, PlayerMember
from db.tables.reference import CharacterClass, Realm
from domain.identity import Owner
from domain.names import fold
from domain.sheet_plan import Known, KnownCharacter, KnownMember


async def known(session: AsyncSession, server_id: int, guild_id: int, user_ids: Collection[int]) -> Known:
    """Load what stands: the guild's characters, those of these members whom the server knows, links and mains."""
    mains = await session.execute(
        sa.select(Player.id, Player.main_character_id).where(
            Player.server_id == server_id, Player.main_character_id.is_not(None)
        )
    )
    classes = await session.execute(sa.select(CharacterClass.id, CharacterClass.name))
    return Known(
        await _characters(session, server_id, guild_id),
        await _members(session, server_id, user_ids),
        {row.id: row.name for row in classes},
        {row.id: row.main_character_id for row in mains},
        await links.rejected(session, server_id),
    )


async def _characters(session: AsyncSession, server_id: int, guild_id: int) -> tuple[KnownCharacter, ...]:
    found = await session.execute(
        sa.select(Character, Realm.names, PlayerCharacter.player_id, PlayerCharacter.source)
        .join(Membership, Membership.character_id == Character.id)
        .outerjoin(Realm, sa.and_(Realm.region == Character.region, Realm.slug == Character.realm_slug))
        .outerjoin(
            PlayerCharacter,
            sa.and_(PlayerCharacter.character_id == Character.id, PlayerCharacter.server_id == server_id),
        )
        .where(Membership.guild_id == guild_id, Membership.left_at.is_(None))
        .order_by(Character.id)
    )
    return tuple(
        KnownCharacter(
            one.id,
            one.name,
            one.realm_name or one.realm_slug,
            frozenset(map(fold, (one.realm_slug, one.realm_name, *(names or {}).values()))) - {""},
            one.class_id,
            None if player_id is None else Owner(player_id, source),
        )
        for one, names, player_id, source in found
    )


async def _members(session: AsyncSession, server_id: int, user_ids: Collection[int]) -> dict[int, KnownMember]:
    found = await session.execute(
        sa.select(Member.user_id, Member.left_at, Member.opted_out_at, PlayerMember.player_id, PlayerMember.source)
        .outerjoin(
            PlayerMember,
            sa.and_(PlayerMember.server_id == Member.server_id, PlayerMember.user_id == Member.user_id),
        )
        .where(Member.server_id == server_id, Member.user_id == sa.any_(_array(user_ids)))
    )
    opted_out = await privacy.accounts(session, server_id)
    return {
        user_id: KnownMember(
            user_id,
            left_at is not None,
            opted_out_at is not None or user_id in opted_out,
            None if player_id is None else Owner(player_id, source),
        )
        for user_id, left_at, opted_out_at, player_id, source in found
    }


CLEAR_POINTERS = sa.text(
    """
    UPDATE guild_identity.players SET
        main_character_id = CASE WHEN main_character_id = ANY(:ids) THEN NULL ELSE main_character_id END,
        offspec_character_id = CASE WHEN offspec_character_id = ANY(:ids) THEN NULL ELSE offspec_character_id END
    WHERE server_id = :server_id AND (main_character_id = ANY(:ids) OR offspec_character_id = ANY(:ids))
    """
).bindparams(sa.bindparam("ids", type_=ARRAY(sa.BigInteger)))
# What a rule had seen is kept with the link that goes on, as with any person's word.
REST_CHARACTERS = with_rows(
    """
    UPDATE guild_identity.player_characters AS owned SET
        player_id = row.player_id, source = row.source, confidence = row.confidence,
        evidence = row.evidence || CASE WHEN owned.player_id = row.player_id AND owned.evidence ? 'reasons'
            THEN jsonb_build_object('reasons', owned.evidence -> 'reasons') ELSE '{}' END,
        linked_at = :now, linked_by = row.linked_by, run_id = row.run_id
    FROM jsonb_to_recordset(:halves) AS row (
        character_id bigint, player_id bigint, source text, confidence text, evidence jsonb,
        linked_by bigint, run_id bigint
    )
    WHERE owned.server_id = :server_id AND owned.character_id = row.character_id
    """,
    "halves",
)
REST_MEMBERS = with_rows(
    """
    UPDATE guild_identity.player_members AS attached SET
        source = row.source, confidence = row.confidence,
        evidence = row.evidence || CASE WHEN attached.evidence ? 'reasons'
            THEN jsonb_build_object('reasons', attached.evidence -> 'reasons') ELSE '{}' END,
        linked_at = :now, linked_by = row.linked_by, run_id = row.run_id
    FROM jsonb_to_recordset(:halves) AS row (
        user_id bigint, source text, confidence text, evidence jsonb, linked_by bigint, run_id bigint
    )
    WHERE attached.server_id = :server_id AND attached.user_id = row.user_id
    """,
    "halves",
)
SET_MAINS = with_rows(
    """
    UPDATE guild_identity.players AS player SET main_character_id = row.character_id
    FROM jsonb_to_recordset(:mains) AS row (player_id bigint, character_id bigint)
    WHERE player.server_id = :server_id AND player.id = row.player_id
    """,
    "mains",
)


async def clear_pointers(session: AsyncSession, server_id: int, character_ids: Collection[int]) -> None:
    """Let these characters be nobody's main or off-spec, before they change their player."""
    await session.execute(CLEAR_POINTERS, {"server_id": server_id, "ids": list(character_ids)})


async def rest_characters(
    session: AsyncSession, server_id: int, halves: Iterable[dict[str, Any]], now: datetime
) -> None:
    """Write these halves, as `links.half` makes them with a character_id, over those that stand."""
    await session.execute(REST_CHARACTERS, {"server_id": server_id, "now": now, "halves": rows(halves)})


async def rest_members(session: AsyncSession, server_id: int, halves: Iterable[dict[str, Any]], now: datetime) -> None:
    """Write these halves, as `links.half` makes them with a user_id, over those that stand; the player stays."""
    await session.execute(REST_MEMBERS, {"server_id": server_id, "now": now, "halves": rows(halves)})


async def set_mains(session: AsyncSession, server_id: int, mains: Iterable[dict[str, int]]) -> None:
    """Set players' mains, each {player_id, character_id}."""
    await session.execute(SET_MAINS, {"server_id": server_id, "mains": rows(mains)})


def _array(ids: Collection[int]) -> sa.ColumnElement[Any]:
    return sa.bindparam(None, list(ids), sa.ARRAY(sa.BigInteger))
