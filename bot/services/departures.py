"""Held departures: listed, and decided once by an officer of any server that follows the guild."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import actions, locks, outbox, roster, servers
from db.tables.guilds import Character, Guild, HeldDeparture
from domain.audit import SubjectKind
from domain.errors import Conflict, NotFound
from domain.roster import Departure

NOTICE = "departures"


@dataclass(frozen=True, slots=True)
class HeldCharacter:
    """A character that is missing from the roster and still counts as a member."""

    name: str
    realm: str
    state: Departure
    held_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What an officer decided about held departures, and for how many characters."""

    guild_id: int
    guild_name: str
    applied: bool
    characters: int


async def list_held(ctx: Context, server_id: int) -> list[HeldCharacter]:
    """Load the departures that wait, or that an officer has refused, for the guild of a server; by name."""
    async with ctx.sessions() as session:
        guild = await servers.followed_guild(session, server_id)
        if guild is None:
            return []
        found = await session.execute(
            sa.select(
                Character.name,
                sa.func.coalesce(Character.realm_name, Character.realm_slug),
                HeldDeparture.state,
                HeldDeparture.held_at,
            )
            .join(HeldDeparture, HeldDeparture.character_id == Character.id)
            .where(HeldDeparture.guild_id == guild.id)
            .order_by(HeldDeparture.state, Character.name_key)
        )
        return [HeldCharacter(*row) for row in found]


async def decide(ctx: Context, server_id: int, *, apply: bool, actor_id: int) -> Decision:
    """End the memberships of all held characters that are still absent, or keep them as members.

    All servers of the guild are told who decided. Raises NotFound without a guild, Conflict when nothing waits.
    """
    async with ctx.sessions.begin() as session:
        guild = await servers.followed_guild(session, server_id)
        if guild is None:
            raise NotFound("This server follows no guild yet. Choose one with `/setup guild`.")
        await locks.hold(session, locks.Lock.ROSTER, guild.id)
        now = ctx.clock()
        if apply:
            count = await roster.end_held_memberships(session, guild_id=guild.id, now=now)
        else:
            count = await roster.keep_held_members(session, guild_id=guild.id)
        if count == 0:
            raise Conflict("No departures wait for a decision. Somebody may have decided already.")
        facts = {"characters": count, "applied": apply, "guild": guild.name}
        await actions.log(
            session,
            server_id,
            [
                actions.action(
                    "departures.apply" if apply else "departures.discard",
                    SubjectKind.SERVER,
                    server_id,
                    actor_id=actor_id,
                    after=facts,
                )
            ],
            now,
        )
        await _tell(
            session,
            guild,
            {"event": "decided", "by": actor_id, "server_id": server_id, **facts},
            dedupe_key=f"{guild.id}:decided:{now.isoformat()}",
            now=now,
        )
        return Decision(guild.id, guild.name, apply, count)


async def queue_held(session: AsyncSession, guild: Guild, run_id: int, characters: int, now: datetime) -> None:
    """Queue a word to every server of a guild that departures wait; one not yet sent tells the newest number."""
    facts = {"event": "held", "run_id": run_id, "characters": characters, "guild": guild.name}
    await _tell(session, guild, facts, dedupe_key=f"{guild.id}:held", now=now)


async def _tell(
    session: AsyncSession, guild: Guild, payload: dict[str, Any], *, dedupe_key: str, now: datetime
) -> None:
    for server in await servers.following_servers(session, guild.id):
        if server.audit_channel_id is not None:
            await outbox.queue(
                session,
                server_id=server.id,
                kind=NOTICE,
                channel_id=server.audit_channel_id,
                payload=payload,
                dedupe_key=dedupe_key,
                now=now,
            )
