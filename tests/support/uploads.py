"""Uploads as a test needs them: keys in the table, bodies as a companion sends them."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.services import notes, uploads
from bot.services.context import Context
from bot.services.notes import NoteRow, NotesApplied
from bot.services.upload_keys import Uploader
from bot.services.uploads import Receipt
from db import locks, servers
from db.tables.guilds import Guild
from db.tables.identity import CharacterNote
from db.tables.uploads import Upload, UploadKey
from domain.names import fold
from domain.uploads import GuildName
from tests.support.people import OFFICER, SERVER

READ = datetime(2025, 12, 31, 20, tzinfo=UTC)
"""When the game was read, unless a test says otherwise."""
GOLDEN = Path(__file__).parents[1] / "golden" / "upload"

_numbers = count(1)


def golden_cases() -> list[Path]:
    """Give the folders of the golden files; AssertionError without any."""
    cases = sorted(path.parent for path in GOLDEN.glob("*/upload.json"))
    assert cases, f"no golden files in {GOLDEN}: make them with `python -m tests.wow_addon.golden`"
    return cases


def row(name: str, note: str | None = "", officer_note: str | None = None, **others: Any) -> dict[str, Any]:
    """Make a row of format 1."""
    return {"name": name, "realm": None, "note": note, "officer_note": officer_note, **others}


def export(
    *rows: Mapping[str, Any], at: datetime, export_id: str | None = None, officer_notes: bool = True, **others: Any
) -> dict[str, Any]:
    """Make an upload of format 1 by Bob of Raiders of Dawn, with an export id of its own."""
    return {
        "format": 1,
        "export_id": export_id or f"export-{next(_numbers)}",
        "exported_at": int(at.timestamp()),
        "addon_version": "1.0.0",
        "guild": {"name": "Raiders of Dawn", "realm": "Stormrage", "region": "eu"},
        "exporter": {"name": "Bob", "realm": "Stormrage", "officer_notes": officer_notes},
        "ranks": [],
        "rows": list(rows),
        **others,
    }


def body(content: Any) -> bytes:
    """Give content as it is sent."""
    return json.dumps(content, ensure_ascii=False).encode()


async def insert_key(ctx: Context, guild_id: int, server_id: int = SERVER, *, name: str = "Bob's PC") -> Uploader:
    """Let a server have a key for a guild; give whom it names."""
    public_id = f"{next(_numbers):012x}"
    async with ctx.sessions.begin() as session:
        key = UploadKey(
            public_id=public_id,
            server_id=server_id,
            guild_id=guild_id,
            name=name,
            name_key=f"{fold(name)}{public_id}",
            secret_hash=b"",
            created_at=ctx.clock(),
            created_by=OFFICER,
        )
        session.add(key)
        await session.flush()
        guild = await session.get_one(Guild, guild_id)
        return Uploader(key.id, name, server_id, guild_id, GuildName(guild.name, guild.realm_name, guild.region.value))


async def load_uploads(ctx: Context, server_id: int = SERVER) -> list[Upload]:
    """Load a server's uploads, the first one first."""
    async with ctx.sessions() as session:
        found = await session.scalars(sa.select(Upload).where(Upload.server_id == server_id).order_by(Upload.id))
        return list(found)


async def apply_notes(ctx: Context, server_id: int, rows: Iterable[NoteRow], *, as_of: datetime) -> NotesApplied:
    """Keep what these rows tell, as an upload of that moment does."""
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        guild = await servers.required_guild(session, server_id)
        return await notes.apply(session, server_id, guild, rows, read_at=as_of)


async def send(ctx: Context, uploader: Uploader, *rows: dict[str, Any], at: datetime = READ, **others: Any) -> Receipt:
    """Upload rows, read in the game at that moment."""
    return await uploads.receive(ctx, uploader, body(export(*rows, at=at, **others)))


async def sent(ctx: Context, uploader: Uploader, *rows: dict[str, Any], at: datetime = READ, **others: Any) -> Any:
    """Upload rows and let them have their turn; give the result."""
    receipt = await send(ctx, uploader, *rows, at=at, **others)
    await uploads.process(ctx, uploader.server_id)
    return (await uploads.view(ctx, uploader, receipt.upload)).result


async def notes_of(ctx: Context, server_id: int = SERVER) -> dict[int, tuple[str | None, str | None]]:
    """Load a server's notes by character id: guild note and officer note."""
    async with ctx.sessions() as session:
        found = await session.scalars(sa.select(CharacterNote).where(CharacterNote.server_id == server_id))
        return {one.character_id: (one.guild_note, one.officer_note) for one in found}
