"""Uploads received: what is acknowledged is stored, once, and nothing else is."""

import gzip
import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.services import uploads
from bot.services.context import Context
from bot.services.upload_format import BadJson, Invalid
from bot.services.upload_keys import Uploader
from bot.services.uploads import KeyEnded, OtherGuild, Receipt
from db import jobs
from db.tables.reference import Realm
from db.tables.servers import Server
from db.tables.uploads import UploadKey
from domain.regions import Region
from domain.uploads import UploadState
from tests.support.clock import FakeClock
from tests.support.people import SERVER, insert_characters, insert_guild
from tests.support.uploads import READ, body, export, insert_key, load_uploads, notes_of, row, send, sent

LATER = READ + timedelta(hours=1)
JOBS = "SELECT convert_from(payload, 'UTF8') FROM jobs.pgqueuer WHERE entrypoint = 'uploads' ORDER BY id"


@pytest.fixture
async def bob(ctx: Context, guild: int) -> Uploader:
    """Give somebody with a key for the guild."""
    return await insert_key(ctx, guild)


async def query(ctx: Context, sql: str) -> list[Any]:
    async with ctx.sessions() as session:
        return list(await session.scalars(sa.text(sql)))


async def test_what_is_acknowledged_is_stored_with_its_job(ctx: Context, bob: Uploader, clock: FakeClock) -> None:
    content = body(export(row("Ana"), {"name": 5}, at=READ, export_id="1767225600-5f3a"))
    receipt = await uploads.receive(ctx, bob, content)
    [kept] = await load_uploads(ctx)
    assert receipt == Receipt(kept.public_id, UploadState.RECEIVED, 2, repeated=False)
    assert (kept.export_id, kept.format, kept.row_count) == ("1767225600-5f3a", 1, 2)
    assert (kept.exported_at, kept.received_at, kept.applied_at) == (READ, clock(), None)
    assert (kept.exporter, kept.addon_version, kept.officer_notes) == ("Bob-Stormrage", "1.0.0", True)
    assert kept.body is not None
    assert gzip.decompress(kept.body) == content
    assert await query(ctx, JOBS) == [str(SERVER)]


async def test_nothing_is_acknowledged_or_left_behind_when_the_job_cannot_be_stored(
    ctx: Context, bob: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(jobs, "enqueue_uploads", away)
    with pytest.raises(ConnectionResetError):
        await send(ctx, bob, row("Ana"))
    assert await load_uploads(ctx) == []


async def test_the_same_export_twice_is_stored_once_and_answered_alike(ctx: Context, bob: Uploader) -> None:
    other = await insert_key(ctx, bob.guild_id, name="Eve's PC")
    first = await send(ctx, bob, row("Ana"), export_id="the-same-export")
    assert await send(ctx, bob, row("Ana"), export_id="the-same-export") == replace(first, repeated=True)
    await uploads.process(ctx, SERVER)
    for uploader in (bob, other):
        again = await send(ctx, uploader, row("Ana", "changed"), export_id="the-same-export")
        assert again == Receipt(first.upload, UploadState.APPLIED, 1, repeated=True)
    assert len(await load_uploads(ctx)) == len(await query(ctx, JOBS)) == 1


async def test_an_export_of_another_guild_is_refused_and_both_are_named(ctx: Context, bob: Uploader) -> None:
    other = {"name": "Night Watch", "realm": "Argent Dawn", "region": "us"}
    with pytest.raises(OtherGuild, match=r"`Night Watch` \(Argent Dawn, us\).*`Raiders of Dawn` \(Stormrage, eu\)"):
        await send(ctx, bob, row("Ana"), guild=other)
    assert await load_uploads(ctx) == []


async def test_the_guilds_realm_counts_in_every_language_of_the_game(ctx: Context, bob: Uploader) -> None:
    async with ctx.sessions.begin() as session:
        names = {"en_GB": "Stormrage", "ru_RU": "Ярость Бури"}
        session.add(Realm(region=Region.EU, id=60, slug="stormrage", names=names, fetched_at=ctx.clock()))
    for number, realm in enumerate(("Stormrage", "stormrage", "ЯростьБури", None)):
        guild = {"name": "Raiders of Dawn", "realm": realm, "region": "eu"}
        await send(ctx, bob, row("Ana"), guild=guild, at=READ + timedelta(minutes=number))
    assert len(await load_uploads(ctx)) == 4


@pytest.mark.parametrize("end", ["revoked", "Muster is removed", "another guild"])
async def test_a_key_that_ends_while_its_upload_is_on_the_way_stores_nothing(
    ctx: Context, bob: Uploader, end: str
) -> None:
    if end == "another guild":
        await insert_guild(ctx, SERVER, name="Others")
    else:
        table, column = (UploadKey, "revoked_at") if end == "revoked" else (Server, "left_at")
        async with ctx.sessions.begin() as session:
            await session.execute(sa.update(table).values({column: ctx.clock()}))
    with pytest.raises(KeyEnded):
        await send(ctx, bob, row("Ana"))
    assert await load_uploads(ctx) == []


@pytest.mark.parametrize(("content", "error"), [(b"{", BadJson), (b"{}", Invalid), (b'{"format": 7}', Invalid)])
async def test_a_body_that_the_format_refuses_is_not_stored(
    ctx: Context, bob: Uploader, content: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await uploads.receive(ctx, bob, content)
    assert await load_uploads(ctx) == []


GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
GARBAGE_ROWS = st.lists(
    st.dictionaries(st.sampled_from(["name", "realm", "guid", "rank", "note", "officer_note"]), GARBAGE), max_size=4
)


@given(
    rows=GARBAGE_ROWS,
    name=st.sampled_from(["export_id", "exported_at", "guild", "exporter", "ranks", "format"]),
    value=GARBAGE,
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_garbage_is_refused_by_name_or_applied_without_changing_a_note(
    *, ctx: Context, bob: Uploader, guild: int, rows: list[dict[str, Any]], name: str, value: Any
) -> None:
    if not await notes_of(ctx):
        await insert_characters(ctx, guild, "Ana")
        await sent(ctx, bob, row("Ana", "kept", "secret"))
    before = await notes_of(ctx)
    for content in (
        {**export(*rows, at=LATER), name: value},
        {"characters": rows},
        export(row("Eve"), *rows, at=LATER),
    ):
        with suppress(BadJson, Invalid, OtherGuild):
            await uploads.receive(ctx, bob, json.dumps(content).encode())
    await uploads.process(ctx, SERVER)
    assert await notes_of(ctx) == before
    assert {one.state for one in await load_uploads(ctx)} <= {UploadState.APPLIED, UploadState.OLDER}


async def test_a_body_that_may_take_long_to_read_is_read_by_the_worker_process(ctx: Context, bob: Uploader) -> None:
    asked = []

    async def compute(function: Any, /, *given: Any) -> Any:
        asked.append(function.__name__)
        return function(*given)

    with_worker = replace(ctx, compute=compute)
    await send(with_worker, bob, row("Ana"))
    assert asked == []
    large = {**row("Ana"), "padding": "x" * uploads.LARGE}
    result = await sent(with_worker, bob, large, at=LATER)
    assert asked == ["_export", "_export", "match"]
    assert result["unknown"] == ["Ana"]
