"""Servers, the guild each follows, and the reference data that both need."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.base import UtcDateTime
from db.recordset import rows, with_rows
from db.tables.guilds import Guild
from db.tables.reference import Race, Realm
from db.tables.runs import SyncRun
from db.tables.servers import Server, ServerGuild
from domain.errors import FollowsNoGuild, NotFound
from domain.regions import Region
from domain.runs import RunSource, RunStatus


async def note_presence(session: AsyncSession, *, server_id: int, name: str, now: datetime) -> None:
    """Remember that the bot is in a server; writes nothing when that is known."""
    await note_presences(session, {server_id: name}, now=now)


async def note_absence(session: AsyncSession, *, server_id: int, now: datetime) -> None:
    """Remember that the bot was removed from a server; its data stay."""
    await session.execute(sa.update(Server).where(Server.id == server_id, Server.left_at.is_(None)).values(left_at=now))


async def note_absence_elsewhere(session: AsyncSession, present: Sequence[int], *, now: datetime) -> None:
    """Remember that the bot is in no other servers than these."""
    ids = sa.bindparam(None, list(present), sa.ARRAY(sa.BigInteger))
    await session.execute(
        sa.update(Server).where(Server.left_at.is_(None), Server.id != sa.all_(ids)).values(left_at=now)
    )


async def note_presences(session: AsyncSession, names: Mapping[int, str | None], *, now: datetime) -> None:
    """Remember that the bot is in these servers; one without a name stays as it is stored. Writes only what is new."""
    known = [
        {"id": server_id, "name": name, "created_at": now} for server_id, name in names.items() if name is not None
    ]
    if not known:
        return
    statement = insert(Server).values(known)
    name = statement.excluded.name
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Server.id],
            set_={
                "name": name,
                "left_at": None,
                "returned_at": sa.case((Server.left_at.is_not(None), now), else_=Server.returned_at),
            },
            where=sa.or_(Server.name != name, Server.left_at.is_not(None)),
        )
    )


async def required_server(session: AsyncSession, server_id: int, *, lock: bool = False) -> Server:
    """Load a server, perhaps to change it; raises NotFound for one that Muster was never in."""
    server = await session.get(Server, server_id, with_for_update=lock or None)
    if server is None:
        raise NotFound("Muster does not know this server yet. Try again in a minute.")
    return server


async def followed_guild(session: AsyncSession, server_id: int) -> Guild | None:
    """Load the guild that a server follows."""
    return await session.scalar(
        sa.select(Guild).join(ServerGuild, ServerGuild.guild_id == Guild.id).where(ServerGuild.server_id == server_id)
    )


async def required_guild(session: AsyncSession, server_id: int) -> Guild:
    """Load the guild that a server follows; raises FollowsNoGuild where it follows none."""
    guild = await followed_guild(session, server_id)
    if guild is None:
        raise FollowsNoGuild
    return guild


async def guild_read_whole(session: AsyncSession, server_id: int) -> int | None:
    """Give the guild that a server follows once its roster and the server's members were both read whole.

    Before that nothing may be concluded about who is missing or who alone bears a name: None.
    """
    return await session.scalar(
        sa.select(Guild.id)
        .join(ServerGuild, ServerGuild.guild_id == Guild.id)
        .join(Server, Server.id == ServerGuild.server_id)
        .where(Server.id == server_id, Server.members_synced_at.is_not(None), Guild.roster_synced_at.is_not(None))
    )


async def following_servers(session: AsyncSession, guild_id: int) -> list[Server]:
    """Load the servers that follow a guild and that the bot is in, oldest first."""
    return list(
        await session.scalars(
            sa.select(Server)
            .join(ServerGuild, ServerGuild.server_id == Server.id)
            .where(ServerGuild.guild_id == guild_id, Server.left_at.is_(None))
            .order_by(Server.created_at, Server.id)
        )
    )


async def store_guild(session: AsyncSession, *, now: datetime, **facts: Any) -> int:
    """Store what Battle.net tells of a guild under its identity (region, realm id, id); give its row's id."""
    statement = insert(Guild).values(created_at=now, **facts)
    attributes = {
        name: statement.excluded[name] for name in ("realm_slug", "realm_name", "name", "slug", "faction", "crest")
    }
    return (
        await session.scalars(
            statement.on_conflict_do_update(
                index_elements=[Guild.region, Guild.realm_id, Guild.blizzard_id], set_=attributes
            ).returning(Guild.id)
        )
    ).one()


async def follow(session: AsyncSession, *, server_id: int, guild_id: int, followed_by: int, now: datetime) -> None:
    """Let a server follow this guild and no other; how it saw another guild's ranks ends with that."""
    await session.execute(
        sa.delete(ServerGuild).where(ServerGuild.server_id == server_id, ServerGuild.guild_id != guild_id)
    )
    await session.execute(
        insert(ServerGuild)
        .values(server_id=server_id, guild_id=guild_id, followed_at=now, followed_by=followed_by)
        .on_conflict_do_nothing()
    )


