"""The stand-in's HTTP side: sockets, tokens, namespaces, conditional requests, limits, the log of requests."""

import asyncio
import json
import secrets
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from aiohttp import BasicAuth, web

from sandbox.battlenet import payloads
from sandbox.battlenet.faults import (
    EmptyMembers,
    Fault,
    Faults,
    HalfJson,
    Html,
    InvalidJson,
    OtherId,
    Reset,
    Slow,
    Status,
    WrongShape,
)
from sandbox.battlenet.payloads import Json, Page
from sandbox.battlenet.quota import Quota
from sandbox.gamedata import LOCALES, REGIONS
from sandbox.world import World

TOKEN_LIFE = timedelta(seconds=86_399)
MAX_AGE = 10_800
LOGGED_HEADERS = ("Authorization", "If-Modified-Since", "User-Agent")


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived; `path` is decoded, `raw_path` is not, `status` is None where no answer was sent."""

    method: str
    path: str
    raw_path: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int | None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: Json | None
    modified: datetime | None = None
    retry_after: int | None = None


class _RefusedError(Exception):
    def __init__(self, status: int, *, retry_after: int | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after = retry_after


class BattleNetStandIn:
    """Serve a world under `/{region}/…` and tokens under `/oauth/token`; an async context manager.

    The world may be changed while it is served. `per_second` and `per_hour` are limits (None: off).
    """

    def __init__(
        self,
        world: World,
        *,
        client_id: str = "muster-sandbox",
        client_secret: str | None = None,
        per_second: int | None = 100,
        per_hour: int | None = 36_000,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.world = world
        self.client_id = client_id
        self.client_secret = client_secret or secrets.token_hex(16)
        self.faults = Faults()
        self.requests: list[Seen] = []
        self.token_requests = 0
        self._clock = clock
        self._quota = Quota(per_second, per_hour, monotonic)
        self._tokens: dict[str, datetime] = {}
        self._address = ""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._address = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def api(self) -> str:
        """The address of the API as a template with `{region}`."""
        return f"{self._address}/{{region}}"

    @property
    def oauth(self) -> str:
        """The address of the sign-in service; tokens are under `/token` of it."""
        return f"{self._address}/oauth"

    def expire_tokens(self) -> None:
        """Make every token given out so far worthless."""
        self._tokens.clear()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request: every route leads here, and so may a transport that needs no socket."""
        raw_path = request.raw_path.partition("?")[0]
        fault = self.faults.take(unquote(raw_path))
        status = None
        try:
            if isinstance(fault, Slow):
                await asyncio.sleep(fault.seconds)
            if isinstance(fault, Reset):
                _cut(request)
                return web.Response()
            response = await self._respond(request, raw_path, fault)
            status = response.status
            return response
        finally:
            self._log(request, raw_path, status)

    async def _respond(self, request: web.Request, raw_path: str, fault: Fault | None) -> web.Response:
        match fault:
            case Status(code, retry_after):
                return _response(_Answer(code, payloads.error(code), retry_after=retry_after))
            case InvalidJson():
                return web.json_response(text="{'members': undefined}")
            case Html(status):
                page = "<html><head><title>Blizzard</title></head><body>We will be back soon.</body></html>"
                return web.Response(status=status, text=page, content_type="text/html")
        segments = [unquote(segment) for segment in raw_path.strip("/").split("/")]
        if segments == ["oauth", "token"]:
            answer = await self._token(request)
        else:
            answer = self._data(request, segments)
        response = _response(_spoilt(answer, fault))
        if isinstance(fault, HalfJson) and response.text is not None:
            response.text = response.text[: len(response.text) // 2]
        return response

    def _log(self, request: web.Request, raw_path: str, status: int | None) -> None:
        headers = {name: request.headers[name] for name in LOGGED_HEADERS if name in request.headers}
        seen = Seen(request.method, unquote(raw_path), raw_path, dict(request.query), headers, status)
        self.requests.append(seen)

    async def _token(self, request: web.Request) -> _Answer:
        self.token_requests += 1
        if request.method != "POST":
            return _Answer(405, payloads.error(405))
        try:
            login = BasicAuth.decode(request.headers.get("Authorization", ""))
        except ValueError:
            login = None
        if login is None or (login.login, login.password) != (self.client_id, self.client_secret):
            return _Answer(401, {"error": "unauthorized", "error_description": "Bad credentials"})
        if (await request.post()).get("grant_type") != "client_credentials":
            return _Answer(400, {"error": "unsupported_grant_type", "error_description": "Unsupported grant type"})
        token = secrets.token_urlsafe(24)
        self._tokens[token] = self._clock() + TOKEN_LIFE
        life = int(TOKEN_LIFE.total_seconds())
        return _Answer(200, {"access_token": token, "token_type": "bearer", "expires_in": life, "sub": self.client_id})

    def _data(self, request: web.Request, segments: list[str]) -> _Answer:
        region, *path = segments
        try:
            self._admit(request, region, path)
            locale = request.query.get("locale")
            page = Page(self.api.format(region=region), region, locale if locale in LOCALES else None)
            if path[:3] == ["profile", "wow", "character"]:
                return self._character(request, page, path[3:])
            return _Answer(200, self._body(page, path), modified=self._clock())
        except _RefusedError as refused:
            return _Answer(refused.status, payloads.error(refused.status), retry_after=refused.retry_after)

    def _admit(self, request: web.Request, region: str, path: list[str]) -> None:
        if not self._authorized(request):
            raise _RefusedError(401)
        if not self._quota.spend():
            # Battle.net sends the header only sometimes, so every second refusal lacks it.
            raise _RefusedError(429, retry_after=1 if self._quota.refused % 2 else None)
        if request.method != "GET":
            raise _RefusedError(405)
        if region not in REGIONS:
            raise _RefusedError(404)
        if request.query.get("namespace") != f"{_namespace_kind(path)}-{region}":
            raise _RefusedError(403)

    def _authorized(self, request: web.Request) -> bool:
        if "access_token" in request.query:
            return False
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        expiry = self._tokens.get(token)
        return scheme == "Bearer" and expiry is not None and self._clock() < expiry

    def _character(self, request: web.Request, page: Page, path: list[str]) -> _Answer:
        found = self.world.character(page.region, *path[:2]) if len(path) >= 2 else None
        if found is None or not found.visible:
            raise _RefusedError(404)
        modified = datetime.fromtimestamp(found.last_login // 1000, UTC)
        match path[2:]:
            case [] if _unchanged_since(request.headers.get("If-Modified-Since"), modified):
                return _Answer(304, None, modified=modified)
            case []:
                return _Answer(200, payloads.character(page, found), modified=modified)
            case ["status"]:
                return _Answer(200, payloads.character_status(page, found), modified=modified)
        raise _RefusedError(404)

    def _body(self, page: Page, path: list[str]) -> Json:
        match path:
            case ["data", "wow", "guild", realm_slug, slug, *rest] if rest in ([], ["roster"]):
                guild = self.world.guild(page.region, realm_slug, slug)
                if guild is not None:
                    shape = payloads.roster if rest else payloads.guild
                    return shape(page, self.world, guild)
            case ["data", "wow", "realm", "index"]:
                return payloads.realm_index(page, self.world)
            case ["data", "wow", "realm", slug]:
                realm = self.world.realm(page.region, slug)
                if realm is not None:
                    return payloads.realm(page, realm)
            case ["data", "wow", kind, "index"] if kind in payloads.INDEXES:
                return payloads.static_index(page, kind)
            case ["data", "wow", kind, entry] if payloads.has_entry(kind, entry):
                return payloads.ENTRIES[kind](page, int(entry))
        raise _RefusedError(404)


def _namespace_kind(path: list[str]) -> str:
    match path:
        case ["profile", *_] | ["data", "wow", "guild", *_]:
            return "profile"
        case ["data", "wow", "realm", *_]:
            return "dynamic"
    return "static"


def _spoilt(answer: _Answer, fault: Fault | None) -> _Answer:
    """Put the faults that change a good body into it."""
    if answer.body is None or answer.status != 200:
        return answer
    match fault:
        case EmptyMembers(keep):
            return _Answer(200, answer.body | {"members": answer.body["members"][:keep]}, answer.modified)
        case OtherId():
            return _Answer(200, answer.body | {"id": answer.body["id"] + 1_000_000}, answer.modified)
        case WrongShape():
            return _Answer(200, {"members": {"name": None}, "id": "?", "realms": 0, "races": 0}, answer.modified)
    return answer


def _response(answer: _Answer) -> web.Response:
    headers: dict[str, str] = {}
    if answer.modified is not None:
        headers |= {"Last-Modified": format_datetime(answer.modified, usegmt=True)}
        headers |= {"Cache-Control": f"max-age={MAX_AGE}"}
    if answer.retry_after is not None:
        headers |= {"Retry-After": str(answer.retry_after)}
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    text = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":"))
    return web.json_response(text=text, status=answer.status, headers=headers)


def _unchanged_since(header: str | None, modified: datetime) -> bool:
    if header is None:
        return False
    try:
        return modified <= parsedate_to_datetime(header)
    except (ValueError, TypeError):
        return False


def _cut(request: web.Request) -> None:
    transport = request.transport
    if transport is None:
        return
    raw: Any = transport.get_extra_info("socket")
    # Lingering for no time makes the kernel send RST instead of an orderly end.
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
