"""Turns of uploads: cut off anywhere and begun again, failing, at the same time, and in the queue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.battlenet.client import BattleNetClient
from bot.services import jobs, pipeline, runs, takeover, uploads
from bot.services.context import Context
from bot.services.jobs import Worker
from bot.services.upload_keys import Uploader
from bot.services.uploads import PATIENCE, Receipt
from db import jobs as job_rows
from db import uploads as stored
from db.runs import LEASE_EXPIRED, Scope
from db.tables.identity import CharacterNote
from domain.errors import Conflict
from domain.runs import RunSource, Trigger
from domain.uploads import UploadState
from sandbox.battlenet import Slow
from tests.support.clock import FakeClock
from tests.support.people import (
    SERVER,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    load_actions,
    load_links,
)
from tests.support.scene import Scene
from tests.support.uploads import body, export, insert_key, load_uploads, row

ELSEWHERE = 200
READ = datetime(2025, 12, 31, 20, tzinfo=UTC)
MIA = "mia_the_great"
QUEUE = "SELECT status::text FROM jobs.pgqueuer WHERE entrypoint = 'uploads'"
RUNS = "SELECT coalesce(reason, status) FROM common.sync_log WHERE source = 'addon_upload' ORDER BY id"
PATIENCE_SECONDS = 30


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
async def bob(ctx: Context, guild: int) -> Uploader:
    """Give somebody with a key for a guild in which Ana's note names a member."""
    return await furnish(ctx, guild)


async def furnish(ctx: Context, guild: int, server_id: int = SERVER) -> Uploader:
    await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, MIA), server_id=server_id)
    return await insert_key(ctx, guild, server_id)


async def send(ctx: Context, uploader: Uploader, *, minute: int = 0, note: str = f"discord: {MIA}") -> Receipt:
    at = READ + timedelta(minutes=minute)
    return await uploads.receive(ctx, uploader, body(export(row("Ana", "x", note), at=at, ranks=["GM"])))


async def query(ctx: Context, sql: str) -> list[Any]:
    async with ctx.sessions() as session:
        return list(await session.scalars(sa.text(sql)))


async def states(ctx: Context) -> list[UploadState]:
    return [one.state for one in await load_uploads(ctx)]


async def all_done(ctx: Context) -> None:
    """Make sure that an upload was applied once, and followed."""
    [upload] = await load_uploads(ctx)
    assert upload.state is UploadState.APPLIED
    assert upload.followed_at is not None
    assert upload.result is not None
    assert upload.result["applied"] == 1  # a second application would have found nothing new
    assert len(await load_actions(ctx, "rank.titles")) == 1
    assert len(await load_actions(ctx, "link.add")) == 1


KILL_POINTS = [
    (stored, "take"),  # begun
    (stored, "settle"),  # within the transaction that applies
    (stored, "unfollowed"),  # applied
    (pipeline, "follow_up"),
    (stored, "note_followed"),  # followed
]


@pytest.mark.parametrize("point", KILL_POINTS, ids=lambda point: point[1])
@pytest.mark.parametrize("end", [Killed, RuntimeError])
async def test_a_turn_that_is_cut_off_anywhere_is_done_once_when_it_comes_again(
    ctx: Context, bob: Uploader, monkeypatch: pytest.MonkeyPatch, point: tuple[Any, str], end: type[BaseException]
) -> None:
    await send(ctx, bob)

    async def cut_off(*_: object, **__: object) -> None:
        raise end

    with monkeypatch.context() as patch:
        patch.setattr(*point, cut_off)
        with pytest.raises(end):
            await uploads.process(ctx, SERVER)
    await uploads.process(ctx, SERVER)
    await all_done(ctx)


