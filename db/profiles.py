"""Character profiles: which are due, and writing what changed."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.recordset import rows, with_rows
from db.tables.guilds import Character, Membership, ProfileCheck
from db.tables.runs import SyncRun
from db.tables.servers import Server, ServerGuild
from domain.regions import Region
from domain.runs import RunSource


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
    realm_slug: str
    """Where it was asked for: a character that has moved since keeps what is stored."""
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
    realm_slug: str
    """Where it was asked for: of a character that has moved since, it is no answer."""
    last_modified: str | None


_FACTS = (
    "realm_name text, race_id integer, faction text, gender text, spec_id integer, equipped_item_level integer, "
    "achievement_points integer, last_login_at timestamptz"
)
_NAMES = [column.split()[0] for column in _FACTS.split(", ")]

# Characters by id, and then their checks by id: the order in which rosters take them too (db.roster).
WRITE = with_rows(
    f"""
    WITH fetched AS (
        SELECT * FROM jsonb_to_recordset(:fetched) AS row (character_id bigint, realm_slug text, {_FACTS})
    ), differing AS (
        SELECT c.id FROM common.wow_characters AS c
        JOIN fetched ON c.id = fetched.character_id AND c.realm_slug = fetched.realm_slug
        WHERE {" OR ".join(f"fetched.{n} IS NOT NULL AND fetched.{n} IS DISTINCT FROM c.{n}" for n in _NAMES)}
        ORDER BY c.id FOR NO KEY UPDATE OF c
    )
    UPDATE common.wow_characters AS c
    SET {", ".join(f"{name} = coalesce(fetched.{name}, c.{name})" for name in _NAMES)}
    FROM fetched JOIN differing ON differing.id = fetched.character_id
    WHERE c.id = fetched.character_id
    RETURNING c.id
    """,  # noqa: S608 (column names of this module)
    "fetched",
)

NOTE = with_rows(
    """
    INSERT INTO common.profile_checks AS noted (character_id, checked_at, last_modified)
    SELECT row.character_id, row.checked_at, row.last_modified
    FROM jsonb_to_recordset(:answered)
        AS row (character_id bigint, realm_slug text, checked_at timestamptz, last_modified text)
    JOIN common.wow_characters AS c ON c.id = row.character_id AND c.realm_slug = row.realm_slug
    ORDER BY row.character_id
    ON CONFLICT (character_id) DO UPDATE SET
        checked_at = excluded.checked_at, last_modified = coalesce(excluded.last_modified, noted.last_modified)
    """,
    "answered",
)


async def guilds_due(session: AsyncSession, now: datetime) -> list[int]:
    """Give the guilds with a profile whose interval ended after their last refresh began.

    What that refresh found due and could not read, or what a roster brought new, is the next roster's to queue: else
    a profile that always fails would be asked for at every look.
    """
    hours = sa.func.min(Server.profile_interval_hours)
    followed = (
        sa.select(ServerGuild.guild_id.label("id"), sa.func.make_interval(0, 0, 0, 0, hours).label("every"))
        .join(Server, Server.id == ServerGuild.server_id)
        .where(Server.left_at.is_(None))
        .group_by(ServerGuild.guild_id)
        .subquery()
    )
    refreshed_at = (
        sa.select(sa.func.max(SyncRun.started_at))
        .where(
            SyncRun.guild_id == followed.c.id, SyncRun.source == RunSource.BLIZZARD_PROFILES, SyncRun.started_at <= now
        )
        .scalar_subquery()
    )
    last = sa.select(followed.c.id, followed.c.every, refreshed_at.label("refreshed_at")).subquery()
    due_since = ProfileCheck.checked_at + last.c.every
    grown_due = (
        sa.select(Membership.id)
        .join(ProfileCheck, ProfileCheck.character_id == Membership.character_id)
        .where(
            Membership.guild_id == last.c.id,
            Membership.left_at.is_(None),
            due_since <= now,
            sa.or_(last.c.refreshed_at.is_(None), due_since > last.c.refreshed_at),
        )
        .exists()
    )
    return list(await session.scalars(sa.select(last.c.id).where(grown_due).order_by(last.c.id)))


async def due(
    session: AsyncSession,
    *,
    guild_id: int,
    checked_before: datetime,
    now: datetime,
    but: Collection[int],
    at_most: int,
) -> list[DueProfile]:
    """Load characters of the guild, but for some, whose profile was never answered for, or not since a moment.

    Those never answered for come first, then the longest waiting. An answer of the future, from a clock that has been
    set back since, is none.
    """
    left_out = sa.bindparam(None, list(but), sa.ARRAY(sa.BigInteger))
    found = await session.execute(
        sa.select(Character.id, Character.blizzard_id, Character.name, Character.realm_slug, ProfileCheck.last_modified)
        .join(Membership, Membership.character_id == Character.id)
        .outerjoin(ProfileCheck, ProfileCheck.character_id == Character.id)
        .where(
            Membership.guild_id == guild_id,
            Membership.left_at.is_(None),
            sa.or_(
                ProfileCheck.checked_at.is_(None),
                ProfileCheck.checked_at <= checked_before,
                ProfileCheck.checked_at > now,
            ),
            Character.id != sa.all_(left_out),
        )
        .order_by(ProfileCheck.checked_at.asc().nulls_first(), Character.id)
        .limit(at_most)
    )
    return [DueProfile(*row) for row in found]


async def one(session: AsyncSession, character_id: int) -> tuple[Region, DueProfile]:
    """Load a character as its profile is asked for, with its region."""
    row = (
        await session.execute(
            sa.select(
                Character.region,
                Character.id,
                Character.blizzard_id,
                Character.name,
                Character.realm_slug,
                ProfileCheck.last_modified,
            )
            .outerjoin(ProfileCheck, ProfileCheck.character_id == Character.id)
            .where(Character.id == character_id)
        )
    ).one()
    return row.region, DueProfile(row.id, row.blizzard_id, row.name, row.realm_slug, row.last_modified)


async def write(session: AsyncSession, facts: Iterable[ProfileFacts], checked: Iterable[Checked], now: datetime) -> int:
    """Write the facts that differ and note all answers; give how many characters changed."""
    answered: list[dict[str, Any]] = [{**asdict(check), "checked_at": now} for check in checked]
    fetched = [asdict(one) for one in facts]
    changed = len((await session.scalars(WRITE, {"fetched": rows(fetched)})).all()) if fetched else 0
    if answered:
        await session.execute(NOTE, {"answered": rows(answered)})
    return changed
