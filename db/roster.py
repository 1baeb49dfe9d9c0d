"""Reading and writing a guild's roster, each in one statement whatever the size of the guild."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.recordset import rows, with_rows
from db.tables.guilds import Guild, HeldDeparture
from db.tables.servers import Server, ServerGuild
from domain.names import fold
from domain.regions import Region
from domain.roster import Departure, Identity, RosterEntry, RosterPlan, StoredCharacter

LOAD = with_rows(
    """
    WITH wanted AS (
        SELECT character_id AS id FROM common.guild_memberships WHERE guild_id = :guild_id AND left_at IS NULL
        UNION
        SELECT known.id
        FROM jsonb_to_recordset(:identities) AS fetched (realm_id integer, blizzard_id bigint)
        JOIN common.wow_characters AS known
            ON known.region = :region AND (known.realm_id, known.blizzard_id) = (fetched.realm_id, fetched.blizzard_id)
    )
    SELECT c.id, c.realm_id, c.blizzard_id, c.name, c.realm_slug, c.class_id, c.race_id, c.level, c.faction,
        membership.rank, departure.state AS held
    FROM wanted
    JOIN common.wow_characters AS c USING (id)
    LEFT JOIN common.guild_memberships AS membership
        ON membership.guild_id = :guild_id AND membership.character_id = c.id AND membership.left_at IS NULL
    LEFT JOIN common.held_departures AS departure
        ON departure.guild_id = :guild_id AND departure.character_id = c.id
    """,
    "identities",
)

# The former names are read from the snapshot before the update; both are one statement on purpose. Who moved realm has
# another profile now, so the header of the stored one is of no use.
# Guilds share characters, and a profile is written meanwhile: rows are taken in one order everywhere, new characters by
# identity, then stored ones by id, all of them before the first check of a profile (as db.profiles does), and those by
# id. Nobody then waits for somebody who waits for them.
WRITE_CHARACTERS = with_rows(
    """
    WITH changed AS (
        SELECT * FROM jsonb_to_recordset(:changed) AS row (
            id bigint, realm_id integer, blizzard_id bigint, name text, name_key text, realm_slug text,
            class_id integer, race_id integer, level integer, faction text, renamed boolean, moved boolean
        )
    ), held AS (
        SELECT count(*) AS characters FROM (
            SELECT FROM common.wow_characters AS c WHERE c.id IN (SELECT id FROM changed)
            ORDER BY c.id FOR NO KEY UPDATE OF c
        ) AS one
    ), former AS (
        INSERT INTO common.character_names
            (character_id, name, name_key, realm_id, realm_slug, borne_until, run_id)
        SELECT c.id, c.name, c.name_key, c.realm_id, c.realm_slug, :now, :run_id
        FROM changed JOIN common.wow_characters AS c USING (id) WHERE changed.renamed
    ), unread AS (
        UPDATE common.profile_checks AS check_ SET last_modified = NULL
        FROM (
            SELECT character_id FROM common.profile_checks
            WHERE character_id IN (SELECT id FROM changed WHERE moved) AND (SELECT characters FROM held) > 0
            ORDER BY character_id FOR NO KEY UPDATE
        ) AS moved
        WHERE check_.character_id = moved.character_id
    ), updated AS (
        UPDATE common.wow_characters AS c SET
            realm_id = changed.realm_id, blizzard_id = changed.blizzard_id, name = changed.name,
            name_key = changed.name_key, realm_slug = changed.realm_slug, class_id = changed.class_id,
            race_id = coalesce(changed.race_id, c.race_id), level = changed.level,
            faction = coalesce(changed.faction, c.faction),
            realm_name = CASE WHEN changed.moved THEN realm.names ->> :locale ELSE c.realm_name END
        FROM changed LEFT JOIN common.realms AS realm ON realm.region = :region AND realm.id = changed.realm_id
        WHERE c.id = changed.id AND (SELECT characters FROM held) > 0
    )
    INSERT INTO common.wow_characters
        (region, realm_id, blizzard_id, name, name_key, realm_slug, realm_name, class_id, race_id, level, faction,
            first_seen_at)
    SELECT :region, realm_id, blizzard_id, name, name_key, realm_slug, realm.names ->> :locale, class_id, race_id,
        level, faction, :now
    FROM jsonb_to_recordset(:new) AS row (
        realm_id integer, blizzard_id bigint, name text, name_key text, realm_slug text,
        class_id integer, race_id integer, level integer, faction text
    )
    LEFT JOIN common.realms AS realm ON realm.region = :region AND realm.id = row.realm_id
    ORDER BY row.realm_id, row.blizzard_id
    ON CONFLICT (region, realm_id, blizzard_id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key
    RETURNING id, realm_id, blizzard_id
    """,
    "changed",
    "new",
)

MOVE_RANKS_AND_END = with_rows(
    """
    WITH moved AS (
        SELECT * FROM jsonb_to_recordset(:moved) AS row (character_id bigint, rank smallint, departed boolean)
    ), history AS (
        INSERT INTO common.rank_history (guild_id, character_id, old_rank, new_rank, seen_at, run_id)
        SELECT m.guild_id, m.character_id, m.rank, moved.rank, :now, :run_id
        FROM moved JOIN common.guild_memberships AS m USING (character_id)
        WHERE m.guild_id = :guild_id AND m.left_at IS NULL AND NOT moved.departed
    )
    UPDATE common.guild_memberships AS m SET
        rank = CASE WHEN moved.departed THEN m.rank ELSE moved.rank END,
        left_at = CASE WHEN moved.departed THEN CAST(:now AS timestamptz) END
    FROM moved
    WHERE m.guild_id = :guild_id AND m.character_id = moved.character_id AND m.left_at IS NULL
    """,
    "moved",
)

JOIN = with_rows(
    """
    INSERT INTO common.guild_memberships (guild_id, character_id, rank, joined_at)
    SELECT :guild_id, character_id, rank, :now
    FROM jsonb_to_recordset(:joined) AS row (character_id bigint, rank smallint)
    ORDER BY character_id
    """,
    "joined",
)

SETTLE = with_rows(
    """
    WITH absent AS (
        SELECT * FROM jsonb_to_recordset(:absent) AS row (character_id bigint, state text)
    ), synced AS (
        UPDATE common.guilds SET roster_synced_at = :now WHERE id = :guild_id
    ), ended AS (
        DELETE FROM common.held_departures AS h
        WHERE h.guild_id = :guild_id AND NOT EXISTS (SELECT FROM absent WHERE absent.character_id = h.character_id)
    )
    INSERT INTO common.held_departures AS h (guild_id, character_id, state, held_at)
    SELECT :guild_id, character_id, state, :now FROM absent
    ON CONFLICT (guild_id, character_id) DO UPDATE SET state = excluded.state WHERE h.state <> excluded.state
    """,
    "absent",
)

END_HELD = sa.text(
    """
    WITH absent AS (
        DELETE FROM common.held_departures WHERE guild_id = :guild_id RETURNING character_id
    )
    UPDATE common.guild_memberships AS m SET left_at = :now
    FROM absent
    WHERE m.guild_id = :guild_id AND m.character_id = absent.character_id AND m.left_at IS NULL
    RETURNING m.id
    """
)


async def find(session: AsyncSession, guild_id: int) -> tuple[Guild, bool] | None:
    """Load a guild, and tell whether a server that the bot is in follows it."""
    follows = sa.exists().where(
        ServerGuild.guild_id == Guild.id, Server.id == ServerGuild.server_id, Server.left_at.is_(None)
    )
    found = (await session.execute(sa.select(Guild, follows).where(Guild.id == guild_id))).one_or_none()
    return None if found is None else (found[0], found[1])


async def load(
    session: AsyncSession, *, guild_id: int, region: Region, fetched: Iterable[Identity]
) -> list[StoredCharacter]:
    """Load the guild's open members and whatever is known of the fetched identities."""
    found = await session.execute(
        LOAD, {"guild_id": guild_id, "region": region.value, "identities": rows(_identity(i) for i in fetched)}
    )
    return [
        StoredCharacter(
            id=row.id,
            identity=Identity(row.realm_id, row.blizzard_id),
            name=row.name,
            realm_slug=row.realm_slug,
            class_id=row.class_id,
            race_id=row.race_id,
            level=row.level,
            faction=row.faction,
            rank=row.rank,
            held=None if row.held is None else Departure(row.held),
        )
        for row in found
    ]


async def apply(
    session: AsyncSession, plan: RosterPlan, *, guild_id: int, region: Region, run_id: int, now: datetime
) -> None:
    """Write a plan and note that a whole roster was applied; a part of it that is empty costs no statement."""
    common = {"guild_id": guild_id, "now": now}
    ids: dict[Identity, int] = {}
    if plan.new or plan.changed:
        renamed = {stored.id for stored, _ in plan.renamed}
        written = await session.execute(
            WRITE_CHARACTERS,
            {
                "region": region.value,
                "locale": region.locale,
                "now": now,
                "run_id": run_id,
                "new": rows(_character(entry) for entry in plan.new),
                "changed": rows(
                    {
                        **_character(entry),
                        "id": stored.id,
                        "renamed": stored.id in renamed,
                        "moved": stored.realm_slug != entry.realm_slug,
                    }
                    for stored, entry in plan.changed
                ),
            },
        )
        ids = {Identity(row.realm_id, row.blizzard_id): row.id for row in written}
    moved: list[dict[str, Any]] = [
        {"character_id": s.id, "rank": e.rank, "departed": False} for s, e in plan.rank_moved
    ]
    moved += [{"character_id": s.id, "rank": s.rank, "departed": True} for s in plan.departed]
    if moved:
        await session.execute(MOVE_RANKS_AND_END, {**common, "run_id": run_id, "moved": moved})
    joined = [{"character_id": ids[entry.identity], "rank": entry.rank} for entry in plan.new]
    joined += [{"character_id": stored.id, "rank": entry.rank} for stored, entry in plan.joined]
    if joined:
        await session.execute(JOIN, {**common, "joined": joined})
    absent = [{"character_id": s.id, "state": Departure.HELD.value} for s in plan.held]
    absent += [{"character_id": s.id, "state": Departure.KEPT.value} for s in plan.kept]
    await session.execute(SETTLE, {**common, "absent": absent})


async def end_held_memberships(session: AsyncSession, *, guild_id: int, now: datetime) -> int:
    """End the memberships of all absent characters that were held or kept; give how many."""
    return len((await session.scalars(END_HELD, {"guild_id": guild_id, "now": now})).all())


async def keep_held_members(session: AsyncSession, *, guild_id: int) -> int:
    """Keep the held characters as members until the set grows; give how many."""
    kept = await session.scalars(
        sa.update(HeldDeparture)
        .where(HeldDeparture.guild_id == guild_id, HeldDeparture.state == Departure.HELD)
        .values(state=Departure.KEPT)
        .returning(HeldDeparture.character_id)
    )
    return len(kept.all())


def _identity(identity: Identity) -> dict[str, Any]:
    return {"realm_id": identity.realm_id, "blizzard_id": identity.blizzard_id}


def _character(entry: RosterEntry) -> dict[str, Any]:
    return {
        **_identity(entry.identity),
        "name": entry.name,
        "name_key": fold(entry.name),
        "realm_slug": entry.realm_slug,
        "class_id": entry.class_id,
        "race_id": entry.race_id,
        "level": entry.level,
        "faction": entry.faction,
    }
