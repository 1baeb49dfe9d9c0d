"""Character profiles: which are due, and writing what changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.recordset import rows, with_rows
from db.tables.guilds import Character, Membership, ProfileCheck


@dataclass(frozen=True, slots=True)
class DueProfile:
    """A character whose profile is to be asked for, with the header of the stored one."""

    character_id: int
    blizzard_id: int
    name: str
    realm_slug: str
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """What a profile tells; None leaves what is stored."""

    character_id: int
    realm_name: str | None
    race_id: int | None
    faction: str | None
    gender: str | None
    spec_id: int | None
    equipped_item_level: int | None
    achievement_points: int | None
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True)
class Checked:
    """That Battle.net answered for a character; without a header the stored one stays."""

    character_id: int
    last_modified: str | None


_FACTS = (
    "realm_name text, race_id integer, faction text, gender text, spec_id integer, equipped_item_level integer, "
    "achievement_points integer, last_login_at timestamptz"
)
_NAMES = [column.split()[0] for column in _FACTS.split(", ")]

WRITE = with_rows(
    f"""
    UPDATE common.wow_characters AS c
    SET {", ".join(f"{name} = coalesce(fetched.{name}, c.{name})" for name in _NAMES)}
    FROM jsonb_to_recordset(:fetched) AS fetched (character_id bigint, {_FACTS})
    WHERE c.id = fetched.character_id AND (
        {" OR ".join(f"(fetched.{name} IS NOT NULL AND fetched.{name} IS DISTINCT FROM c.{name})" for name in _NAMES)}
    )
    RETURNING c.id
    """,  # noqa: S608 (column names of this module)
    "fetched",
)

NOTE = with_rows(
    """
    INSERT INTO common.profile_checks AS noted (character_id, checked_at, last_modified)
    SELECT character_id, checked_at, last_modified
    FROM jsonb_to_recordset(:answered) AS row (character_id bigint, checked_at timestamptz, last_modified text)
    ON CONFLICT (character_id) DO UPDATE SET
        checked_at = excluded.checked_at, last_modified = coalesce(excluded.last_modified, noted.last_modified)
    """,
    "answered",
)


async def due(session: AsyncSession, *, guild_id: int, checked_before: datetime) -> list[DueProfile]:
    """Load the guild's characters whose profile was never answered for, or not since a moment."""
    found = await session.execute(
        sa.select(Character.id, Character.blizzard_id, Character.name, Character.realm_slug, ProfileCheck.last_modified)
        .join(Membership, Membership.character_id == Character.id)
        .outerjoin(ProfileCheck, ProfileCheck.character_id == Character.id)
        .where(
            Membership.guild_id == guild_id,
            Membership.left_at.is_(None),
            sa.or_(ProfileCheck.checked_at.is_(None), ProfileCheck.checked_at <= checked_before),
        )
        .order_by(ProfileCheck.checked_at.asc().nulls_first(), Character.id)
    )
    return [DueProfile(*row) for row in found]


async def write(session: AsyncSession, facts: Iterable[ProfileFacts], checked: Iterable[Checked], now: datetime) -> int:
    """Write the facts that differ and note all answers; give how many characters changed."""
    answered: list[dict[str, Any]] = [
        {"character_id": check.character_id, "checked_at": now, "last_modified": check.last_modified}
        for check in checked
    ]
    fetched = [{"character_id": f.character_id, **{name: getattr(f, name) for name in _NAMES}} for f in facts]
    changed = len((await session.scalars(WRITE, {"fetched": rows(fetched)})).all()) if fetched else 0
    if answered:
        await session.execute(NOTE, {"answered": rows(answered)})
    return changed
