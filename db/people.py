"""People as they are shown: players with their members and characters, and where each link comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db import hiatus, ranks
from db.hiatus import HiatusView
from db.ranks import OverrideView
from db.tables.guilds import Character, Guild, Membership
from db.tables.people import Member, Player, PlayerCharacter, PlayerMember
from db.tables.reference import CharacterClass
from db.tables.servers import GuildRank
from domain.links import Confidence, Source, is_proven
from domain.ranks import player_rank


@dataclass(frozen=True, slots=True)
class HalfView:
    """Where one half of a link comes from."""

    source: Source
    confidence: Confidence
    evidence: Mapping[str, Any]
    linked_at: datetime
    linked_by: int | None
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class CharacterView:
    """A character as this server sees it; rank None: not in the guild now; half None: not linked here."""

    id: int
    name: str
    name_key: str
    realm: str
    realm_slug: str
    class_id: int
    class_name: str | None
    level: int
    rank: int | None
    rank_name: str | None
    last_login_at: datetime | None
    half: HalfView | None


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member as this server sees them; half None: no player yet.

    `pending`: still in rules screening; `opted_out_at`: since when no rule may match them.
    """

    user_id: int
    name: str
    username: str
    left_at: datetime | None
    half: HalfView | None
    pending: bool = False
    opted_out_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlayerView:
    """A player, or a lone member or character without one (public id None).

    `roster_at` dates the ranks; `main_id` is one of the characters.
    """

    public_id: str | None
    members: tuple[MemberView, ...]
    characters: tuple[CharacterView, ...]
    roster_at: datetime | None
    override: OverrideView | None = None
    main_id: int | None = None
    hiatus: HiatusView | None = None

    @property
    def rank(self) -> int | None:
        """Give the rank that counts, as `db.ranks.PLAYER_RANKS` does: it needs a proven member who is here."""
        here = (member.half for member in self.members if member.left_at is None)
        if not any(half is not None and half.source.is_proof for half in here):
            return None
        proven = [one.rank for one in self.characters if one.rank is not None and self.is_proven(one)]
        return player_rank(proven, None if self.override is None else self.override.rank_index)

    def is_proven(self, character: CharacterView) -> bool:
        """Tell whether a character's link to one of the members rests on a proof in both its halves."""
        half = character.half
        return half is not None and any(
            member.half is not None and is_proven(half.source, member.half.source) for member in self.members
        )


def _characters(server_id: int, guild_id: int | None) -> sa.Select[Character, str, int, str | None, PlayerCharacter]:
    return (
        sa.select(Character, CharacterClass.name, Membership.rank, GuildRank.name, PlayerCharacter)
        .outerjoin(CharacterClass, CharacterClass.id == Character.class_id)
        .outerjoin(
            Membership,
            sa.and_(
                Membership.character_id == Character.id,
                Membership.guild_id == guild_id,
                Membership.left_at.is_(None),
            ),
        )
        .outerjoin(
            GuildRank,
            sa.and_(
                GuildRank.server_id == server_id,
                GuildRank.guild_id == guild_id,
                GuildRank.rank_index == Membership.rank,
            ),
        )
        .outerjoin(
            PlayerCharacter,
            sa.and_(PlayerCharacter.character_id == Character.id, PlayerCharacter.server_id == server_id),
        )
    )


_KNOWN = sa.or_(Membership.id.is_not(None), PlayerCharacter.player_id.is_not(None))


def _members(server_id: int) -> sa.Select[Member, PlayerMember]:
    return (
        sa.select(Member, PlayerMember)
        .outerjoin(
            PlayerMember,
            sa.and_(PlayerMember.server_id == Member.server_id, PlayerMember.user_id == Member.user_id),
        )
        .where(Member.server_id == server_id)
    )


async def character(session: AsyncSession, *, server_id: int, guild_id: int, character_id: int) -> CharacterView | None:
    """Load a character that is in the guild now or linked on this server."""
    query = _characters(server_id, guild_id).where(Character.id == character_id, _KNOWN)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else _character_view(row)


