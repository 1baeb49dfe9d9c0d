"""The way to Battle.net without a socket, and the book of everything that went over it."""

import asyncio
from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from multidict import CIMultiDict

from sandbox.battlenet import BattleNetStandIn
from sandbox.world import Guild, World
from tests.soak.virtual import DAY

LATENCY_SECONDS = 0.08
"""What Battle.net takes to answer, by the virtual clock."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What the stand-in reads of a request."""

    method: str
    raw_path: str
    query: httpx.QueryParams
    headers: CIMultiDict[str]
    form: dict[str, str]
    transport: None = None

    async def post(self) -> dict[str, str]:
        return self.form


@dataclass
class Waits:
    """The longest time that each thing of a guild had to wait: from the start, between two reads, to the end."""

    _last: dict[int, float] = field(default_factory=dict)
    _worst: dict[int, float] = field(default_factory=dict)
    reads: Counter[int] = field(default_factory=Counter)

    def expect(self, thing: int) -> None:
        """Let a thing wait from the start on."""
        self._last[thing] = self._worst[thing] = 0.0

    def read(self, thing: int, now: float) -> None:
        """Note that a thing was read."""
        self._worst[thing] = max(self._worst[thing], now - self._last[thing])
        self._last[thing] = now
        self.reads[thing] += 1

    def worst(self, now: float) -> float:
        """Give the longest wait of all, what still waits included."""
        return max(max(self._worst[thing], now - last) for thing, last in self._last.items())

    def fewest_reads(self) -> int:
        """Give how often the least read thing was read."""
        return min(self.reads[thing] for thing in self._last)


class Traffic(httpx.AsyncBaseTransport):
    """Hand requests to the stand-in, late by the latency, and note each; `now` gives virtual seconds."""

    def __init__(self, stand_in: BattleNetStandIn, now: Callable[[], float]) -> None:
        self._stand_in = stand_in
        self._now = now
        self.sent = array("d")
        self.statuses: Counter[int] = Counter()
        self.per_guild: dict[int, Counter[int]] = defaultdict(Counter)
        """Calls by day and guild."""
        self.rosters, self.profiles = Waits(), Waits()
        for guild in stand_in.world.guilds:
            self.rosters.expect(guild.id)
            for character in stand_in.world.members(guild):
                self.profiles.expect(character.id)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(self._now())
        self._note(self._stand_in.world, request.url.path.strip("/").split("/"))
        await asyncio.sleep(LATENCY_SECONDS)
        form = dict(httpx.QueryParams((await request.aread()).decode()))
        seen: Any = _Request(
            request.method,
            request.url.raw_path.decode(),
            request.url.params,
            CIMultiDict(request.headers.items()),
            form,
        )
        answer: Any = await self._stand_in.answer(seen)
        self._stand_in.requests.clear()  # a day of them is no use to anybody
        self.statuses[answer.status] += 1
        return httpx.Response(answer.status, headers=list(answer.headers.items()), content=answer.body)

    def most_within(self, seconds: float) -> int:
        """Give the most requests that any window of so many seconds held."""
        return max(
            (number - bisect_right(self.sent, at - seconds) for number, at in enumerate(self.sent, 1)), default=0
        )

    def _note(self, world: World, path: list[str]) -> None:
        guild: Guild | None = None
        match path:
            case [region, "data", "wow", "guild", realm, slug, "roster"]:
                guild = world.guild(region, realm, slug)
                if guild is not None:
                    self.rosters.read(guild.id, self._now())
            case [region, "profile", "wow", "character", realm, name]:
                character = world.character(region, realm, name)
                if character is not None:
                    guild = character.guild
                    self.profiles.read(character.id, self._now())
        if guild is not None:
            self.per_guild[int(self._now() // DAY)][guild.id] += 1
