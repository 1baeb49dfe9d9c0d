"""Aliases: officers' words on what names in notes mean."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.guilds import Character
from db.tables.identity import NoteAlias
from db.tables.people import Member


@dataclass(frozen=True, slots=True)
class AliasView:
    """What a name in notes means: exactly one of a member and a character; `target` is what they are called.

    `dormant` tells that the member has left or opted out: the alias means nobody until they are back.
    """

    key: str
    alias: str
    user_id: int | None
    character_id: int | None
    target: str
    set_by: int
    set_at: datetime
    dormant: bool


def _aliases(server_id: int) -> sa.Select[NoteAlias, Member, Character]:
    return (
        sa.select(NoteAlias, Member, Character)
        .outerjoin(Member, sa.and_(Member.server_id == NoteAlias.server_id, Member.user_id == NoteAlias.user_id))
        .outerjoin(Character, Character.id == NoteAlias.character_id)
        .where(NoteAlias.server_id == server_id)
    )


async def alias(session: AsyncSession, server_id: int, key: str) -> AliasView | None:
    """Load what a folded name means."""
    row = (await session.execute(_aliases(server_id).where(NoteAlias.alias_key == key))).one_or_none()
    return None if row is None else _view(row)


async def aliases(session: AsyncSession, server_id: int, key: str = "", limit: int | None = None) -> list[AliasView]:
    """Load the aliases whose folded name holds a key, by name."""
    query = _aliases(server_id).where(NoteAlias.alias_key.contains(key, autoescape=True))
    found = await session.execute(query.order_by(NoteAlias.alias_key).limit(limit))
    return [_view(row) for row in found]


async def store(
    session: AsyncSession,
    server_id: int,
    key: str,
    *,
    alias: str,
    user_id: int | None,
    character_id: int | None,
    by: int,
    now: datetime,
) -> None:
    """Store what a folded name means, in place of what it meant before."""
    values = {"alias": alias, "user_id": user_id, "character_id": character_id, "set_by": by, "set_at": now}
    await session.execute(
        insert(NoteAlias)
        .values(server_id=server_id, alias_key=key, **values)
        .on_conflict_do_update(index_elements=[NoteAlias.server_id, NoteAlias.alias_key], set_=values)
    )


async def delete(session: AsyncSession, server_id: int, key: str) -> None:
    """Delete what was said of a folded name."""
    await session.execute(sa.delete(NoteAlias).where(NoteAlias.server_id == server_id, NoteAlias.alias_key == key))


def _view(row: sa.Row[NoteAlias, Member, Character]) -> AliasView:
    found, member, character = row
    if found.character_id is None:
        target = member.nick or member.global_name or member.username
    else:
        target = f"{character.name}-{character.realm_name or character.realm_slug}"
    return AliasView(
        key=found.alias_key,
        alias=found.alias,
        user_id=found.user_id,
        character_id=found.character_id,
        target=target,
        set_by=found.set_by,
        set_at=found.set_at,
        dormant=found.character_id is None and (member.left_at is not None or member.opted_out_at is not None),
    )
