"""Uploads: stored, taken in their order, settled, and shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.guilds import Guild
from db.tables.reference import Realm
from db.tables.runs import SyncRun
from db.tables.servers import Server, ServerGuild
from db.tables.uploads import Upload, UploadKey
from domain.runs import RunSource, RunStatus
from domain.uploads import Moment, UploadState

_UNFOLLOWED = sa.and_(Upload.state == UploadState.APPLIED, Upload.followed_at.is_(None))
# Without a parameter, so that the index of what is unfinished always fits.
_SERVERS_WAITING = sa.text(
    f"SELECT DISTINCT server_id FROM guild_identity.uploads WHERE state = '{UploadState.RECEIVED}'"  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class UploadView:
    """An upload as it is shown; `result` is what `docs/upload-format.md` says, or the `reason` why it failed."""

    public_id: str
    export_id: str
    format: int
    uploader: str
    exporter: str | None
    officer_notes: bool
    rows: int
    exported_at: datetime
    received_at: datetime
    applied_at: datetime | None
    state: UploadState
    result: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Taken:
    """An upload whose turn it is; `is_followed` tells whether its server is still there and follows its guild."""

    id: int
    guild_id: int
    moment: Moment
    received_at: datetime
    body: bytes
    is_followed: bool


@dataclass(frozen=True, slots=True)
class CutOff:
    """How a run of uploads ended, and at which upload it was then, None where at none."""

    reason: str | None
    upload_id: int | None


async def realm_names(session: AsyncSession, key_id: int) -> tuple[str, ...] | None:
    """Give the names, in all languages, and the slug of the home realm of a key's guild.

    None for a key that was revoked, whose server follows another guild, or that Muster is not in any more.
    """
    row = (
        await session.execute(
            sa.select(Guild.realm_slug, Realm.names)
            .select_from(UploadKey)
            .join(Server, Server.id == UploadKey.server_id)
            .join(
                ServerGuild,
                sa.and_(ServerGuild.server_id == UploadKey.server_id, ServerGuild.guild_id == UploadKey.guild_id),
            )
            .join(Guild, Guild.id == UploadKey.guild_id)
            .outerjoin(Realm, sa.and_(Realm.region == Guild.region, Realm.id == Guild.realm_id))
            .where(UploadKey.id == key_id, UploadKey.revoked_at.is_(None), Server.left_at.is_(None))
        )
    ).one_or_none()
    return None if row is None else (row.realm_slug, *(row.names or {}).values())


async def store(session: AsyncSession, **facts: Any) -> bool:
    """Store an upload; False, and nothing written, where this export of the guild is there already."""
    stored = await session.scalar(
        insert(Upload)
        .values(state=UploadState.RECEIVED, **facts)
        .on_conflict_do_nothing(index_elements=[Upload.server_id, Upload.guild_id, Upload.export_id])
        .returning(Upload.id)
    )
    return stored is not None


async def by_export(session: AsyncSession, server_id: int, guild_id: int, export_id: str) -> UploadView:
    """Load the upload of an export that was stored."""
    return (
        await _views(
            session,
            _SHOWN.where(Upload.server_id == server_id, Upload.guild_id == guild_id, Upload.export_id == export_id),
        )
    )[0]


async def by_public_id(session: AsyncSession, server_id: int, public_id: str) -> UploadView | None:
    """Load an upload of a server."""
    found = await _views(session, _SHOWN.where(Upload.server_id == server_id, Upload.public_id == public_id))
    return found[0] if found else None


async def recent(session: AsyncSession, server_id: int, guild_id: int, *, limit: int) -> tuple[UploadView, ...]:
    """Load the uploads of a server's guild that came last; the last one first."""
    of_guild = Upload.server_id == server_id, Upload.guild_id == guild_id
    return await _views(session, _SHOWN.where(*of_guild).order_by(Upload.id.desc()).limit(limit))


async def waiting(session: AsyncSession, server_id: int) -> Sequence[int]:
    """Give the uploads of a server whose turn comes, in the order of their exports."""
    found = await session.scalars(
        sa.select(Upload.id)
        .where(Upload.server_id == server_id, Upload.state == UploadState.RECEIVED)
        .order_by(Upload.exported_at, Upload.id)
    )
    return found.all()


async def servers_waiting(session: AsyncSession) -> Sequence[int]:
    """Give the servers with uploads whose turn comes."""
    return (await session.scalars(_SERVERS_WAITING)).all()


