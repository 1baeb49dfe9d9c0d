"""A refresh of profiles: as fast as the rate limit lets it, behind people, and writing only what moved."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from httpx import codes

from bot.battlenet.client import BattleNetClient
from bot.battlenet.outcomes import Found
from bot.clock import system_clock
from bot.services.context import Context
from bot.services.profiles import Ended, Profiles
from bot.services.roster import sync_roster
from db import servers
from db.engine import create_engine, create_sessions
from db.tables.guilds import ProfileCheck
from domain.regions import Region
from domain.runs import Trigger
from sandbox import world as game
from sandbox.battlenet import BattleNetStandIn
from sandbox.realms import REALMS
from tests.bench.data import add_guild, row_versions, store_guild
from tests.bench.figures import Figure

CHARACTERS = 1000
PER_SECOND = 100
WORK = f"profiles of {CHARACTERS:,}"
GUILD = 900
SERVER = 40_000
INTERVAL = timedelta(hours=25)
PERSON_EVERY = 0.5
CHARACTER_ROWS = "common.wow_characters"


class LaterClock:
    """Tell the time, by so much later as it was told to."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.ahead


@dataclass(frozen=True, slots=True)
class Cost:
    """What a refresh cost: requests of profiles, seconds over what the limit allows, character rows written."""

    asked: int
    ratio: float
    written: int
    answered: Sequence[float]
    """Seconds that a person's requests took meanwhile."""


async def measure(url: str) -> list[Figure]:
    """Refresh new profiles, then at once again, then after the interval, half of them without a date to send."""
    engine = create_engine(url)
    clock = LaterClock()
    ctx = Context(create_sessions(engine), clock)
    world = game.World(REALMS)
    guild, _ = add_guild(world, GUILD, CHARACTERS)
    async with BattleNetStandIn(world, per_second=PER_SECOND) as stand_in:
        battlenet = BattleNetClient(stand_in.api, stand_in.oauth, stand_in.client_id, stand_in.client_secret)
        guild_id = await store_guild(ctx, guild)
        async with ctx.sessions.begin() as session:
            now = ctx.clock()
            await servers.note_presence(session, server_id=SERVER, name="Profiles", now=now)
            await servers.follow(session, server_id=SERVER, guild_id=guild_id, followed_by=1, now=now)
        await sync_roster(ctx, battlenet, guild_id, trigger=Trigger.COMMAND)
        first = await _refresh(ctx, battlenet, stand_in, guild_id, guild)
        at_once = await _refresh(ctx, battlenet, stand_in, guild_id, guild)
        clock.ahead = INTERVAL
        async with ctx.sessions.begin() as session:
            odd = sa.update(ProfileCheck).where(ProfileCheck.character_id % 2 == 1)
            await session.execute(odd.values(last_modified=None))
        later = await _refresh(ctx, battlenet, stand_in, guild_id, guild)
        unchanged, refused = (
            sum(one.status == status for one in stand_in.requests)
            for status in (codes.NOT_MODIFIED, codes.TOO_MANY_REQUESTS)
        )
        await battlenet.aclose()
    await engine.dispose()
    slowest = max(first.answered + later.answered)
    return [
        Figure(WORK, "times the limit's least, new", first.ratio, at_most=1.15),
        Figure(WORK, "times the limit's least, unchanged", later.ratio, at_most=1.15),
        Figure(WORK, "refused by the limit, and asked again", refused),
        Figure(WORK, "asked, all new", first.asked, at_most=CHARACTERS),
        Figure(WORK, "asked, within the interval", at_once.asked, at_most=0),
        Figure(WORK, "asked, after the interval", later.asked, at_most=CHARACTERS),
        Figure(WORK, "answered 304", unchanged),
        Figure(WORK, "character rows written, unchanged", later.written, at_most=0),
        Figure(WORK, "a person's request meanwhile, slowest", slowest * 1000, "ms", at_most=500),
    ]


async def _refresh(
    ctx: Context, battlenet: BattleNetClient, stand_in: BattleNetStandIn, guild_id: int, guild: game.Guild
) -> Cost:
    stand_in.requests.clear()
    before = await row_versions(ctx, CHARACTER_ROWS)
    answered: list[float] = []
    person = asyncio.create_task(_person(battlenet, guild, answered))
    start = time.perf_counter()
    turn = await Profiles(ctx, battlenet).turn(guild_id, stop=asyncio.Event(), others_wait=_nobody)
    seconds = time.perf_counter() - start
    person.cancel()
    await asyncio.wait({person})
    if not isinstance(turn, Ended):
        raise RuntimeError(f"the refresh did not end: {turn}")
    asked = len({one.path for one in stand_in.requests if "/profile/wow/character/" in one.path})
    written = len(before ^ await row_versions(ctx, CHARACTER_ROWS))
    return Cost(asked, seconds * PER_SECOND / max(1, len(stand_in.requests)), written, answered)


async def _person(battlenet: BattleNetClient, guild: game.Guild, answered: list[float]) -> None:
    """Ask for a guild again and again, as `/setup guild` does, and note how long each answer took."""
    while True:
        await asyncio.sleep(PERSON_EVERY)
        start = time.perf_counter()
        answer = await battlenet.guild(Region.EU, guild.realm.slug, guild.slug)
        if not isinstance(answer, Found):
            raise RuntimeError(f"the guild was not shown: {answer}")
        answered.append(time.perf_counter() - start)


async def _nobody() -> bool:
    return False
