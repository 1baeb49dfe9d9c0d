"""Where a database is one process's own, what a dead one left behind is taken over at once."""

from dataclasses import replace

import sqlalchemy as sa

from bot.services import runs
from bot.services.outbox import Outbox
from bot.services.takeover import take_over
from db import outbox
from db.runs import LEASE_EXPIRED, Scope
from domain.runs import RunSource, Trigger
from tests.support.scene import CHANNEL, SERVER, Scene


async def test_runs_timers_and_messages_of_a_dead_process_are_free_at_once(scene: Scene) -> None:
    dead, living = replace(scene.ctx, owner="dead"), replace(scene.ctx, owner="living")
    scope = Scope(guild_id=scene.guild_id)
    await runs.begin(dead, RunSource.BLIZZARD_API, scope, trigger=Trigger.TIMER)
    assert await runs.hold_instance_lease(dead)
    async with dead.sessions.begin() as session:
        await outbox.queue(
            session,
            server_id=SERVER,
            kind="test",
            channel_id=CHANNEL,
            payload={},
            dedupe_key="one",
            now=dead.clock(),
        )
    sending = await Outbox(dead).claim()
    assert sending is not None

    assert await take_over(living) == 1
    run = await scene.last_run()
    assert (run.status, run.reason) == ("error", LEASE_EXPIRED)
    assert await runs.hold_instance_lease(living)
    await runs.begin(living, RunSource.BLIZZARD_API, scope, trigger=Trigger.TIMER)
    again = await Outbox(living).claim()
    assert again is not None
    assert (again.id, again.nonce) == (sending.id, sending.nonce)


async def test_a_job_of_a_dead_process_is_free_at_once(scene: Scene) -> None:
    await scene.sync()
    async with scene.ctx.sessions.begin() as session:
        await session.execute(
            sa.text("UPDATE jobs.pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid()")
        )
    await take_over(replace(scene.ctx, owner="living"))
    assert await scene.query("SELECT status::text, queue_manager_id FROM jobs.pgqueuer") == [("queued", None)]


async def test_a_process_keeps_what_is_its_own(scene: Scene) -> None:
    await runs.begin(scene.ctx, RunSource.BLIZZARD_API, Scope(guild_id=scene.guild_id), trigger=Trigger.TIMER)
    assert await runs.hold_instance_lease(scene.ctx)
    assert await take_over(scene.ctx) == 0
    assert (await scene.last_run()).status == "running"
    assert not await runs.hold_instance_lease(replace(scene.ctx, owner="another"))
