"""Two days in the life of many servers under one virtual clock: what the timers do, without Discord's sockets.

On the first all of them come at once and nothing is known yet; the second is as every day after it.

Real are the scheduler, the limiter, the client of Battle.net, the services and PostgreSQL; Battle.net is the stand-in.
Only waiting is virtual: while the database works the clock stands.
"""

import asyncio
import json
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from bot.battlenet.client import BattleNetClient
from bot.battlenet.limiter import Limiter
from bot.services import pipeline, runs, schedule
from bot.services.context import Context
from bot.services.jobs import AT_ONCE
from bot.services.profiles import Passed, Profiles, PutOff
from bot.services.runs import HEARTBEAT
from cogs.timers.cog import LOOK_SECONDS, PROFILES_LOOK_SECONDS
from db import jobs, servers
from db.engine import create_engine, create_sessions
from db.tables.guilds import Membership, ProfileCheck
from db.tables.runs import SyncRun
from domain.errors import MusterError
from domain.runs import Trigger
from sandbox.battlenet import BattleNetStandIn
from tests.soak.crowd import CHARACTERS, Crowd, log_in
from tests.soak.traffic import Traffic
from tests.soak.virtual import DAY, VirtualLoop
from tests.support.scene import follow

SHARED = 20
"""One in so many guilds is followed by a second server."""
PER_SECOND, PER_HOUR = 100, 36_000
HOUR = 3600.0
DAYS = 2

_QUEUED = "FROM jobs.pgqueuer WHERE status = 'queued' AND id <> ALL(CAST(:later AS bigint[]))"
_TAKE = sa.text(
    f"""
    UPDATE jobs.pgqueuer SET status = 'picked'
    WHERE id = (SELECT id {_QUEUED} ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, convert_from(payload, 'UTF8') AS payload
    """  # noqa: S608 (a text of this module)
)
_WAITING = sa.text(f"SELECT EXISTS (SELECT {_QUEUED})")
_GIVE_BACK = sa.text("UPDATE jobs.pgqueuer SET status = 'queued' WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Report:
    """What the days came to; waits are in hours, `worked_seconds` is what it took by a real clock."""

    servers: int
    guilds: int
    characters: int
    calls: int
    calls_per_guild_on_the_first_day: float
    calls_per_guild_on_the_second_day: float
    most_calls_of_a_guild_on_a_day: int
    most_calls_in_an_hour: int
    most_calls_in_a_second: int
    statuses: dict[str, int]
    fewest_rosters: int
    worst_roster_wait: float
    worst_profile_wait: float
    profiles_unread: int
    runs: dict[str, int]
    worked_seconds: float

    def __str__(self) -> str:
        return "\n".join(f"  {name.replace('_', ' '):34} {_shown(value)}" for name, value in asdict(self).items())

    def write(self, file: Path) -> None:
        """Write the report as JSON."""
        file.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def live_two_days(url: str, *, servers: int, seed: int) -> Report:
    """Let servers with a guild of 320 each start from nothing, and give what two days came to."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(_day(loop, url, servers, Random(seed)))
    finally:
        loop.close()


async def _day(loop: VirtualLoop, url: str, count: int, random: Random) -> Report:
    began = time.monotonic()
    world = Crowd(count - count // (SHARED + 1))
    stand_in = BattleNetStandIn(world, per_second=PER_SECOND, per_hour=PER_HOUR, clock=loop.clock, monotonic=loop.time)
    traffic = Traffic(stand_in, loop.time)
    engine = create_engine(url)
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    # A connection that is being made counts as checked out.
    loop.watch(lambda: pool.checkedout() > 0)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        battlenet = BattleNetClient(
            "http://battle.net/{region}",
            "http://battle.net/oauth",
            stand_in.client_id,
            stand_in.client_secret,
            transport=traffic,
            limiter=Limiter(per_second=PER_SECOND, per_hour=PER_HOUR, monotonic=loop.time),
            monotonic=loop.time,
            clock=loop.clock,
        )
        stack.push_async_callback(battlenet.aclose)
        ctx = Context(create_sessions(engine), loop.clock, owner="the day")
        await _open_servers(ctx, world, count)
        await _for_two_days(
            log_in(world, random),
            _hold_lease(ctx),
            _rosters(ctx, battlenet),
            _due_profiles(ctx),
            ProfileWorker(ctx, battlenet).work(),
        )
        return await _report(ctx, traffic, count, loop.time(), time.monotonic() - began)


async def _open_servers(ctx: Context, world: Crowd, count: int) -> None:
    """Let each guild be followed by a server of its own, and the first ones by a second server too."""
    for number in range(count):
        guild = world.guilds[number % len(world.guilds)]
        await follow(ctx, guild, server_id=5_000 + number, channel_id=None)


async def _for_two_days(*works: Coroutine[Any, Any, None]) -> None:
    """Do all at once for two days, and raise what any of them raises."""
    with_end = [asyncio.create_task(work) for work in works]
    await asyncio.wait(with_end, timeout=DAYS * DAY, return_when=asyncio.FIRST_EXCEPTION)
    for task in with_end:
        task.cancel()
    for outcome in await asyncio.gather(*with_end, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


async def _hold_lease(ctx: Context) -> None:
    while True:
        assert await runs.hold_instance_lease(ctx)
        await runs.close_expired(ctx)
        await asyncio.sleep(LOOK_SECONDS)


async def _rosters(ctx: Context, battlenet: BattleNetClient) -> None:
    """Sync the rosters that are due, one after the other, as the timer does."""
    while True:
        for guild_id in await schedule.due_guilds(ctx):
            try:
                await pipeline.sync_roster(ctx, battlenet, guild_id, trigger=Trigger.TIMER)
            except MusterError:
                continue  # the timer logs it; the report shows the run
        await asyncio.sleep(LOOK_SECONDS)


async def _due_profiles(ctx: Context) -> None:
    """Queue the profiles that came of age, as the timer does."""
    while True:
        await schedule.queue_profiles(ctx)
        await asyncio.sleep(PROFILES_LOOK_SECONDS)


class ProfileWorker:
    """Take the profile jobs as `bot.services.jobs` does, oldest first and so many at once.

    PgQueuer itself stays outside: it goes by the database's clock, and that is a real one.
    """

    def __init__(self, ctx: Context, battlenet: BattleNetClient) -> None:
        self._ctx = ctx
        self._profiles = Profiles(ctx, battlenet)
        self._put_off: dict[int, float] = {}
        self._stop = asyncio.Event()

    async def work(self) -> None:
        """Take jobs until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_alive())
            for _ in range(AT_ONCE):
                group.create_task(self._take_turns())

    async def _take_turns(self) -> None:
        while True:
            if (job := await self._next()) is None:
                await asyncio.sleep(LOOK_SECONDS)
            else:
                await self._turn(*job)

    async def _turn(self, job_id: int, guild_id: int) -> None:
        turn = await pipeline.refresh_profiles(
            self._ctx, self._profiles, guild_id, stop=self._stop, others_wait=self._others_wait
        )
        async with self._ctx.sessions.begin() as session:
            if isinstance(turn, PutOff):
                self._put_off[job_id] = asyncio.get_running_loop().time() + turn.delay.total_seconds()
                await session.execute(_GIVE_BACK, {"id": job_id})
                return
            await jobs.finish(session, job_id)
            if isinstance(turn, Passed) or await servers.roster_read_at(session, guild_id) != turn.roster_at:
                await jobs.enqueue_profiles(session, guild_id)

    async def _next(self) -> tuple[int, int] | None:
        async with self._ctx.sessions.begin() as session:
            taken = (await session.execute(_TAKE, {"later": self._later()})).one_or_none()
        return None if taken is None else (taken.id, int(taken.payload))

    async def _others_wait(self) -> bool:
        async with self._ctx.sessions() as session:
            return bool(await session.scalar(_WAITING, {"later": self._later()}))

    def _later(self) -> list[int]:
        now = asyncio.get_running_loop().time()
        self._put_off = {job_id: until for job_id, until in self._put_off.items() if until > now}
        return list(self._put_off)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT.total_seconds())
            await self._profiles.keep_alive()


