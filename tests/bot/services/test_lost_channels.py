"""A channel that takes no message any more: one word to who chose it, and no storm of them."""

from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import members, servers
from bot.services.context import Context
from bot.services.outbox import CHANNEL_LOST, Delivery, Outbox
from db import outbox as table
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.servers import Server
from tests.support.clock import FakeClock
from tests.support.people import CHANNEL, OFFICER, SERVER, facts, insert_members, insert_server

OTHER_CHANNEL = CHANNEL + 1
OWNER = 1
NO_ACCESS = "Muster can't see the channel"
NO_RIGHT = "Muster may not write in the channel"


@pytest.fixture
async def outbox(ctx: Context) -> Outbox:
    """Give the outbox of a server whose audit channel an officer has chosen."""
    await insert_server(ctx)
    await servers.set_audit_channel(ctx, SERVER, CHANNEL, actor_id=OFFICER)
    return Outbox(ctx)


async def say(ctx: Context, outbox: Outbox, channel_id: int = CHANNEL) -> int:
    """Queue a word for a channel and claim it."""
    async with ctx.sessions.begin() as session:
        id_ = await table.queue(
            session,
            server_id=SERVER,
            kind="word",
            channel_id=channel_id,
            payload={},
            dedupe_key=f"{channel_id}",
            now=ctx.clock(),
        )
    delivery = await outbox.claim()
    assert delivery is not None
    assert delivery.id == id_
    return id_


async def lose(ctx: Context, outbox: Outbox, reason: str = NO_ACCESS, channel_id: int = CHANNEL) -> Delivery | None:
    """Let a word to a channel fail for good; give the word about it, as claimed, None without one."""
    await outbox.unreachable(await say(ctx, outbox, channel_id), reason, OWNER)
    return await outbox.claim()


async def lose_and_tell(ctx: Context, outbox: Outbox, reason: str = NO_ACCESS, channel_id: int = CHANNEL) -> Delivery:
    """Let a word fail, and the word about it arrive."""
    told = await lose(ctx, outbox, reason, channel_id)
    assert told is not None
    await outbox.delivered(told.id, 777, ())
    return told


async def test_who_chose_the_channel_hears_that_it_is_lost(ctx: Context, outbox: Outbox) -> None:
    told = await lose_and_tell(ctx, outbox)

    assert (told.kind, told.user_id, told.channel_id) == (CHANNEL_LOST, OFFICER, None)
    assert told.payload == {"server": f"Server {SERVER}", "channel_id": CHANNEL, "reason": NO_ACCESS}


async def test_a_lost_channel_is_told_once_and_not_once_for_each_message(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    await lose_and_tell(ctx, outbox)
    for _ in range(3):
        clock.advance(hours=1)
        assert await lose(ctx, outbox) is None


async def test_another_reason_is_told_too(ctx: Context, outbox: Outbox) -> None:
    await lose_and_tell(ctx, outbox, NO_ACCESS)
    assert (await lose_and_tell(ctx, outbox, NO_RIGHT)).payload["reason"] == NO_RIGHT
    assert await lose(ctx, outbox, NO_ACCESS) is None


async def test_a_channel_lost_again_after_it_took_a_message_is_told_again(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    await lose_and_tell(ctx, outbox)
    clock.advance(minutes=1)
    await outbox.delivered(await say(ctx, outbox), 555, ())
    clock.advance(minutes=1)
    await lose_and_tell(ctx, outbox)
    assert await lose(ctx, outbox) is None


async def test_a_channel_lost_again_after_another_was_chosen_is_told_again(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    await lose_and_tell(ctx, outbox)
    for channel_id in (OTHER_CHANNEL, CHANNEL):
        clock.advance(minutes=1)
        await servers.set_audit_channel(ctx, SERVER, channel_id, actor_id=OFFICER + 1)
    assert (await lose_and_tell(ctx, outbox)).user_id == OFFICER + 1


async def test_closed_direct_messages_end_there_and_the_check_still_tells(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    told = await lose(ctx, outbox)
    assert told is not None
    clock.advance(seconds=1)
    await outbox.unreachable(told.id, "this member's direct messages are closed", OWNER)

    assert await outbox.claim() is None
    assert (await servers.view(ctx, SERVER)).undelivered == NO_ACCESS
    assert await lose(ctx, outbox) is None


async def test_a_word_that_arrived_is_not_taken_for_a_post_that_did(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    await lose_and_tell(ctx, outbox)
    assert (await servers.view(ctx, SERVER)).undelivered == NO_ACCESS


async def test_the_owner_hears_of_it_when_who_chose_the_channel_has_left(
    ctx: Context, outbox: Outbox, clock: FakeClock
) -> None:
    await insert_members(ctx, facts(OFFICER))
    assert (await lose_and_tell(ctx, outbox, NO_RIGHT)).user_id == OFFICER
    clock.advance(minutes=1)
    await members.member_left(ctx, SERVER, OFFICER)
    assert (await lose_and_tell(ctx, outbox)).user_id == OWNER


async def test_nobody_hears_of_a_channel_when_nobody_is_known(ctx: Context, outbox: Outbox) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(sa.text("DELETE FROM guild_identity.action_log"))
    await outbox.unreachable(await say(ctx, outbox), NO_ACCESS, None)
    assert await outbox.claim() is None


@pytest.mark.parametrize("change", [{"audit_channel_id": OTHER_CHANNEL}, {"left": True}])
async def test_nobody_hears_of_a_channel_that_muster_needs_no_more(
    ctx: Context, outbox: Outbox, change: dict[str, Any]
) -> None:
    id_ = await say(ctx, outbox)
    values = {"left_at": ctx.clock()} if change.pop("left", False) else change
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Server).values(**values))
    await outbox.unreachable(id_, NO_ACCESS, OWNER)
    assert await outbox.claim() is None


async def test_a_fault_of_musters_own_is_no_lost_channel(ctx: Context, outbox: Outbox) -> None:
    await outbox.failed(await say(ctx, outbox), "error 0a1b2c3d")
    assert await outbox.claim() is None


async def test_a_loss_is_settled_once(ctx: Context, outbox: Outbox) -> None:
    id_ = await say(ctx, outbox)
    await outbox.delivered(id_, 555, ())
    await outbox.unreachable(id_, NO_ACCESS, OWNER)
    async with ctx.sessions() as session:
        assert (await session.get_one(OutboxMessage, id_)).state is OutboxState.DELIVERED
    assert await outbox.claim() is None