async def take(session: AsyncSession, upload_id: int) -> Taken:
    """Load an upload whose turn it is."""
    followed = sa.exists(
        sa.select(ServerGuild.guild_id)
        .join(Server, Server.id == ServerGuild.server_id)
        .where(
            ServerGuild.server_id == Upload.server_id,
            ServerGuild.guild_id == Upload.guild_id,
            Server.left_at.is_(None),
        )
    )
    row = (await session.execute(sa.select(Upload, followed.label("followed")).where(Upload.id == upload_id))).one()
    upload = row[0]
    assert upload.body is not None, "no body is dropped before its turn"
    return Taken(
        upload.id,
        upload.guild_id,
        Moment(upload.exported_at, upload.officer_notes),
        upload.received_at,
        upload.body,
        row.followed,
    )


async def others(session: AsyncSession, server_id: int, taken: Taken) -> list[Moment]:
    """Give the newest of the guild's other exports that were applied or wait, with and without officer notes."""
    found = await session.execute(
        sa.select(sa.func.max(Upload.exported_at), Upload.officer_notes)
        .where(
            Upload.server_id == server_id,
            Upload.guild_id == taken.guild_id,
            Upload.id != taken.id,
            Upload.state.in_((UploadState.RECEIVED, UploadState.APPLIED)),
        )
        .group_by(Upload.officer_notes)
    )
    return [Moment(*row) for row in found]


async def settle(
    session: AsyncSession,
    upload_id: int,
    state: UploadState,
    *,
    result: Mapping[str, Any] | None = None,
    applied_at: datetime | None = None,
) -> None:
    """Say what became of an upload."""
    await session.execute(
        sa.update(Upload).where(Upload.id == upload_id).values(state=state, result=result, applied_at=applied_at)
    )


async def prune(session: AsyncSession, server_id: int, *, keep: int) -> None:
    """Drop the bodies of a server's uploads but the last ones and those whose turn has not come."""
    last = (
        sa.select(Upload.id).where(Upload.server_id == server_id).order_by(Upload.id.desc()).offset(keep).limit(1)
    ).scalar_subquery()
    await session.execute(
        sa.update(Upload)
        .where(
            Upload.server_id == server_id,
            Upload.id <= last,
            Upload.body.is_not(None),
            Upload.state != UploadState.RECEIVED,
        )
        .values(body=None)
    )


async def unfollowed(session: AsyncSession, server_id: int) -> Sequence[int]:
    """Give the uploads of a server that were applied, and that matching and audit have not followed yet."""
    return (await session.scalars(sa.select(Upload.id).where(Upload.server_id == server_id, _UNFOLLOWED))).all()


async def note_followed(session: AsyncSession, upload_ids: Iterable[int], now: datetime) -> None:
    """Remember that matching and audit have followed."""
    ids = sa.bindparam(None, list(upload_ids), sa.ARRAY(sa.BigInteger))
    await session.execute(sa.update(Upload).where(Upload.id == sa.any_(ids)).values(followed_at=now))


async def last_ends(session: AsyncSession, server_id: int, *, limit: int) -> list[CutOff]:
    """Give how the last runs of a server's uploads ended, the last one first."""
    found = await session.execute(
        sa.select(SyncRun.reason, SyncRun.counts)
        .where(
            SyncRun.server_id == server_id,
            SyncRun.source == RunSource.ADDON_UPLOAD,
            SyncRun.status != RunStatus.RUNNING,
        )
        .order_by(SyncRun.started_at.desc(), SyncRun.id.desc())
        .limit(limit)
    )
    return [CutOff(row.reason, row.counts.get("upload")) for row in found]


_SHOWN: sa.Select[*tuple[Any, ...]] = sa.select(
    Upload.public_id,
    Upload.export_id,
    Upload.format,
    UploadKey.name,
    Upload.exporter,
    Upload.officer_notes,
    Upload.row_count,
    Upload.exported_at,
    Upload.received_at,
    Upload.applied_at,
    Upload.state,
    Upload.result,
).join(UploadKey, UploadKey.id == Upload.key_id)


async def _views(session: AsyncSession, query: sa.Select[*tuple[Any, ...]]) -> tuple[UploadView, ...]:
    return tuple(UploadView(*row) for row in await session.execute(query))
