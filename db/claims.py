"""Claims: members' words that a character is theirs, and what officers need to know to decide them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db import people, proofs
from db.people import CharacterView, MemberView
from db.tables.guilds import Character, Membership
from db.tables.identity import Claim, LinkSuggestion
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.people import PlayerCharacter, PlayerMember, RejectedCandidate
from db.tables.servers import GuildRank
from domain.links import ClaimState, Source, is_proven
from domain.ranks import rank_label

Pair = tuple[int, int]
"""A character's id and a user's."""


@dataclass(frozen=True, slots=True)
class Claimable:
    """A character of the guild as any member may see it: what the game shows to all, and nothing of links."""

    id: int
    name: str
    realm: str
    realm_slug: str
    rank: int
    rank_name: str | None

    @property
    def rank_label(self) -> str:
        """Give what its rank is called, free text."""
        return rank_label(self.rank, self.rank_name)


@dataclass(frozen=True, slots=True)
class OwnerView:
    """A member to whose player a character belongs now; `proven` when both halves are."""

    user_id: int
    source: Source
    proven: bool


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim with what officers decide it by.

    `owners` are the members whom the character belongs to now, `rivals` others with an open claim to it, `reasons` the
    evidence, as it is kept, that a rule found for the claimer; `refused_at` dates a word that they are not one; `waits`
    tells that an officer confirmed it, and that it waits as a finding, since it would make one player of two.
    """

    public_id: str
    state: ClaimState
    asked_at: datetime
    decided_at: datetime | None
    decided_by: int | None
    character: CharacterView
    member: MemberView
    owners: tuple[OwnerView, ...]
    rivals: tuple[int, ...]
    reasons: tuple[Mapping[str, Any], ...]
    refused_at: datetime | None
    waits: bool = False

    @property
    def is_theirs(self) -> bool:
        """Tell whether the character is proven to be the claimer's by now."""
        return any(owner.proven and owner.user_id == self.member.user_id for owner in self.owners)

    @property
    def proven_owners(self) -> tuple[OwnerView, ...]:
        """Give the other members whose it is by proof."""
        return tuple(one for one in self.owners if one.proven and one.user_id != self.member.user_id)


def _claimable(server_id: int, guild_id: int) -> sa.Select[int, str, str, str, int, str | None]:
    return (
        sa.select(
            Character.id,
            Character.name,
            sa.func.coalesce(Character.realm_name, Character.realm_slug),
            Character.realm_slug,
            Membership.rank,
            GuildRank.name,
        )
        .join(Membership, Membership.character_id == Character.id)
        .outerjoin(
            GuildRank,
            sa.and_(
                GuildRank.server_id == server_id,
                GuildRank.guild_id == guild_id,
                GuildRank.rank_index == Membership.rank,
            ),
        )
        .where(Membership.guild_id == guild_id, Membership.left_at.is_(None))
        .order_by(Character.name_key, Character.id)
    )


async def search_claimable(
    session: AsyncSession, *, server_id: int, guild_id: int, key: str, limit: int
) -> list[Claimable]:
    """Load characters now in the guild whose folded name holds a key; those that begin with it first."""
    begins = Character.name_key.startswith(key, autoescape=True)
    query = _claimable(server_id, guild_id).where(Character.name_key.contains(key, autoescape=True))
    found = await session.execute(query.order_by(None).order_by(~begins, Character.name_key, Character.id).limit(limit))
    return [Claimable(*row) for row in found]


async def claimable_named(session: AsyncSession, *, server_id: int, guild_id: int, key: str) -> list[Claimable]:
    """Load characters now in the guild of exactly this folded name."""
    found = await session.execute(_claimable(server_id, guild_id).where(Character.name_key == key))
    return [Claimable(*row) for row in found]


async def claimable(session: AsyncSession, *, server_id: int, guild_id: int, character_id: int) -> Claimable | None:
    """Load a character that is now in the guild."""
    found = (await session.execute(_claimable(server_id, guild_id).where(Character.id == character_id))).one_or_none()
    return None if found is None else Claimable(*found)


