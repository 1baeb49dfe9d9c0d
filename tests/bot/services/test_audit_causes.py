"""Each rule: it opens what has its cause, and closes it in each way in which that cause can disappear."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import audit
from bot.services.context import Context
from db.tables.audit import Issue, RuleSetting
from domain.audit import State
from domain.audit_rules import RULES
from tests.support.causes import CAUSES
from tests.support.causes_data import OFFICERS, OTHER
from tests.support.changes import Cause, Change, Planted
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_player,
    load_issues,
)

PLANTED = [pytest.param(cause, id=f"{number}-{cause.rule}") for number, cause in enumerate(CAUSES)]
ENDS = [pytest.param(cause, end, id=f"{cause.rule}: {name}") for cause in CAUSES for name, end in cause.ends.items()]
RENEWALS = [
    pytest.param(cause, again, id=f"{cause.rule}: {name}") for cause in CAUSES for name, again in cause.renews.items()
]


@pytest.fixture(autouse=True)
async def bystander(ctx: Context, guild: int) -> None:
    """Let there be somebody with whom nothing is wrong."""
    ids = await insert_characters(ctx, guild, Toon("Zed", rank=1))
    await insert_members(ctx, facts(9, role_ids=(OFFICERS, OTHER)))
    await insert_player(ctx, ids, [9])


async def run(ctx: Context, rule: str) -> set[int]:
    """Run the rules; give the subjects of what stands by one of them, ignored ones left out."""
    async with ctx.sessions.begin() as session:
        outcome = await audit.run_rules(ctx, session, server_id=SERVER)
    assert outcome.failed == ()
    shown = (State.OPEN, State.NOTIFIED)
    return {issue.subject_id for issue in await load_issues(ctx, rule) if issue.state in shown}


async def open_one(ctx: Context, guild: int, cause: Cause) -> Planted:
    """Plant a cause and let its rule open it."""
    planted = await cause.plant(ctx, guild)
    assert await run(ctx, cause.rule) == {planted.subject}
    return planted


async def put_aside(ctx: Context, rule: str) -> None:
    """Let an officer ignore what stands by a rule."""
    ignored = {"state": State.IGNORED, "muted": True, "ignored_at": ctx.clock(), "ignored_by": OFFICER}
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Issue).where(Issue.rule == rule).values(**ignored))


async def switch(ctx: Context, rule: str, *, enabled: bool) -> None:
    async with ctx.sessions.begin() as session:
        setting = RuleSetting(server_id=SERVER, rule=rule, enabled=enabled, set_by=OFFICER, set_at=ctx.clock())
        await session.merge(setting)


def test_every_rule_has_a_cause_but_the_one_about_rules() -> None:
    assert {cause.rule for cause in CAUSES} == set(RULES) - {"rule_failed"}


@pytest.mark.parametrize(("cause", "end"), ENDS)
async def test_a_finding_closes_when_its_cause_is_gone(ctx: Context, guild: int, cause: Cause, end: Change) -> None:
    planted = await open_one(ctx, guild, cause)

    await end(planted)

    assert await run(ctx, cause.rule) == set()
    assert [issue.state for issue in await load_issues(ctx, cause.rule)] == [State.RESOLVED]


@pytest.mark.parametrize(("cause", "again"), RENEWALS)
async def test_an_ignored_finding_comes_back_only_as_another_problem(
    ctx: Context, guild: int, cause: Cause, again: Change
) -> None:
    planted = await open_one(ctx, guild, cause)
    await put_aside(ctx, cause.rule)
    assert await run(ctx, cause.rule) == set()

    await again(planted)

    assert await run(ctx, cause.rule) == {planted.subject}
    assert len(await load_issues(ctx, cause.rule)) == 1


@pytest.mark.parametrize("cause", PLANTED)
async def test_a_rule_that_is_switched_off_closes_what_it_opened_and_opens_it_again_when_on(
    ctx: Context, guild: int, cause: Cause
) -> None:
    planted = await open_one(ctx, guild, cause)

    await switch(ctx, cause.rule, enabled=False)
    assert await run(ctx, cause.rule) == set()

    await switch(ctx, cause.rule, enabled=True)
    assert await run(ctx, cause.rule) == {planted.subject}


@pytest.mark.parametrize("cause", PLANTED)
async def test_following_another_guild_closes_what_was_about_the_first_one(
    ctx: Context, guild: int, cause: Cause
) -> None:
    await open_one(ctx, guild, cause)

    await insert_guild(ctx, SERVER, name="Others", roster_synced=False)

    assert await run(ctx, cause.rule) == set()


@pytest.mark.parametrize("cause", PLANTED)
async def test_a_finding_that_stands_is_not_written_again(
    ctx: Context, guild: int, cause: Cause, statements: Callable[..., Any]
) -> None:
    planted = await open_one(ctx, guild, cause)

    with statements() as seen:
        assert await run(ctx, cause.rule) == {planted.subject}

    assert not [one for one in seen if any(verb in one for verb in ("INSERT", "UPDATE", "DELETE"))]
