"""The real web application on a loopback socket, and hands that send what a companion or a stranger sends."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from bot.services.context import Context
from bot.services.upload_keys import NewKey
from tests.support.clock import START
from tests.support.uploads import body, export, row
from web_embed.app import HealthReport, create_web, start_web
from web_embed.clients import Networks
from web_embed.uploads import UploadRoutes

UPLOAD = "/api/guild-sync/addon-upload"
STATUS = "/api/guild-sync/addon-upload/status"
VIEWS = "/api/guild-sync/uploads"
JSON = {"Content-Type": "application/json"}
PATIENCE_SECONDS = 20


class Seconds:
    """Stand still until a test moves it; usable where a monotonic clock is."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Site:
    """The application as somebody with a key sees it."""

    ctx: Context
    key: NewKey
    host: str
    port: int
    http: httpx.AsyncClient
    seconds: Seconds = field(repr=False)

    def headers(self, **more: str) -> dict[str, str]:
        """Give the headers of an upload in JSON; names with _ for -."""
        return {"X-API-Key": self.key.text, **JSON, **{name.replace("_", "-"): value for name, value in more.items()}}

    async def post(self, content: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a body as it is."""
        return await self.http.post(UPLOAD, content=content, headers=headers or self.headers())

    async def upload(self, content: Any = None, **headers: str) -> httpx.Response:
        """Send an export."""
        return await self.post(body(an_export() if content is None else content), self.headers(**headers))

    async def get(self, path: str, key: str | None = None) -> httpx.Response:
        """Ask with a key, the site's own unless told."""
        return await self.http.get(path, headers={"X-API-Key": key or self.key.text})

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Give a bare connection."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def head(self, method: str = "POST", path: str = UPLOAD, **headers: str) -> bytes:
        """Give the head of an upload as it goes over the wire."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in self.headers(**headers).items()]
        return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def served(ctx: Context, key: NewKey, trusted_proxies: Networks = ()) -> AsyncIterator[Site]:
    """Serve the routes as the process does."""
    seconds = Seconds()
    app = create_web(healthy, uploads=UploadRoutes(ctx, trusted_proxies, monotonic=seconds))
    runner = await start_web(app, "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    try:
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as client:
            yield Site(ctx, key, host, port, client, seconds)
    finally:
        await runner.cleanup()


def an_export(*rows: dict[str, Any], **others: Any) -> dict[str, Any]:
    """Make an export in which Ana has a note."""
    return export(*(rows or (row("Ana", "alt of Bob"),)), at=START, **others)


def packed(content: Any) -> bytes:
    """Give content in gzip."""
    return gzip.compress(body(content))


def chunked(parts: Sequence[bytes]) -> bytes:
    """Give parts as a chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Give the status and the code of a refusal in the envelope."""
    content = answer.json()
    assert content["ok"] is False
    assert content["error"]["message"]
    return answer.status_code, content["error"]["code"]


def read_answer(raw: bytes) -> tuple[int, dict[str, str], Any]:
    """Read an answer as it came over the wire: status, headers, content."""
    head, _, content = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, json.loads(content)


async def healthy() -> HealthReport:
    """Say that all is well."""
    return HealthReport(database=True, gateway=True, last_sync=None)
