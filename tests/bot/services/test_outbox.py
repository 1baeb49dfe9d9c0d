"""The outbox: claimed in order, sent once, tried again, never lost."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.services import servers
from bot.services.context import Context
from bot.services.outbox import CLAIM, Delivery, Outbox
from db import outbox as table
from db.tables.outbox import OutboxMessage, OutboxState
from tests.support.clock import FakeClock
from tests.support.people import CHANNEL, SERVER, insert_server

OTHER_CHANNEL = CHANNEL + 1
OTHER_SERVER = SERVER + 1
USER = 5_000


@pytest.fixture
async def outbox(ctx: Context) -> Outbox:
    await insert_server(ctx)
    return Outbox(ctx)


async def queue(
    ctx: Context,
    key: str,
    channel_id: int = CHANNEL,
    *,
    user_id: int | None = None,
    server: int = SERVER,
    **payload: Any,
) -> int:
    async with ctx.sessions.begin() as session:
        return await table.queue(
            session,
            server_id=server,
            kind="word",
            channel_id=None if user_id else channel_id,
            user_id=user_id,
            payload=payload,
            dedupe_key=key,
            now=ctx.clock(),
        )


async def claim(outbox: Outbox) -> Delivery:
    delivery = await outbox.claim()
    assert delivery is not None
    return delivery


async def load(ctx: Context, id_: int) -> OutboxMessage:
    async with ctx.sessions() as session:
        return await session.get_one(OutboxMessage, id_)


async def test_a_message_is_claimed_with_all_that_its_sender_needs(ctx: Context, outbox: Outbox) -> None:
    id_ = await queue(ctx, "a", text="hello")

    assert await outbox.claim() == Delivery(
        id=id_,
        server_id=SERVER,
        kind="word",
        channel_id=CHANNEL,
        user_id=None,
        payload={"text": "hello"},
        attempts=0,
        nonce=f"muster-{id_}",
    )


async def test_messages_of_a_channel_go_out_in_order_one_after_the_other(ctx: Context, outbox: Outbox) -> None:
    first, second = await queue(ctx, "a"), await queue(ctx, "b")

    assert (await claim(outbox)).id == first
    assert await outbox.claim() is None
    await outbox.delivered(first, 555, ())
    assert (await claim(outbox)).id == second


async def test_a_message_to_a_user_is_claimed_as_one(ctx: Context, outbox: Outbox) -> None:
    await queue(ctx, "a", user_id=USER)
    delivery = await claim(outbox)
    assert (delivery.user_id, delivery.channel_id) == (USER, None)


async def test_messages_of_a_user_go_out_in_order_whatever_the_server(ctx: Context, outbox: Outbox) -> None:
    await insert_server(ctx, OTHER_SERVER)
    first, second = await queue(ctx, "a", user_id=USER), await queue(ctx, "a", user_id=USER, server=OTHER_SERVER)
    to_another, to_a_channel = await queue(ctx, "b", user_id=USER + 1), await queue(ctx, "c")

    assert [(await claim(outbox)).id for _ in range(3)] == [first, to_another, to_a_channel]
    assert await outbox.claim() is None
    await outbox.delivered(first, 555, ())
    assert (await claim(outbox)).id == second


@pytest.mark.parametrize("targets", [{}, {"channel_id": CHANNEL, "user_id": USER}])
async def test_a_message_has_exactly_one_target(ctx: Context, outbox: Outbox, targets: dict[str, int]) -> None:
    with pytest.raises(IntegrityError, match="one_target"):
        async with ctx.sessions.begin() as session:
            await table.queue(
                session, server_id=SERVER, kind="word", payload={}, dedupe_key="a", now=ctx.clock(), **targets
            )


async def test_a_waiting_message_may_change_from_a_channel_to_a_user(ctx: Context, outbox: Outbox) -> None:
    assert await queue(ctx, "a") == await queue(ctx, "a", user_id=USER)
    delivery = await claim(outbox)
    assert (delivery.user_id, delivery.channel_id) == (USER, None)


async def test_a_server_with_many_messages_does_not_hold_up_another_with_few(ctx: Context, outbox: Outbox) -> None:
    await insert_server(ctx, OTHER_SERVER)
    crowd = [await queue(ctx, f"k{n}", user_id=USER + n) for n in range(6)]
    late = await queue(ctx, "a", OTHER_CHANNEL, server=OTHER_SERVER)

    assert [(await claim(outbox)).id for _ in range(3)] == [crowd[0], late, crowd[1]]


async def test_what_a_dead_process_had_claimed_gives_its_server_no_lower_turn(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    await insert_server(ctx, OTHER_SERVER)
    dead = [await queue(ctx, f"k{n}", user_id=USER + n) for n in range(3)]
    for _ in dead:
        await claim(outbox)
    clock.now += CLAIM
    clock.advance(seconds=1)
    await queue(ctx, "a", OTHER_CHANNEL, server=OTHER_SERVER)

    assert (await claim(outbox)).id == dead[0]


async def test_a_channel_that_fails_holds_up_its_own_messages_only(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    failing, after = await queue(ctx, "a"), await queue(ctx, "b")
    elsewhere = await queue(ctx, "c", OTHER_CHANNEL)
    assert (await claim(outbox)).id == failing
    await outbox.retry(failing, "Discord answered 500", 60)

    assert (await claim(outbox)).id == elsewhere
    assert await outbox.claim() is None

    clock.advance(seconds=60)
    assert (await claim(outbox)).id == failing
    await outbox.failed(failing, "the channel no longer exists")
    assert (await claim(outbox)).id == after


async def test_a_message_given_back_waits_out_its_delay_and_counts_its_attempts(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    id_ = await queue(ctx, "a")
    nonce = (await claim(outbox)).nonce
    await outbox.retry(id_, "Discord answered 500", 90.5)
    assert (await load(ctx, id_)).reason == "Discord answered 500"

    clock.advance(seconds=90)
    assert await outbox.claim() is None
    clock.advance(seconds=1)
    again = await claim(outbox)
    assert (again.id, again.attempts, again.nonce) == (id_, 1, nonce)


async def test_a_claim_whose_process_went_away_is_taken_again_with_the_same_nonce(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    await queue(ctx, "a")
    first = await claim(outbox)

    clock.now += CLAIM
    assert await outbox.claim() is None
    clock.advance(seconds=1)
    again = await claim(outbox)
    assert (again.id, again.nonce, again.attempts) == (first.id, first.nonce, 1)


async def test_a_process_whose_clock_is_a_little_behind_leaves_the_claim_of_another_alone(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    await queue(ctx, "a")
    await claim(outbox)
    clock.advance(seconds=-1)
    assert await outbox.claim() is None


async def test_a_message_put_off_more_often_than_can_be_counted_stops_no_other(ctx: Context, outbox: Outbox) -> None:
    id_ = await queue(ctx, "a")
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(OutboxMessage).values(attempts=table.MOST_ATTEMPTS))
    assert (await claim(outbox)).id == id_
    await queue(ctx, "b", OTHER_CHANNEL)
    assert (await claim(outbox)).channel_id == OTHER_CHANNEL


async def test_a_delivery_is_settled_once(ctx: Context, outbox: Outbox, clock: FakeClock) -> None:
    id_ = await queue(ctx, "a")
    await claim(outbox)
    delivered_at = clock.advance(seconds=1)
    await outbox.delivered(id_, 555, ())

    clock.advance(minutes=5)
    await outbox.delivered(id_, 556, ())
    await outbox.retry(id_, "too late", 0)
    await outbox.failed(id_, "too late")

    row = await load(ctx, id_)
    assert (row.state, row.message_id, row.finished_at) == (OutboxState.DELIVERED, 555, delivered_at)
    assert await outbox.claim() is None


async def test_a_waiting_message_takes_the_newer_payload_of_its_key(ctx: Context, outbox: Outbox) -> None:
    first = await queue(ctx, "a", text="old")
    second = await queue(ctx, "a", OTHER_CHANNEL, text="new")

    assert first == second
    delivery = await claim(outbox)
    assert (delivery.payload, delivery.channel_id) == ({"text": "new"}, OTHER_CHANNEL)


@pytest.mark.parametrize("given_back", [False, True])
async def test_a_message_once_tried_keeps_its_payload_and_the_newer_one_follows_it(
    ctx: Context, outbox: Outbox, *, given_back: bool
) -> None:
    first = await queue(ctx, "a", text="old")
    await claim(outbox)
    if given_back:
        await outbox.retry(first, "Discord answered 500", 0)

    second = await queue(ctx, "a", text="new")

    assert second > first
    assert (await load(ctx, first)).payload == {"text": "old"}
    if given_back:
        assert (await claim(outbox)).id == first
    await outbox.delivered(first, 555, ())
    assert (await claim(outbox)).id == second


async def test_a_failure_is_told_until_a_message_arrives(ctx: Context, outbox: Outbox, clock: FakeClock) -> None:
    failing = await queue(ctx, "a")
    await claim(outbox)
    await outbox.failed(failing, "Muster can't see the channel")
    assert (await servers.view(ctx, SERVER)).undelivered == "Muster can't see the channel"

    clock.advance(minutes=1)
    arriving = await queue(ctx, "b")
    await claim(outbox)
    await outbox.delivered(arriving, 555, ())
    assert (await servers.view(ctx, SERVER)).undelivered is None


async def test_a_change_that_is_rolled_back_leaves_no_message(ctx: Context, outbox: Outbox) -> None:
    async def fail_after_queueing() -> None:
        async with ctx.sessions.begin() as session:
            await table.queue(
                session,
                server_id=SERVER,
                kind="word",
                channel_id=CHANNEL,
                payload={},
                dedupe_key="a",
                now=ctx.clock(),
            )
            raise RuntimeError("the change failed")

    with pytest.raises(RuntimeError):
        await fail_after_queueing()

    assert await outbox.claim() is None


async def test_a_claim_is_one_statement(ctx: Context, outbox: Outbox, statements: Callable[..., Any]) -> None:
    for n in range(20):
        await queue(ctx, f"k{n}", CHANNEL + n)

    with statements() as seen:
        await claim(outbox)

    assert len(seen) == 1


async def test_claims_at_once_never_give_one_message_twice(scratch_ctx: Context) -> None:
    await insert_server(scratch_ctx)
    ids = [await queue(scratch_ctx, f"k{n}", CHANNEL + n // 2) for n in range(20)]
    outbox = Outbox(scratch_ctx)
    taken: list[int] = []

    async def send() -> None:
        while (delivery := await outbox.claim()) is not None:
            taken.append(delivery.id)
            await outbox.delivered(delivery.id, 555, ())

    await asyncio.gather(*(send() for _ in range(6)))
    await send()

    assert sorted(taken) == ids
    for channel in zip(ids[::2], ids[1::2], strict=True):
        assert sorted(channel, key=taken.index) == list(channel)


async def test_a_claim_does_not_wait_for_a_row_that_another_is_claiming(scratch_ctx: Context) -> None:
    await insert_server(scratch_ctx)
    first, elsewhere = await queue(scratch_ctx, "a"), await queue(scratch_ctx, "b", OTHER_CHANNEL)

    async with scratch_ctx.sessions.begin() as another:
        await table.claim(another, now=scratch_ctx.clock(), lease=CLAIM)
        assert (await claim(Outbox(scratch_ctx))).id == elsewhere

    assert (await load(scratch_ctx, first)).state is OutboxState.SENDING


async def test_no_lock_is_held_while_a_message_is_sent(scratch_ctx: Context) -> None:
    await insert_server(scratch_ctx)
    await queue(scratch_ctx, "a")
    await claim(Outbox(scratch_ctx))

    async with scratch_ctx.sessions.begin() as session:
        open_transactions = await session.scalar(
            sa.text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND state LIKE 'idle in transaction%'"
            )
        )
        locked = await session.scalars(sa.select(OutboxMessage.id).with_for_update(nowait=True))
        assert (open_transactions, len(locked.all())) == (0, 1)


async def test_a_message_that_discord_never_takes_holds_up_the_later_ones_for_three_days_only(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    stuck = await queue(ctx, "stuck")
    for _ in range(2):
        later = await queue(ctx, "later")
        await outbox.retry((await claim(outbox)).id, "Discord answered 500", 60.0)
        assert await outbox.claim() is None
        clock.advance(days=2)
    await outbox.retry((await claim(outbox)).id, "Discord answered 500", 60.0)
    failed = await load(ctx, stuck)
    assert (failed.state, failed.reason) == (OutboxState.FAILED, "Discord answered 500")
    assert failed.finished_at == clock.now
    assert (await claim(outbox)).id == later
