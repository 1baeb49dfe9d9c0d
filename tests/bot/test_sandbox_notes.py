"""The file that stands for the addon's uploads in the sandbox."""

import json
import logging
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot import sandbox_notes
from bot.services import pipeline
from bot.services.context import Context
from db.tables.identity import CharacterNote
from sandbox.notes import Note
from sandbox.stage import Stage
from tests.e2e.small import small_guild
from tests.support.clock import FakeClock
from tests.support.people import SERVER, Toon, insert_characters, insert_guild, insert_server

WRITTEN = datetime(2025, 12, 31, 20, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "notes.json"


@pytest.fixture
def ctx(sessions: async_sessionmaker[AsyncSession], clock: FakeClock, file: Path) -> Context:
    return Context(sessions, clock, before_matching=sandbox_notes.reader(file))


async def stored(ctx: Context) -> list[tuple[str | None, str | None, datetime | None]]:
    async with ctx.sessions() as session:
        found = await session.scalars(sa.select(CharacterNote).order_by(CharacterNote.character_id))
        return [(note.guild_note, note.officer_note, note.guild_note_at) for note in found]


async def test_the_notes_of_the_file_are_there_before_a_server_is_matched(ctx: Context, file: Path) -> None:
    await insert_characters(ctx, await insert_guild(ctx, await insert_server(ctx)), "Ana")
    file.write_text(json.dumps([{"character_name": "Ana", "realm": "Stormrage", "guild_note": "hello"}]))
    os.utime(file, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    await pipeline.follow_up(ctx, SERVER)
    assert await stored(ctx) == [("hello", None, WRITTEN)]


@pytest.mark.parametrize("content", [None, b"not json", b"{}", b'[{"realm": "Stormrage"}]', b"\xff\xfe"])
async def test_a_file_that_cannot_be_read_is_a_warning_and_matching_goes_on(
    ctx: Context, file: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    await insert_characters(ctx, await insert_guild(ctx, await insert_server(ctx)), "Ana")
    if content is not None:
        file.write_bytes(content)
    await pipeline.follow_up(ctx, SERVER)
    assert [(one.levelno, str(file) in one.message) for one in caplog.records] == [(logging.WARNING, True)]
    assert await stored(ctx) == []


async def test_a_server_without_a_guild_has_no_use_for_notes(ctx: Context, file: Path) -> None:
    await insert_server(ctx)
    file.write_text(json.dumps([{"character_name": "Ana", "guild_note": "hello"}]))
    await pipeline.follow_up(ctx, SERVER)
    assert await stored(ctx) == []


async def test_what_the_stage_writes_is_what_the_reader_reads(ctx: Context) -> None:
    sample = small_guild()
    master, _, mule, *_ = sample.characters
    notes = {master: Note("", "Discord: quiet_owl"), mule: Note("bank, привет", None)}
    async with Stage(replace(sample, notes=notes)) as stage:
        guild = await insert_guild(ctx, await insert_server(ctx))
        await insert_characters(ctx, guild, *(Toon(one.name, realm=one.realm.slug) for one in notes))
        await sandbox_notes.reader(stage.notes_file)(ctx, SERVER)
        assert await stored(ctx) == []
        stage.upload_notes()
        await sandbox_notes.reader(stage.notes_file)(ctx, SERVER)
    assert [one[:2] for one in await stored(ctx)] == [("", "Discord: quiet_owl"), ("bank, привет", None)]
