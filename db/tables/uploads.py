"""Uploads from the game: the keys of those who send them, and what they sent."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Identity, Snowflake, enum_by_value
from db.tables.people import SCHEMA
from domain.uploads import UploadState


class UploadKey(Base):
    """An uploader's key, bound to a server and a guild; only a hash of its secret part is known here.

    A name is used once among the keys that are in force.
    """

    __tablename__ = "upload_keys"
    __table_args__ = (
        sa.UniqueConstraint("public_id"),
        sa.UniqueConstraint("server_id", "id"),
        sa.Index(
            "uq_upload_keys_in_force",
            "server_id",
            "name_key",
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
        {"schema": SCHEMA},
    )

    id: Mapped[Identity]
    public_id: Mapped[str]
    """The part of the key that names it."""
    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"))
    guild_id: Mapped[int] = mapped_column(sa.ForeignKey("common.guilds.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    secret_hash: Mapped[bytes]
    """SHA-256 of the secret part, which is random enough to need no salt."""
    created_at: Mapped[datetime]
    created_by: Mapped[Snowflake]
    rotated_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[Snowflake | None]
    """The officer; None where Muster did, which was removed from the server or follows another guild."""


class Upload(Base):
    """An export that somebody sent, of a server's guild; the same export is one row, whoever sends it again.

    `body` is what was sent, in gzip; only that of a server's newest uploads is kept. `result` says what became of it.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        sa.UniqueConstraint("public_id"),
        sa.UniqueConstraint("server_id", "guild_id", "export_id"),
        sa.ForeignKeyConstraint(
            ["server_id", "key_id"], ["guild_identity.upload_keys.server_id", "guild_identity.upload_keys.id"]
        ),
        sa.Index(None, "server_id", "guild_id", "exported_at"),
        sa.Index(None, "key_id", "received_at"),
        sa.Index(
            "ix_uploads_unfinished",
            "server_id",
            "id",
            postgresql_where=sa.text("state = 'received' OR (state = 'applied' AND followed_at IS NULL)"),
        ),
        {"schema": SCHEMA},
    )

    id: Mapped[Identity]
    public_id: Mapped[str]
    server_id: Mapped[int] = mapped_column(sa.ForeignKey("guild_identity.servers.id"))
    guild_id: Mapped[int] = mapped_column(sa.ForeignKey("common.guilds.id"))
    key_id: Mapped[int] = mapped_column(sa.BigInteger)
    format: Mapped[int] = mapped_column(sa.SmallInteger)
    export_id: Mapped[str]
    exported_at: Mapped[datetime]
    """When the game was read, never later than the arrival."""
    received_at: Mapped[datetime]
    exporter: Mapped[str | None]
    addon_version: Mapped[str | None]
    officer_notes: Mapped[bool]
    row_count: Mapped[int]
    body: Mapped[bytes | None]
    state: Mapped[UploadState] = mapped_column(enum_by_value(UploadState))
    applied_at: Mapped[datetime | None]
    followed_at: Mapped[datetime | None]
    """When matching and audit had followed."""
    result: Mapped[dict[str, Any] | None]
