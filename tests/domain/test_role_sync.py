"""What role sync gives and takes, case by case."""

from dataclasses import replace
from typing import Any

import pytest

from domain.links import Source
from domain.ranks import Power, RoleFacts
from domain.role_sync import (
    Block,
    Blocked,
    Change,
    Person,
    RoleAct,
    RolePlan,
    RoleRules,
    ServerRoles,
    Stop,
    Voice,
    Withheld,
    plan_roles,
    words_for,
)

EVERYONE, RAIDER, OFFICER, TRIAL, FRIEND, APP, HIGH, CHIEF, GONE = range(1, 10)
"""Roles: plain ones for ranks 3, 1 and 5; one by hand; an app's; one above Muster's; an administrators'; a deleted."""
ANA, OLGA, BOSS, OWNER = 101, 102, 103, 104
BY_BATTLENET = (frozenset[int](),)


def role(role_id: int, *powers: Power, **facts: Any) -> RoleFacts:
    words: dict[str, Any] = {"is_everyone": False, "managed": False, "below_bot": True}
    return RoleFacts(id=role_id, name=f"role {role_id}", powers=frozenset(powers), **(words | facts))


LIVE = ServerRoles(
    owner_id=OWNER,
    roles={
        one.id: one
        for one in (
            role(EVERYONE, is_everyone=True),
            role(RAIDER),
            role(OFFICER),
            role(TRIAL),
            role(FRIEND),
            role(APP, managed=True),
            role(HIGH, below_bot=False),
            role(CHIEF, Power.ADMINISTRATOR),
        )
    },
    may_manage=True,
)
RULES = RoleRules(role_of={3: RAIDER, 1: OFFICER, 5: TRIAL})


def ana(*held: int, given: tuple[int, ...] = (), rank: int | None = 3, **facts: Any) -> Person:
    return Person(ANA, frozenset(held), frozenset(given), rank, **({"words": BY_BATTLENET} | facts))


def plan(person: Person, rules: RoleRules = RULES, live: ServerRoles | None = LIVE) -> RolePlan:
    return plan_roles([person], rules, live)


def short(found: RolePlan) -> list[str]:
    return [f"{'+' if change.act is RoleAct.GIVE else '-'}{change.role_id}" for change in found.changes]


@pytest.mark.parametrize(
    ("person", "changes"),
    [
        pytest.param(ana(), ["+2"], id="who has the rank gets its role"),
        pytest.param(ana(RAIDER), [], id="who has the role already is left alone"),
        pytest.param(
            ana(RAIDER, given=(RAIDER,), rank=1), ["+3", "-2"], id="the new role comes before the old one goes"
        ),
        pytest.param(ana(RAIDER, rank=1), ["+3"], id="a role that somebody gave by hand stays"),
        pytest.param(ana(RAIDER, OFFICER, given=(RAIDER,), rank=1), ["-2"], id="only the one from Muster is taken"),
        pytest.param(ana(RAIDER, given=(RAIDER,), rank=None), ["-2"], id="without a rank the role goes"),
        pytest.param(ana(RAIDER, rank=None), [], id="without a rank one by hand stays"),
        pytest.param(ana(RAIDER, given=(RAIDER,), rank=7), ["-2"], id="a rank without a role takes the old one"),
        pytest.param(ana(given=(RAIDER,), rank=None), [], id="what somebody took away already is not taken again"),
        pytest.param(ana(FRIEND, given=(FRIEND,)), ["+2", "-5"], id="a role that stands for a rank no more"),
        pytest.param(ana(pending=True), [], id="who is in rules screening waits"),
        pytest.param(ana(RAIDER, given=(RAIDER,), rank=None, unsettled=True), [], id="one roster is not enough"),
        pytest.param(ana(given=(), rank=5, unsettled=True), [], id="a lower rank by one roster is not enough"),
    ],
)
def test_who_gets_and_loses_what(person: Person, changes: list[str]) -> None:
    assert short(plan(person)) == changes


@pytest.mark.parametrize(
    ("role_id", "block"),
    [(GONE, Block.DELETED), (EVERYONE, Block.EVERYONE), (APP, Block.MANAGED), (HIGH, Block.TOO_HIGH)],
)
def test_a_role_out_of_reach_is_told_and_nobody_loses_another_for_it(role_id: int, block: Block) -> None:
    found = plan(ana(TRIAL, given=(TRIAL,)), replace(RULES, role_of={3: role_id, 5: TRIAL}))
    assert found.changes == ()
    assert found.blocked == (Blocked(role_id, block, 1),)


def test_a_role_above_the_bot_cannot_be_taken_either() -> None:
    found = plan(ana(HIGH, given=(HIGH,), rank=None))
    assert (found.changes, found.blocked) == ((), (Blocked(HIGH, Block.TOO_HIGH, 1),))


def test_a_blocked_role_counts_its_members_and_the_others_go_on() -> None:
    rules = replace(RULES, role_of={3: HIGH, 5: TRIAL})
    people = [Person(number, frozenset(), rank=3) for number in range(1, 4)] + [Person(9, frozenset(), rank=5)]
    found = plan_roles(people, rules, LIVE)
    assert found.changes == (Change(9, RoleAct.GIVE, TRIAL),)
    assert found.blocked == (Blocked(HIGH, Block.TOO_HIGH, 3),)


