"""Many companions that upload at once, each as `muster-companion` does, and what must be true of it in the end."""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import monotonic, time
from typing import Any

import httpx
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from bot.services import upload_keys
from bot.services.context import Context
from db.embedded import EmbeddedPostgres
from db.engine import create_engine, create_sessions
from sandbox.companion import UPLOAD
from tests.e2e.refereed import RefereedStage
from tests.e2e.small import small_guild
from tests.support.people import insert_characters, insert_guild

RATE = 50
"""Uploads a second, of all companions together."""
SERVERS, KEYS_EACH = 100, 3
PAUSE = SERVERS * KEYS_EACH / RATE
"""Seconds from one export of a player to the next: longer than the five that a key may have."""
ROWS = 60
SHORTEST, LONGEST = 5.0, 600.0
"""Seconds between two tries of a companion that had no answer, at first and at last."""
PATIENCE = 30.0
SETTLED_WITHIN = 600.0
LOOK_EVERY = 0.5
OFFICER = 7

UNDONE = """
    SELECT count(*) FROM guild_identity.uploads
    WHERE state = 'received' OR (state = 'applied' AND followed_at IS NULL)"""
UPLOADS = """
    SELECT server_id, export_id, public_id, state, CAST(extract(epoch FROM exported_at) AS bigint)
    FROM guild_identity.uploads"""
NOTES = "SELECT server_id, guild_note, count(*) FROM guild_identity.character_notes GROUP BY server_id, guild_note"


@dataclass
class Player:
    """Somebody with a key, whose game makes an export now and then."""

    server_id: int
    guild: int
    key: str


@dataclass
class Figures:
    """What the companions saw: the seconds to each acknowledgement, and the answers that were none."""

    answers: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    loaded_seconds: float = 0.0
    settled_seconds: float = 0.0

    def __str__(self) -> str:
        *_, p99 = quantiles(self.answers, n=100)
        failures = ", ".join(f"{what}: {count}" for what, count in sorted(self.failures.items())) or "none"
        return (
            f"{len(self.answers):,} uploads acknowledged in {self.loaded_seconds:.0f} s "
            f"({len(self.answers) / self.loaded_seconds:.1f} a second), "
            f"p50 {median(self.answers) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, "
            f"slowest {max(self.answers) * 1000:.0f} ms; tried again after {failures}; "
            f"all applied {self.settled_seconds:.0f} s later"
        )


