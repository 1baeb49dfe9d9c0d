"""People of a server: members, players, and the links that tie members and characters to players.

Every key includes the server, so that a link across servers cannot be written.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Identity, Snowflake, enum_by_value
from domain.links import Confidence, Source

SCHEMA = "guild_identity"


class Member(Base):
    """A Discord user in a server; bots are not kept. The keys are the folded names, "" where nothing remains."""

    __tablename__ = "discord_users"
    __table_args__ = {"schema": SCHEMA}  # noqa: RUF012 (SQLAlchemy reads it as a plain attribute)

    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    username: Mapped[str]
    global_name: Mapped[str | None]
    nick: Mapped[str | None]
    username_key: Mapped[str]
    global_name_key: Mapped[str]
    nick_key: Mapped[str]
    role_ids: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    pending: Mapped[bool]
    joined_at: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    """As of when the row is true: a list read before that moment says nothing about it."""
    left_at: Mapped[datetime | None]
    opted_out_at: Mapped[datetime | None]
    """Since when no rule may match them, by their own word."""


class Player(Base):
    """A human of a server; owns characters, has members. Main and off-spec are own characters."""

    __tablename__ = "players"
    __table_args__ = (
        sa.UniqueConstraint("server_id", "id"),
        sa.UniqueConstraint("public_id"),
        *(
            sa.ForeignKeyConstraint(
                ["server_id", "id", column],
                [f"{SCHEMA}.player_characters.{key}" for key in ("server_id", "player_id", "character_id")],
                name=f"fk_players_{column}",
                use_alter=True,
                ondelete=f"SET NULL ({column})",
            )
            for column in ("main_character_id", "offspec_character_id")
        ),
        {"schema": SCHEMA},
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"))
    public_id: Mapped[str]
    main_character_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    offspec_character_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    created_at: Mapped[datetime]


class Half:
    """What both halves of a link carry: where it comes from, why, who made it and when."""

    source: Mapped[Source] = mapped_column(enum_by_value(Source))
    confidence: Mapped[Confidence] = mapped_column(enum_by_value(Confidence))
    evidence: Mapped[dict[str, Any]]
    linked_at: Mapped[datetime]
    linked_by: Mapped[Snowflake | None]
    run_id: Mapped[int | None] = mapped_column(sa.ForeignKey("common.sync_log.id"))


class PlayerMember(Half, Base):
    """The half of a link that says which player a member is; at most one player a member."""

    __tablename__ = "player_members"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["server_id", "player_id"], ["guild_identity.players.server_id", "guild_identity.players.id"]
        ),
        sa.ForeignKeyConstraint(
            ["server_id", "user_id"],
            ["guild_identity.discord_users.server_id", "guild_identity.discord_users.user_id"],
        ),
        sa.Index(None, "server_id", "player_id"),
        {"schema": SCHEMA},
    )

    server_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    player_id: Mapped[int] = mapped_column(sa.BigInteger)


class PlayerCharacter(Half, Base):
    """The half of a link that says whose character it is; at most one player a character and server."""

    __tablename__ = "player_characters"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["server_id", "player_id"], ["guild_identity.players.server_id", "guild_identity.players.id"]
        ),
        sa.UniqueConstraint("server_id", "player_id", "character_id"),
        sa.Index(None, "character_id"),
        {"schema": SCHEMA},
    )

    server_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"), primary_key=True)
    player_id: Mapped[int] = mapped_column(sa.BigInteger)


class RejectedCandidate(Base):
    """A character and a member that a person said are not one: no rule proposes them again."""

    __tablename__ = "rejected_candidates"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["server_id", "user_id"],
            ["guild_identity.discord_users.server_id", "guild_identity.discord_users.user_id"],
        ),
        {"schema": SCHEMA},
    )

    server_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    rejected_by: Mapped[Snowflake]
    rejected_at: Mapped[datetime]


class RankOverride(Base):
    """An officer's word about a player's rank, in place of the computed one, until it ends or is taken back."""

    __tablename__ = "rank_overrides"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["server_id", "player_id"],
            ["guild_identity.players.server_id", "guild_identity.players.id"],
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("rank_index BETWEEN 0 AND 9", name="rank_index"),
        {"schema": SCHEMA},
    )

    server_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    player_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    rank_index: Mapped[int] = mapped_column(sa.SmallInteger)
    reason: Mapped[str]
    set_by: Mapped[Snowflake]
    set_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]


class Availability(Base):
    """An officer's word that a player is on hiatus: their characters are not stale until it ends or is taken back."""

    __tablename__ = "player_availability"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["server_id", "player_id"],
            ["guild_identity.players.server_id", "guild_identity.players.id"],
            ondelete="CASCADE",
        ),
        {"schema": SCHEMA},
    )

    server_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    player_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    away_until: Mapped[datetime | None]
    """Null where the end is not known."""
    reason: Mapped[str]
    set_by: Mapped[Snowflake]
    set_at: Mapped[datetime]


class PendingProof(Base):
    """A proof that a member is another player than the one whom they are linked to; an officer merges or rejects."""

    __tablename__ = "pending_proofs"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["server_id", "player_id"],
            ["guild_identity.players.server_id", "guild_identity.players.id"],
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["server_id", "user_id"],
            ["guild_identity.discord_users.server_id", "guild_identity.discord_users.user_id"],
        ),
        sa.UniqueConstraint("public_id"),
        # One at a time for a member: the next one is told when this one is decided.
        sa.UniqueConstraint("server_id", "user_id"),
        {"schema": SCHEMA},
    )

    id: Mapped[Identity]
    public_id: Mapped[str]
    server_id: Mapped[int] = mapped_column(sa.BigInteger)
    user_id: Mapped[Snowflake]
    player_id: Mapped[int] = mapped_column(sa.BigInteger)
    """The player whom the proof says the member to be."""
    character_id: Mapped[int] = mapped_column(sa.ForeignKey("common.wow_characters.id"))
    """The character that it is about."""
    source: Mapped[Source] = mapped_column(enum_by_value(Source))
    given_by: Mapped[Snowflake | None]
    made_at: Mapped[datetime]
