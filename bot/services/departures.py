"""Held departures: listed, and decided once by an officer of any server that follows the guild."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import actions, locks, outbox, roster, servers
from db.outbox import Word
from db.tables.guilds import Character, Guild, HeldDeparture
from db.tables.outbox import OutboxMessage, OutboxState
from domain.audit import SubjectKind
from domain.errors import Conflict
from domain.roster import Departure

NOTICE = "departures"
NOTHING_WAITS = "No departures wait for a decision. Somebody may have decided already."


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


class NotAsShown(Conflict):
    """Say that other departures wait than were shown; `waiting` are those that do."""

    def __init__(self, waiting: list[HeldCharacter]) -> None:
        super().__init__("The departures changed meanwhile. Look again before you decide.")
        self.waiting = waiting


def fingerprint(waiting: Iterable[HeldCharacter]) -> str:
    """Name a set of departures, so that nobody decides about another one than was shown; 12 hex digits."""
    names = sorted(f"{one.name}\n{one.realm}\n{one.held_at.isoformat()}" for one in waiting)
    return hashlib.sha256("\n\n".join(names).encode()).hexdigest()[:12]


async def list_held(ctx: Context, server_id: int) -> list[HeldCharacter]:
    """Load the departures that wait, or that an officer has refused, for the guild of a server; by name."""
    async with ctx.sessions() as session:
        guild = await servers.followed_guild(session, server_id)
        return [] if guild is None else await _held(session, guild)


async def list_waiting(ctx: Context, server_id: int) -> list[HeldCharacter]:
    """Load the departures that no officer has decided about."""
    return _waiting(await list_held(ctx, server_id))


async def decide(ctx: Context, server_id: int, *, apply: bool, actor_id: int, shown: str | None = None) -> Decision:
    """End the memberships of all held characters that are still absent, or keep them as members.

    All servers of the guild are told who decided. `shown` is the fingerprint of what the officer saw wait. Raises
    FollowsNoGuild without a guild, Conflict when nothing waits, NotAsShown when something else does than was shown.
    """
    async with ctx.sessions.begin() as session:
        guild = await servers.required_guild(session, server_id)
        await locks.hold(session, locks.Lock.ROSTER, guild.id)
        if shown is not None:
            # A roster that was being applied until now may have changed what waits.
            _require_as_shown(_waiting(await _held(session, guild)), shown)
        now = ctx.clock()
        if apply:
            count = await roster.end_held_memberships(session, guild_id=guild.id, now=now)
        else:
            count = await roster.keep_held_members(session, guild_id=guild.id)
        if count == 0:
            raise Conflict(NOTHING_WAITS)
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
        payload = {"event": "decided", "by": actor_id, "server_id": server_id, **facts}
        word = Word(NOTICE, payload, f"{guild.id}:decided:{now.isoformat()}")
        await outbox.queue_to_followers(session, guild.id, word, now=now)
        return Decision(guild.id, guild.name, apply, count)


def word_of_held(guild: Guild, run_id: int, *, characters: int, newly_held: int) -> Word:
    """Give the word to the servers of a guild that departures wait; one not yet sent tells the newest number.

    While nothing is newly held, only servers are told that no word of it reached or is on its way to.
    """
    key = f"{guild.id}:held"
    payload = {"event": "held", "run_id": run_id, "characters": characters, "guild": guild.name}
    return Word(NOTICE, payload, key, but=None if newly_held else _told(guild, key))


async def _held(session: AsyncSession, guild: Guild) -> list[HeldCharacter]:
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


def _waiting(held: Iterable[HeldCharacter]) -> list[HeldCharacter]:
    return [one for one in held if one.state is Departure.HELD]


def _require_as_shown(waiting: list[HeldCharacter], shown: str) -> None:
    if not waiting:
        raise Conflict(NOTHING_WAITS)
    if fingerprint(waiting) != shown:
        raise NotAsShown(waiting)


def _told(guild: Guild, dedupe_key: str) -> sa.Select[int]:
    """Select the servers that heard of the present hold since it last grew, or will without further ado."""
    grew_at = (
        sa.select(sa.func.max(HeldDeparture.held_at))
        .where(HeldDeparture.guild_id == guild.id, HeldDeparture.state == Departure.HELD)
        .scalar_subquery()
    )
    arrived = sa.and_(OutboxMessage.state == OutboxState.DELIVERED, OutboxMessage.finished_at >= grew_at)
    return sa.select(OutboxMessage.server_id).where(
        OutboxMessage.kind == NOTICE,
        OutboxMessage.dedupe_key == dedupe_key,
        sa.or_(outbox.UNDELIVERED, arrived),
    )
