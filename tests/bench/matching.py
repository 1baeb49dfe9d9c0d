"""Matching: CPU by the size of guild and server, and a whole matching of a server, first and with nothing new."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.services.context import Context
from bot.services.matching import Matched, match_server
from db import members
from db.engine import create_engine, create_sessions
from db.members import MemberFacts
from db.tables.guilds import Character, Guild, Membership
from db.tables.identity import CharacterNote
from db.tables.servers import Server, ServerGuild
from domain import identity
from domain.identity import Case
from domain.matching import match
from domain.names import fold
from domain.regions import Region
from tests.bench.crowd import guild
from tests.bench.data import HOME, row_versions
from tests.bench.figures import Figure
from tests.support.statements import statements

SMALL, MIDDLE, LARGE = 1_000, 3_000, 10_000
ONE_NAME = 2_000
ROUNDS = 5
WORK = "matching"
SERVER = 70_000
BLIZZARD_ID = 30_000_000
TABLES = tuple(
    f"guild_identity.{table}"
    for table in (
        "players",
        "player_members",
        "player_characters",
        "link_suggestions",
        "alt_groups",
        "link_contradictions",
        "matching_state",
        "action_log",
    )
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one matching of a server cost: seconds, of this process's CPU and in all, and statements."""

    cpu: float
    seconds: float
    statements: int
    matched: Matched


async def measure(url: str) -> list[Figure]:
    """Match guilds of three sizes in memory, and one of 1,000 in the database."""
    seconds = {size: _cpu(guild(size), rounds=ROUNDS if size < LARGE else 1) for size in (SMALL, MIDDLE, LARGE)}
    crowd = _cpu(guild(LARGE, one_name=ONE_NAME), rounds=1)
    one_note = guild(SMALL)
    one_note = replace(one_note, characters=tuple(replace(one, guild_note="raid team") for one in one_note.characters))
    linked = len(match(guild(SMALL)).links)
    first, again, written = await _servers(url)
    return [
        Figure(WORK, f"links of {SMALL:,} x {SMALL:,}", linked),
        Figure(WORK, f"CPU, {SMALL:,} x {SMALL:,}", seconds[SMALL], "s", at_most=0.3),
        Figure(WORK, f"CPU, {MIDDLE:,} x {MIDDLE:,}", seconds[MIDDLE], "s"),
        Figure(WORK, f"CPU, {LARGE:,} x {LARGE:,}", seconds[LARGE], "s", at_most=12),
        Figure(WORK, f"CPU, {LARGE:,} x {LARGE:,}, {ONE_NAME:,} of one name", crowd, "s", at_most=12),
        Figure(WORK, f"CPU, {SMALL:,} x {SMALL:,}, one note on all", _cpu(one_note, rounds=ROUNDS), "s", at_most=0.3),
        Figure(WORK, "times a character's cost, 10 times as many", seconds[LARGE] / seconds[SMALL] / 10, at_most=2),
        Figure(WORK, "server, first", first.seconds * 1000, "ms"),
        Figure(WORK, "server, first, CPU of this process", first.cpu * 1000, "ms"),
        Figure(WORK, "server, links made", first.matched.linked),
        Figure(WORK, "server, statements, first", first.statements),
        Figure(WORK, "server, nothing new", again.seconds * 1000, "ms"),
        Figure(WORK, "server, statements, nothing new", again.statements, at_most=1),
        Figure(WORK, "server, rows written, nothing new", written, at_most=0),
    ]


def _cpu(case: Case, *, rounds: int) -> float:
    """Give the CPU seconds of a matching, the median of several."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        match(case)
        found.append(time.process_time() - start)
    return median(found)


async def _servers(url: str) -> tuple[Cost, Cost, int]:
    """Match a server in the database, first and again; give both costs and the rows that the second wrote."""
    engine = create_engine(url)
    ctx = Context(create_sessions(engine))
    await _insert(ctx, guild(SMALL))
    first = await _cost(engine, lambda: match_server(ctx, SERVER))
    before = await row_versions(ctx, *TABLES)
    again = await _cost(engine, lambda: match_server(ctx, SERVER))
    written = len(before ^ await row_versions(ctx, *TABLES))
    await engine.dispose()
    if not first.matched.linked or not again.matched.skipped:
        raise RuntimeError(f"not matched as expected: {first.matched}, then {again.matched}")
    return first, again, written


async def _cost(engine: AsyncEngine, matching: Callable[[], Awaitable[Matched]]) -> Cost:
    with statements(engine) as sent:
        cpu, start = time.process_time(), time.perf_counter()
        matched = await matching()
        return Cost(time.process_time() - cpu, time.perf_counter() - start, len(sent), matched)


async def _insert(ctx: Context, case: Case) -> None:
    """Insert a server and the guild that it follows, both read whole, with the notes of the case."""
    now = ctx.clock()
    async with ctx.sessions.begin() as session:
        followed = Guild(
            region=Region.EU,
            realm_id=HOME.id,
            realm_slug=HOME.slug,
            realm_name=HOME.name,
            blizzard_id=BLIZZARD_ID,
            name="Matched",
            slug="matched",
            created_at=now,
            roster_synced_at=now,
        )
        session.add_all([Server(id=SERVER, name="Matched", created_at=now, members_synced_at=now), followed])
        await session.flush()
        session.add(ServerGuild(server_id=SERVER, guild_id=followed.id, followed_at=now))
        await members.upsert(session, SERVER, [_facts(one) for one in case.members], as_of=now)
        stored = [_character(one, now) for one in case.characters]
        session.add_all(stored)
        await session.flush()
        for one, character in zip(case.characters, stored, strict=True):
            session.add(Membership(guild_id=followed.id, character_id=character.id, rank=one.rank, joined_at=now))
        await session.execute(
            sa.insert(CharacterNote),
            [
                {
                    "server_id": SERVER,
                    "character_id": character.id,
                    "guild_note": one.guild_note,
                    "guild_note_at": now,
                    "officer_note": one.officer_note,
                    "officer_note_at": now,
                }
                for one, character in zip(case.characters, stored, strict=True)
            ],
        )


def _facts(one: identity.Member) -> MemberFacts:
    return MemberFacts(one.id, one.username, one.global_name, one.nick, (), pending=False, joined_at=None)


def _character(one: identity.Character, now: datetime) -> Character:
    return Character(
        region=Region.EU,
        realm_id=HOME.id,
        blizzard_id=BLIZZARD_ID + one.id,
        name=one.name,
        name_key=fold(one.name),
        realm_slug=one.realm,
        class_id=one.class_id,
        level=90,
        first_seen_at=now,
    )
