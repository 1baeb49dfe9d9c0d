"""Uploads: how soon one is acknowledged, and applying it beside one statement after the other for each row."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.services import uploads
from bot.services.context import Context
from bot.services.upload_keys import Uploader
from db.engine import create_engine, create_sessions
from db.tables.guilds import Character, Membership
from db.tables.identity import CharacterNote
from domain.names import fold
from tests.bench.data import letters, row_versions
from tests.bench.figures import Figure
from tests.support.people import insert_characters, insert_guild, insert_server
from tests.support.statements import statements
from tests.support.uploads import export, insert_key, row

CHARACTERS = 1_000
ROUNDS = 5
SERVER = 4_001
NOTES = "guild_identity.character_notes"
WORK = f"upload of {CHARACTERS:,}"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one act cost."""

    seconds: float
    statements: int


async def measure(url: str) -> list[Figure]:
    """Upload other notes in both ways by turns, then the same ones again; the figures are medians."""
    engine = create_engine(url)
    ctx = Context(create_sessions(engine))
    # Nobody's members were read: what follows an upload is measured by matching and audit.
    guild_id = await insert_guild(ctx, await insert_server(ctx, SERVER, members_synced=False))
    names = [letters(10_000 + number) for number in range(CHARACTERS)]
    await insert_characters(ctx, guild_id, *names)
    uploader = await insert_key(ctx, guild_id, SERVER)
    began = ctx.clock() - timedelta(days=1)
    stored: list[Cost] = []
    together: list[Cost] = []
    apart: list[Cost] = []
    for number in range(ROUNDS):
        rows = _rows(names, f"round {number}")
        received, applied = await _upload(ctx, engine, uploader, rows, began + timedelta(minutes=number))
        stored.append(received)
        together.append(applied)
        apart.append(await _row_by_row(ctx, engine, guild_id, _rows(names, f"row by row {number}")))
    rows = _rows(names, "the same")
    await _upload(ctx, engine, uploader, rows, began + timedelta(hours=1))
    before = await row_versions(ctx, NOTES)
    _, again = await _upload(ctx, engine, uploader, rows, began + timedelta(hours=2))
    written = len(before ^ await row_versions(ctx, NOTES))
    await engine.dispose()
    acknowledged, new, plain = (median(cost.seconds for cost in costs) for costs in (stored, together, apart))
    return [
        Figure(WORK, "acknowledged", acknowledged * 1000, "ms", at_most=150),
        Figure(WORK, "statements, acknowledged", max(cost.statements for cost in stored)),
        Figure(WORK, "applied, all new", new * 1000, "ms"),
        Figure(WORK, "applied, all new, row by row", plain * 1000, "ms"),
        Figure(WORK, "times faster", plain / new, at_least=10),
        Figure(WORK, "statements, all new", max(cost.statements for cost in together)),
        Figure(WORK, "statements, row by row", max(cost.statements for cost in apart)),
        Figure(WORK, "applied, unchanged", again.seconds * 1000, "ms"),
        Figure(WORK, "note rows written, unchanged", written, at_most=0),
    ]


def _rows(names: Sequence[str], note: str) -> list[dict[str, Any]]:
    return [
        row(name, note, "trial until May", realm="Stormrage", guid=f"Player-60-{number:08X}", level=90, rank=5)
        for number, name in enumerate(names)
    ]


async def _upload(
    ctx: Context, engine: AsyncEngine, uploader: Uploader, rows: list[dict[str, Any]], at: datetime
) -> tuple[Cost, Cost]:
    """Hand an upload in, and give it its turn."""
    body = json.dumps(export(*rows, at=at)).encode()
    with statements(engine) as seen:
        start = time.perf_counter()
        receipt = await uploads.receive(ctx, uploader, body)
        stored = Cost(time.perf_counter() - start, len(seen))
    with statements(engine) as seen:
        start = time.perf_counter()
        await uploads.process(ctx, uploader.server_id)
        applied = Cost(time.perf_counter() - start, len(seen))
    result = (await uploads.view(ctx, uploader, receipt.upload)).result
    if result is None or result["applied"] + result["unchanged"] != len(rows):
        raise RuntimeError(f"the upload was not applied whole: {result}")
    return stored, applied


async def _row_by_row(ctx: Context, engine: AsyncEngine, guild_id: int, rows: list[dict[str, Any]]) -> Cost:
    """Store notes as it is usually done: look each character up, look its notes up, store them."""
    with statements(engine) as seen:
        start = time.perf_counter()
        async with ctx.sessions.begin() as session:
            for one in rows:
                await _store_one(session, guild_id, one, ctx.clock())
        return Cost(time.perf_counter() - start, len(seen))


async def _store_one(session: AsyncSession, guild_id: int, one: dict[str, Any], now: datetime) -> None:
    character_id = await session.scalar(
        sa.select(Character.id)
        .join(Membership, Membership.character_id == Character.id)
        .where(Character.name_key == fold(one["name"]), Membership.guild_id == guild_id, Membership.left_at.is_(None))
    )
    values = {
        "guild_note": one["note"],
        "guild_note_at": now,
        "officer_note": one["officer_note"],
        "officer_note_at": now,
    }
    mine = {"server_id": SERVER, "character_id": character_id}
    if await session.scalar(sa.select(CharacterNote.guild_note).filter_by(**mine)) is None:
        await session.execute(sa.insert(CharacterNote).values(**mine, **values))
    else:
        await session.execute(sa.update(CharacterNote).filter_by(**mine).values(**values))
