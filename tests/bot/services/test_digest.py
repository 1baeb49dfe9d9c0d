"""The weekly digest: queued once when it is due, with what is open and how that came about."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import digest
from bot.services.context import Context
from db import outbox as outbox_rows
from db.tables.audit import Issue
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.servers import Server
from domain.audit import Severity, State, SubjectKind
from tests.support.clock import FakeClock
from tests.support.people import CHANNEL, OFFICER, SERVER, insert_guild, insert_server

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEK = timedelta(weeks=1)
OTHER_SERVER = SERVER + 1


async def settle(ctx: Context, clock: FakeClock, server_id: int = SERVER, **options: Any) -> None:
    """Let a server follow a guild for ten weeks when Monday's nine o'clock comes."""
    clock.now = MONDAY - 10 * WEEK
    await insert_guild(ctx, await insert_server(ctx, server_id, channel_id=CHANNEL))
    async with ctx.sessions.begin() as session:
        await session.execute(
            sa.update(Server).where(Server.id == server_id).values(digest_at=MONDAY - WEEK, **options)
        )
    clock.now = MONDAY


async def issue(
    ctx: Context,
    number: int,
    opened_at: datetime = MONDAY - WEEK * 2,
    *,
    server_id: int = SERVER,
    rule: str = "orphan_wow",
    severity: Severity = Severity.WARNING,
    state: State = State.NOTIFIED,
    **others: Any,
) -> None:
    async with ctx.sessions.begin() as session:
        session.add(
            Issue(
                public_id=f"i{server_id}-{number}",
                server_id=server_id,
                rule=rule,
                rule_version=1,
                severity=severity,
                subject_kind=SubjectKind.CHARACTER,
                subject_id=number,
                fingerprint="",
                facts={},
                state=state,
                opened_at=opened_at,
                **others,
            )
        )


async def queued(ctx: Context) -> list[dict[str, Any]]:
    async with ctx.sessions() as session:
        found = await session.scalars(
            sa.select(OutboxMessage).where(OutboxMessage.kind == digest.DIGEST).order_by(OutboxMessage.id)
        )
        return [one.payload for one in found]


async def deliver_all(ctx: Context) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(OutboxMessage).values(state=OutboxState.DELIVERED, finished_at=ctx.clock()))


async def test_a_digest_counts_what_is_open_and_what_the_week_changed(ctx: Context, clock: FakeClock) -> None:
    await settle(ctx, clock)
    lately, before = MONDAY - timedelta(days=2), MONDAY - timedelta(days=9)
    await issue(ctx, 1)
    await issue(ctx, 2, lately, state=State.OPEN)
    await issue(ctx, 3, rule="role_mismatch", severity=Severity.ERROR)
    await issue(ctx, 4, state=State.RESOLVED, resolved_at=lately)
    await issue(ctx, 5, state=State.RESOLVED, resolved_at=lately, resolved_by=OFFICER, muted=True)
    await issue(ctx, 6, state=State.RESOLVED, resolved_at=before)
    await issue(ctx, 7, state=State.IGNORED, ignored_at=lately, ignored_by=OFFICER, muted=True)
    await issue(ctx, 8, state=State.IGNORED, ignored_at=before, ignored_by=OFFICER, muted=True)

    assert await digest.queue_due(ctx) == 1

    [told] = await queued(ctx)
    assert sorted((one["rule"], one["severity"], one["total"]) for one in told["types"]) == [
        ("orphan_wow", "warning", 2),
        ("role_mismatch", "error", 1),
    ]
    assert [told[name] for name in ("opened", "resolved", "by_officers", "ignored")] == [1, 2, 1, 1]
    assert (told["guild"], told["time_zone"]) == ("Raiders of Dawn", "UTC")


async def test_the_trend_tells_what_was_open_each_week_and_what_was_put_aside_is_not(
    ctx: Context, clock: FakeClock
) -> None:
    await settle(ctx, clock)
    long_ago = MONDAY - 20 * WEEK
    await issue(ctx, 1, long_ago)
    await issue(ctx, 2, MONDAY - 3 * WEEK)
    await issue(ctx, 3, long_ago, state=State.RESOLVED, resolved_at=MONDAY - 5 * WEEK)
    await issue(ctx, 4, long_ago, state=State.IGNORED, ignored_at=MONDAY - 6 * WEEK, muted=True)
    # Ignored, and the cause went away later: nobody's work from the ignoring on.
    ignored = {"ignored_at": MONDAY - 6 * WEEK, "resolved_at": MONDAY - WEEK, "muted": True}
    await issue(ctx, 5, long_ago, state=State.RESOLVED, **ignored)
    await issue(ctx, 6, MONDAY - WEEK, rule="role_mismatch", severity=Severity.ERROR)
    await digest.queue_due(ctx)
    [told] = await queued(ctx)
    assert [datetime.fromisoformat(one["at"]) for one in told["trend"]] == [MONDAY - n * WEEK for n in range(7, -1, -1)]
    assert [one["open"].get("warning", 0) for one in told["trend"]] == [4, 2, 1, 1, 2, 2, 2, 2]
    assert [one["open"].get("error", 0) for one in told["trend"]] == [0] * 6 + [1, 1]
    assert told["trend"][-1]["open"] == {one["severity"]: one["total"] for one in told["types"]}


async def test_a_trend_does_not_go_back_beyond_the_guild_that_is_followed_now(ctx: Context, clock: FakeClock) -> None:
    await settle(ctx, clock)
    clock.now = MONDAY - timedelta(days=10)
    await insert_guild(ctx, SERVER, name="Another")
    clock.now = MONDAY
    await issue(ctx, 1, MONDAY - 20 * WEEK)
    await digest.queue_due(ctx)
    [told] = await queued(ctx)
    assert len(told["trend"]) == 2


async def test_a_digest_is_told_once_a_week_whoever_looks_and_however_often(ctx: Context, clock: FakeClock) -> None:
    await settle(ctx, clock)
    await issue(ctx, 1)
    clock.now = MONDAY - timedelta(minutes=1)
    assert await digest.queue_due(ctx) == 0
    counts = []
    for _ in range(3 * 7 * 24):
        clock.advance(hours=1)
        counts.append(await digest.queue_due(ctx))
        await deliver_all(ctx)
    assert sum(counts) == 3
    assert len(await queued(ctx)) == 3


async def test_a_server_in_summer_time_gets_it_at_nine_by_its_own_clocks(ctx: Context, clock: FakeClock) -> None:
    await settle(ctx, clock, time_zone="America/New_York")
    await issue(ctx, 1)
    clock.now = datetime(2026, 7, 6, 12, 59, tzinfo=UTC)
    assert await digest.queue_due(ctx) == 0
    clock.advance(minutes=1)
    assert await digest.queue_due(ctx) == 1


@pytest.mark.parametrize(
    "options",
    [{"digest": False}, {"audit_channel_id": None}, {"left_at": MONDAY}],
    ids=["switched off", "no channel", "removed"],
)
async def test_who_wants_none_or_has_no_place_for_it_gets_none(
    ctx: Context, clock: FakeClock, options: dict[str, Any]
) -> None:
    await settle(ctx, clock, **options)
    await issue(ctx, 1)
    assert await digest.queue_due(ctx) == 0
    assert await queued(ctx) == []


async def test_a_week_without_anything_open_or_changed_has_no_digest_and_is_not_looked_at_again(
    ctx: Context, clock: FakeClock
) -> None:
    await settle(ctx, clock)
    await issue(ctx, 1, state=State.RESOLVED, resolved_at=MONDAY - timedelta(days=8))
    assert await digest.queue_due(ctx) == 0
    await issue(ctx, 2)
    clock.advance(hours=1)
    assert await digest.queue_due(ctx) == 0
    assert await queued(ctx) == []


async def test_a_clean_server_whose_last_findings_were_solved_this_week_is_told_so(
    ctx: Context, clock: FakeClock
) -> None:
    await settle(ctx, clock)
    await issue(ctx, 1, state=State.RESOLVED, resolved_at=MONDAY - timedelta(days=1))
    assert await digest.queue_due(ctx) == 1
    [told] = await queued(ctx)
    assert (told["types"], told["resolved"]) == ([], 1)


async def test_a_kill_in_the_middle_leaves_a_digest_that_is_due_and_told_once(
    ctx: Context, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await settle(ctx, clock)
    await issue(ctx, 1)
    with monkeypatch.context() as patch:

        async def killed(*_: Any, **__: Any) -> int:
            raise RuntimeError("killed")

        patch.setattr(outbox_rows, "queue", killed)
        assert await digest.queue_due(ctx) == 0
    assert "the digest of server 100 could not be made" in caplog.text
    assert await queued(ctx) == []
    assert [await digest.queue_due(ctx) for _ in range(2)] == [1, 0]


async def test_a_server_whose_digest_fails_stops_no_other(
    ctx: Context, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await settle(ctx, clock, time_zone="Atlantis/Nowhere")
    await settle(ctx, clock, OTHER_SERVER)
    await issue(ctx, 1, server_id=OTHER_SERVER)
    assert await digest.queue_due(ctx) == 1
    assert "the digest of server 100 could not be made" in caplog.text


async def test_two_processes_that_look_at_once_tell_one_digest(scratch_ctx: Context, clock: FakeClock) -> None:
    await settle(scratch_ctx, clock)
    await issue(scratch_ctx, 1)
    assert sum(await asyncio.gather(*(digest.queue_due(scratch_ctx) for _ in range(6)))) == 1
    assert len(await queued(scratch_ctx)) == 1
