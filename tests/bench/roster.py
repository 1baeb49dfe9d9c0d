"""Roster sync: the product's fixed number of statements beside one statement after the other for each row."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.battlenet.client import BattleNetClient
from bot.services.context import Context
from bot.services.roster import sync_roster
from db.engine import create_engine, create_sessions
from db.tables.guilds import Character, Membership
from domain.names import fold
from domain.regions import Region
from domain.runs import Trigger
from sandbox import world as game
from sandbox.battlenet import BattleNetStandIn
from sandbox.realms import REALMS
from tests.bench.data import add_guild, row_versions, store_guild
from tests.bench.figures import Figure
from tests.support.statements import statements

CHARACTERS = 1000
ROUNDS = 5
WORK = f"roster of {CHARACTERS:,}"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one reading cost, from the roster in hand to the end of the run."""

    seconds: float
    statements: int


async def measure(url: str) -> list[Figure]:
    """Store new rosters in both ways by turns, then an unchanged one; the figures are medians."""
    engine = create_engine(url)
    ctx = Context(create_sessions(engine))
    world = game.World(REALMS)
    together: list[Cost] = []
    apart: list[Cost] = []
    async with BattleNetStandIn(world, per_second=None, per_hour=None) as stand_in:
        battlenet = BattleNetClient(stand_in.api, stand_in.oauth, stand_in.client_id, stand_in.client_secret)
        for number in range(ROUNDS):
            guild_id, _ = await _new_guild(ctx, world, 2 * number)
            together.append(await _sync(ctx, engine, battlenet, guild_id))
            apart.append(await _row_by_row(ctx, engine, *await _new_guild(ctx, world, 2 * number + 1)))
        before = await row_versions(ctx, "common.wow_characters")
        unchanged = [await _sync(ctx, engine, battlenet, guild_id) for _ in range(ROUNDS)]
        written = len(before ^ await row_versions(ctx, "common.wow_characters"))
        await battlenet.aclose()
    await engine.dispose()
    new, plain, again = (median(cost.seconds for cost in costs) for costs in (together, apart, unchanged))
    return [
        Figure(WORK, "all new", new * 1000, "ms"),
        Figure(WORK, "all new, row by row", plain * 1000, "ms"),
        Figure(WORK, "times faster", plain / new, at_least=10),
        Figure(WORK, "statements, all new", max(cost.statements for cost in together), at_most=12),
        Figure(WORK, "statements, row by row", max(cost.statements for cost in apart)),
        Figure(WORK, "unchanged", again * 1000, "ms"),
        Figure(WORK, "statements, unchanged", max(cost.statements for cost in unchanged), at_most=12),
        Figure(WORK, "character rows written, unchanged", written, at_most=0),
    ]


async def _sync(ctx: Context, engine: AsyncEngine, battlenet: BattleNetClient, guild_id: int) -> Cost:
    """Run the product's sync; no server follows the guild, so that no profile is asked for."""
    start = time.perf_counter()

    async def restart(_: str) -> None:
        nonlocal start
        start = time.perf_counter()

    with statements(engine) as seen:
        outcome = await sync_roster(ctx, battlenet, guild_id, trigger=Trigger.COMMAND, progress=restart)
        seconds = time.perf_counter() - start
    if outcome.characters != CHARACTERS:
        raise RuntimeError(f"{outcome.characters} characters were stored: {outcome.reason}")
    return Cost(seconds, len(seen))


async def _row_by_row(ctx: Context, engine: AsyncEngine, guild_id: int, characters: Sequence[game.Character]) -> Cost:
    """Store a roster as it is usually done: look each character up, insert it, insert its membership."""
    start = time.perf_counter()
    with statements(engine) as seen:
        async with ctx.sessions.begin() as session:
            now = ctx.clock()
            for one in characters:
                await _store_one(session, guild_id, one, now)
    return Cost(time.perf_counter() - start, len(seen))


async def _store_one(session: AsyncSession, guild_id: int, one: game.Character, now: datetime) -> None:
    identity = {"region": Region.EU, "realm_id": one.realm.id, "blizzard_id": one.id}
    if await session.scalar(sa.select(Character.id).filter_by(**identity)) is not None:
        raise RuntimeError(f"{one.name} is not new")
    facts: dict[str, Any] = {
        "name": one.name,
        "name_key": fold(one.name),
        "realm_slug": one.realm.slug,
        "class_id": one.class_id,
        "race_id": one.race_id,
        "level": one.level,
        "faction": one.faction,
        "first_seen_at": now,
    }
    character = sa.insert(Character).values(**identity, **facts).returning(Character.id)
    character_id = await session.scalar(character)
    membership = {"guild_id": guild_id, "character_id": character_id, "rank": one.rank, "joined_at": now}
    await session.execute(sa.insert(Membership).values(**membership))


async def _new_guild(ctx: Context, world: game.World, number: int) -> tuple[int, Sequence[game.Character]]:
    """Let a guild of new characters exist and be stored without them."""
    guild, characters = add_guild(world, number, CHARACTERS)
    return await store_guild(ctx, guild), characters
