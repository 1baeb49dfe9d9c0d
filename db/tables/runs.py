"""Runs and leases: who is reading what, and which process holds the timers."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Identity, Snowflake, enum_by_value
from domain.runs import RunSource, RunStatus, Trigger


class SyncRun(Base):
    """A run; its row is the lease while it is running.

    A run belongs to a guild, to a server or to a region, never to two. `counts` are plain numbers by name;
    `reason` says in a few words why a run is partial or an error.
    """

    __tablename__ = "sync_log"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(guild_id, server_id, region) = 1", name="one_scope"),
        sa.Index(
            "uq_sync_log_running_guild",
            "guild_id",
            "source",
            unique=True,
            postgresql_where=sa.text("status = 'running' AND guild_id IS NOT NULL"),
        ),
        sa.Index(
            "uq_sync_log_running_server",
            "server_id",
            "source",
            unique=True,
            postgresql_where=sa.text("status = 'running' AND server_id IS NOT NULL"),
        ),
        sa.Index(
            "uq_sync_log_running_region",
            "region",
            "source",
            unique=True,
            postgresql_where=sa.text("status = 'running' AND region IS NOT NULL"),
        ),
        sa.Index(None, "guild_id", "started_at"),
        sa.Index(None, "server_id", "started_at"),
        {"schema": "common"},
    )

    id: Mapped[Identity]
    source: Mapped[RunSource] = mapped_column(enum_by_value(RunSource))
    status: Mapped[RunStatus] = mapped_column(enum_by_value(RunStatus))
    trigger: Mapped[Trigger] = mapped_column(enum_by_value(Trigger))
    guild_id: Mapped[int | None] = mapped_column(sa.ForeignKey("common.guilds.id"))
    server_id: Mapped[Snowflake | None]
    region: Mapped[str | None]
    owner: Mapped[str]
    actor_id: Mapped[Snowflake | None]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    duration_ms: Mapped[int | None]
    counts: Mapped[dict[str, Any]]
    reason: Mapped[str | None]


class InstanceLease(Base):
    """The one row that says which process runs the timers."""

    __tablename__ = "instance_lease"
    __table_args__ = (sa.CheckConstraint("id = 1", name="single_row"), {"schema": "common"})

    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    owner: Mapped[str]
    acquired_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
