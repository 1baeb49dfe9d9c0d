"""Links that ended: whose a character was, why, and what ended it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.guilds import Character
from db.tables.identity import PastLink
from domain.links import LinkEnd, Source


@dataclass(frozen=True, slots=True)
class PastLinkView:
    """A link that ended, with the members that its player had then."""

    character_id: int
    character: str
    realm: str
    user_ids: tuple[int, ...]
    source: Source
    evidence: dict[str, Any]
    linked_at: datetime
    linked_by: int | None
    ended_at: datetime
    ended_by: int | None
    ended: LinkEnd


REMEMBER = sa.text(
    """
    INSERT INTO guild_identity.link_history (
        server_id, character_id, player_public_id, user_ids, source, confidence, evidence, linked_at, linked_by, run_id,
        ended_at, ended_by, ended
    )
    SELECT owned.server_id, owned.character_id, players.public_id,
        ARRAY(
            SELECT user_id FROM guild_identity.player_members AS attached
            WHERE attached.server_id = owned.server_id AND attached.player_id = owned.player_id ORDER BY user_id
        ),
        owned.source, owned.confidence, owned.evidence, owned.linked_at, owned.linked_by, owned.run_id,
        :now, :by, :ended
    FROM guild_identity.player_characters AS owned
    JOIN guild_identity.players ON players.server_id = owned.server_id AND players.id = owned.player_id
    WHERE owned.server_id = :server_id AND owned.character_id = ANY(:character_ids)
    ORDER BY owned.character_id
    """
).bindparams(sa.bindparam("character_ids", type_=ARRAY(sa.BigInteger)))


async def remember(
    session: AsyncSession,
    server_id: int,
    character_ids: Collection[int],
    ended: LinkEnd,
    *,
    by: int | None,
    now: datetime,
) -> None:
    """Write characters' links, as they stand in the database, into the history; call it before they change."""
    await session.execute(
        REMEMBER,
        {
            "server_id": server_id,
            "character_ids": list(character_ids),
            "ended": ended.value,
            "by": by,
            "now": now,
        },
    )


async def of_character(session: AsyncSession, server_id: int, character_id: int, limit: int) -> list[PastLinkView]:
    """Load the past links of a character, the latest first."""
    return await _past(session, server_id, PastLink.character_id == character_id, limit)


async def of_any(
    session: AsyncSession, server_id: int, *, character_ids: Collection[int], user_ids: Collection[int], limit: int
) -> list[PastLinkView]:
    """Load the past links of characters or members, the latest first."""
    theirs = PastLink.user_ids.overlap(sa.cast(list(user_ids), ARRAY(sa.BigInteger)))
    return await _past(session, server_id, sa.or_(PastLink.character_id.in_(character_ids), theirs), limit)


async def _past(session: AsyncSession, server_id: int, which: sa.ColumnElement[bool], limit: int) -> list[PastLinkView]:
    found = await session.execute(
        sa.select(PastLink, Character.name, Character.realm_name, Character.realm_slug)
        .join(Character, Character.id == PastLink.character_id)
        .where(PastLink.server_id == server_id, which)
        .order_by(PastLink.ended_at.desc(), PastLink.id.desc())
        .limit(limit)
    )
    return [
        PastLinkView(
            character_id=past.character_id,
            character=name,
            realm=realm_name or realm_slug,
            user_ids=tuple(past.user_ids),
            source=past.source,
            evidence=past.evidence,
            linked_at=past.linked_at,
            linked_by=past.linked_by,
            ended_at=past.ended_at,
            ended_by=past.ended_by,
            ended=past.ended,
        )
        for past, name, realm_name, realm_slug in found
    ]
