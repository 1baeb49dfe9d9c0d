"""Rules of the audit that a server's officers switch off and on, or run by themselves."""

import pytest

from bot.services import audit, findings, pipeline, rules
from bot.services.context import Context
from bot.services.rules import RuleState
from db.tables.audit import Issue
from domain.audit import State
from domain.audit_rules import RULES
from domain.errors import Conflict, NotFound, Refused
from tests.support.people import (
    OFFICER,
    SERVER,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    load_actions,
    load_issues,
)

RULE = "orphan_wow"
DEPUTY = OFFICER + 1


@pytest.fixture
async def ana(ctx: Context, guild: int) -> int:
    """A character of nobody, found by the audit."""
    [ana] = await insert_characters(ctx, guild, "Ana")
    await pipeline.follow_up(ctx, SERVER)
    return ana


async def state_of(ctx: Context, name: str, server_id: int = SERVER) -> RuleState:
    return next(one for one in await rules.states(ctx, server_id) if one.rule.name == name)


async def only(ctx: Context) -> Issue:
    [issue] = await load_issues(ctx, RULE)
    return issue


async def switch(ctx: Context, *, enabled: bool, by: int = OFFICER, name: str = RULE) -> None:
    await rules.switch(ctx, SERVER, name, enabled=enabled, actor_id=by)


async def test_every_rule_is_on_until_an_officer_switches_it_off(ctx: Context, ana: int) -> None:
    states = await rules.states(ctx, SERVER)
    assert [one.rule.name for one in states] == [*RULES]
    assert all(one.is_on and one.switched is None for one in states)
    assert {one.rule.name: one.standing for one in states if one.standing} == {RULE: 1}


async def test_what_a_rule_found_closes_when_it_is_switched_off_and_is_found_again_when_it_is_on(
    ctx: Context, ana: int
) -> None:
    await switch(ctx, enabled=False)
    assert (await pipeline.follow_up(ctx, SERVER)).audit.resolved == 1
    state = await state_of(ctx, RULE)
    assert (state.is_on, state.standing) == (False, 0)
    assert state.switched is not None
    assert (state.switched.by, state.switched.at) == (OFFICER, ctx.clock())

    await switch(ctx, enabled=True, by=DEPUTY)
    assert (await pipeline.follow_up(ctx, SERVER)).audit.opened == 1
    assert (await state_of(ctx, RULE)).is_on


async def test_what_was_ignored_before_the_rule_was_off_is_ignored_when_it_is_on_again(ctx: Context, ana: int) -> None:
    await findings.ignore(ctx, SERVER, (await only(ctx)).public_id, reason="a bank", until=None, actor_id=OFFICER)
    for enabled in (False, True):
        await switch(ctx, enabled=enabled)
        await pipeline.follow_up(ctx, SERVER)
    assert (await only(ctx)).state is State.IGNORED


async def test_a_rule_is_switched_once_and_who_comes_second_is_told_who_did_it(ctx: Context, ana: int) -> None:
    await switch(ctx, enabled=False)
    with pytest.raises(Conflict) as told:
        await switch(ctx, enabled=False, by=DEPUTY)
    assert told.value.text == f"This rule is switched off already, by <@{OFFICER}>."
    with pytest.raises(Conflict, match="switched on already"):
        await switch(ctx, enabled=True, name="orphan_discord")
    [act] = await load_actions(ctx, "rule.switch")
    assert (act.actor_id, act.subject_id, act.after) == (OFFICER, RULES[RULE].number, {"rule": RULE, "enabled": False})


async def test_the_rule_that_tells_of_broken_rules_stays_on(ctx: Context, guild: int) -> None:
    assert not (await state_of(ctx, "rule_failed")).can_be_off
    with pytest.raises(Refused, match="can't be switched off"):
        await switch(ctx, enabled=False, name="rule_failed")
    with pytest.raises(NotFound, match="no such rule"):
        await switch(ctx, enabled=False, name="of_another_release")


async def test_each_server_has_its_own_rules(ctx: Context, ana: int) -> None:
    other = await insert_server(ctx, 200)
    await switch(ctx, enabled=False)
    assert (await state_of(ctx, RULE, other)).is_on


async def test_one_rule_is_run_alone(ctx: Context, ana: int) -> None:
    await insert_members(ctx, facts(1))
    guild = await insert_guild(ctx, SERVER, name="Others")
    await insert_characters(ctx, guild, "Bo")

    outcome = await rules.run(ctx, SERVER, RULE)

    assert (outcome.opened, outcome.resolved) == (1, 1)
    assert await load_issues(ctx, "orphan_discord") == []


async def test_a_rule_that_is_off_or_none_is_not_run(ctx: Context, ana: int) -> None:
    await switch(ctx, enabled=False)
    with pytest.raises(Conflict, match=f"<@{OFFICER}> switched this rule off"):
        await rules.run(ctx, SERVER, RULE)
    # Alone it would take every broken rule for mended.
    for name in ("rule_failed", "of_another_release"):
        with pytest.raises(NotFound, match="no such rule to run"):
            await rules.run(ctx, SERVER, name)
    assert [issue.subject_id for issue in await audit.standing(ctx, SERVER)] == [ana]
