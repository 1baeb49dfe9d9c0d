"""Who should have which role: what a server decided, its members' ranks, and the roles they have from Muster."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from db.lookups import characters_of, in_guild, override_of, player_of, present
from db.ranks import PLAYER_RANKS, PROOFS
from db.tables.guilds import Guild
from db.tables.people import Member, PlayerMember
from db.tables.servers import GuildRank, Server, ServerGuild
from domain.links import Source
from domain.ranks import RankTruth
from domain.role_sync import Person, Stop, Voice, words_for

_JUST_LEFT = f"""EXISTS (
        SELECT FROM {characters_of("half.player_id")} AS owned
        CROSS JOIN LATERAL (
            SELECT max(coalesce(found.left_at, 'infinity')) AS left_at FROM common.guild_memberships AS found
            WHERE found.guild_id = :guild_id AND found.character_id = owned.character_id
            OFFSET 0
        ) AS last
        WHERE last.left_at >= :roster_at AND last.left_at < 'infinity'
    )"""  # noqa: S608 (pieces of SQL of ours)
"""Whether a character of the player of `half` has left the guild and no later roster says so too."""

RANKED = f"""
    SELECT member.user_id, member.role_ids, member.pending, ranked.rank,
        half.source, half.linked_by,
        (
            SELECT override.set_by FROM {override_of("ranked.player_id")} AS override WHERE ranked.overridden
        ) AS overridden_by,
        ARRAY(
            SELECT jsonb_build_array(owned.source, owned.linked_by)
            FROM {characters_of("ranked.player_id")} AS owned
            CROSS JOIN {in_guild("owned.character_id")} AS membership
            WHERE owned.source IN ({PROOFS}) AND membership.rank = ranked.rank
        ) AS characters,
        {_JUST_LEFT} AS unsettled
    FROM ({PLAYER_RANKS}) AS ranked
    CROSS JOIN unnest(ranked.user_ids) AS attached (user_id)
    CROSS JOIN {present("attached.user_id")} AS member
    CROSS JOIN {player_of("member.user_id")} AS half
"""  # noqa: S608 (pieces of SQL of ours)
"""The members here whose player has a proven rank, and what that rests on. Parameters: those of PLAYER_RANKS, and
roster_at."""

GIVEN = f"""
    SELECT member.user_id, member.role_ids, member.pending, given.role_id, {_JUST_LEFT} AS unsettled
    FROM guild_identity.role_ledger AS given
    CROSS JOIN {present("given.user_id")} AS member
    LEFT JOIN {player_of("member.user_id")} AS half ON true
    WHERE given.server_id = :server_id AND (member.joined_at IS NULL OR member.joined_at <= given.given_at)
"""  # noqa: S608 (pieces of SQL of ours)
"""The members here who have roles from Muster, a row a role; what they had before they last joined went with that."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a server decides about role sync; `read_whole`: roster and members were both read whole once."""

    role_sync: bool
    rank_truth: RankTruth
    officer_role_id: int | None
    audit_channel_id: int | None
    members_at: datetime | None
    guild_id: int | None
    roster_at: datetime | None

    @property
    def stop(self) -> Stop | None:
        """Tell why no role may be changed, as far as the server's settings and data say."""
        if self.unread is not None:
            return self.unread
        if self.rank_truth is not RankTruth.GAME:
            return Stop.REPORT_ONLY
        return None if self.role_sync else Stop.OFF

    @property
    def unread(self) -> Stop | None:
        """Tell what is not known yet; before that nothing may be concluded about anybody."""
        if self.guild_id is None:
            return Stop.NO_GUILD
        if self.roster_at is None:
            return Stop.ROSTER_UNREAD
        return Stop.MEMBERS_UNREAD if self.members_at is None else None


