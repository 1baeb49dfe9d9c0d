"""What must be said in Discord after a commit: queued in the same transaction, claimed and settled by the sender."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from bot.services.audit import REPORT
from bot.services.context import Context
from db import audit, locks, outbox
from db.tables.outbox import OutboxState

CLAIM = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One claimed row; `attempts` counts the earlier tries, `nonce` (up to 25 characters) is the same at each."""

    id: int
    server_id: int
    kind: str
    channel_id: int
    payload: dict[str, Any]
    attempts: int
    nonce: str


class DeliveryQueue(Protocol):
    """What the sender asks of the outbox."""

    async def claim(self) -> Delivery | None:
        """Take the oldest row that may be sent now, in order per target; a claim that is never settled expires."""

    async def delivered(self, delivery_id: int, message_id: int, shown: tuple[int, ...]) -> None:
        """Settle a row as sent; `shown` are the ids of what the message really showed."""

    async def retry(self, delivery_id: int, reason: str, after_seconds: float) -> None:
        """Give a row back, claimable again after so many seconds."""

    async def failed(self, delivery_id: int, reason: str) -> None:
        """Settle a row as never to be sent, with the reason that `/setup check` tells."""


class Outbox:
    """The outbox of the database as the sender sees it; each step is one short transaction."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def claim(self) -> Delivery | None:
        """Take the oldest row that may be sent now, in order per channel; the claim expires after two minutes."""
        async with self._ctx.sessions.begin() as session:
            row = await outbox.claim(session, now=self._ctx.clock(), lease=CLAIM)
        if row is None:
            return None
        assert row.channel_id is not None
        return Delivery(
            id=row.id,
            server_id=row.server_id,
            kind=row.kind,
            channel_id=row.channel_id,
            payload=row.payload,
            attempts=row.attempts - 1,
            nonce=f"muster-{row.id}",
        )

    async def delivered(self, delivery_id: int, message_id: int, shown: tuple[int, ...]) -> None:
        """Settle a row as sent, and a report's findings as counted or shown with it."""
        now = self._ctx.clock()
        async with self._ctx.sessions.begin() as session:
            row = await outbox.end(
                session, delivery_id, state=OutboxState.DELIVERED, now=now, discord_message_id=message_id
            )
            if row is not None and row.kind == REPORT:
                await locks.hold(session, locks.Lock.PEOPLE, row.server_id)
                await audit.mark_reported(session, row.server_id, counted=row.payload["counted"], shown=shown, now=now)

    async def retry(self, delivery_id: int, reason: str, after_seconds: float) -> None:
        """Give a row back, claimable again after so many seconds."""
        due_at = self._ctx.clock() + timedelta(seconds=after_seconds)
        async with self._ctx.sessions.begin() as session:
            await outbox.postpone(session, delivery_id, due_at=due_at, reason=reason)

    async def failed(self, delivery_id: int, reason: str) -> None:
        """Settle a row as never to be sent; what it was about is not marked as told."""
        async with self._ctx.sessions.begin() as session:
            await outbox.end(session, delivery_id, state=OutboxState.FAILED, now=self._ctx.clock(), reason=reason)
