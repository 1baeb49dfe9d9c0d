"""What must be said in Discord after a commit: queued in the same transaction, claimed and settled by the sender."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.audit import REPORT
from bot.services.context import Context
from bot.services.departures import NOTICE
from db import audit, locks, outbox
from db.tables.outbox import OutboxState
from db.tables.servers import Server

CLAIM = timedelta(minutes=2)
GIVEN_UP_AFTER = timedelta(days=3)
"""How long a message is tried: one that Discord never takes would hold up all later ones of its target for good."""
CHANNEL_LOST = "channel_lost"
"""The kind that tells an officer, as a direct message, that a channel takes Muster's messages no longer."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One claimed row, to a channel or to a user, exactly one of them.

    `attempts` counts the earlier tries; `nonce` (up to 25 characters) is the same at each.
    """

    id: int
    server_id: int
    kind: str
    channel_id: int | None
    user_id: int | None
    payload: dict[str, Any]
    attempts: int
    nonce: str


class DeliveryQueue(Protocol):
    """What the sender asks of the outbox."""

    async def claim(self, *, without: tuple[str, ...] = ()) -> Delivery | None:
        """Take a row that may be sent now, in order per target; a claim that is never settled expires.

        Rows of the kinds `without` are left to others.
        """

    async def delivered(self, delivery_id: int, message_id: int | None, shown: tuple[int, ...]) -> None:
        """Settle a row as sent, or as done (no message); `shown` are the ids of what the message really showed."""

    async def retry(self, delivery_id: int, reason: str, after_seconds: float) -> None:
        """Give a row back, claimable again after so many seconds."""

    async def failed(self, delivery_id: int, reason: str) -> None:
        """Settle a row as never to be sent, with the reason that `/setup check` tells."""

    async def unreachable(self, delivery_id: int, reason: str, owner_id: int | None) -> None:
        """Settle a row whose target takes no messages, and tell who can mend it; `owner_id` owns the server."""


class Outbox:
    """The outbox of the database as the sender sees it; each step is one short transaction."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def claim(self, *, without: tuple[str, ...] = ()) -> Delivery | None:
        """Take a row that may be sent now, in order per target; the claim expires after two minutes."""
        async with self._ctx.sessions.begin() as session:
            row = await outbox.claim(session, now=self._ctx.clock(), lease=CLAIM, without=without)
        if row is None:
            return None
        return Delivery(
            id=row.id,
            server_id=row.server_id,
            kind=row.kind,
            channel_id=row.channel_id,
            user_id=row.user_id,
            payload=row.payload,
            attempts=row.attempts - 1,
            nonce=f"muster-{row.id}",
        )

    async def delivered(self, delivery_id: int, message_id: int | None, shown: tuple[int, ...]) -> None:
        """Settle a row as sent, and the findings that it told as counted or shown."""
        self._ctx.meter.delivery_tried("delivered")
        now = self._ctx.clock()
        async with self._ctx.sessions.begin() as session:
            row = await outbox.end(
                session, delivery_id, state=OutboxState.DELIVERED, now=now, discord_message_id=message_id
            )
            if row is not None and row.kind == REPORT:
                await locks.hold(session, locks.Lock.PEOPLE, row.server_id)
                await audit.mark_reported(
                    session,
                    row.server_id,
                    counted=row.payload["counted"],
                    shown=shown,
                    # Those that an earlier release queued do not say when they were made.
                    as_of=datetime.fromisoformat(row.payload.get("made_at", now.isoformat())),
                    now=now,
                )
            elif row is not None and row.kind == NOTICE:
                await locks.hold(session, locks.Lock.PEOPLE, row.server_id)
                await audit.mark_departures_shown(session, row.server_id, now=now)

    async def retry(self, delivery_id: int, reason: str, after_seconds: float) -> None:
        """Give a row back, claimable again after so many seconds; after three days it has failed."""
        self._ctx.meter.delivery_tried("retried")
        now = self._ctx.clock()
        due_at = now + timedelta(seconds=after_seconds)
        async with self._ctx.sessions.begin() as session:
            await outbox.postpone(session, delivery_id, due_at=due_at, reason=reason, now=now, longest=GIVEN_UP_AFTER)

    async def failed(self, delivery_id: int, reason: str) -> None:
        """Settle a row as never to be sent; what it was about is not marked as told."""
        self._ctx.meter.delivery_tried("failed")
        async with self._ctx.sessions.begin() as session:
            await outbox.end(session, delivery_id, state=OutboxState.FAILED, now=self._ctx.clock(), reason=reason)

    async def unreachable(self, delivery_id: int, reason: str, owner_id: int | None) -> None:
        """Settle a row whose target takes no messages; who chose the audit channel hears once that it is lost."""
        self._ctx.meter.delivery_tried("unreachable")
        now = self._ctx.clock()
        async with self._ctx.sessions.begin() as session:
            row = await outbox.end(session, delivery_id, state=OutboxState.FAILED, now=now, reason=reason)
            if row is not None and row.channel_id is not None:
                await _tell_chooser(session, row.server_id, row.channel_id, reason, owner_id=owner_id, now=now)


async def _tell_chooser(
    session: AsyncSession, server_id: int, channel_id: int, reason: str, *, owner_id: int | None, now: datetime
) -> None:
    """Queue the word on a lost audit channel to who chose it, else to the owner.

    Once for a channel and reason, until the channel takes a message again or another one is chosen: whoever closed
    their direct messages finds it in `/setup check`.
    """
    server = await session.get_one(Server, server_id)
    if server.audit_channel_id != channel_id or server.left_at is not None:
        return
    key = f"{channel_id}:{reason}"
    if await outbox.is_told(session, server_id=server_id, kind=CHANNEL_LOST, dedupe_key=key, channel_id=channel_id):
        return
    user_id = await outbox.chooser(session, server_id=server_id, channel_id=channel_id) or owner_id
    if user_id is not None:
        await outbox.queue(
            session,
            server_id=server_id,
            kind=CHANNEL_LOST,
            user_id=user_id,
            payload={"server": server.name, "channel_id": channel_id, "reason": reason},
            dedupe_key=key,
            now=now,
        )
