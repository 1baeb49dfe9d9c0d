"""The HTTP surface over real sockets: health, headers, and what an error tells."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from aiohttp import web

from domain.errors import Unavailable
from web_embed import app as surface
from web_embed.app import HealthReport, create_web, start_web

SYNCED = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Process:
    """Stand for the process whose health is asked."""

    def __init__(self) -> None:
        self.report: HealthReport | Exception = HealthReport(database=True, gateway=True, last_sync=SYNCED)
        self.hangs = False

    async def status(self) -> HealthReport:
        if self.hangs:
            await asyncio.Event().wait()
        if isinstance(self.report, Exception):
            raise self.report
        return self.report


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
async def http(process: Process) -> AsyncIterator[httpx.AsyncClient]:
    async def fail(request: web.Request) -> web.Response:
        raise RuntimeError("password=hunter2")

    app = create_web(process.status)
    app.router.add_get("/fail", fail)
    runner = await start_web(app, "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client:
        yield client
    await runner.cleanup()


async def test_a_healthy_process_answers_200(http: httpx.AsyncClient) -> None:
    answer = await http.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "data": {"database": True, "gateway": True, "last_sync": "2026-01-01T12:00:00+00:00"},
    }


async def test_a_process_that_never_synced_is_healthy(http: httpx.AsyncClient, process: Process) -> None:
    process.report = HealthReport(database=True, gateway=True, last_sync=None)
    answer = await http.get("/healthz")
    assert (answer.status_code, answer.json()["data"]["last_sync"]) == (200, None)


@pytest.mark.parametrize(("database", "gateway"), [(False, True), (True, False), (False, False)])
async def test_a_missing_connection_is_503_and_named(
    http: httpx.AsyncClient, process: Process, database: bool, gateway: bool
) -> None:
    process.report = HealthReport(database=database, gateway=gateway, last_sync=SYNCED)
    answer = await http.get("/healthz")
    body = answer.json()
    assert (answer.status_code, body["ok"], body["error"]["code"]) == (503, False, "unhealthy")
    assert ("database" in body["error"]["message"]) is not database
    assert ("gateway" in body["error"]["message"]) is not gateway
    assert body["data"]["database"] is database


async def test_a_status_that_fails_is_503_without_its_reason(http: httpx.AsyncClient, process: Process) -> None:
    process.report = RuntimeError("postgres://u:hunter2@h/d")
    answer = await http.get("/healthz")
    assert answer.status_code == 503
    assert "hunter2" not in answer.text


async def test_a_status_that_hangs_is_503(
    http: httpx.AsyncClient, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surface, "STATUS_TIMEOUT", 0.01)
    process.hangs = True
    assert (await http.get("/healthz")).status_code == 503


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/fail"])
async def test_every_answer_is_hardened_and_tells_no_version(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    for name in surface.HEADERS:
        assert answer.headers[name] == surface.HEADERS[name]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Server"] == "muster"
    assert "aiohttp" not in answer.text.lower()


async def test_a_broken_request_tells_no_version(http: httpx.AsyncClient) -> None:
    reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    writer.write(b"NONSENSE\r\n\r\n")
    told = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert b" 400 " in told
    assert b"aiohttp" not in told.lower()
    assert b"python" not in told.lower()


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("POST", "/healthz", 405)])
async def test_a_refusal_is_in_the_envelope_with_an_honest_status(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, path)
    assert (answer.status_code, answer.json()["ok"]) == (status, False)


async def test_a_defect_shows_an_error_id_that_the_log_has_too(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await http.get("/fail")
    message = answer.json()["error"]["message"]
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert message.partition("error ")[2].rstrip(")") in caplog.text


async def test_a_connection_that_does_not_finish_a_request_is_closed(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surface, "IDLE_SECONDS", 0.1)
    runner = await start_web(create_web(process.status), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: h\r\nX-Slow: ")
    assert await reader.read() == b""
    writer.close()
    await runner.cleanup()


async def test_a_taken_port_is_told_plainly(http: httpx.AsyncClient, process: Process) -> None:
    with pytest.raises(Unavailable, match="cannot listen"):
        await start_web(create_web(process.status), "127.0.0.1", http.base_url.port or 0)
