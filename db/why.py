"""What is known about a link beside its halves: the run, what contradicts it, what was refused, what is suggested."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.guilds import Character, Membership
from db.tables.identity import LinkContradiction, LinkSuggestion
from db.tables.people import Member, PlayerCharacter, RejectedCandidate
from db.tables.runs import SyncRun
from domain.runs import RunSource


@dataclass(frozen=True, slots=True)
class RunRef:
    """The run in which a rule found something."""

    id: int
    source: RunSource
    started_at: datetime


@dataclass(frozen=True, slots=True)
class ContradictionView:
    """Members for whom a linked character's note or name speaks instead."""

    user_ids: tuple[int, ...]
    evidence: tuple[Any, ...]
    found_at: datetime


@dataclass(frozen=True, slots=True)
class RejectionView:
    """A person's word that a character is not a member's."""

    user_id: int
    by: int
    at: datetime


@dataclass(frozen=True, slots=True)
class SuggestedCharacter:
    """A character that may be a member's."""

    id: int
    name: str
    realm: str


async def runs(session: AsyncSession, run_ids: Collection[int]) -> dict[int, RunRef]:
    """Load runs by id."""
    found = await session.execute(
        sa.select(SyncRun.id, SyncRun.source, SyncRun.started_at).where(SyncRun.id.in_(run_ids))
    )
    return {row.id: RunRef(row.id, row.source, row.started_at) for row in found}


async def contradiction(session: AsyncSession, server_id: int, character_id: int) -> ContradictionView | None:
    """Load what speaks against a character's link."""
    found = await session.get(LinkContradiction, (server_id, character_id))
    return None if found is None else ContradictionView(tuple(found.user_ids), tuple(found.evidence), found.found_at)


async def rejections(session: AsyncSession, server_id: int, character_id: int) -> tuple[RejectionView, ...]:
    """Load whose a character is not, the latest word first."""
    found = await session.execute(
        sa.select(RejectedCandidate.user_id, RejectedCandidate.rejected_by, RejectedCandidate.rejected_at)
        .where(RejectedCandidate.server_id == server_id, RejectedCandidate.character_id == character_id)
        .order_by(RejectedCandidate.rejected_at.desc(), RejectedCandidate.user_id)
    )
    return tuple(RejectionView(*row) for row in found)


async def suggested_for(
    session: AsyncSession, *, server_id: int, guild_id: int, user_id: int
) -> tuple[SuggestedCharacter, ...]:
    """Load the characters of a guild, nobody's yet, that are suggested to be a member's, by name."""
    candidate = sa.cast([{"user_id": user_id}], JSONB)
    refused = sa.exists().where(
        RejectedCandidate.server_id == server_id,
        RejectedCandidate.character_id == LinkSuggestion.character_id,
        RejectedCandidate.user_id == user_id,
    )
    owned = sa.exists().where(
        PlayerCharacter.server_id == server_id, PlayerCharacter.character_id == LinkSuggestion.character_id
    )
    found = await session.execute(
        sa.select(Character.id, Character.name, Character.realm_name, Character.realm_slug)
        .join(LinkSuggestion, LinkSuggestion.character_id == Character.id)
        .join(Membership, Membership.character_id == Character.id)
        .where(
            LinkSuggestion.server_id == server_id,
            LinkSuggestion.candidates.contains(candidate),
            Membership.guild_id == guild_id,
            Membership.left_at.is_(None),
            ~refused,
            ~owned,
        )
        .order_by(Character.name_key, Character.id)
    )
    return tuple(SuggestedCharacter(row.id, row.name, row.realm_name or row.realm_slug) for row in found)


async def opted_out(session: AsyncSession, server_id: int, user_ids: Collection[int]) -> frozenset[int]:
    """Give which of these members asked that no rule match them."""
    found = await session.scalars(
        sa.select(Member.user_id).where(
            Member.server_id == server_id, Member.user_id.in_(user_ids), Member.opted_out_at.is_not(None)
        )
    )
    return frozenset(found)