async def _report(ctx: Context, traffic: Traffic, count: int, now: float, worked: float) -> Report:
    async with ctx.sessions() as session:
        counted = await session.execute(
            sa.select(SyncRun.source, SyncRun.status, sa.func.count()).group_by(SyncRun.source, SyncRun.status)
        )
        unread = await session.scalar(
            sa.select(sa.func.count())
            .select_from(Membership)
            .outerjoin(ProfileCheck, ProfileCheck.character_id == Membership.character_id)
            .where(ProfileCheck.character_id.is_(None))
        )
    first, second = (traffic.per_guild[day] for day in range(DAYS))
    guilds = len(first)
    return Report(
        servers=count,
        guilds=guilds,
        characters=guilds * CHARACTERS,
        calls=len(traffic.sent),
        calls_per_guild_on_the_first_day=first.total() / guilds,
        calls_per_guild_on_the_second_day=second.total() / guilds,
        most_calls_of_a_guild_on_a_day=max(*first.values(), *second.values()),
        most_calls_in_an_hour=traffic.most_within(HOUR),
        most_calls_in_a_second=traffic.most_within(1.0),
        statuses={str(status): count for status, count in sorted(traffic.statuses.items())},
        fewest_rosters=traffic.rosters.fewest_reads(),
        worst_roster_wait=traffic.rosters.worst(now) / HOUR,
        worst_profile_wait=traffic.profiles.worst(now) / HOUR,
        profiles_unread=unread or 0,
        runs={f"{source} {status}": count for source, status, count in counted},
        worked_seconds=worked,
    )


def _shown(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{name}: {count:,}" for name, count in value.items())
        case float():
            return f"{value:,.2f}"
    return f"{value:,}"
