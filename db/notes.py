"""Characters' notes: what a server has of them, and writing what is news."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.recordset import rows, with_rows
from db.tables.guilds import Character, Guild, Membership
from db.tables.identity import CharacterNote
from db.tables.reference import Realm
from domain.names import fold
from domain.note_rows import Noted, Notes

WRITE = with_rows(
    """
    INSERT INTO guild_identity.character_notes
        (server_id, character_id, guild_note, guild_note_at, officer_note, officer_note_at)
    SELECT :server_id, character_id, guild_note, guild_note_at, officer_note, officer_note_at
    FROM jsonb_to_recordset(:notes) AS row (
        character_id bigint, guild_note text, guild_note_at timestamptz, officer_note text, officer_note_at timestamptz
    )
    ORDER BY character_id
    ON CONFLICT (server_id, character_id) DO UPDATE SET
        guild_note = excluded.guild_note, guild_note_at = excluded.guild_note_at,
        officer_note = excluded.officer_note, officer_note_at = excluded.officer_note_at
    """,
    "notes",
)


async def noted_characters(session: AsyncSession, server_id: int, guild: Guild) -> list[Noted]:
    """Load the characters now in a guild with the notes that this server has of them, in two statements."""
    found = await session.execute(
        sa.select(
            Character.id,
            Character.blizzard_id,
            Character.name,
            Character.realm_id,
            Character.realm_slug,
            Character.realm_name,
            CharacterNote.guild_note,
            CharacterNote.guild_note_at,
            CharacterNote.officer_note,
            CharacterNote.officer_note_at,
        )
        .join(Membership, Membership.character_id == Character.id)
        .outerjoin(
            CharacterNote,
            sa.and_(CharacterNote.character_id == Character.id, CharacterNote.server_id == server_id),
        )
        .where(Membership.guild_id == guild.id, Membership.left_at.is_(None))
        .order_by(Character.id)
    )
    realms = await session.execute(sa.select(Realm.id, Realm.names).where(Realm.region == guild.region))
    names = {realm_id: tuple(translated.values()) for realm_id, translated in realms}

    @cache
    def realm_keys(realm_id: int, *written: str | None) -> frozenset[str]:
        return frozenset(key for key in map(fold, (*written, *names.get(realm_id, ()))) if key)

    return [
        Noted(
            row.id,
            row.name,
            realm_keys(row.realm_id, row.realm_slug, row.realm_name),
            Notes(row.guild_note, row.guild_note_at, row.officer_note, row.officer_note_at),
            row.blizzard_id,
        )
        for row in found
    ]


async def write(session: AsyncSession, server_id: int, changed: Mapping[int, Notes]) -> None:
    """Write the notes of these characters in one statement; nothing where there are none."""
    if changed:
        await session.execute(WRITE, {"server_id": server_id, "notes": rows(_records(changed))})


def _records(changed: Mapping[int, Notes]) -> Iterable[dict[str, Any]]:
    for character_id, notes in changed.items():
        yield {
            "character_id": character_id,
            "guild_note": notes.guild_note,
            "guild_note_at": notes.guild_note_at,
            "officer_note": notes.officer_note,
            "officer_note_at": notes.officer_note_at,
        }
