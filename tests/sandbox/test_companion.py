"""The stage's companion: what it uploads is what the server reads, and what is refused is said."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.services import upload_format
from sandbox.companion import RESULT, UPLOAD, Applied, Companion, UploadError, export_of, key_in
from sandbox.sample import sample_guild

NOW = datetime(2026, 11, 21, 20, tzinfo=UTC)
KEY = f"muster_{'a' * 12}_{'b' * 64}"
RESULT_OF_ONE = {"applied": 7, "unchanged": 1, "unknown": ["A-B"], "ambiguous": ["C-D"], "invalid": []}


@asynccontextmanager
async def muster(*answers: tuple[int, dict[str, Any]]) -> AsyncIterator[tuple[Companion, list[web.Request]]]:
    """Give a companion of a server that answers so, one request after the other, and what is asked."""
    asked: list[web.Request] = []
    left = iter(answers)

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        asked.append(request)
        status, data = next(left)
        return web.json_response({"ok": status < 400, "data": data}, status=status, headers={"Retry-After": "0"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield Companion(str(server.make_url("/")).rstrip("/"), KEY), asked


def upload(state: str, result: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    return 200, {"state": state, "rows": 9, "result": result}


def test_every_row_of_the_sample_guild_is_one_that_the_server_reads() -> None:
    sample = sample_guild()
    body = json.dumps(export_of(sample, NOW)).encode()
    export = upload_format.read(body, received_at=NOW)
    assert export.invalid == ()
    assert (export.exported_at, export.officer_notes) == (NOW, True)
    assert len(export.rows) == len(sample.characters) > 300
    notes = {(row.name, row.blizzard_id): (row.guild_note, row.officer_note) for row in export.rows}
    assert notes == {(one.name, one.id): (note.guild, note.officer) for one, note in sample.notes.items()}
    assert list(export.titles.values()) == list(sample.ranks)


def test_the_key_is_read_from_what_the_command_shows() -> None:
    assert key_in(f"## The key of Bob\n```\n{KEY}\n```") == KEY
    with pytest.raises(LookupError, match="no key"):
        key_in("Nobody has a key yet.")


async def test_an_upload_is_waited_for_until_it_is_applied() -> None:
    stored = (202, {"upload": "u1", "state": "received", "rows": 9})
    async with muster((429, {}), stored, upload("received"), upload("applied", RESULT_OF_ONE)) as (companion, asked):
        assert await companion.deliver({"format": 1}) == Applied("u1", rows=9, news=7, unmatched=2)
        assert [one.path for one in asked] == [UPLOAD, UPLOAD, f"{RESULT}u1", f"{RESULT}u1"]
        assert {one.headers["X-API-Key"] for one in asked} == {KEY}
        assert asked[0].headers["Content-Encoding"] == "gzip"
        assert await asked[0].json() == {"format": 1}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([(401, {})], "401"),
        ([(202, {"upload": "u1"}), upload("failed", {"reason": "broken"})], "broken"),
        ([(202, {"upload": "u1"}), upload("older")], "older"),
    ],
)
async def test_what_is_not_applied_is_an_error_that_says_so(
    answers: list[tuple[int, dict[str, Any]]], told: str
) -> None:
    async with muster(*answers) as (companion, _):
        with pytest.raises(UploadError, match=told):
            await companion.deliver({"format": 1})
