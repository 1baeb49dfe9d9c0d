"""Keys of those who upload from the game."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.audit import Action
from db.tables.guilds import Guild
from db.tables.servers import Server, ServerGuild
from db.tables.uploads import Upload, UploadKey
from domain.audit import SubjectKind
from domain.regions import Region

CREATE: Final = "addon.key_create"
ROTATE: Final = "addon.key_rotate"
REVOKE: Final = "addon.key_revoke"
"""What the log calls these acts."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key in force as it is shown: by the part that names it, never by its secret."""

    public_id: str
    name: str
    created_at: datetime
    created_by: int
    rotated_at: datetime | None
    last_upload_at: datetime | None

    @property
    def version(self) -> int:
        """Tell this key from the same one rotated: when that was, in milliseconds, 0 for never."""
        return 0 if self.rotated_at is None else int(self.rotated_at.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a key names, and what its secret is compared with."""

    key_id: int
    name: str
    server_id: int
    guild_id: int
    guild_name: str
    realm_name: str
    region: Region
    secret_hash: bytes


async def holder(session: AsyncSession, public_id: str) -> Holder | None:
    """Load whom a key in force names.

    None also for a server that Muster is not in, or that follows another guild than the key's.
    """
    row = (
        await session.execute(
            sa.select(
                UploadKey.id,
                UploadKey.name,
                UploadKey.server_id,
                UploadKey.guild_id,
                Guild.name,
                Guild.realm_name,
                Guild.region,
                UploadKey.secret_hash,
            )
            .join(Server, Server.id == UploadKey.server_id)
            .join(
                ServerGuild,
                sa.and_(ServerGuild.server_id == UploadKey.server_id, ServerGuild.guild_id == UploadKey.guild_id),
            )
            .join(Guild, Guild.id == UploadKey.guild_id)
            .where(UploadKey.public_id == public_id, UploadKey.revoked_at.is_(None), Server.left_at.is_(None))
        )
    ).one_or_none()
    return None if row is None else Holder(*row)


async def in_force(session: AsyncSession, server_id: int) -> list[KeyView]:
    """Load a server's keys that are in force, by name."""
    last = (
        sa.select(sa.func.max(Upload.received_at)).where(Upload.key_id == UploadKey.id).correlate(UploadKey)
    ).scalar_subquery()
    found = await session.execute(
        sa.select(
            UploadKey.public_id,
            UploadKey.name,
            UploadKey.created_at,
            UploadKey.created_by,
            UploadKey.rotated_at,
            last,
        )
        .where(UploadKey.server_id == server_id, UploadKey.revoked_at.is_(None))
        .order_by(UploadKey.name_key)
    )
    return [KeyView(*row) for row in found]


async def key(session: AsyncSession, server_id: int, public_id: str) -> UploadKey | None:
    """Load a key of a server, in force or not, to change it."""
    return await session.scalar(
        sa.select(UploadKey).where(UploadKey.server_id == server_id, UploadKey.public_id == public_id).with_for_update()
    )


async def last_rotated_by(session: AsyncSession, server_id: int, public_id: str) -> int | None:
    """Give the officer who rotated a key last."""
    return await session.scalar(
        sa.select(Action.actor_id)
        .where(
            Action.server_id == server_id,
            Action.action == ROTATE,
            Action.after["public_id"].astext == public_id,
        )
        .order_by(Action.id.desc())
        .limit(1)
    )


def _revocation(condition: str) -> sa.TextClause:
    """Make the statement by which Muster revokes keys and logs each."""
    return sa.text(
        f"""
        WITH revoked AS (
            UPDATE guild_identity.upload_keys AS key
            SET revoked_at = :now
            FROM guild_identity.servers AS server
            WHERE server.id = key.server_id AND key.revoked_at IS NULL AND {condition}
            RETURNING key.server_id, key.public_id, key.name
        )
        INSERT INTO guild_identity.action_log (server_id, at, action, subject_kind, subject_id, before, after)
        SELECT server_id, :now, '{REVOKE}', '{SubjectKind.SERVER.value}', server_id,
            jsonb_build_object('public_id', public_id, 'name', name),
            jsonb_build_object('reason', CAST(:reason AS text))
        FROM revoked
        """  # noqa: S608 (only constants of this module)
    )


_REVOKE_OF_ABSENT: Final = _revocation("server.left_at IS NOT NULL")
_REVOKE_OF_SERVER: Final = _revocation("server.id = :server_id")


async def revoke_of_absent(session: AsyncSession, now: datetime) -> None:
    """Revoke the keys of all servers that Muster was removed from."""
    await session.execute(_REVOKE_OF_ABSENT, {"now": now, "reason": "Muster was removed from the server"})


async def revoke_of_server(session: AsyncSession, server_id: int, now: datetime) -> None:
    """Revoke a server's keys, since it follows another guild."""
    values = {"now": now, "server_id": server_id, "reason": "the server follows another guild"}
    await session.execute(_REVOKE_OF_SERVER, values)
