"""Ranks on a server: what each is called and maps to, which players have them, and officers' words about those."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.lookups import characters_of, in_guild, override_of, present
from db.recordset import rows, with_rows
from db.tables.people import RankOverride
from db.tables.servers import GuildRank
from domain.links import Source
from domain.ranks import rank_label

PROOFS = ", ".join(f"'{source.value}'" for source in Source if source.is_proof)

PLAYER_RANKS = f"""
    SELECT attached.player_id,
        coalesce(min(override.rank_index), min(membership.rank)) AS rank,
        min(override.rank_index) IS NOT NULL AS overridden,
        bool_and(member.pending) AS pending,
        array_agg(DISTINCT attached.user_id) AS user_ids
    FROM guild_identity.player_members AS attached
    CROSS JOIN {present("attached.user_id")} AS member
    LEFT JOIN {characters_of("attached.player_id")} AS owned ON owned.source IN ({PROOFS})
    LEFT JOIN {in_guild("owned.character_id")} AS membership ON true
    LEFT JOIN {override_of("attached.player_id")} AS override ON override.ends_at IS NULL OR override.ends_at > :now
    WHERE attached.server_id = :server_id AND attached.source IN ({PROOFS})
    GROUP BY attached.player_id
    HAVING count(membership.rank) > 0 OR count(override.rank_index) > 0
"""  # noqa: S608 (values of an enum of ours)
"""Players with a rank and a proven, present member: player_id, rank, whether an officer overrides it, whether all of
those members are still in rules screening, those members.

Parameters: server_id, guild_id, now. The rule itself is `domain.ranks.player_rank`.
"""

RANKS = """
    SELECT coalesce(occurring.rank, known.rank_index) AS index, known.name, known.role_id,
        coalesce(occurring.characters, 0) AS characters
    FROM (
        SELECT rank, count(*) AS characters FROM common.guild_memberships
        WHERE guild_id = :guild_id AND left_at IS NULL
        GROUP BY rank
    ) AS occurring
    FULL JOIN (
        SELECT rank_index, name, role_id FROM guild_identity.guild_ranks
        WHERE server_id = :server_id AND guild_id = :guild_id AND num_nonnulls(name, role_id) > 0
    ) AS known ON known.rank_index = occurring.rank
    ORDER BY index