async def scope(session: AsyncSession, server_id: int) -> Scope | None:
    """Load what decides about role sync on a server that the bot is in."""
    row = (
        await session.execute(
            sa.select(
                Server.role_sync,
                Server.rank_truth,
                Server.officer_role_id,
                Server.audit_channel_id,
                Server.members_synced_at,
                Guild.id,
                Guild.roster_synced_at,
            )
            .outerjoin(ServerGuild, ServerGuild.server_id == Server.id)
            .outerjoin(Guild, Guild.id == ServerGuild.guild_id)
            .where(Server.id == server_id, Server.left_at.is_(None))
        )
    ).one_or_none()
    return None if row is None else Scope(*row)


async def rank_roles(session: AsyncSession, server_id: int, guild_id: int) -> dict[int, int]:
    """Load which role stands for which rank."""
    found = await session.execute(
        sa.select(GuildRank.rank_index, GuildRank.role_id).where(
            GuildRank.server_id == server_id, GuildRank.guild_id == guild_id, GuildRank.role_id.is_not(None)
        )
    )
    return {rank: role_id for rank, role_id in found if role_id is not None}


async def people(
    session: AsyncSession, server_id: int, where: Scope, *, now: datetime, user_ids: Collection[int] | None = None
) -> list[Person]:
    """Load the members here who have a proven rank or roles from Muster, all or some, in a fixed number of statements.

    The roster and the members were read whole.
    """
    values = {"server_id": server_id, "guild_id": where.guild_id, "roster_at": where.roster_at, "now": now}
    if user_ids is None:
        given, ranked = sa.text(GIVEN), sa.text(RANKED)
    else:
        given = sa.text(f"{GIVEN} AND given.user_id = ANY(:user_ids)").bindparams(_ids("user_ids", user_ids))
        players = await _players(session, server_id, user_ids)
        ranked = sa.text(f"{RANKED} WHERE ranked.player_id = ANY(:players)").bindparams(_ids("players", players))
    found: dict[int, Person] = {}
    for row in await session.execute(given, values):
        before = found.get(row.user_id)
        found[row.user_id] = Person(
            row.user_id,
            frozenset(row.role_ids),
            given=frozenset({row.role_id}) | (before.given if before else frozenset()),
            pending=row.pending,
            unsettled=row.unsettled,
        )
    for row in await session.execute(ranked, values):
        before = found.get(row.user_id)
        found[row.user_id] = Person(
            row.user_id,
            frozenset(row.role_ids),
            given=before.given if before else frozenset(),
            rank=row.rank,
            words=words_for(
                Voice(Source(row.source), row.linked_by),
                [Voice(Source(source), by) for source, by in row.characters],
                overridden_by=row.overridden_by,
            ),
            pending=row.pending,
            unsettled=row.unsettled,
        )
    return [one for one in found.values() if user_ids is None or one.user_id in user_ids]


async def _players(session: AsyncSession, server_id: int, user_ids: Collection[int]) -> list[int]:
    found = await session.scalars(
        sa.select(PlayerMember.player_id).where(
            PlayerMember.server_id == server_id, PlayerMember.user_id == sa.any_(_array(user_ids))
        )
    )
    return list(found)


async def is_screened(session: AsyncSession, server_id: int, user_id: int) -> bool:
    """Tell whether a member is in rules screening."""
    member = await session.get(Member, (server_id, user_id), populate_existing=True)
    return member is not None and member.pending


async def roles_here(session: AsyncSession, server_id: int, user_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """Load the roles of those of these users who are members now."""
    found = await session.execute(
        sa.select(Member.user_id, Member.role_ids).where(
            Member.server_id == server_id, Member.user_id == sa.any_(_array(user_ids)), Member.left_at.is_(None)
        )
    )
    return {user_id: frozenset(role_ids) for user_id, role_ids in found}


def _ids(name: str, ids: Collection[int]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, list(ids), ARRAY(sa.BigInteger))


def _array(ids: Collection[int]) -> sa.ColumnElement[Any]:
    return sa.bindparam(None, list(ids), ARRAY(sa.BigInteger))
