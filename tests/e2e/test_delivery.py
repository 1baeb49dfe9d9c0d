"""The sender of the shipped bot, through kill -9 and what Discord does to messages."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import create_engine
from db.outbox import UNDELIVERED
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.runs import SyncRun
from domain.runs import RunSource
from sandbox.discord import Exchange
from tests.conftest import create_database, drop_database, url_of
from tests.e2e.conftest import Home
from tests.e2e.small import small_guild

HOUR = 3600
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LOOK_EVERY = 0.05
WITHIN = 30.0


@pytest.fixture(scope="module")
async def engine(admin: AsyncEngine, template_db: str) -> AsyncIterator[AsyncEngine]:
    """Give an engine on the database that the bot works on, too."""
    name = await create_database(admin, template_db)
    engine = create_engine(url_of(admin, name))
    yield engine
    await engine.dispose()
    await drop_database(admin, name)


@pytest.fixture(scope="module")
async def home(engine: AsyncEngine) -> AsyncIterator[Home]:
    """Give the small guild with everything chosen, read and reported."""
    settings = {"DATABASE_URL": engine.url.render_as_string(hide_password=False)}
    async with Home(small_guild(), settings=settings) as home:
        await home.raise_curtain()
        await home.set_up()
        await wait_for_calm(engine)
        # What the profiles told is audited and reported by now, or not again.
        await home.say("audit run")
        await wait_for_calm(engine)
        yield home


async def rows(engine: AsyncEngine, *where: sa.ColumnElement[bool]) -> Sequence[sa.Row[tuple[int, datetime, int]]]:
    """Give id, time of the next try and message id of what the outbox holds, in order."""
    query = sa.select(OutboxMessage.id, OutboxMessage.due_at, OutboxMessage.message_id)
    async with engine.begin() as connection:
        return (await connection.execute(query.where(*where).order_by(OutboxMessage.id))).all()


async def wait_for_row(engine: AsyncEngine, *where: sa.ColumnElement[bool]) -> sa.Row[tuple[int, datetime, int]]:
    """Wait until the outbox holds exactly one such message, and give it."""
    async with asyncio.timeout(WITHIN):
        while True:
            found = await rows(engine, *where)
            if len(found) == 1:
                return found[0]
            await asyncio.sleep(LOOK_EVERY)


async def wait_for_calm(engine: AsyncEngine) -> None:
    """Wait until the profiles, whose findings are reported too, are read, and everything said."""
    read = sa.select(SyncRun.id).where(SyncRun.source == RunSource.BLIZZARD_PROFILES, SyncRun.finished_at.is_not(None))
    waiting = sa.select(OutboxMessage.id).where(UNDELIVERED)
    async with asyncio.timeout(WITHIN):
        while True:
            async with engine.begin() as connection:
                if await connection.scalar(sa.select(read.exists() & ~waiting.exists())):
                    return
            await asyncio.sleep(LOOK_EVERY)


async def let_time_pass(engine: AsyncEngine) -> None:
    """Let every wait be over, and every claim of a dead process."""
    async with engine.begin() as connection:
        await connection.execute(sa.update(OutboxMessage).values(due_at=LONG_AGO))
        claimed = sa.update(OutboxMessage).where(OutboxMessage.claimed_until.is_not(None))
        await connection.execute(claimed.values(claimed_until=LONG_AGO))


def path(home: Home) -> str:
    return f"/channels/{home.audit_channel}/messages"


def sends(home: Home) -> list[int | None]:
    """Give how Discord answered each attempt to post to the audit channel."""
    return [
        one.status
        for one in home.recorded
        if isinstance(one, Exchange) and (one.method, one.path) == ("POST", path(home))
    ]


def posted(home: Home) -> int:
    return len(home.discord.messages(home.audit_channel))


GIVEN_BACK = sa.and_(OutboxMessage.state == OutboxState.PENDING, OutboxMessage.attempts > 0)
ON_THE_WAY = OutboxMessage.state == OutboxState.SENDING


async def test_an_answer_lost_after_discord_took_the_message_makes_no_second_one(
    home: Home, engine: AsyncEngine
) -> None:
    before, tried = posted(home), len(sends(home))
    home.discord.fault("POST", path(home), None, applied=True)
    await home.say("audit report")
    again = await wait_for_row(engine, GIVEN_BACK)
    await let_time_pass(engine)
    await home.say("audit run")
    delivered = await wait_for_row(engine, OutboxMessage.id == again.id, OutboxMessage.state == OutboxState.DELIVERED)
    assert sends(home)[tried:] == [None, 200]
    assert posted(home) == before + 1
    assert str(delivered.message_id) in {message["id"] for message in home.discord.messages(home.audit_channel)}


async def test_a_rate_limit_is_waited_out_as_long_as_discord_asks_and_order_is_kept(
    home: Home, engine: AsyncEngine
) -> None:
    tried = len(sends(home))
    home.discord.fault("POST", path(home), 429, retry_after=HOUR)
    await home.say("audit report")
    limited = await wait_for_row(engine, GIVEN_BACK)
    assert timedelta(seconds=HOUR - 60) < limited.due_at - datetime.now(UTC) <= timedelta(seconds=HOUR)
    await home.say("audit report")
    behind = await wait_for_row(engine, OutboxMessage.state == OutboxState.PENDING, OutboxMessage.attempts == 0)
    assert sends(home)[tried:] == [429]

    await let_time_pass(engine)
    await home.say("audit run")
    last = await wait_for_row(engine, OutboxMessage.id == behind.id, OutboxMessage.state == OutboxState.DELIVERED)
    [first] = await rows(engine, OutboxMessage.id == limited.id)
    assert sends(home)[tried:] == [429, 200, 200]
    assert first.message_id < last.message_id


async def test_a_message_on_its_way_at_a_kill_9_arrives_once(home: Home, engine: AsyncEngine) -> None:
    before, tried = posted(home), len(sends(home))
    home.discord.fault("POST", path(home), None, applied=True, delay=HOUR)
    await home.begin("audit report")
    await home.discord.until(lambda: posted(home) > before, "the message that Discord took")
    await home.bot.kill()
    claimed = await wait_for_row(engine, ON_THE_WAY)
    await let_time_pass(engine)

    await home.raise_curtain()
    await wait_for_row(engine, OutboxMessage.id == claimed.id, OutboxMessage.state == OutboxState.DELIVERED)
    assert sends(home)[tried:] == [None, 200]
    assert posted(home) == before + 1


async def test_a_member_list_that_discord_holds_back_changes_nobody(home: Home) -> None:
    home.discord.fault("GET", "/guilds/*/members", 429, retry_after=90)
    assert "(it asked to wait 90 s). Nobody was changed" in await home.say("sync members")
    home.discord.fault("GET", "/guilds/*/members", 503)
    assert "(error 503). Nobody was changed" in await home.say("sync members")
    assert "on this server" in await home.say("sync members")


async def test_a_lost_audit_channel_is_told_once_in_direct_messages(home: Home) -> None:
    dm = home.discord.world.dm_channel(home.owner_id)
    home.discord.world.remove_channel(home.audit_channel)
    for _ in range(2):
        await home.say("audit report")
    await home.discord.wait_for_message(dm)
    assert "the channel no longer exists" in await home.say("setup check")
    assert len(home.discord.messages(dm)) == 1
    assert not any("Traceback" in line for line in home.bot.log)
