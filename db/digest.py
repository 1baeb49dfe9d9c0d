"""What the weekly digest tells, and whom: what is open, what the week changed, and how it was in the weeks before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.audit import STANDING
from db.recordset import rows, with_rows
from db.tables.audit import Issue
from db.tables.guilds import Guild
from db.tables.servers import Server, ServerGuild
from domain.audit import Severity, State

# Ignored findings are nobody's work any more; one whose cause went away after that was put aside when it was ignored.
TREND = with_rows(
    """
    SELECT moment.at, issue.severity, count(*) AS count
    FROM jsonb_to_recordset(:moments) AS moment (at timestamptz)
    JOIN guild_identity.audit_issues AS issue ON issue.server_id = :server_id AND issue.opened_at <= moment.at
        AND (
            issue.state NOT IN ('ignored', 'resolved')
            OR least(issue.ignored_at, issue.resolved_at) > moment.at
        )
    GROUP BY moment.at, issue.severity
    """,
    "moments",
)


@dataclass(frozen=True, slots=True)
class Reader:
    """A server that wants digests, and the guild that they are about; `last_at` is when the last one was made."""

    server_id: int
    channel_id: int
    time_zone: str
    last_at: datetime | None
    followed_at: datetime
    guild_name: str


@dataclass(frozen=True, slots=True)
class Week:
    """How many findings were opened since a moment, and resolved, `by_officers` of them by people, and ignored."""

    opened: int
    resolved: int
    by_officers: int
    ignored: int

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing happened."""
        return not (self.opened or self.resolved or self.ignored)


async def readers(session: AsyncSession) -> list[Reader]:
    """Load the servers that a digest could be posted on; those that Muster was removed from are left out."""
    found = await session.execute(
        sa.select(
            Server.id,
            sa.type_coerce(Server.audit_channel_id, sa.BigInteger),
            Server.time_zone,
            Server.digest_at,
            ServerGuild.followed_at,
            Guild.name,
        )
        .join(ServerGuild, ServerGuild.server_id == Server.id)
        .join(Guild, Guild.id == ServerGuild.guild_id)
        .where(Server.digest, Server.audit_channel_id.is_not(None), Server.left_at.is_(None))
        .order_by(Server.id)
    )
    return [Reader(*row) for row in found]


async def take_turn(session: AsyncSession, reader: Reader, now: datetime) -> bool:
    """Note that a server's digest is made now; False where another process did it, or a person switched it off."""
    taken = await session.scalar(
        sa.update(Server)
        .where(Server.id == reader.server_id, Server.digest, Server.digest_at.is_not_distinct_from(reader.last_at))
        .values(digest_at=now)
        .returning(Server.id)
    )
    return taken is not None


async def count_types(session: AsyncSession, server_id: int) -> list[tuple[str, Severity, int]]:
    """Count the findings that stand by rule and severity."""
    found = await session.execute(
        sa.select(Issue.rule, Issue.severity, sa.func.count())
        .where(Issue.server_id == server_id, STANDING)
        .group_by(Issue.rule, Issue.severity)
    )
    return [(row[0], row[1], row[2]) for row in found]


async def week(session: AsyncSession, server_id: int, since: datetime) -> Week:
    """Count what happened to a server's findings since a moment."""
    resolved = sa.and_(Issue.state == State.RESOLVED, Issue.resolved_at >= since)
    found = await session.execute(
        sa.select(
            sa.func.count().filter(Issue.opened_at >= since),
            sa.func.count().filter(resolved),
            sa.func.count().filter(resolved, Issue.resolved_by.is_not(None)),
            sa.func.count().filter(Issue.state == State.IGNORED, Issue.ignored_at >= since),
        ).where(Issue.server_id == server_id)
    )
    return Week(*found.one())


async def trend(
    session: AsyncSession, server_id: int, moments: Sequence[datetime]
) -> dict[tuple[datetime, Severity], int]:
    """Count the findings that were open at each moment, by severity; what is zero is missing."""
    found = await session.execute(TREND, {"server_id": server_id, "moments": rows({"at": one} for one in moments)})
    return {(at, Severity(severity)): count for at, severity, count in found}
