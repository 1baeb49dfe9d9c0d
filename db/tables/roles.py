"""Roles that Muster gives: what it gave, and the runs in which it did."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Identity, Snowflake, enum_by_value
from db.tables.people import SCHEMA
from domain.role_sync import ChangeState, RoleAct, RunKind


class GivenRole(Base):
    """A role that a member has from Muster: only these are ever taken."""

    __tablename__ = "role_ledger"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["server_id", "user_id"],
            ["guild_identity.discord_users.server_id", "guild_identity.discord_users.user_id"],
        ),
        {"schema": SCHEMA},
    )

    server_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    role_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    given_at: Mapped[datetime]


class RoleRun(Base):
    """A run of role changes; it is over once none of its changes is planned any more."""

    __tablename__ = "role_runs"
    __table_args__ = (
        sa.UniqueConstraint("public_id"),
        sa.UniqueConstraint("server_id", "id"),
        sa.ForeignKeyConstraint(
            ["server_id", "undoes"], ["guild_identity.role_runs.server_id", "guild_identity.role_runs.id"]
        ),
        sa.Index(None, "server_id", "started_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[Identity]
    public_id: Mapped[str]
    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"))
    kind: Mapped[RunKind] = mapped_column(enum_by_value(RunKind))
    actor_id: Mapped[Snowflake | None]
    """The officer who started it; None where Muster did by itself."""
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    undoes: Mapped[int | None] = mapped_column(sa.BigInteger)


class RoleChange(Base):
    """One role of one member, given or taken in a run; at most one for a member and role is planned at a time."""

    __tablename__ = "role_changes"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["server_id", "run_id"], ["guild_identity.role_runs.server_id", "guild_identity.role_runs.id"]
        ),
        sa.ForeignKeyConstraint(
            ["server_id", "user_id"],
            ["guild_identity.discord_users.server_id", "guild_identity.discord_users.user_id"],
        ),
        sa.Index(
            "uq_role_changes_planned",
            "server_id",
            "user_id",
            "role_id",
            unique=True,
            postgresql_where=sa.text("state = 'planned'"),
        ),
        sa.Index(None, "run_id"),
        {"schema": SCHEMA},
    )

    id: Mapped[Identity]
    server_id: Mapped[int] = mapped_column(sa.BigInteger)
    run_id: Mapped[int] = mapped_column(sa.BigInteger)
    user_id: Mapped[Snowflake]
    role_id: Mapped[Snowflake]
    act: Mapped[RoleAct] = mapped_column(enum_by_value(RoleAct))
    state: Mapped[ChangeState] = mapped_column(enum_by_value(ChangeState))
    reason: Mapped[str | None]
    """Why it was skipped or failed, in words for officers."""
    asked_at: Mapped[datetime | None]
    """When Discord was last asked to make it: what is so already afterwards is most likely Muster's own doing."""
    finished_at: Mapped[datetime | None]
