"""A scripted Battle.net over real HTTP on loopback, and a time that moves only when somebody sleeps."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.battlenet.client import BattleNetClient
from bot.battlenet.limiter import Limiter

CLIENT_ID = "the-client-id"
CLIENT_SECRET = "the-client-secret"


@dataclass(frozen=True)
class Answer:
    """One scripted answer; `cut` sends half of the body, `drip` a byte now and then, `hang` and `drop` no word."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    drip: bool = False
    hang: bool = False
    drop: bool = False


@dataclass(frozen=True)
class Seen:
    """One request as it came over the wire; `target` is the raw path and query."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class ScriptedBattleNet:
    """Answer from a script, then with `default`; issue tokens and turn down those not issued or revoked."""

    def __init__(self) -> None:
        self.script: deque[Answer] = deque()
        self.token_script: deque[Answer] = deque()
        self.default = Answer()
        self.seen: list[Seen] = []
        self.token_requests: list[Seen] = []
        self.revoked: set[str] = set()
        self.refuse_all_tokens = False
        self.expires_in = 86399.0
        self.token_delay = 0.0
        self.url = ""

    @property
    def api(self) -> str:
        return f"{self.url}/{{region}}"

    @property
    def oauth(self) -> str:
        return f"{self.url}/oauth"

    def token(self, number: int) -> str:
        return f"secret-token-{number}"

    def issued(self) -> int:
        return len(self.token_requests)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(request.method, request.raw_path, dict(request.headers), await request.read())
        if request.path == "/oauth/token":
            return await self._token(request, seen)
        self.seen.append(seen)
        if not self._accepts(seen.headers.get("Authorization", "")):
            return web.json_response({"code": 401}, status=401)
        return await self._give(request, self.script.popleft() if self.script else self.default)

    async def _token(self, request: web.Request, seen: Seen) -> web.StreamResponse:
        self.token_requests.append(seen)
        number = self.issued()
        await asyncio.sleep(self.token_delay)
        if self.token_script:
            return await self._give(request, self.token_script.popleft())
        body = {"access_token": self.token(number), "token_type": "bearer", "expires_in": self.expires_in}
        return web.json_response(body)

    def _accepts(self, authorization: str) -> bool:
        good = {f"Bearer {self.token(number)}" for number in range(1, self.issued() + 1)}
        bad = {f"Bearer {token}" for token in self.revoked}
        return not self.refuse_all_tokens and authorization in good - bad

    async def _give(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        if answer.hang:
            await asyncio.Event().wait()
        assert request.transport is not None
        if answer.drop:
            request.transport.close()
            return web.Response()
        if not (answer.cut or answer.drip):
            headers = {"Content-Type": "application/json"} | answer.headers
            return web.Response(status=answer.status, body=answer.body, headers=headers)
        response = web.StreamResponse(status=answer.status, headers={"Content-Length": str(len(answer.body))})
        await response.prepare(request)
        while answer.drip:
            await response.write(b" ")
            await asyncio.sleep(0.05)
        await response.write(answer.body[: len(answer.body) // 2])
        request.transport.close()
        return response


class FakeTime:
    """Stand still until somebody sleeps, then jump."""

    def __init__(self) -> None:
        self.elapsed = 1000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed += seconds
        await asyncio.sleep(0)

    def monotonic(self) -> float:
        return self.elapsed

    def clock(self) -> datetime:
        return datetime(2026, 11, 20, 12, 0, tzinfo=UTC) + timedelta(seconds=self.elapsed - 1000.0)


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedBattleNet]:
    scripted = ScriptedBattleNet()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", scripted.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.05, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield scripted
    await runner.cleanup()


ClientFactory = Callable[..., Any]


@pytest.fixture
def make_client(server: ScriptedBattleNet, fake_time: FakeTime) -> ClientFactory:
    """Give a factory of clients (async context managers); words given to it go to the client."""

    @asynccontextmanager
    async def make(**changes: Any) -> AsyncIterator[BattleNetClient]:
        words: dict[str, Any] = {
            "limiter": Limiter(per_second=5000, burst=2500, sleep=fake_time.sleep, monotonic=fake_time.monotonic),
            "timeout": 5.0,
            "sleep": fake_time.sleep,
            "monotonic": fake_time.monotonic,
            "clock": fake_time.clock,
        } | changes
        made = BattleNetClient(server.api, server.oauth, CLIENT_ID, CLIENT_SECRET, **words)
        try:
            yield made
        finally:
            await made.aclose()

    return make


@pytest.fixture
async def client(make_client: ClientFactory) -> AsyncIterator[BattleNetClient]:
    async with make_client() as made:
        yield made


@pytest.fixture
def answer() -> Callable[..., Answer]:
    """Give an answer; a body that is not bytes is written as JSON."""

    def make(body: Any = None, **words: Any) -> Answer:
        encoded = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return Answer(body=encoded, **words)

    return make


@pytest.fixture
def roster_body() -> dict[str, Any]:
    def member(number: int, name: str, realm: dict[str, Any], rank: int) -> dict[str, Any]:
        return {
            "character": {
                "key": {"href": "ignored"},
                "id": number,
                "name": name,
                "realm": realm,
                "level": 90,
                "playable_class": {"id": 8},
                "playable_race": {"id": 4},
            },
            "rank": rank,
        }

    home = {"id": 7, "slug": "azjolnerub"}
    away = {"id": 9, "slug": "der-abyssische-rat"}
    return {
        "guild": {"id": 5, "name": "Nachtwache", "realm": home | {"name": "Azjol-Nerub"}},
        "members": [member(1, "Árwen", home, 0), member(2, "Тест", away, 9)],
    }


@pytest.fixture
def profile_body() -> dict[str, Any]:
    return {
        "id": 1,
        "name": "Árwen",
        "gender": {"type": "FEMALE", "name": "Female"},
        "faction": {"type": "ALLIANCE", "name": "Alliance"},
        "race": {"id": 4, "name": "Night Elf"},
        "character_class": {"id": 8, "name": "Mage"},
        "active_spec": {"id": 64, "name": "Frost"},
        "realm": {"id": 7, "slug": "azjolnerub", "name": "Azjol-Nerub"},
        "level": 90,
        "achievement_points": 12345,
        "last_login_timestamp": 1_770_000_000_000,
        "average_item_level": 131,
        "equipped_item_level": 128,
    }


@pytest.fixture
def guild_body(roster_body: dict[str, Any]) -> dict[str, Any]:
    return roster_body["guild"] | {
        "faction": {"type": "HORDE"},
        "member_count": 2,
        "achievement_points": 100,
        "crest": {"emblem": {"id": 3}},
        "created_timestamp": 1_200_000_000_000,
    }