async def claim(session: AsyncSession, server_id: int, public_id: str) -> Claim | None:
    """Load a claim of a server."""
    return await session.scalar(
        sa.select(Claim)
        .where(Claim.server_id == server_id, Claim.public_id == public_id)
        .execution_options(populate_existing=True)
    )


async def open_by(session: AsyncSession, server_id: int, user_id: int) -> Sequence[Claim]:
    """Load a member's claims that wait, the oldest first."""
    query = sa.select(Claim).where(
        Claim.server_id == server_id, Claim.user_id == user_id, Claim.state == ClaimState.OPEN
    )
    return (await session.scalars(query.order_by(Claim.id))).all()


async def count_asked(session: AsyncSession, server_id: int, user_id: int, *, since: datetime) -> int:
    """Count what a member has claimed since a moment, whatever became of it."""
    query = sa.select(sa.func.count()).where(
        Claim.server_id == server_id, Claim.user_id == user_id, Claim.asked_at > since
    )
    return await session.scalar(query) or 0


async def waiting(session: AsyncSession, server_id: int) -> Sequence[Claim]:
    """Load the claims of a server that wait, the oldest first."""
    query = sa.select(Claim).where(Claim.server_id == server_id, Claim.state == ClaimState.OPEN)
    return (await session.scalars(query.order_by(Claim.id))).all()


async def open_to_proven(session: AsyncSession, server_id: int, player_id: int) -> Sequence[Claim]:
    """Load the claims that wait though the player's links prove by now what they say, the oldest first."""
    proofs = [source for source in Source if source.is_proof]
    query = (
        sa.select(Claim)
        .join(
            PlayerCharacter,
            sa.and_(PlayerCharacter.server_id == server_id, PlayerCharacter.character_id == Claim.character_id),
        )
        .join(PlayerMember, sa.and_(PlayerMember.server_id == server_id, PlayerMember.user_id == Claim.user_id))
        .where(
            Claim.server_id == server_id,
            Claim.state == ClaimState.OPEN,
            PlayerCharacter.player_id == player_id,
            PlayerMember.player_id == player_id,
            PlayerCharacter.source.in_(proofs),
            PlayerMember.source.in_(proofs),
        )
        .order_by(Claim.id)
    )
    return (await session.scalars(query)).all()


async def decided_by_others(
    session: AsyncSession, server_id: int, user_id: int, *, since: datetime, limit: int
) -> Sequence[Claim]:
    """Load a member's claims that officers decided since a moment, the newest first."""
    query = sa.select(Claim).where(
        Claim.server_id == server_id,
        Claim.user_id == user_id,
        Claim.state.in_([ClaimState.CONFIRMED, ClaimState.REFUSED]),
        Claim.decided_at > since,
    )
    return (await session.scalars(query.order_by(Claim.decided_at.desc(), Claim.id.desc()).limit(limit))).all()


async def views(
    session: AsyncSession, server_id: int, guild_id: int | None, claims: Iterable[Claim]
) -> tuple[ClaimView, ...]:
    """Give what officers need to know of claims, in seven statements for any number of them."""
    claims = tuple(claims)
    if not claims:
        return ()
    ids = sorted({one.character_id for one in claims})
    characters = await people.characters_by_id(session, server_id=server_id, guild_id=guild_id, ids=ids)
    members = await people.members_by_id(session, server_id, sorted({one.user_id for one in claims}))
    owners = await _owners(session, server_id, ids)
    rivals = await _rivals(session, server_id, ids)
    suggested = await _suggested(session, server_id, ids)
    refused = await _refused(session, server_id, ids)
    waiting = await proofs.waiting_pairs(session, server_id, sorted(members))
    return tuple(
        ClaimView(
            public_id=one.public_id,
            state=one.state,
            asked_at=one.asked_at,
            decided_at=one.decided_at,
            decided_by=one.decided_by,
            character=characters[one.character_id],
            member=members[one.user_id],
            owners=tuple(owners[one.character_id]),
            rivals=tuple(user_id for user_id in rivals[one.character_id] if user_id != one.user_id),
            reasons=_reasons(characters[one.character_id], owners[one.character_id], suggested, one.user_id),
            refused_at=refused.get((one.character_id, one.user_id)),
            waits=(one.character_id, one.user_id) in waiting,
        )
        for one in claims
    )