class Rush:
    """A bot in many servers, and the companions of their players."""

    def __init__(self, folder: Path, random: Random) -> None:
        self.stage = RefereedStage(small_guild(), settings={"MUSTER_DATA_DIR": str(folder)})
        self.figures = Figures()
        self.acknowledged: dict[str, str] = {}
        """The id that Muster told of each export."""
        self._url = EmbeddedPostgres(folder).url()
        self._random = random
        self._players: list[Player] = []
        self._exported_at: Counter[int] = Counter()
        self._until = 0.0

    async def set_up(self) -> None:
        """Start the bot, and let each of its servers follow a guild that was read, and have keys."""
        server_ids = [self.stage.discord.world.add_server(f"Server {number}").id for number in range(SERVERS)]
        await self.stage.raise_curtain()
        engine = create_engine(self._url, poolclass=NullPool)
        ctx = Context(create_sessions(engine))
        begun = int(time()) - 24 * 3600
        for number, server_id in enumerate(server_ids):
            await self._known(ctx, server_id)
            guild_id = await insert_guild(ctx, server_id, name=_guild(number))
            await insert_characters(ctx, guild_id, *(_name(number, row) for row in range(ROWS)))
            self._exported_at[server_id] = begun
            for place in range(KEYS_EACH):
                key = await upload_keys.create(ctx, server_id, name=f"PC {place}", actor_id=OFFICER)
                self._players.append(Player(server_id, number, key.text))
        await engine.dispose()

    async def load(self, seconds: float) -> None:
        """Let everybody upload for so long, and kill the bot in the middle."""
        began = monotonic()
        self._until = began + seconds
        client = httpx.AsyncClient(base_url=self.stage.web_address, trust_env=False, timeout=PATIENCE)
        async with client, asyncio.TaskGroup() as everybody:
            everybody.create_task(self._kill(seconds / 2))
            for player in self._players:
                everybody.create_task(self._play(client, player))
        self.figures.loaded_seconds = monotonic() - began

    async def settle(self) -> None:
        """Wait until nothing waits for its turn any more."""
        began = monotonic()
        async with asyncio.timeout(SETTLED_WITHIN):
            while await self._rows(UNDONE) != [(0,)]:  # noqa: ASYNC110 (another process changes it)
                await asyncio.sleep(LOOK_EVERY)
        self.figures.settled_seconds = monotonic() - began

    async def check(self) -> None:
        """Raise AssertionError unless what was acknowledged is there once, applied, and each guild's newest stands."""
        stored = await self._rows(UPLOADS)
        by_export = {export_id: public_id for _, export_id, public_id, *_ in stored}
        assert len(by_export) == len(stored), "an export is stored twice"
        lost = {one: upload for one, upload in self.acknowledged.items() if by_export.get(one) != upload}
        assert lost == {}, "acknowledged, and not there under the id that was told"
        assert {state for _, _, _, state, _ in stored} <= {"applied", "older"}
        newest = dict.fromkeys(self._exported_at, 0)
        for server_id, _, _, _, exported_at in stored:
            newest[server_id] = max(newest[server_id], exported_at)
        notes = {server_id: (note, count) for server_id, note, count in await self._rows(NOTES)}
        assert notes == {server_id: (_note(at), ROWS) for server_id, at in newest.items()}, "not the newest notes"

    async def _known(self, ctx: Context, server_id: int) -> None:
        """Wait until the bot has noted that it is in a server."""
        there = sa.text("SELECT 1 FROM guild_identity.servers WHERE id = :id")
        async with asyncio.timeout(PATIENCE):
            while True:
                async with ctx.sessions() as session:
                    if await session.scalar(there, {"id": server_id}):
                        return
                await asyncio.sleep(LOOK_EVERY)

    async def _play(self, client: httpx.AsyncClient, player: Player) -> None:
        """Make an export every few seconds, and upload it; one that finds no ear is tried again until it does."""
        await asyncio.sleep(self._random.uniform(0, PAUSE))
        while monotonic() < self._until:
            due = monotonic() + PAUSE
            self._exported_at[player.server_id] += 1
            await self._upload(client, player, self._exported_at[player.server_id])
            await asyncio.sleep(max(0.0, due - monotonic()))

    async def _upload(self, client: httpx.AsyncClient, player: Player, exported_at: int) -> None:
        export = _export(player, exported_at)
        body = gzip.compress(json.dumps(export).encode())
        headers = {"X-API-Key": player.key, "Content-Type": "application/json", "Content-Encoding": "gzip"}
        attempts = 0
        while True:
            sent_at = monotonic()
            try:
                answer = await client.post(UPLOAD, content=body, headers=headers)
            except httpx.TransportError as error:
                failure, wait = type(error).__name__, 0.0
            else:
                if answer.status_code == httpx.codes.ACCEPTED:
                    self.figures.answers.append(monotonic() - sent_at)
                    self.acknowledged[export["export_id"]] = answer.json()["data"]["upload"]
                    return
                failure, wait = str(answer.status_code), float(answer.headers["Retry-After"])
            self.figures.failures[failure] += 1
            attempts += 1
            most = min(LONGEST, SHORTEST * 2**attempts)
            await asyncio.sleep(max(wait, self._random.uniform(max(SHORTEST, most / 2), most)))

    async def _kill(self, after: float) -> None:
        await asyncio.sleep(after)
        await self.stage.bot.kill()
        self.stage.discord.sockets.drop()
        await self.stage.raise_curtain()

    async def _rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        engine = create_engine(self._url, poolclass=NullPool)
        async with engine.connect() as connection:
            found = [tuple(row) for row in await connection.execute(sa.text(sql))]
        await engine.dispose()
        return found


def _export(player: Player, exported_at: int) -> Mapping[str, Any]:
    return {
        "format": 1,
        "export_id": f"{player.server_id}-{exported_at}",
        "exported_at": exported_at,
        "addon_version": "1.0.0",
        "guild": {"name": _guild(player.guild), "realm": "Stormrage", "region": "eu"},
        "exporter": {"name": _name(player.guild, 0), "realm": "Stormrage", "officer_notes": True},
        "ranks": ["Guild Master", "Officer"],
        "rows": [
            {"name": _name(player.guild, row), "realm": "Stormrage", "note": _note(exported_at), "officer_note": None}
            for row in range(ROWS)
        ],
    }


def _note(exported_at: int) -> str:
    return f"seen {exported_at}"


def _guild(number: int) -> str:
    return f"Guild {_letters(number)}"


def _name(guild: int, row: int) -> str:
    return f"Toon{_letters(guild)}{_letters(row)}"


def _letters(number: int) -> str:
    """Give a number in two letters, as names have no digits."""
    return chr(97 + number // 26) + chr(97 + number % 26)