@pytest.mark.parametrize(
    ("words", "vouchers", "given"),
    [
        pytest.param(BY_BATTLENET, {}, True, id="Battle.net's alone"),
        pytest.param((frozenset({BOSS}),), {BOSS: frozenset({CHIEF})}, True, id="of somebody who has the power"),
        pytest.param((frozenset({OWNER}),), {OWNER: frozenset()}, True, id="of the owner, who has all"),
        pytest.param((frozenset({OLGA}),), {OLGA: frozenset({OFFICER})}, False, id="of an officer who lacks it"),
        pytest.param((frozenset({BOSS}),), {}, False, id="of somebody who has left"),
        pytest.param(
            (frozenset({BOSS, OLGA}),),
            {BOSS: frozenset({CHIEF}), OLGA: frozenset({OFFICER})},
            False,
            id="for one half only",
        ),
        pytest.param(
            (frozenset({OLGA}), frozenset({BOSS})),
            {BOSS: frozenset({CHIEF}), OLGA: frozenset({OFFICER})},
            True,
            id="for one of two characters of the rank",
        ),
        pytest.param((), {}, False, id="of nobody known"),
    ],
)
def test_a_role_with_powers_needs_a_proof_by_battlenet_or_the_word_of_who_has_them(
    words: tuple[frozenset[int], ...], vouchers: dict[int, frozenset[int]], given: bool
) -> None:
    rules = RoleRules(role_of={1: CHIEF}, vouchers=vouchers)
    found = plan(ana(TRIAL, given=(TRIAL,), rank=1, words=words), rules)
    if given:
        assert short(found) == [f"+{CHIEF}", f"-{TRIAL}"]
    else:
        assert (found.changes, found.withheld) == ((), (Withheld(ANA, CHIEF, Power.ADMINISTRATOR),))


@pytest.mark.parametrize(("powers", "given"), [((Power.MANAGE_SERVER,), True), ((Power.KICK_MEMBERS,), False)])
def test_the_role_that_makes_officers_counts_as_manage_server(powers: tuple[Power, ...], given: bool) -> None:
    live = replace(LIVE, roles={**LIVE.roles, FRIEND: role(FRIEND, *powers)})
    rules = replace(RULES, officer_role_id=OFFICER, vouchers={OLGA: frozenset({FRIEND})})
    found = plan(ana(rank=1, words=(frozenset({OLGA}),)), rules, live)
    assert bool(found.changes) is given
    assert bool(found.withheld) is not given


def test_a_plain_role_asks_for_nobodys_powers() -> None:
    assert short(plan(ana(words=()))) == ["+2"]


def test_a_power_that_everybody_has_counts_for_who_vouches() -> None:
    live = replace(LIVE, roles={**LIVE.roles, EVERYONE: role(EVERYONE, Power.MENTION_EVERYONE, is_everyone=True)})
    live = replace(live, roles={**live.roles, RAIDER: role(RAIDER, Power.MENTION_EVERYONE)})
    rules = replace(RULES, vouchers={OLGA: frozenset()})
    assert short(plan(ana(words=(frozenset({OLGA}),)), rules, live)) == ["+2"]


@pytest.mark.parametrize(
    ("rules", "live", "stop"),
    [
        (RULES, None, Stop.UNSEEN),
        (replace(RULES, stop=Stop.OFF), LIVE, Stop.OFF),
        (replace(RULES, stop=Stop.REPORT_ONLY), LIVE, Stop.REPORT_ONLY),
        (RULES, replace(LIVE, may_manage=False), Stop.NO_RIGHT),
        (RULES, LIVE, None),
    ],
)
def test_a_plan_tells_why_it_may_not_be_done(rules: RoleRules, live: ServerRoles | None, stop: Stop | None) -> None:
    assert plan(ana(), rules, live).stop is stop


def test_a_plan_that_may_not_be_done_is_still_shown() -> None:
    assert short(plan(ana(), replace(RULES, stop=Stop.OFF))) == ["+2"]


def test_what_a_run_is_about_to_change_is_planned_once() -> None:
    rules = replace(RULES, planned=frozenset({(ANA, OFFICER)}))
    assert short(plan(ana(RAIDER, given=(RAIDER,), rank=1), rules)) == ["-2"]


def test_the_key_tells_plans_apart_and_not_their_order() -> None:
    give, take = Change(ANA, RoleAct.GIVE, RAIDER), Change(ANA, RoleAct.TAKE, TRIAL)
    assert RolePlan((give, take)).key == RolePlan((take, give)).key
    assert len({RolePlan(()).key, RolePlan((give,)).key, RolePlan((give, take)).key}) == 3


@pytest.mark.parametrize(
    ("member", "characters", "overridden_by", "words"),
    [
        ((Source.BATTLENET_OAUTH, None), [(Source.BATTLENET_OAUTH, None)], None, (set(),)),
        ((Source.BATTLENET_OAUTH, None), [(Source.OFFICER, OLGA)], None, ({OLGA},)),
        ((Source.OFFICER, BOSS), [(Source.OFFICER, OLGA), (Source.CLAIM, BOSS)], None, ({BOSS}, {BOSS, OLGA})),
        ((Source.OFFICER, BOSS), [(Source.OFFICER, None)], None, ()),
        ((Source.OFFICER, None), [(Source.BATTLENET_OAUTH, None)], None, ()),
        ((Source.BATTLENET_OAUTH, None), [(Source.BATTLENET_OAUTH, None)], OLGA, ({OLGA},)),
        ((Source.OFFICER, BOSS), [], OLGA, ({BOSS, OLGA},)),
    ],
)
def test_whose_word_a_rank_rests_on(
    member: tuple[Source, int | None],
    characters: list[tuple[Source, int | None]],
    overridden_by: int | None,
    words: tuple[set[int], ...],
) -> None:
    found = words_for(Voice(*member), [Voice(*one) for one in characters], overridden_by=overridden_by)
    assert set(found) == {frozenset(word) for word in words}