"""

TITLE = with_rows(
    """
    INSERT INTO guild_identity.guild_ranks AS known (server_id, guild_id, rank_index, name, titled, scheduling_weight)
    SELECT :server_id, :guild_id, rank_index, name, true, 1
    FROM jsonb_to_recordset(:titles) AS row (rank_index smallint, name text)
    ORDER BY rank_index
    ON CONFLICT (server_id, guild_id, rank_index) DO UPDATE SET name = excluded.name, titled = true
        WHERE known.name IS NULL OR (known.titled AND known.name <> excluded.name)
    RETURNING known.rank_index, known.name, (
        -- as it was before this statement
        SELECT earlier.name FROM guild_identity.guild_ranks AS earlier
        WHERE (earlier.server_id, earlier.guild_id, earlier.rank_index)
            = (known.server_id, known.guild_id, known.rank_index)
    )
    """,
    "titles",
)


@dataclass(frozen=True, slots=True)
class RankView:
    """A rank that occurs in the guild now, or that the server named or mapped."""

    index: int
    name: str | None
    role_id: int | None
    characters: int

    @property
    def label(self) -> str:
        """Give what the rank is called, free text."""
        return rank_label(self.index, self.name)


@dataclass(frozen=True, slots=True)
class NewTitle:
    """A title that the game gives a rank, and what the rank was called here before."""

    index: int
    name: str
    before: str | None


@dataclass(frozen=True, slots=True)
class OverrideView:
    """An officer's word about a player's rank; ends_at None: until it is taken back."""

    rank_index: int
    rank_name: str | None
    reason: str
    set_by: int
    set_at: datetime
    ends_at: datetime | None

    @property
    def label(self) -> str:
        """Give what the rank is called, free text."""
        return rank_label(self.rank_index, self.rank_name)


async def ranks(session: AsyncSession, server_id: int, guild_id: int) -> tuple[RankView, ...]:
    """Load the ranks that occur in a guild now, and those that a server named or mapped; the highest first."""
    found = await session.execute(sa.text(RANKS), {"server_id": server_id, "guild_id": guild_id})
    return tuple(RankView(*row) for row in found)


async def store_rank(session: AsyncSession, server_id: int, guild_id: int, index: int, **values: Any) -> None:
    """Store what a server calls or maps a rank: name (with whether it is the game's title), role_id or both."""
    await session.execute(
        insert(GuildRank)
        .values(server_id=server_id, guild_id=guild_id, rank_index=index, **values)
        .on_conflict_do_update(
            index_elements=[GuildRank.server_id, GuildRank.guild_id, GuildRank.rank_index], set_=values
        )
    )


async def title(session: AsyncSession, server_id: int, guild_id: int, titles: Mapping[int, str]) -> list[NewTitle]:
    """Call ranks by the game's own titles, but those that an officer named; give what that changed, by index."""
    told = [{"rank_index": index, "name": name} for index, name in titles.items()]
    changed = await session.execute(TITLE, {"server_id": server_id, "guild_id": guild_id, "titles": rows(told)})
    return sorted((NewTitle(*row) for row in changed), key=lambda one: one.index)


async def rank_map(session: AsyncSession, server_id: int, guild_id: int) -> list[dict[str, Any]]:
    """Give how a server names and maps the guild's ranks, as the log keeps it."""
    return [
        {"index": rank.index, "name": rank.name, "role_id": rank.role_id}
        for rank in await ranks(session, server_id, guild_id)
        if rank.name is not None or rank.role_id is not None
    ]


async def override(session: AsyncSession, server_id: int, player_id: int, now: datetime) -> OverrideView | None:
    """Load an officer's word about a player's rank; one that has ended is none."""
    row = (
        await session.execute(
            sa.select(
                RankOverride.rank_index,
                # A server follows one guild, so that an index has one name at most.
                sa.select(GuildRank.name)
                .where(GuildRank.server_id == server_id, GuildRank.rank_index == RankOverride.rank_index)
                .scalar_subquery(),
                RankOverride.reason,
                RankOverride.set_by,
                RankOverride.set_at,
                RankOverride.ends_at,
            ).where(
                RankOverride.server_id == server_id,
                RankOverride.player_id == player_id,
                sa.or_(RankOverride.ends_at.is_(None), RankOverride.ends_at > now),
            )
        )
    ).one_or_none()
    return None if row is None else OverrideView(*row)


async def store_override(session: AsyncSession, server_id: int, player_id: int, word: OverrideView) -> None:
    """Store an officer's word about a player's rank in place of an earlier one."""
    values = {
        "rank_index": word.rank_index,
        "reason": word.reason,
        "set_by": word.set_by,
        "set_at": word.set_at,
        "ends_at": word.ends_at,
    }
    await session.execute(
        insert(RankOverride)
        .values(server_id=server_id, player_id=player_id, **values)
        .on_conflict_do_update(index_elements=[RankOverride.server_id, RankOverride.player_id], set_=values)
    )


async def delete_override(session: AsyncSession, server_id: int, player_id: int) -> None:
    """Delete what an officer said about a player's rank."""
    await session.execute(
        sa.delete(RankOverride).where(RankOverride.server_id == server_id, RankOverride.player_id == player_id)
    )


async def end_overrides(session: AsyncSession, server_id: int, now: datetime) -> list[dict[str, Any]]:
    """Delete everything that officers said about players' ranks; give what still stood, as the log keeps it."""
    ended = await session.execute(
        sa.delete(RankOverride)
        .where(RankOverride.server_id == server_id)
        .returning(RankOverride.player_id, RankOverride.rank_index, RankOverride.reason, RankOverride.ends_at)
    )
    return [
        {"player_id": player_id, **override_facts(rank_index, reason, ends_at)}
        for player_id, rank_index, reason, ends_at in sorted(ended, key=lambda row: row.player_id)
        if ends_at is None or ends_at > now
    ]


def override_facts(rank_index: int, reason: str, ends_at: datetime | None) -> dict[str, Any]:
    """Make what the log keeps of an officer's word about a rank."""
    return {"rank": rank_index, "reason": reason, "ends_at": None if ends_at is None else ends_at.isoformat()}
