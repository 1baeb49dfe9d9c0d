"""A role that was chosen and then deleted is said once, in the audit channel."""

from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import lost_roles
from bot.services.context import Context
from bot.services.lost_roles import ROLE_LOST, note_roles
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.servers import Server
from tests.support.clock import FakeClock
from tests.support.people import CHANNEL, SERVER, insert_guild, insert_server, map_rank

RAIDERS, OFFICERS, OTHERS = 11, 12, 13


@pytest.fixture
async def guild(ctx: Context) -> int:
    guild = await insert_guild(ctx, await insert_server(ctx, channel_id=CHANNEL))
    for rank, role_id in ((1, OFFICERS), (3, RAIDERS), (4, RAIDERS), (5, None)):
        await map_rank(ctx, guild, rank, role_id)
    await choose(ctx, officer_role_id=OFFICERS)
    return guild


async def choose(ctx: Context, **values: Any) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Server).values(**values))


async def told(ctx: Context) -> list[tuple[list[int], bool]]:
    async with ctx.sessions() as session:
        found = await session.scalars(
            sa.select(OutboxMessage).where(OutboxMessage.kind == ROLE_LOST).order_by(OutboxMessage.id)
        )
        return [([rank["index"] for rank in one.payload["ranks"]], one.payload["officers"]) for one in found]


async def test_while_all_chosen_roles_exist_nothing_is_said(ctx: Context, guild: int) -> None:
    assert await note_roles(ctx, SERVER, [RAIDERS, OFFICERS, OTHERS]) == 0


async def test_each_deleted_role_is_said_once_with_all_that_it_stood_for(ctx: Context, guild: int) -> None:
    assert await note_roles(ctx, SERVER, [OTHERS]) == 2
    assert await note_roles(ctx, SERVER, [OTHERS]) == 0
    assert await told(ctx) == [([3, 4], False), ([1], True)]
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(OutboxMessage).values(state=OutboxState.DELIVERED, finished_at=ctx.clock()))
    assert await note_roles(ctx, SERVER, [OTHERS]) == 0


async def test_a_word_that_did_not_arrive_is_said_again_in_the_next_channel(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    await note_roles(ctx, SERVER, [OFFICERS])
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(OutboxMessage).values(state=OutboxState.FAILED, finished_at=ctx.clock()))
    clock.advance(minutes=10)
    assert await note_roles(ctx, SERVER, [OFFICERS]) == 0
    await choose(ctx, audit_channel_id=CHANNEL + 1)
    assert await note_roles(ctx, SERVER, [OFFICERS]) == 1


async def test_without_a_channel_nothing_is_queued_and_it_is_said_when_there_is_one(ctx: Context, guild: int) -> None:
    await choose(ctx, audit_channel_id=None)
    assert await note_roles(ctx, SERVER, [OTHERS]) == 0
    await choose(ctx, audit_channel_id=CHANNEL)
    assert await note_roles(ctx, SERVER, [OTHERS]) == 2


async def test_a_server_that_muster_does_not_know_is_left_alone(ctx: Context) -> None:
    assert await lost_roles.note_roles(ctx, SERVER, []) == 0
