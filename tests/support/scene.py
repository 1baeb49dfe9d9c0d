"""A guild on the Battle.net stand-in and a server that follows it, as the services find them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.battlenet.client import BattleNetClient
from bot.battlenet.limiter import Limiter
from bot.services import pipeline
from bot.services.context import Context
from bot.services.profiles import Ended, Profiles
from bot.services.roster import RosterOutcome, sync_roster
from db import servers
from db.tables.guilds import Character, Membership
from domain.regions import Region
from domain.runs import Trigger
from sandbox import world as game
from sandbox.battlenet import BattleNetStandIn
from sandbox.realms import REALMS
from tests.support.turns import nobody

HOME, NEXT_DOOR, ELSEWHERE = REALMS[:3]
SERVER = 5_001
CHANNEL = 7_001
OFFICER = 9_001
LOGIN_MS = 1_767_000_000_000


class JumpingTime:
    """Stand still until somebody sleeps, then jump: retries and pauses cost a test nothing."""

    def __init__(self) -> None:
        self.elapsed = 1000.0

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds
        await asyncio.sleep(0)

    def monotonic(self) -> float:
        return self.elapsed


@asynccontextmanager
async def client_of(stand_in: BattleNetStandIn, *, patience: float = 5.0) -> AsyncIterator[BattleNetClient]:
    """Give the product's own client, pointed at a stand-in; `patience` is for one try, in seconds."""
    time = JumpingTime()
    client = BattleNetClient(
        stand_in.api,
        stand_in.oauth,
        stand_in.client_id,
        stand_in.client_secret,
        limiter=Limiter(per_second=100_000, burst=50_000, sleep=time.sleep, monotonic=time.monotonic),
        timeout=patience,
        sleep=time.sleep,
        monotonic=time.monotonic,
    )
    try:
        yield client
    finally:
        await client.aclose()


def adventurer(number: int, **facts: Any) -> game.Character:
    """Make a character whose name and id follow from a number: letters only, as the game has it."""
    words: dict[str, Any] = {
        "id": 1_000 + number,
        "name": "N" + "".join("abcdefghij"[int(digit)] for digit in f"{number:04}"),
        "realm": HOME,
        "class_id": 8,
        "race_id": 1,
        "level": 90,
        "faction": "ALLIANCE",
        "active_spec": 64,
        "equipped_item_level": 270,
        "average_item_level": 272,
        "achievement_points": 12_000,
        "last_login": LOGIN_MS + number * 1000,
    }
    return game.Character(**words | facts)


def guild_of(size: int) -> tuple[game.World, game.Guild]:
    """Make a world of one guild with so many characters, the first of rank 0 and all others of rank 5."""
    world = game.World(REALMS)
    guild = game.Guild(70, "The Ember Vigil", "the-ember-vigil", HOME, "ALLIANCE")
    world.guilds.append(guild)
    for number in range(size):
        world.join(world.add(adventurer(number)), guild, 5 if number else 0)
    return world, guild


async def follow(
    ctx: Context, guild: game.Guild, *, server_id: int | None = SERVER, channel_id: int | None = CHANNEL
) -> int:
    """Store a guild and let a server follow it (None: nobody does); give the guild's row id."""
    now = ctx.clock()
    async with ctx.sessions.begin() as session:
        guild_id = await servers.store_guild(
            session,
            now=now,
            region=Region(guild.realm.region),
            realm_id=guild.realm.id,
            realm_slug=guild.realm.slug,
            realm_name=guild.realm.name,
            blizzard_id=guild.id,
            name=guild.name,
            slug=guild.slug,
            faction=guild.faction,
            crest=None,
        )
        if server_id is not None:
            await servers.note_presence(session, server_id=server_id, name=f"server {server_id}", now=now)
            await servers.follow(session, server_id=server_id, guild_id=guild_id, followed_by=OFFICER, now=now)
            await session.execute(
                sa.text("UPDATE guild_identity.servers SET audit_channel_id = :channel WHERE id = :id"),
                {"channel": channel_id, "id": server_id},
            )
    return guild_id


@dataclass(frozen=True)
class Scene:
    """A guild, what Battle.net says of it, and what is stored."""

    ctx: Context
    battlenet: BattleNetClient
    stand_in: BattleNetStandIn
    guild: game.Guild
    guild_id: int

    @property
    def world(self) -> game.World:
        return self.stand_in.world

    def member(self, number: int) -> game.Character:
        """Give the guild's character of that number."""
        return next(one for one in self.world.characters if one.id == 1_000 + number)

    def leave(self, *numbers: int) -> None:
        for number in numbers:
            self.world.leave(self.member(number))

    def rejoin(self, *numbers: int) -> None:
        for number in numbers:
            self.world.join(self.member(number), self.guild, 5)

    async def sync(self, trigger: Trigger = Trigger.TIMER, **words: Any) -> RosterOutcome:
        return await sync_roster(self.ctx, self.battlenet, self.guild_id, trigger=trigger, **words)

    async def refresh(self, profiles: Profiles | None = None) -> Any:
        """Refresh the guild's profiles to the end, while nobody else waits; give the row of the run, None without."""

        profiles = profiles or Profiles(self.ctx, self.battlenet)
        turn = await pipeline.refresh_profiles(
            self.ctx, profiles, self.guild_id, stop=asyncio.Event(), others_wait=nobody
        )
        assert isinstance(turn, Ended)
        return None if turn.run_id is None else await self.last_run()

    async def sync_all(self) -> Any:
        """Sync the roster and refresh the profiles that are due; give the row of the profiles' run, None without."""
        await self.sync()
        return await self.refresh()

    async def stored(self, character: game.Character) -> Character:
        """Load the row of a character."""
        async with self.ctx.sessions() as session:
            return (await session.scalars(sa.select(Character).where(Character.blizzard_id == character.id))).one()

    async def roster(self) -> dict[str, int]:
        """Load the guild's open members, name and realm -> rank."""
        async with self.ctx.sessions() as session:
            found = await session.execute(
                sa.select(Character.name, Character.realm_slug, Membership.rank)
                .join(Membership, Membership.character_id == Character.id)
                .where(Membership.guild_id == self.guild_id, Membership.left_at.is_(None))
            )
            return {f"{name}-{realm}": rank for name, realm, rank in found}

    async def query(self, sql: str, **values: Any) -> list[Any]:
        """Run a query and give its rows; a row of one column as its value."""
        async with self.ctx.sessions() as session:
            rows = (await session.execute(sa.text(sql), values)).all()
        return [row[0] if len(row) == 1 else tuple(row) for row in rows]

    async def versions(self, table: str) -> list[Any]:
        """Give which version of each row a table holds: equal lists mean that nothing was written."""
        return await self.query(f"SELECT ctid::text, xmin::text FROM {table} ORDER BY ctid")  # noqa: S608

    async def last_run(self) -> Any:
        """Give the newest row of the log."""
        async with self.ctx.sessions() as session:
            return (await session.execute(sa.text("SELECT * FROM common.sync_log ORDER BY id DESC LIMIT 1"))).one()

    def asked_profiles(self) -> list[str]:
        """Give the paths of the profiles asked for since the requests were last cleared."""
        return [seen.path for seen in self.stand_in.requests if "/profile/wow/character/" in seen.path]