@dataclass(frozen=True, slots=True)
class LastRuns:
    """How often a guild or server is to be read, when that last began, and when the last good run did; None if never.

    Runs of a server before the bot was last invited again are left out: nobody told what changed meanwhile.
    """

    id: int
    every: timedelta
    started_at: datetime | None
    good_at: datetime | None


async def guild_runs(session: AsyncSession, *, now: datetime) -> list[LastRuns]:
    """Load the guilds that any present server follows, with the shortest of those servers' intervals."""
    hours = sa.func.min(Server.roster_interval_hours)
    followed = (
        sa.select(
            ServerGuild.guild_id.label("id"),
            sa.func.make_interval(0, 0, 0, 0, hours).label("every"),
            sa.cast(sa.null(), UtcDateTime).label("since"),
        )
        .join(Server, Server.id == ServerGuild.server_id)
        .where(Server.left_at.is_(None))
        .group_by(ServerGuild.guild_id)
        .subquery()
    )
    return await _last_runs(session, followed, SyncRun.guild_id, RunSource.BLIZZARD_API, now)


async def server_runs(session: AsyncSession, *, now: datetime) -> list[LastRuns]:
    """Load the servers that the bot is in, with their last member runs."""
    present = (
        sa.select(
            Server.id,
            sa.func.make_interval(0, 0, 0, 0, 0, Server.member_interval_minutes).label("every"),
            Server.returned_at.label("since"),
        )
        .where(Server.left_at.is_(None))
        .subquery()
    )
    return await _last_runs(session, present, SyncRun.server_id, RunSource.DISCORD_BOT, now)


async def _last_runs(
    session: AsyncSession,
    of: sa.Subquery,
    scope: InstrumentedAttribute[int | None],
    source: RunSource,
    now: datetime,
) -> list[LastRuns]:
    # The log only grows: each newest row is read from the end of its index. A run of the future was begun by a clock
    # that has been set back since, and says nothing about when the next one is due.
    newest = sa.select(sa.func.max(SyncRun.started_at)).where(
        scope == of.c.id,
        SyncRun.source == source,
        SyncRun.started_at <= now,
        sa.or_(of.c.since.is_(None), SyncRun.started_at >= of.c.since),
    )
    good = newest.where(SyncRun.status.in_([RunStatus.SUCCESS, RunStatus.PARTIAL]))
    found = await session.execute(
        sa.select(of.c.id, of.c.every, newest.scalar_subquery(), good.scalar_subquery()).order_by(of.c.id)
    )
    return [LastRuns(*row) for row in found]


async def roster_read_at(session: AsyncSession, guild_id: int) -> datetime | None:
    """Give when a guild's roster was last applied, None if never."""
    return await session.scalar(sa.select(Guild.roster_synced_at).where(Guild.id == guild_id))


async def shortest_profile_interval(session: AsyncSession, guild_id: int) -> timedelta | None:
    """Give the shortest profile interval among the servers that follow a guild, None if none does."""
    hours = await session.scalar(
        sa.select(sa.func.min(Server.profile_interval_hours))
        .join(ServerGuild, ServerGuild.server_id == Server.id)
        .where(ServerGuild.guild_id == guild_id, Server.left_at.is_(None))
    )
    return None if hours is None else timedelta(hours=hours)


WRITE_REALMS = with_rows(
    """
    INSERT INTO common.realms AS known (region, id, slug, names, fetched_at)
    SELECT :region, id, slug, names, :now
    FROM jsonb_to_recordset(:realms) AS row (id integer, slug text, names jsonb)
    ON CONFLICT (region, id) DO UPDATE SET slug = excluded.slug, names = excluded.names
        WHERE (known.slug, known.names) IS DISTINCT FROM (excluded.slug, excluded.names)
    """,
    "realms",
)


async def realms(session: AsyncSession, region: Region) -> list[Realm]:
    """Load a region's realms by slug."""
    return list(await session.scalars(sa.select(Realm).where(Realm.region == region).order_by(Realm.slug)))


async def knows_region(session: AsyncSession, region: Region) -> bool:
    """Tell whether a region's realms are stored."""
    return bool(await session.scalar(sa.select(sa.exists().where(Realm.region == region))))


async def store_realms(
    session: AsyncSession, region: Region, found: Iterable[tuple[int, str, dict[str, str]]], now: datetime
) -> None:
    """Store realms as (id, slug, {locale: name}); unchanged ones are not written."""
    records = [{"id": id_, "slug": slug, "names": names} for id_, slug, names in found]
    # Two first uses at once would meet in the unique index of slugs, which ON CONFLICT does not watch.
    await session.execute(sa.text("LOCK TABLE common.realms IN SHARE ROW EXCLUSIVE MODE"))
    await session.execute(WRITE_REALMS, {"region": region.value, "now": now, "realms": rows(records)})


async def store_races(session: AsyncSession, found: Iterable[tuple[int, str]]) -> None:
    """Store races as (id, name); known ones stay as they are."""
    records = [{"id": id_, "name": name} for id_, name in found]
    if records:
        await session.execute(insert(Race).on_conflict_do_nothing(), records)
