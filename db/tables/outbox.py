"""What must still happen in Discord."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Identity, Snowflake, enum_by_value


class OutboxState(StrEnum):
    """Name how a message stands; `sending` is a claim that ends with `claimed_until`."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"


class OutboxMessage(Base):
    """A message to a channel or a user, in order per target; one that waits is unique by its dedupe key."""

    __tablename__ = "outbox"
    __table_args__ = (
        sa.Index(
            "uq_outbox_waiting",
            "server_id",
            "kind",
            "dedupe_key",
            unique=True,
            postgresql_where=sa.text("state = 'pending' AND attempts = 0"),
        ),
        sa.Index(
            "ix_outbox_undelivered",
            "channel_id",
            "user_id",
            "id",
            postgresql_where=sa.text("state IN ('pending', 'sending')"),
        ),
        sa.Index(None, "server_id", "finished_at"),
        sa.CheckConstraint("num_nonnulls(channel_id, user_id) = 1", name="one_target"),
        {"schema": "guild_identity"},
    )

    id: Mapped[Identity]
    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"))
    kind: Mapped[str]
    channel_id: Mapped[Snowflake | None]
    user_id: Mapped[Snowflake | None]
    payload: Mapped[dict[str, Any]]
    dedupe_key: Mapped[str]
    state: Mapped[OutboxState] = mapped_column(enum_by_value(OutboxState))
    attempts: Mapped[int] = mapped_column(sa.SmallInteger)
    due_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    message_id: Mapped[Snowflake | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
