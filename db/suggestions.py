"""Suggestions: links that wait for a person's word, one at a time, and what is known of each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.guilds import Character
from db.tables.identity import AltGroup, CharacterNote, LinkSuggestion
from db.tables.people import Member, RejectedCandidate
from domain.links import Confidence

Reasons = tuple[Mapping[str, Any], ...]
"""Evidence as it is kept, the strongest first."""


@dataclass(frozen=True, slots=True)
class SuggestedMember:
    """A member who may own a character; `name` is the one that others see."""

    user_id: int
    name: str
    username: str
    reasons: Reasons


@dataclass(frozen=True, slots=True)
class Waiting:
    """The suggestion whose turn it is; `left` counts all that wait, `put_off` those of them that were put off."""

    character_id: int
    left: int
    put_off: int


# What became pointless since the last matching is passed over: its character is linked or left, its members left,
# opted out, or were refused. Nobody reads a suggestion twice before all others were read once.
# All is looked up by key (OFFSET 0 keeps PostgreSQL to it): without statistics it would loop over whole tables.
NEXT = sa.text(
    """
    SELECT suggestion.character_id,
        count(*) OVER () AS "left",
        count(suggestion.later_at) OVER () AS put_off
    FROM guild_identity.link_suggestions AS suggestion
    CROSS JOIN LATERAL (
        SELECT rank FROM common.guild_memberships
        WHERE character_id = suggestion.character_id AND guild_id = :guild_id AND left_at IS NULL
        OFFSET 0
    ) AS membership
    WHERE suggestion.server_id = :server_id
        AND NOT EXISTS (
            SELECT FROM guild_identity.player_characters
            WHERE server_id = :server_id AND character_id = suggestion.character_id
            OFFSET 0
        )
        AND EXISTS (
            SELECT
            FROM jsonb_to_recordset(suggestion.candidates) AS candidate (user_id bigint)
            CROSS JOIN LATERAL (
                SELECT FROM guild_identity.discord_users
                WHERE server_id = :server_id AND user_id = candidate.user_id
                    AND left_at IS NULL AND opted_out_at IS NULL
                OFFSET 0
            ) AS member
            WHERE NOT EXISTS (
                SELECT FROM guild_identity.rejected_candidates
                WHERE server_id = :server_id
                    AND character_id = suggestion.character_id AND user_id = candidate.user_id
                OFFSET 0
            )
            OFFSET 0
        )
    ORDER BY suggestion.character_id IS DISTINCT FROM CAST(:first AS bigint),
        suggestion.later_at NULLS FIRST,
        array_position(CAST(:grades AS text[]), suggestion.confidence),
        CAST(suggestion.candidates #>> '{0,evidence,0,strength}' AS integer) DESC NULLS LAST,
        membership.rank,
        suggestion.character_id
    LIMIT 1
    """
)


async def next_waiting(
    session: AsyncSession, *, server_id: int, guild_id: int, first: int | None = None
) -> Waiting | None:
    """Give the suggestion whose turn it is, or that of the character `first` while it waits; None when none does.

    Those never put off come before those put off, then by confidence, strength of the evidence, and rank.
    """
    row = (
        await session.execute(
            NEXT,
            {
                "server_id": server_id,
                "guild_id": guild_id,
                "first": first,
                "grades": [grade.value for grade in Confidence],
            },
        )
    ).one_or_none()
    return None if row is None else Waiting(row.character_id, row.left, row.put_off)


async def suggestion(session: AsyncSession, server_id: int, character_id: int) -> LinkSuggestion | None:
    """Load what is suggested for a character."""
    return await session.get(LinkSuggestion, (server_id, character_id), populate_existing=True)


async def open_candidates(session: AsyncSession, found: LinkSuggestion) -> tuple[SuggestedMember, ...]:
    """Load the members of a suggestion who are here, did not opt out and were not refused, the likeliest first."""
    user_ids = [candidate["user_id"] for candidate in found.candidates]
    refused = sa.exists().where(
        RejectedCandidate.server_id == found.server_id,
        RejectedCandidate.character_id == found.character_id,
        RejectedCandidate.user_id == Member.user_id,
    )
    rows = await session.execute(
        sa.select(Member.user_id, Member.nick, Member.global_name, Member.username).where(
            Member.server_id == found.server_id,
            Member.user_id == sa.any_(sa.bindparam(None, user_ids, sa.ARRAY(sa.BigInteger))),
            Member.left_at.is_(None),
            Member.opted_out_at.is_(None),
            ~refused,
        )
    )
    here = {row.user_id: row for row in rows}
    return tuple(
        SuggestedMember(user_id, row.nick or row.global_name or row.username, row.username, tuple(one["evidence"]))
        for one in found.candidates
        if (row := here.get(user_id := one["user_id"])) is not None
    )


async def refused_by(
    session: AsyncSession, server_id: int, character_id: int, user_id: int | None = None
) -> int | None:
    """Give who last said that a character is not this member's, or not some member's; None when nobody did."""
    query = sa.select(RejectedCandidate.rejected_by).where(
        RejectedCandidate.server_id == server_id, RejectedCandidate.character_id == character_id
    )
    if user_id is not None:
        query = query.where(RejectedCandidate.user_id == user_id)
    return await session.scalar(query.order_by(RejectedCandidate.rejected_at.desc()).limit(1))


async def opted_out(session: AsyncSession, server_id: int, user_id: int) -> bool:
    """Tell whether a member asked that no rule match them."""
    since = await session.scalar(
        sa.select(Member.opted_out_at).where(Member.server_id == server_id, Member.user_id == user_id)
    )
    return since is not None


async def notes(session: AsyncSession, server_id: int, character_id: int) -> tuple[str | None, str | None]:
    """Load a character's public and officer note; None is unknown, "" empty."""
    found = await session.get(CharacterNote, (server_id, character_id), populate_existing=True)
    return (None, None) if found is None else (found.guild_note, found.officer_note)


async def alts(session: AsyncSession, server_id: int, character_id: int) -> tuple[str, ...]:
    """Load the names of the characters that notes tie to one, by name."""
    group = sa.select(AltGroup.group_id).where(AltGroup.server_id == server_id, AltGroup.character_id == character_id)
    names = await session.scalars(
        sa.select(Character.name)
        .join(AltGroup, AltGroup.character_id == Character.id)
        .where(
            AltGroup.server_id == server_id,
            AltGroup.group_id == group.scalar_subquery(),
            Character.id != character_id,
        )
        .order_by(Character.name_key, Character.id)
    )
    return tuple(names)


async def put_off(session: AsyncSession, found: LinkSuggestion, now: datetime) -> None:
    """Let a suggestion wait until all others were read."""
    found.later_at = now
    await session.flush()


async def drop_candidates(session: AsyncSession, found: LinkSuggestion, user_ids: Collection[int]) -> None:
    """Take members out of a suggestion, and with the last of them the suggestion."""
    first, left = found.candidates[0], [one for one in found.candidates if one["user_id"] not in user_ids]
    if left:
        found.candidates = left
        if left[0] != first:  # the confidence was about the one who went
            found.confidence = None
    else:
        await session.delete(found)
    await session.flush()


async def drop(session: AsyncSession, found: LinkSuggestion) -> None:
    """Delete a suggestion that is decided."""
    await session.delete(found)
    await session.flush()
