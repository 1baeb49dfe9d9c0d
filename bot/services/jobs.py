"""The worker: takes jobs from the queue for as long as this process may, and hands back what it cannot finish."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial

from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from sqlalchemy.ext.asyncio import AsyncSession

from bot.battlenet.client import BattleNetClient
from bot.services import pipeline, schedule, uploads
from bot.services.context import Context
from bot.services.profiles import Ended, Passed, Profiles, PutOff
from bot.services.runs import HEARTBEAT
from db import jobs, servers
from db import uploads as stored_uploads

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Guilds at work at the same time: while one's batch is written, the other's keeps the gate to Battle.net busy."""
UPLOADS_AT_ONCE = 2
"""Servers whose uploads are applied at the same time; neither they nor profiles wait for the other's lanes."""
LOOK = timedelta(seconds=5)
"""How often the queue is looked at without being told: after a restart of the database nothing tells of new jobs."""
TAKEN_OVER_AFTER = timedelta(seconds=30)
"""How long a job is silent before another process takes it up."""
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between the tries of a job that fails: the database may be away for a moment."""
UPLOADS_AGAIN = timedelta(seconds=15)
"""When uploads that something outside keeps from being applied are tried again."""
UPLOADS_LOOK = timedelta(minutes=1)
"""How often uploads are looked for that wait and have no job any more."""
AGAIN_SECONDS = 2.0
STEADY_SECONDS = 3.0
"""A queue that serves for so long works again."""
STOP_SECONDS, CANCEL_SECONDS, HAND_BACK_SECONDS = 2.5, 0.5, 0.5
"""What a stop waits for in turn; `bot.app` counts on the sum."""


class Worker:
    """Serve the queue between `start` and `stop`, whatever happens to the database meanwhile."""

    def __init__(self, ctx: Context, battlenet: BattleNetClient, database_url: str) -> None:
        self._ctx = ctx
        self._url = database_url
        self._profiles = Profiles(ctx, battlenet)
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._failing = False

    def start(self) -> None:
        """Begin to take jobs; does nothing where that goes on already."""
        if self._serving is None:
            self._stop.clear()
            self._serving = asyncio.create_task(self._serve(), name="jobs")

    async def stop(self) -> None:
        """Take no more jobs, and let those at work write what they have and go back to the queue."""
        serving, self._serving = self._serving, None
        if serving is None:
            return
        self._stop.set()
        await asyncio.wait({serving}, timeout=STOP_SECONDS)
        # What is cut off here has no database to write to, or nothing left to do but what the next sync does again.
        serving.cancel()
        await asyncio.wait({serving}, timeout=CANCEL_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(HAND_BACK_SECONDS):
                await self._profiles.hand_back()

    async def _serve(self) -> None:
        """Serve the queue, on new connections as often as the old ones fail; log one failure and one recovery."""
        beside = [
            asyncio.create_task(self._keep_alive(), name="jobs-heartbeat"),
            asyncio.create_task(self._queue_uploads(), name="jobs-uploads"),
        ]
        try:
            while not self._stop.is_set():
                try:
                    async with jobs.open_queue(self._url) as queue, self._running(queue) as running:
                        await asyncio.wait({running}, timeout=STEADY_SECONDS)
                        if self._failing and not running.done():
                            log.info("the job queue works again")
                            self._failing = False
                        await running
                except Exception:
                    if not self._failing:
                        log.exception("the job queue failed; it goes on, and further failures stay silent")
                    self._failing = True
                    await self._told_within(AGAIN_SECONDS)
        finally:
            for task in beside:
                task.cancel()

    @asynccontextmanager
    async def _running(self, queue: QueueManager) -> AsyncIterator[asyncio.Task[None]]:
        """Run the queue until told to stop; the task raises what makes the queue useless."""
        queue.entrypoint(jobs.PROFILES, accepts_context=False, concurrency_limit=AT_ONCE)(
            partial(self._profiles_job, queue)
        )
        queue.entrypoint(jobs.UPLOADS, accepts_context=False, concurrency_limit=UPLOADS_AT_ONCE)(self._uploads_job)
        running = asyncio.create_task(
            queue.run(
                dequeue_timeout=LOOK,
                batch_size=1,
                max_concurrent_tasks=AT_ONCE + UPLOADS_AT_ONCE,
                heartbeat_timeout=TAKEN_OVER_AFTER,
                shutdown_on_listener_failure=True,
                log_aggregation_interval=timedelta(0),  # nobody reads the statistics, and nobody would end them
            ),
            name="jobs-queue",
        )
        stopping = asyncio.create_task(self._stop.wait())
        stopping.add_done_callback(lambda _: queue.shutdown.set())
        try:
            yield running
        finally:
            stopping.cancel()
            running.cancel()
            await asyncio.wait({running})

    async def _profiles_job(self, queue: QueueManager, job: Job) -> None:
        """Give a guild its turn; what fails is tried again a few times, and then left to the next roster sync."""
        assert job.payload is not None
        guild_id = int(job.payload)
        for pause in (*PAUSES, None):
            try:
                await self._profiles_turn(queue, job, guild_id)
                return
            except RetryRequested:
                raise
            except Exception as error:
                if pause is None:
                    log.exception("the profiles of guild %s failed too often; the next roster tries again", guild_id)
                    await self._profiles.give_up(guild_id, error)
                    async with self._ctx.sessions.begin() as session:
                        await jobs.finish(session, job.id)
                    return
                log.warning("the profiles of guild %s failed; tried again in %g s", guild_id, pause, exc_info=True)
            if await self._told_within(pause):
                raise RetryRequested

    async def _profiles_turn(self, queue: QueueManager, job: Job, guild_id: int) -> None:
        async def others_wait() -> bool:
            return await queue.queries.eligible_queued_work([job.entrypoint]) > 0

        turn = await pipeline.refresh_profiles(
            self._ctx, self._profiles, guild_id, stop=queue.shutdown, others_wait=others_wait
        )
        if isinstance(turn, PutOff):
            raise RetryRequested(turn.delay)
        async with self._ctx.sessions.begin() as session:
            await jobs.finish(session, job.id)
            if isinstance(turn, Passed) or await _has_newer_roster(session, guild_id, turn):
                await jobs.enqueue_profiles(session, guild_id)

    async def _uploads_job(self, job: Job) -> None:
        """Apply a server's uploads; what fails is tried again a few times, and then only where waiting may help."""
        assert job.payload is not None
        server_id = int(job.payload)
        for pause in (*PAUSES, None):
            try:
                await uploads.process(self._ctx, server_id, last_try=pause is None)
                break
            except asyncio.CancelledError:  # PgQueuer would drop the job of a stop that did not wait for it
                raise RetryRequested from None
            except Exception as error:
                if pause is None:
                    log.exception("the uploads of server %s failed too often", server_id)
                    if uploads.may_pass(error):
                        raise RetryRequested(UPLOADS_AGAIN) from error
                    break
                log.warning("the uploads of server %s failed; tried again in %g s", server_id, pause, exc_info=True)
            if await self._told_within(pause):
                raise RetryRequested
        async with self._ctx.sessions.begin() as session:
            await jobs.finish(session, job.id)
            if await stored_uploads.waiting(session, server_id):
                await jobs.enqueue_uploads(session, server_id)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT.total_seconds())
            try:
                await self._profiles.keep_alive()
            except Exception:
                log.exception("the heartbeat of the profile runs failed")

    async def _queue_uploads(self) -> None:
        while True:
            try:
                await schedule.queue_uploads(self._ctx)
            except Exception:
                log.exception("uploads without a job could not be looked for")
            await asyncio.sleep(UPLOADS_LOOK.total_seconds())

    async def _told_within(self, seconds: float) -> bool:
        """Wait for a while; True as soon as it is time to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()


async def _has_newer_roster(session: AsyncSession, guild_id: int, ended: Ended) -> bool:
    """Tell whether a roster was applied since it was last looked who is due; it found the job at work, and left it."""
    return await servers.roster_read_at(session, guild_id) != ended.roster_at
