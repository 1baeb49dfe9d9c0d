"""The rule about characters that nobody has played for long."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import audit
from bot.services.context import Context
from db.tables.audit import Issue
from db.tables.guilds import Character, ProfileCheck
from db.tables.servers import Server
from domain.audit import Severity, State
from tests.support.clock import FakeClock
from tests.support.people import (
    SERVER,
    Toon,
    insert_characters,
    insert_guild,
    insert_server,
    leave_guild,
    load_issues,
    map_rank,
)

DAYS = 30
"""What a new server's options say."""


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_guild(ctx, await insert_server(ctx))


async def read_profile(ctx: Context, character_id: int, *, away: timedelta | None) -> None:
    """Let Battle.net answer for a character now, which was logged in so long ago; None: it does not say."""
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        await session.merge(ProfileCheck(character_id=character_id, checked_at=now, last_modified=None))
        if away is not None:
            character = await session.get_one(Character, character_id)
            character.last_login_at = now - away


async def run(ctx: Context) -> list[Issue]:
    """Run the rules; give the findings of stale characters that stand."""
    async with ctx.sessions.begin() as session:
        await audit.run_rules(ctx, session, server_id=SERVER)
    return [issue for issue in await load_issues(ctx, "stale_character") if issue.state is not State.RESOLVED]


async def test_a_character_is_stale_after_the_days_that_the_server_chose(ctx: Context, guild: int) -> None:
    ana, bo = await insert_characters(ctx, guild, Toon("Ana", rank=2), "Bo")
    await map_rank(ctx, guild, 2, None)
    await read_profile(ctx, ana, away=timedelta(days=DAYS, seconds=1))
    await read_profile(ctx, bo, away=timedelta(days=DAYS))

    [issue] = await run(ctx)

    assert (issue.subject_id, issue.severity) == (ana, Severity.INFO)
    assert issue.facts == {
        "name": "Ana",
        "realm": "stormrage",
        "rank": 2,
        "rank_name": None,
        "last_login": int((ctx.clock() - timedelta(days=DAYS, seconds=1)).timestamp()),
        "user_ids": [],
    }

    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Server).values(stale_days=DAYS - 1))
    assert {issue.subject_id for issue in await run(ctx)} == {ana, bo}


async def test_an_unknown_last_login_is_not_stale(ctx: Context, guild: int) -> None:
    ana, _ = await insert_characters(ctx, guild, "Ana", "Bo")
    await read_profile(ctx, ana, away=None)

    assert await run(ctx) == []


async def test_a_login_and_leaving_the_guild_close_it(ctx: Context, guild: int) -> None:
    ids = await insert_characters(ctx, guild, "Ana", "Bo")
    for id_ in ids:
        await read_profile(ctx, id_, away=timedelta(days=90))
    assert len(await run(ctx)) == 2

    await read_profile(ctx, ids[0], away=timedelta(hours=1))
    await leave_guild(ctx, ids[1])

    assert await run(ctx) == []


async def test_battlenets_maintenance_and_our_own_absence_make_nobody_stale(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    """What was not asked for is unknown: the last answer tells how long a character had been away by then."""
    [ana] = await insert_characters(ctx, guild, "Ana")
    await read_profile(ctx, ana, away=timedelta(days=DAYS - 1))

    clock.advance(days=400)
    assert await run(ctx) == []

    await read_profile(ctx, ana, away=timedelta(days=DAYS + 1))
    assert [issue.subject_id for issue in await run(ctx)] == [ana]


async def test_a_stale_character_is_written_once_and_not_every_day(
    ctx: Context, guild: int, clock: FakeClock, statements: Callable[..., Any]
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await read_profile(ctx, ana, away=timedelta(days=DAYS + 1))
    await run(ctx)
    clock.advance(days=1)
    await read_profile(ctx, ana, away=timedelta(days=DAYS + 2))

    with statements() as seen:
        [issue] = await run(ctx)

    assert issue.opened_at == clock() - timedelta(days=1)
    assert not [one for one in seen if any(verb in one for verb in ("INSERT", "UPDATE", "DELETE"))]


async def test_another_login_that_is_long_ago_too_is_another_case(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await read_profile(ctx, ana, away=timedelta(days=90))
    [before] = await run(ctx)
    await read_profile(ctx, ana, away=timedelta(days=60))

    [after] = await run(ctx)

    assert after.id == before.id
    assert after.fingerprint != before.fingerprint
