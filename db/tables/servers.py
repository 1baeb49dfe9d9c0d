"""A Discord server: its settings, the guild it follows, and how it names that guild's ranks."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Snowflake, enum_by_value
from domain.links import LinkMode
from domain.ranks import RankTruth


class Server(Base):
    """A server and its settings; `left_at` is set while the bot is not in it."""

    __tablename__ = "servers"
    __table_args__ = {"schema": "guild_identity"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str]
    locale: Mapped[str] = mapped_column(default="en-US")
    time_zone: Mapped[str] = mapped_column(default="UTC")
    slug: Mapped[str | None] = mapped_column(unique=True)
    officer_role_id: Mapped[Snowflake | None]
    audit_channel_id: Mapped[Snowflake | None]
    rank_truth: Mapped[RankTruth] = mapped_column(enum_by_value(RankTruth), default=RankTruth.REPORT_ONLY)
    link_mode: Mapped[LinkMode] = mapped_column(enum_by_value(LinkMode), default=LinkMode.AUTOMATIC)
    roster_interval_hours: Mapped[int] = mapped_column(sa.SmallInteger, default=6)
    member_interval_minutes: Mapped[int] = mapped_column(sa.SmallInteger, default=15)
    profile_interval_hours: Mapped[int] = mapped_column(sa.SmallInteger, default=24)
    stale_days: Mapped[int] = mapped_column(sa.SmallInteger, default=30)
    """Days without a login after which a character is stale."""
    report_lines: Mapped[int] = mapped_column(sa.SmallInteger, default=20)
    """Findings of one type that a report names."""
    data_days: Mapped[int] = mapped_column(sa.SmallInteger, default=3)
    """Days without a whole roster or member list after which that is a finding."""
    note_days: Mapped[int] = mapped_column(sa.SmallInteger, default=7)
    """Days without an upload after which the notes are old, where anybody has a key to send them."""
    digest: Mapped[bool] = mapped_column(default=True)
    """Whether the audit channel gets a digest each week."""
    digest_at: Mapped[datetime | None]
    """When the last digest was queued."""
    role_sync: Mapped[bool] = mapped_column(default=False)
    """Whether Muster gives and takes the roles of ranks; only while the game decides about them."""
    created_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    """When the bot was last invited again; None while it never was away."""
    members_synced_at: Mapped[datetime | None]
    """When the member list was last read whole."""


class ServerGuild(Base):
    """A guild that a server follows."""

    __tablename__ = "server_guilds"
    __table_args__ = (sa.Index(None, "guild_id"), {"schema": "guild_identity"})

    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"), primary_key=True)
    guild_id: Mapped[int] = mapped_column(sa.ForeignKey("common.guilds.id"), primary_key=True)
    followed_at: Mapped[datetime]
    followed_by: Mapped[Snowflake | None]


class GuildRank(Base):
    """A server's view of one of its guild's ranks: name, level, mapped role, description, scheduling weight."""

    __tablename__ = "guild_ranks"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["server_id", "guild_id"],
            ["guild_identity.server_guilds.server_id", "guild_identity.server_guilds.guild_id"],
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("rank_index BETWEEN 0 AND 9", name="rank_index"),
        {"schema": "guild_identity"},
    )

    server_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    guild_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    rank_index: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True)
    name: Mapped[str | None]
    titled: Mapped[bool] = mapped_column(default=False)
    """Whether the name is the game's own title, which an upload told and may change; else it is an officer's word."""
    level: Mapped[str | None]
    role_id: Mapped[Snowflake | None]
    description: Mapped[str | None]
    scheduling_weight: Mapped[int] = mapped_column(sa.SmallInteger, default=1)