async def search_characters(
    session: AsyncSession, *, server_id: int, guild_id: int, key: str, limit: int
) -> list[CharacterView]:
    """Load characters, as `character` knows them, whose folded name holds a key; those that begin with it first."""
    query = (
        _characters(server_id, guild_id)
        .where(_KNOWN, Character.name_key.contains(key, autoescape=True))
        .order_by(~Character.name_key.startswith(key, autoescape=True), Character.name_key, Character.id)
        .limit(limit)
    )
    return [_character_view(row) for row in await session.execute(query)]


async def characters_named(session: AsyncSession, *, server_id: int, guild_id: int, key: str) -> list[CharacterView]:
    """Load characters, as `character` knows them, of exactly this folded name."""
    query = _characters(server_id, guild_id).where(_KNOWN, Character.name_key == key).order_by(Character.id)
    return [_character_view(row) for row in await session.execute(query)]


async def characters_by_id(
    session: AsyncSession, *, server_id: int, guild_id: int | None, ids: Sequence[int]
) -> dict[int, CharacterView]:
    """Load characters by id, also those that neither are in the guild nor linked here."""
    query = _characters(server_id, guild_id).where(Character.id == sa.any_(_array(ids)))
    views = [_character_view(row) for row in await session.execute(query)]
    return {view.id: view for view in views}


async def members_by_id(session: AsyncSession, server_id: int, user_ids: Sequence[int]) -> dict[int, MemberView]:
    """Load members by user id, also those who have left."""
    query = _members(server_id).where(Member.user_id == sa.any_(_array(user_ids)))
    views = [_member_view(row) for row in await session.execute(query)]
    return {view.user_id: view for view in views}


async def member(session: AsyncSession, server_id: int, user_id: int) -> MemberView | None:
    """Load a member, also one who has left."""
    row = (await session.execute(_members(server_id).where(Member.user_id == user_id))).one_or_none()
    return None if row is None else _member_view(row)


async def player(
    session: AsyncSession, server_id: int, player_id: int, guild: Guild | None, *, now: datetime
) -> PlayerView:
    """Load a player with all members and characters, those in the guild first and by rank."""
    found = (
        await session.execute(
            sa.select(Player.public_id, Player.main_character_id).where(
                Player.server_id == server_id, Player.id == player_id
            )
        )
    ).one()
    members = await session.execute(
        _members(server_id).where(PlayerMember.player_id == player_id).order_by(Member.user_id)
    )
    characters = await session.execute(
        _characters(server_id, None if guild is None else guild.id)
        .where(PlayerCharacter.player_id == player_id)
        .order_by(Membership.rank.asc().nulls_last(), Character.name_key)
    )
    return PlayerView(
        found.public_id,
        tuple(_member_view(row) for row in members),
        tuple(_character_view(row) for row in characters),
        None if guild is None else guild.roster_synced_at,
        await ranks.override(session, server_id, player_id, now),
        found.main_character_id,
        await hiatus.hiatus(session, server_id, player_id, now),
    )


async def player_id(session: AsyncSession, server_id: int, public_id: str) -> int | None:
    """Give the row id of a player of a server."""
    query = sa.select(Player.id).where(Player.server_id == server_id, Player.public_id == public_id)
    return await session.scalar(query)


def _character_view(row: sa.Row[Character, str, int, str | None, PlayerCharacter]) -> CharacterView:
    found, class_name, rank, rank_name, owned = row
    return CharacterView(
        id=found.id,
        name=found.name,
        name_key=found.name_key,
        realm=found.realm_name or found.realm_slug,
        realm_slug=found.realm_slug,
        class_id=found.class_id,
        class_name=class_name,
        level=found.level,
        rank=rank,
        rank_name=rank_name,
        last_login_at=found.last_login_at,
        half=_half_view(owned),
    )


def _member_view(row: sa.Row[Member, PlayerMember]) -> MemberView:
    found, attached = row
    return MemberView(
        user_id=found.user_id,
        name=found.nick or found.global_name or found.username,
        username=found.username,
        left_at=found.left_at,
        half=_half_view(attached),
        pending=found.pending,
        opted_out_at=found.opted_out_at,
    )


def _array(ids: Sequence[int]) -> sa.ColumnElement[Any]:
    return sa.bindparam(None, list(ids), sa.ARRAY(sa.BigInteger))


def _half_view(half: PlayerCharacter | PlayerMember | None) -> HalfView | None:
    if half is None:
        return None
    return HalfView(half.source, half.confidence, half.evidence, half.linked_at, half.linked_by, half.run_id)