async def card(session: AsyncSession, server_id: int, *, kind: str, public_id: str) -> tuple[int, int] | None:
    """Give channel and message of the last delivered card of a claim."""
    row = (
        await session.execute(
            sa.select(OutboxMessage.channel_id, OutboxMessage.message_id)
            .where(
                OutboxMessage.server_id == server_id,
                OutboxMessage.kind == kind,
                OutboxMessage.dedupe_key == public_id,
                OutboxMessage.state == OutboxState.DELIVERED,
                OutboxMessage.channel_id.is_not(None),
                OutboxMessage.message_id.is_not(None),
            )
            .order_by(OutboxMessage.id.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else (row.channel_id, row.message_id)


def _among(column: sa.orm.InstrumentedAttribute[int], ids: Sequence[int]) -> sa.ColumnElement[bool]:
    return column == sa.any_(sa.bindparam(None, list(ids), sa.ARRAY(sa.BigInteger)))


async def _owners(session: AsyncSession, server_id: int, ids: Sequence[int]) -> defaultdict[int, list[OwnerView]]:
    found = await session.execute(
        sa.select(PlayerCharacter.character_id, PlayerCharacter.source, PlayerMember.user_id, PlayerMember.source)
        .join(
            PlayerMember,
            sa.and_(
                PlayerMember.server_id == PlayerCharacter.server_id,
                PlayerMember.player_id == PlayerCharacter.player_id,
            ),
        )
        .where(PlayerCharacter.server_id == server_id, _among(PlayerCharacter.character_id, ids))
        .order_by(PlayerMember.user_id)
    )
    owners: defaultdict[int, list[OwnerView]] = defaultdict(list)
    for character_id, source, user_id, member_source in found:
        # A chain is as strong as its weaker half.
        owners[character_id].append(OwnerView(user_id, min(source, member_source), is_proven(source, member_source)))
    return owners


async def _rivals(session: AsyncSession, server_id: int, ids: Sequence[int]) -> defaultdict[int, list[int]]:
    found = await session.execute(
        sa.select(Claim.character_id, Claim.user_id)
        .where(Claim.server_id == server_id, Claim.state == ClaimState.OPEN, _among(Claim.character_id, ids))
        .order_by(Claim.id)
    )
    rivals: defaultdict[int, list[int]] = defaultdict(list)
    for character_id, user_id in found:
        rivals[character_id].append(user_id)
    return rivals


async def _suggested(session: AsyncSession, server_id: int, ids: Sequence[int]) -> dict[Pair, list[Any]]:
    found = await session.execute(
        sa.select(LinkSuggestion.character_id, LinkSuggestion.candidates).where(
            LinkSuggestion.server_id == server_id, _among(LinkSuggestion.character_id, ids)
        )
    )
    return {
        (character_id, candidate["user_id"]): candidate["evidence"]
        for character_id, candidates in found
        for candidate in candidates
    }


async def _refused(session: AsyncSession, server_id: int, ids: Sequence[int]) -> dict[Pair, datetime]:
    found = await session.execute(
        sa.select(RejectedCandidate.character_id, RejectedCandidate.user_id, RejectedCandidate.rejected_at).where(
            RejectedCandidate.server_id == server_id, _among(RejectedCandidate.character_id, ids)
        )
    )
    return {(row.character_id, row.user_id): row.rejected_at for row in found}


def _reasons(
    character: CharacterView, owners: Iterable[OwnerView], suggested: Mapping[Pair, list[Any]], user_id: int
) -> tuple[Mapping[str, Any], ...]:
    """Give why a rule takes the claimer for the owner: the reasons of the link if it is theirs, else a suggestion's."""
    if character.half is not None and any(owner.user_id == user_id for owner in owners):
        return tuple(character.half.evidence.get("reasons", ()))
    return tuple(suggested.get((character.id, user_id), ()))
