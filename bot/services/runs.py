"""Runs: a lease taken, kept alive and ended, whatever happens in between."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from bot.services.trail import facts, under_run
from bot.services.trouble import database_trouble
from db import runs
from db.runs import RunEnd, Scope
from domain.errors import Conflict, MusterError
from domain.runs import RunSource, RunStatus, Trigger

T = TypeVar("T")

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
HEARTBEAT = timedelta(seconds=20)
LONGEST_MS = 2**31 - 1
"""What the log's column holds: 24 days."""


class RunLost(Conflict):
    """Say that a run's lease expired and was closed: nothing more may be written for it."""

    def __init__(self) -> None:
        super().__init__("This sync stood still for too long and was closed. Run it again.")


@dataclass(slots=True)
class Run:
    """A run in progress: what it counts, and how it will end unless told otherwise."""

    id: int
    source: RunSource
    started_at: datetime
    status: RunStatus = RunStatus.SUCCESS
    reason: str | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def partial(self, reason: str) -> None:
        """End as partial; what fails it later stands above that."""
        self.status, self.reason = RunStatus.PARTIAL, reason

    def fail(self, reason: str) -> None:
        """End as an error."""
        self.status, self.reason = RunStatus.ERROR, reason

    async def confirm(self, session: AsyncSession, now: datetime, *, counts: dict[str, int] | None = None) -> None:
        """Make sure, in the transaction that writes, that the lease is still held; raises RunLost.

        With `counts` the log shows what was counted so far.
        """
        if not await runs.beat(session, self.id, now, counts=counts):
            raise RunLost


@asynccontextmanager
async def running(
    ctx: Context, source: RunSource, scope: Scope, *, trigger: Trigger, actor_id: int | None = None
) -> AsyncIterator[Run]:
    """Hold the lease of a source and scope while the body runs, then log how it ended.

    Raises Conflict while another run of the same source and scope is alive. What the body raises ends the run as an
    error and goes on up.
    """
    run = await begin(ctx, source, scope, trigger=trigger, actor_id=actor_id)
    with under_run(run.id):
        heartbeat = asyncio.create_task(_keep_alive(ctx, run.id))
        try:
            yield run
        except BaseException as error:
            run.fail(_cause(error))
            raise
        finally:
            heartbeat.cancel()
            await asyncio.shield(_unbroken(ctx, end(ctx, run)))


async def close_expired(ctx: Context) -> int:
    """Close the runs of processes that went away; give how many there were."""
    await _write_ends(ctx)
    async with ctx.sessions.begin() as session:
        return await runs.close_expired_runs(session, now=ctx.clock(), lease=LEASE)


async def hold_instance_lease(ctx: Context) -> bool:
    """Take or renew the lease on the timers; False while another living process holds it."""
    async with ctx.sessions.begin() as session:
        return await runs.take_instance_lease(session, owner=ctx.owner, now=ctx.clock(), lease=LEASE)


async def give_up_instance_lease(ctx: Context) -> None:
    """Free the timers for another process at once."""
    async with ctx.sessions.begin() as session:
        await runs.give_up_instance_lease(session, owner=ctx.owner)


async def begin(ctx: Context, source: RunSource, scope: Scope, *, trigger: Trigger, actor_id: int | None = None) -> Run:
    """Take the lease of a source and scope for work that is not done in one go: its owner keeps it alive and ends it.

    Raises Conflict while another run of the same source and scope is alive.
    """
    await _write_ends(ctx)
    taking = _unbroken(ctx, _take(ctx, source, scope, trigger, actor_id))
    try:
        return await asyncio.shield(taking)
    except asyncio.CancelledError as stop:
        await asyncio.wait({taking})
        if taking.exception() is None:
            run = taking.result()
            run.fail(_cause(stop))
            await asyncio.shield(_unbroken(ctx, end(ctx, run)))
        raise


def _unbroken(ctx: Context, act: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Begin something that ends whoever is cancelled meanwhile."""
    task = asyncio.create_task(act)
    ctx.unbroken.add(task)
    task.add_done_callback(ctx.unbroken.discard)
    return task


async def _take(ctx: Context, source: RunSource, scope: Scope, trigger: Trigger, actor_id: int | None) -> Run:
    now = ctx.clock()
    async with ctx.sessions.begin() as session:
        run_id = await runs.begin_run(
            session,
            source=source,
            scope=scope,
            trigger=trigger,
            owner=ctx.owner,
            actor_id=actor_id,
            now=now,
            lease=LEASE,
        )
    if run_id is None:
        raise Conflict("This is being synced right now. `/sync status` shows when it is done.")
    return Run(run_id, source, now)


def _cause(error: BaseException) -> str:
    match error:
        case asyncio.CancelledError():
            return "stopped"
        case MusterError(text=text):
            return text
        case _:
            trouble = database_trouble(error)
            return type(error).__name__ if trouble is None else trouble.text


async def end(ctx: Context, run: Run) -> None:
    """Write how a run ended; what the body raised or gave is what counts, even where that fails.

    The next run that this process begins, or its next look for expired ones, tries again: nobody else is kept waiting
    for a lease that nobody holds.
    """
    now = max(ctx.clock(), run.started_at)  # the clock may have been set back, or far forward
    took = now - run.started_at
    ctx.meter.run_ended(run.source, run.status, took.total_seconds())
    duration_ms = min(int(took.total_seconds() * 1000), LONGEST_MS)
    log.info("run", extra=facts(source=run.source.value, status=run.status.value, ms=duration_ms, reason=run.reason))
    ctx.unwritten[run.id] = RunEnd(run.id, run.status, now, duration_ms, run.counts, run.reason)
    await _write_ends(ctx)


async def _write_ends(ctx: Context) -> None:
    """Write the ends that the database has not taken yet, each for as long as its lease lives."""
    for left in list(ctx.unwritten.values()):
        try:
            async with ctx.sessions.begin() as session:
                await runs.end_run(session, left)
        except Exception:
            log.exception("the end of run %s could not be written", left.run_id)
            if ctx.clock() - left.at < LEASE:
                continue
        ctx.unwritten.pop(left.run_id, None)


async def _keep_alive(ctx: Context, run_id: int) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT.total_seconds())
        try:
            async with ctx.sessions.begin() as session:
                if not await runs.beat(session, run_id, ctx.clock()):
                    return
        except Exception:
            log.exception("the heartbeat of run %s failed", run_id)
