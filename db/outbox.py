"""The outbox: queue a message with the change that causes it, claim it, end it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.tables.audit import Action
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.people import Member
from db.tables.servers import Server, ServerGuild

UNDELIVERED = OutboxMessage.state.in_([OutboxState.PENDING, OutboxState.SENDING])
WAITING = sa.and_(OutboxMessage.state == OutboxState.PENDING, OutboxMessage.attempts == 0)
"""Nobody has tried to send it yet: it can still be changed, where a second try must say what the first one said."""
FURTHEST = timedelta(days=2)
"""No message is put off for so long: a moment beyond it was read off a clock that has been set back since."""
MOST_ATTEMPTS = 32_767
"""All that the column holds; one message that Discord always puts off must not stop the others after a month."""
CHANNELS_CHOSEN = "setup.channels"
"""The action by which an officer chooses where Muster posts."""


async def queue(
    session: AsyncSession,
    *,
    server_id: int,
    kind: str,
    channel_id: int | None = None,
    user_id: int | None = None,
    payload: dict[str, Any],
    dedupe_key: str,
    now: datetime,
) -> int:
    """Queue a message to a channel or to a user, exactly one of them; give its id.

    One of the same server, kind and key that nobody has tried to send yet takes the new target and payload instead.
    """
    statement = insert(OutboxMessage).values(
        server_id=server_id,
        kind=kind,
        channel_id=channel_id,
        user_id=user_id,
        payload=payload,
        dedupe_key=dedupe_key,
        state=OutboxState.PENDING,
        attempts=0,
        due_at=now,
        created_at=now,
    )
    return (await session.scalars(_or_replace(statement).returning(OutboxMessage.id))).one()


@dataclass(frozen=True, slots=True)
class Word:
    """A message to the audit channels of all present servers that follow a guild, `but` for some."""

    kind: str
    payload: dict[str, Any]
    dedupe_key: str
    but: sa.Select[int] | None = None


async def queue_to_followers(session: AsyncSession, guild_id: int, *words: Word, now: datetime) -> None:
    """Queue words, each of another kind, as `queue` does, to the servers that follow a guild.

    One statement for all of them, in the order of the servers' ids, so that two of these cannot wait for each other.
    """
    queued = sa.union_all(*(_to_followers(guild_id, word, now) for word in words)).subquery()
    rows = sa.select(queued).order_by(queued.c.server_id)
    await session.execute(_or_replace(insert(OutboxMessage).from_select(list(queued.c.keys()), rows)))


def _to_followers(guild_id: int, word: Word, now: datetime) -> sa.Select[Any]:
    facts: dict[str, sa.ColumnElement[Any]] = {
        "server_id": sa.type_coerce(Server.id, sa.BigInteger),
        "channel_id": sa.type_coerce(Server.audit_channel_id, sa.BigInteger),
    }
    constants = {
        "kind": word.kind,
        "payload": word.payload,
        "dedupe_key": word.dedupe_key,
        "state": OutboxState.PENDING,
        "attempts": 0,
        "due_at": now,
        "created_at": now,
    }
    columns = OutboxMessage.__table__.c
    facts |= {name: sa.literal(value, columns[name].type) for name, value in constants.items()}
    followers = (
        sa.select(*(fact.label(name) for name, fact in facts.items()))
        .join(ServerGuild, ServerGuild.server_id == Server.id)
        .where(ServerGuild.guild_id == guild_id, Server.left_at.is_(None), Server.audit_channel_id.is_not(None))
    )
    return followers if word.but is None else followers.where(Server.id.not_in(word.but))


def _or_replace(statement: Insert) -> Insert:
    """Let a message take the place of one of its server, kind and key that nobody has tried to send yet."""
    return statement.on_conflict_do_update(
        index_elements=["server_id", "kind", "dedupe_key"],
        index_where=sa.text("state = 'pending' AND attempts = 0"),
        set_={name: statement.excluded[name] for name in ("payload", "channel_id", "user_id", "due_at")},
    )


async def withdraw(session: AsyncSession, *, server_id: int, kind: str, dedupe_key: str) -> None:
    """Take back a message that nobody has tried to send yet."""
    await session.execute(
        sa.delete(OutboxMessage).where(
            OutboxMessage.server_id == server_id,
            OutboxMessage.kind == kind,
            OutboxMessage.dedupe_key == dedupe_key,
            WAITING,
        )
    )


async def withdraw_all(session: AsyncSession, *, server_id: int, kinds: Sequence[str]) -> None:
    """Take back all messages of these kinds but those that are being sent."""
    await session.execute(
        sa.delete(OutboxMessage).where(
            OutboxMessage.server_id == server_id,
            OutboxMessage.kind.in_(kinds),
            OutboxMessage.state == OutboxState.PENDING,
        )
    )


async def withdraw_from_absent(session: AsyncSession) -> None:
    """Take back what waits for servers that Muster was removed from; what still stands is told when it is back."""
    absent = sa.select(Server.id).where(Server.left_at.is_not(None))
    await session.execute(
        sa.delete(OutboxMessage).where(OutboxMessage.server_id.in_(absent), OutboxMessage.state == OutboxState.PENDING)
    )


async def hold_waiting(session: AsyncSession, *, server_id: int, kind: str, dedupe_key: str) -> bool:
    """Keep a message that nobody has tried to send yet from being claimed until the transaction ends; False without."""
    found = await session.scalar(
        sa.select(OutboxMessage.id)
        .where(
            OutboxMessage.server_id == server_id,
            OutboxMessage.kind == kind,
            OutboxMessage.dedupe_key == dedupe_key,
            WAITING,
        )
        .with_for_update()
    )
    return found is not None


async def move_pending(session: AsyncSession, *, server_id: int, before: int, after: int) -> None:
    """Let what is not sent yet go to another channel."""
    await session.execute(
        sa.update(OutboxMessage)
        .where(
            OutboxMessage.server_id == server_id,
            OutboxMessage.channel_id == before,
            OutboxMessage.state == OutboxState.PENDING,
        )
        .values(channel_id=after)
    )


def on_the_way(server_id: int, kind: str, listed: str, *, but: str) -> sa.Select[int]:
    """Select the ids that undelivered messages list in their payload; one that waits under the key `but` left out."""
    ids = sa.func.jsonb_array_elements_text(OutboxMessage.payload[listed])
    return sa.select(sa.cast(ids, sa.BigInteger)).where(
        OutboxMessage.server_id == server_id,
        OutboxMessage.kind == kind,
        UNDELIVERED,
        ~sa.and_(WAITING, OutboxMessage.dedupe_key == but),
    )


async def claim(
    session: AsyncSession, *, now: datetime, lease: timedelta, without: Sequence[str] = ()
) -> OutboxMessage | None:
    """Claim a due message that no earlier one of its target waits before; skip what others claim now.

    Those of the kinds `without` are left where they are.

    The server that has the fewest messages on the way comes first, then the oldest message. A claim that ends further
    ahead than two leases is of a clock that was set back; one lease is not enough, for no two clocks are the same.
    """
    first, busy = aliased(OutboxMessage), aliased(OutboxMessage)
    first_of_target = (
        sa.select(first.id)
        .where(first.state.in_([OutboxState.PENDING, OutboxState.SENDING]))
        .ext(distinct_on(first.channel_id, first.user_id))
        .order_by(first.channel_id, first.user_id, first.id)
    )
    sending = (
        sa.select(busy.server_id, sa.func.count().label("count"))
        .where(busy.state == OutboxState.SENDING, busy.claimed_until >= now)
        .group_by(busy.server_id)
        .subquery()
    )
    due = sa.or_(OutboxMessage.due_at <= now, OutboxMessage.due_at > now + FURTHEST)
    free = sa.or_(
        sa.and_(OutboxMessage.state == OutboxState.PENDING, due),
        sa.and_(OutboxMessage.state == OutboxState.SENDING, ~OutboxMessage.claimed_until.between(now, now + 2 * lease)),
    )
    candidate = (
        sa.select(OutboxMessage.id)
        .outerjoin(sending, sending.c.server_id == OutboxMessage.server_id)
        .where(free, OutboxMessage.id.in_(first_of_target), OutboxMessage.kind.not_in(without))
        .order_by(sa.func.coalesce(sending.c.count, 0), OutboxMessage.due_at, OutboxMessage.id)
        .limit(1)
        .with_for_update(of=OutboxMessage, skip_locked=True)
        .scalar_subquery()
    )
    return await session.scalar(
        sa.update(OutboxMessage)
        .where(OutboxMessage.id == candidate)
        .values(
            state=OutboxState.SENDING,
            claimed_until=now + lease,
            attempts=sa.func.least(OutboxMessage.attempts, MOST_ATTEMPTS - 1) + 1,
        )
        .returning(OutboxMessage)
    )


async def end(
    session: AsyncSession,
    message_id: int,
    *,
    state: OutboxState,
    now: datetime,
    discord_message_id: int | None = None,
    reason: str | None = None,
) -> OutboxMessage | None:
    """End a message as delivered or failed; None when that was done already."""
    return await session.scalar(
        sa.update(OutboxMessage)
        .where(OutboxMessage.id == message_id, UNDELIVERED)
        .values(state=state, finished_at=now, message_id=discord_message_id, reason=reason, claimed_until=None)
        .returning(OutboxMessage)
    )


async def postpone(
    session: AsyncSession, message_id: int, *, due_at: datetime, reason: str, now: datetime, longest: timedelta
) -> None:
    """Give a claimed message back for a later attempt; one that waits for longer than `longest` has failed."""
    too_old = OutboxMessage.created_at < now - longest
    state = OutboxMessage.state.type
    await session.execute(
        sa.update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.state == OutboxState.SENDING)
        .values(
            state=sa.case(
                (too_old, sa.literal(OutboxState.FAILED, state)), else_=sa.literal(OutboxState.PENDING, state)
            ),
            finished_at=sa.case((too_old, now)),
            due_at=due_at,
            reason=reason,
            claimed_until=None,
        )
    )


async def give_back_all(session: AsyncSession, *, now: datetime) -> None:
    """Give back every claimed message, whoever claimed it."""
    await session.execute(
        sa.update(OutboxMessage)
        .where(OutboxMessage.state == OutboxState.SENDING)
        .values(state=OutboxState.PENDING, due_at=now, claimed_until=None)
    )


async def last_failure(session: AsyncSession, server_id: int) -> OutboxMessage | None:
    """Load the newest message to a channel of a server if it could not be delivered."""
    newest = await session.scalar(
        sa.select(OutboxMessage)
        .where(OutboxMessage.server_id == server_id, OutboxMessage.channel_id.is_not(None), ~UNDELIVERED)
        .order_by(OutboxMessage.finished_at.desc(), OutboxMessage.id.desc())
        .limit(1)
    )
    return newest if newest is not None and newest.state == OutboxState.FAILED else None


async def is_told(session: AsyncSession, *, server_id: int, kind: str, dedupe_key: str, channel_id: int) -> bool:
    """Tell whether such a message was queued since a channel last took one and since channels were last chosen."""
    taken = sa.select(sa.func.max(OutboxMessage.finished_at)).where(
        OutboxMessage.server_id == server_id,
        OutboxMessage.channel_id == channel_id,
        OutboxMessage.state == OutboxState.DELIVERED,
    )
    chosen = sa.select(sa.func.max(Action.at)).where(Action.server_id == server_id, Action.action == CHANNELS_CHOSEN)
    last_told = sa.select(sa.func.max(OutboxMessage.created_at)).where(
        OutboxMessage.server_id == server_id, OutboxMessage.kind == kind, OutboxMessage.dedupe_key == dedupe_key
    )
    # GREATEST leaves null out: neither happened, or one of them.
    since = sa.func.greatest(taken.scalar_subquery(), chosen.scalar_subquery())
    told = sa.select(last_told.scalar_subquery() >= sa.func.coalesce(since, sa.literal_column("'-infinity'")))
    return bool(await session.scalar(told))


async def chooser(session: AsyncSession, *, server_id: int, channel_id: int) -> int | None:
    """Give who last chose the audit channel; None when no one did who has not left the server."""
    left = sa.select(Member).where(
        Member.server_id == Action.server_id, Member.user_id == Action.actor_id, Member.left_at.is_not(None)
    )
    return await session.scalar(
        sa.select(Action.actor_id)
        .where(
            Action.server_id == server_id,
            Action.action == CHANNELS_CHOSEN,
            Action.after["audit_channel_id"].as_string() == str(channel_id),
            ~left.exists(),
        )
        .order_by(Action.id.desc())
        .limit(1)
    )