async def test_a_follow_up_that_is_cut_off_before_its_end_is_noted_is_not_lost(
    ctx: Context, bob: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(ctx, bob)

    async def cut_off(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "follow_up", cut_off)
        with pytest.raises(Killed):
            await uploads.process(ctx, SERVER)
    assert await load_links(ctx) == {}
    await uploads.process(ctx, SERVER)
    assert list((await load_links(ctx)).values()) == [{1}]


async def killed_at(ctx: Context, upload_id: int, clock: FakeClock) -> None:
    """Let a process end while it is at an upload, and the next one find its lease expired."""
    run = await runs.begin(
        replace(ctx, owner="dead"), RunSource.ADDON_UPLOAD, Scope(server_id=SERVER), trigger=Trigger.UPLOAD
    )
    async with ctx.sessions.begin() as session:
        await run.confirm(session, ctx.clock(), counts={"uploads": 1, "upload": upload_id})
    clock.advance(minutes=5)
    assert await runs.close_expired(ctx) == 1


async def test_an_upload_at_which_the_process_ends_again_and_again_blocks_no_other(
    ctx: Context, bob: Uploader, clock: FakeClock
) -> None:
    await send(ctx, bob, minute=0)
    await send(ctx, bob, minute=0, note="another")
    deadly, _ = await load_uploads(ctx)
    for _ in range(PATIENCE):
        await killed_at(ctx, deadly.id, clock)
    await uploads.process(ctx, SERVER)
    assert await states(ctx) == [UploadState.FAILED, UploadState.APPLIED]
    [failed, _] = await load_uploads(ctx)
    assert failed.result == {"reason": uploads.CUT_OFF}
    assert failed.followed_at is None
    assert await query(ctx, RUNS) == [LEASE_EXPIRED] * PATIENCE + [f"an upload was not applied: {uploads.CUT_OFF}"]


@pytest.mark.parametrize("case", ["fewer times", "at another one", "not in a row"])
async def test_an_upload_that_did_not_end_the_process_that_often_is_applied(
    ctx: Context, bob: Uploader, clock: FakeClock, case: str
) -> None:
    await send(ctx, bob)
    [upload] = await load_uploads(ctx)
    for number in range(PATIENCE - 1 if case == "fewer times" else PATIENCE):
        await killed_at(ctx, upload.id + 1 if case == "at another one" else upload.id, clock)
        if case == "not in a row" and number == 0:
            scope = Scope(server_id=SERVER)
            async with runs.running(ctx, RunSource.ADDON_UPLOAD, scope, trigger=Trigger.UPLOAD):
                clock.advance(seconds=1)
    await uploads.process(ctx, SERVER)
    await all_done(ctx)


async def broken(ctx: Context, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the upload that could be read first be one that cannot be applied."""
    first, *_ = await load_uploads(ctx)
    settle = stored.settle

    async def refuse(session: Any, upload_id: int, state: UploadState, **others: Any) -> None:
        if upload_id == first.id and state is UploadState.APPLIED:
            raise error
        await settle(session, upload_id, state, **others)

    monkeypatch.setattr(stored, "settle", refuse)


async def test_what_fails_again_and_again_ends_as_failed_and_the_others_are_applied(
    ctx: Context, bob: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(ctx, bob)
    await send(ctx, bob)
    await broken(ctx, monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await uploads.process(ctx, SERVER)
    assert await states(ctx) == [UploadState.RECEIVED] * 2
    await uploads.process(ctx, SERVER, last_try=True)
    assert await states(ctx) == [UploadState.FAILED, UploadState.APPLIED]
    assert (await load_uploads(ctx))[0].result == {"reason": uploads.BROKEN}


@pytest.mark.parametrize("error", [Conflict("busy"), ConnectionResetError()], ids=type)
async def test_what_waiting_may_mend_is_never_given_up(
    ctx: Context, bob: Uploader, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    await send(ctx, bob)
    await broken(ctx, monkeypatch, error)
    with pytest.raises(type(error)):
        await uploads.process(ctx, SERVER, last_try=True)
    assert await states(ctx) == [UploadState.RECEIVED]


async def test_while_one_process_is_at_it_another_one_leaves_it_alone(ctx: Context, bob: Uploader) -> None:
    await send(ctx, bob)
    await runs.begin(
        replace(ctx, owner="other"), RunSource.ADDON_UPLOAD, Scope(server_id=SERVER), trigger=Trigger.UPLOAD
    )
    with pytest.raises(Conflict):
        await uploads.process(ctx, SERVER)
    assert await states(ctx) == [UploadState.RECEIVED]


# At the same time, on sessions that really commit


@pytest.fixture
async def uploader(scratch_ctx: Context) -> Uploader:
    """Give the same on sessions that really commit."""
    return await furnish(scratch_ctx, await insert_guild(scratch_ctx, await insert_server(scratch_ctx)))


async def test_the_same_export_from_many_at_once_is_one_upload(scratch_ctx: Context, uploader: Uploader) -> None:
    content = body(export(row("Ana"), at=READ))
    receipts = await asyncio.gather(*(uploads.receive(scratch_ctx, uploader, content) for _ in range(6)))
    assert len({receipt.upload for receipt in receipts}) == 1
    assert sorted(receipt.repeated for receipt in receipts) == [False] + [True] * 5
    assert await query(scratch_ctx, QUEUE) == ["queued"]


async def test_uploads_that_arrive_while_others_are_applied_are_none_lost(
    scratch_ctx: Context, uploader: Uploader, battlenet: BattleNetClient, database: str
) -> None:
    async with serving(scratch_ctx, battlenet, database):
        for start in range(0, 12, 4):
            await asyncio.gather(*(send(scratch_ctx, uploader, minute=start + one) for one in range(4)))
        await drained(scratch_ctx)
    found = await load_uploads(scratch_ctx)
    assert len(found) == 12
    assert {one.state for one in found} <= {UploadState.APPLIED, UploadState.OLDER}
    newest = max(found, key=lambda one: one.exported_at)
    assert newest.state is UploadState.APPLIED
    assert newest.followed_at is not None
    assert await query(scratch_ctx, "SELECT count(*) FROM jobs.pgqueuer_log") == [0]


async def test_an_officer_and_somebody_without_the_right_at_once_leave_both_their_news(
    scratch_ctx: Context, uploader: Uploader
) -> None:
    blind = body(export(row("Ana", "new", ""), at=READ + timedelta(minutes=1), officer_notes=False))
    sees = body(export(row("Ana", "old", "secret"), at=READ))
    await asyncio.gather(*(uploads.receive(scratch_ctx, uploader, one) for one in (blind, sees)))
    await uploads.process(scratch_ctx, SERVER)
    async with scratch_ctx.sessions() as session:
        [note] = await session.scalars(sa.select(CharacterNote))
    assert (note.guild_note, note.officer_note) == ("new", "secret")


# In the queue


@asynccontextmanager
async def serving(ctx: Context, battlenet: BattleNetClient, database: str) -> AsyncIterator[Worker]:
    worker = Worker(ctx, battlenet, database)
    worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def applied(ctx: Context, number: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await states(ctx) != [UploadState.APPLIED] * number:  # noqa: ASYNC110 (the database tells no event)
            await asyncio.sleep(0.02)


async def drained(ctx: Context) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await query(ctx, QUEUE):  # noqa: ASYNC110 (the database tells no event)
            await asyncio.sleep(0.02)


async def test_what_was_acknowledged_is_applied_by_the_next_process(
    scratch_ctx: Context, uploader: Uploader, battlenet: BattleNetClient, database: str
) -> None:
    await send(scratch_ctx, uploader)
    # A process took the job and was killed.
    async with scratch_ctx.sessions.begin() as session:
        await session.execute(
            sa.text("UPDATE jobs.pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(), slot = 0")
        )
    await takeover.take_over(scratch_ctx)
    async with serving(scratch_ctx, battlenet, database):
        await drained(scratch_ctx)
    await all_done(scratch_ctx)


async def test_a_server_whose_uploads_fail_keeps_no_other_servers_waiting(
    scratch_ctx: Context,
    uploader: Uploader,
    battlenet: BattleNetClient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "PAUSES", (0.0, 0.0))
    await send(scratch_ctx, uploader)
    await broken(scratch_ctx, monkeypatch, ZeroDivisionError())
    other = await furnish(
        scratch_ctx, await insert_guild(scratch_ctx, await insert_server(scratch_ctx, ELSEWHERE)), ELSEWHERE
    )
    await send(scratch_ctx, other)
    async with serving(scratch_ctx, battlenet, database):
        await drained(scratch_ctx)
    assert await states(scratch_ctx) == [UploadState.FAILED]
    assert [one.state for one in await load_uploads(scratch_ctx, ELSEWHERE)] == [UploadState.APPLIED]
    assert await query(scratch_ctx, RUNS.replace("ORDER", f"AND server_id = {SERVER} ORDER")) == [
        "ZeroDivisionError",
        "ZeroDivisionError",
        f"an upload was not applied: {uploads.BROKEN}",
    ]


async def test_a_follow_up_that_fails_for_good_leaves_the_job_to_the_next_upload(
    scratch_ctx: Context,
    uploader: Uploader,
    battlenet: BattleNetClient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "PAUSES", (0.0,))
    await send(scratch_ctx, uploader)

    async def broken_rule(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "follow_up", broken_rule)
        async with serving(scratch_ctx, battlenet, database):
            await drained(scratch_ctx)
    assert [(one.state, one.followed_at) for one in await load_uploads(scratch_ctx)] == [(UploadState.APPLIED, None)]
    await send(scratch_ctx, uploader, minute=1)
    async with serving(scratch_ctx, battlenet, database):
        await drained(scratch_ctx)
    assert all(one.followed_at for one in await load_uploads(scratch_ctx))


async def test_uploads_that_cannot_be_applied_now_stay_in_the_queue(
    scratch_ctx: Context,
    uploader: Uploader,
    battlenet: BattleNetClient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "PAUSES", ())
    monkeypatch.setattr(jobs, "UPLOADS_AGAIN", timedelta(seconds=0.2))
    await send(scratch_ctx, uploader)
    scope = Scope(server_id=SERVER)
    other = replace(scratch_ctx, owner="other")
    async with serving(scratch_ctx, battlenet, database):
        async with runs.running(other, RunSource.ADDON_UPLOAD, scope, trigger=Trigger.UPLOAD):
            await asyncio.sleep(0.3)
            assert await query(scratch_ctx, QUEUE) != []
        await drained(scratch_ctx)
    await all_done(scratch_ctx)


async def test_a_stop_that_does_not_wait_for_a_turn_leaves_its_job_in_the_queue(
    scratch_ctx: Context,
    uploader: Uploader,
    battlenet: BattleNetClient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await send(scratch_ctx, uploader)
    begun = asyncio.Event()

    async def hanging(*_: object, **__: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "STOP_SECONDS", 0.05)
        patch.setattr(stored, "settle", hanging)
        async with serving(scratch_ctx, battlenet, database):
            await begun.wait()
    assert await query(scratch_ctx, QUEUE) == ["queued"]
    async with serving(scratch_ctx, battlenet, database):
        await drained(scratch_ctx)
    await all_done(scratch_ctx)


async def test_an_upload_whose_job_was_lost_with_the_queue_is_applied_by_the_next_process(
    scratch_ctx: Context, uploader: Uploader, battlenet: BattleNetClient, database: str
) -> None:
    await send(scratch_ctx, uploader)
    async with scratch_ctx.sessions.begin() as session:
        await session.execute(sa.text("TRUNCATE jobs.pgqueuer"))
    async with serving(scratch_ctx, battlenet, database):
        await applied(scratch_ctx, 1)
        await drained(scratch_ctx)
    await all_done(scratch_ctx)


async def test_an_upload_that_came_while_a_job_ended_in_vain_is_not_forgotten(
    scratch_ctx: Context,
    uploader: Uploader,
    battlenet: BattleNetClient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "UPLOADS_LOOK", timedelta(seconds=0.05))
    finish = job_rows.finish

    async def away(*_: object) -> None:
        monkeypatch.setattr(job_rows, "finish", finish)
        await send(scratch_ctx, uploader, minute=1, note="")
        raise ConnectionError

    monkeypatch.setattr(job_rows, "finish", away)
    await send(scratch_ctx, uploader)
    async with serving(scratch_ctx, battlenet, database):
        await applied(scratch_ctx, 2)


async def test_profiles_that_hang_keep_no_upload_waiting(scratch_scene: Scene, database: str) -> None:
    ctx = scratch_scene.ctx
    await scratch_scene.sync()
    scratch_scene.stand_in.faults.add("/eu/profile/wow/character/*", Slow(3_600), times=None)
    [server_id] = await query(ctx, "SELECT id FROM guild_identity.servers")
    uploader = await insert_key(ctx, scratch_scene.guild_id, server_id)
    guild = {"name": scratch_scene.guild.name, "realm": None, "region": "eu"}
    await uploads.receive(ctx, uploader, body(export(row(scratch_scene.member(0).name, "x"), at=READ, guild=guild)))
    async with serving(ctx, scratch_scene.battlenet, database):
        await drained(ctx)
    assert [one.state for one in await load_uploads(ctx, server_id)] == [UploadState.APPLIED]
    assert await query(ctx, "SELECT count(*) FROM jobs.pgqueuer WHERE entrypoint = 'profiles'") == [1]
    scratch_scene.stand_in.faults.clear()
