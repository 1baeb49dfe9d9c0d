"""The audit: what opens and closes findings."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

import db.audit
from bot.services import audit, links, members
from bot.services.audit import AuditOutcome
from bot.services.context import Context
from db import locks
from db.engine import create_engine, create_sessions
from db.tables.audit import Issue
from db.tables.guilds import Membership
from domain.audit import Severity, State, SubjectKind
from domain.audit_rules import RULES
from tests.support.clock import FakeClock
from tests.support.people import (
    CHANNEL,
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_run,
    insert_server,
    leave_guild,
    load_actions,
    load_issues,
    map_rank,
    rename_character,
)

BROKEN = sa.text("SELECT 1 / 0")
PROBLEMS = 1_000


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_guild(ctx, await insert_server(ctx, channel_id=CHANNEL))


async def run(ctx: Context, run_id: int | None = None) -> AuditOutcome:
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, SERVER)
        return await audit.run_rules(ctx, session, server_id=SERVER, run_id=run_id)


async def standing(ctx: Context, rule: str) -> set[int]:
    return {issue.subject_id for issue in await load_issues(ctx, rule) if issue.state is not State.RESOLVED}


async def link(ctx: Context, character_id: int, user_id: int) -> None:
    await links.add(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=OFFICER)


async def test_who_is_not_linked_is_found_on_both_sides(ctx: Context, guild: int) -> None:
    ana, bo = await insert_characters(ctx, guild, Toon("Ana", rank=2), "Bo")
    await insert_members(ctx, facts(1, "annie", nick="Annie"), facts(2))
    await link(ctx, bo, 2)

    outcome = await run(ctx)

    assert (outcome.opened, outcome.resolved, outcome.total) == (2, 0, 2)
    assert outcome.standing == {Severity.WARNING: 2}
    [character] = await load_issues(ctx, "orphan_wow")
    assert (character.subject_kind, character.subject_id) == (SubjectKind.CHARACTER, ana)
    assert character.facts == {
        "name": "Ana",
        "realm": "stormrage",
        "rank": 2,
        "rank_name": None,
        "level": 80,
        "class_id": 1,
    }
    [member] = await load_issues(ctx, "orphan_discord")
    assert (member.subject_kind, member.subject_id) == (SubjectKind.MEMBER, 1)
    assert member.facts == {"name": "Annie", "username": "annie"}


@pytest.mark.parametrize(("members_synced", "roster_synced"), [(False, True), (True, False)])
async def test_nothing_is_found_before_roster_and_members_were_read_once(
    ctx: Context, members_synced: bool, roster_synced: bool
) -> None:
    server = await insert_server(ctx, members_synced=members_synced)
    guild = await insert_guild(ctx, server, roster_synced=roster_synced)
    await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))

    assert (await run(ctx)).opened == 0


async def test_a_server_without_a_guild_has_no_findings(ctx: Context) -> None:
    await insert_server(ctx)
    await insert_members(ctx, facts(1))

    assert (await run(ctx)).total == 0


async def test_a_link_closes_both_findings_and_its_removal_opens_new_ones(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await run(ctx)

    await link(ctx, ana, 1)
    assert (await run(ctx)).resolved == 2
    assert {issue.state for issue in await load_issues(ctx)} == {State.RESOLVED}

    await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)
    assert (await run(ctx)).opened == 2
    assert [issue.state for issue in await load_issues(ctx, "orphan_wow")] == [State.RESOLVED, State.OPEN]


async def test_a_character_that_leaves_the_guild_closes_its_finding(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await run(ctx)

    await leave_guild(ctx, ana)

    assert (await run(ctx)).resolved == 1
    assert await standing(ctx, "orphan_wow") == set()


async def test_a_linked_character_that_leaves_the_guild_leaves_its_member_without_one(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await link(ctx, ana, 1)
    await run(ctx)

    await leave_guild(ctx, ana)
    await run(ctx)

    assert await standing(ctx, "orphan_discord") == {1}


async def test_a_character_in_another_guild_does_not_count_as_one_here(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await link(ctx, ana, 1)

    await insert_guild(ctx, SERVER, name="Others")
    await run(ctx)

    assert await standing(ctx, "orphan_discord") == {1}


async def test_a_member_who_leaves_closes_their_finding(ctx: Context, guild: int) -> None:
    await insert_members(ctx, facts(1))
    await run(ctx)

    await members.member_left(ctx, SERVER, 1)

    assert (await run(ctx)).resolved == 1


async def test_a_linked_member_who_leaves_is_one_finding_and_their_characters_none(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await link(ctx, ana, 1)
    await run(ctx)

    await members.member_left(ctx, SERVER, 1)
    await run(ctx)

    assert (await standing(ctx, "stale_discord_link"), await standing(ctx, "orphan_wow")) == ({1}, set())


async def test_following_another_guild_closes_what_the_first_one_opened(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await run(ctx)

    other = await insert_guild(ctx, SERVER, name="Others", roster_synced=False)
    assert ((await run(ctx)).resolved, await standing(ctx, "orphan_wow")) == (2, set())

    [bo] = await insert_characters(ctx, other, "Bo")
    async with ctx.sessions.begin() as session:
        await session.execute(sa.text("UPDATE common.guilds SET roster_synced_at = :now"), {"now": ctx.clock()})
    await run(ctx)
    assert await standing(ctx, "orphan_wow") == {bo}


async def test_once_ranks_are_mapped_only_members_with_a_mapped_role_are_missed(ctx: Context, guild: int) -> None:
    await insert_members(ctx, facts(1, role_ids=(10, 30)), facts(2, role_ids=(20,)), facts(3))
    await map_rank(ctx, guild, 0, None)
    await run(ctx)
    assert await standing(ctx, "orphan_discord") == {1, 2, 3}

    await map_rank(ctx, guild, 1, 30)
    await map_rank(ctx, guild, 2, 31)
    await run(ctx)
    assert await standing(ctx, "orphan_discord") == {1}

    await members.member_changed(ctx, SERVER, facts(1, role_ids=(10,)))
    await run(ctx)
    assert await standing(ctx, "orphan_discord") == set()


async def test_members_in_rules_screening_wait_until_it_clears(ctx: Context, guild: int) -> None:
    await insert_members(ctx, facts(1, pending=True))
    assert (await run(ctx)).opened == 0

    await members.member_changed(ctx, SERVER, facts(1))
    assert (await run(ctx)).opened == 1


async def test_each_server_of_a_guild_has_its_own_findings(ctx: Context) -> None:
    here, there = await insert_server(ctx), await insert_server(ctx, 200)
    guild = await insert_guild(ctx, here, there)
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), server_id=here)
    await link(ctx, ana, 1)

    await run(ctx)
    async with ctx.sessions.begin() as session:
        await audit.run_rules(ctx, session, server_id=there)

    assert await load_issues(ctx, server_id=here) == []
    assert [issue.subject_id for issue in await load_issues(ctx, server_id=there)] == [ana]


async def test_an_ignored_finding_does_not_come_back_and_closes_with_its_cause(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await run(ctx)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Issue).values(state=State.IGNORED))

    assert (await run(ctx)).total == 0
    assert [issue.state for issue in await load_issues(ctx)] == [State.IGNORED]

    await leave_guild(ctx, ana)
    await run(ctx)
    assert [issue.state for issue in await load_issues(ctx)] == [State.RESOLVED]


async def test_the_facts_of_a_finding_follow_a_rename(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, nick="old"))
    await run(ctx)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Issue).values(state=State.NOTIFIED))

    await rename_character(ctx, ana, "Anya")
    await members.member_changed(ctx, SERVER, facts(1, nick="new"))
    outcome = await run(ctx)

    assert (outcome.opened, outcome.resolved) == (0, 0)
    found = await load_issues(ctx)
    assert [issue.facts["name"] for issue in found] == ["Anya", "new"]
    assert {issue.state for issue in found} == {State.NOTIFIED}


async def test_a_rule_that_throws_is_seen_and_does_not_stop_the_others(
    ctx: Context, guild: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    monkeypatch.setitem(db.audit.COMPARE, "orphan_wow", BROKEN)

    outcome = await run(ctx)

    assert (outcome.opened, outcome.failed) == (2, ("orphan_wow",))
    assert await standing(ctx, "orphan_discord") == {1}
    assert "rule orphan_wow failed" in caplog.text
    [issue] = await load_issues(ctx, "rule_failed")
    assert (issue.severity, issue.subject_kind, issue.subject_id, issue.facts) == (
        Severity.ERROR,
        SubjectKind.RULE,
        RULES["orphan_wow"].number,
        {"name": "orphan_wow"},
    )


async def test_a_rule_that_throws_stays_one_finding_until_it_runs_again(
    ctx: Context, guild: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await run(ctx)
    with monkeypatch.context() as broken:
        broken.setitem(db.audit.COMPARE, "orphan_wow", BROKEN)
        assert (await run(ctx)).opened == 1
        again = await run(ctx)
        assert (again.opened, again.resolved) == (0, 0)
        assert await standing(ctx, "orphan_wow") == {ana}

    outcome = await run(ctx)

    assert (outcome.resolved, outcome.failed) == (1, ())
    assert await standing(ctx, "rule_failed") == set()


async def test_what_a_rule_wrote_before_it_threw_is_taken_back(
    ctx: Context, guild: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, bo = await insert_characters(ctx, guild, "Ana", "Bo")
    await run(ctx)
    await leave_guild(ctx, ana)
    await insert_characters(ctx, guild, "Cid")
    with monkeypatch.context() as broken:
        broken.setattr(db.audit, "CHANGE", BROKEN)
        assert (await run(ctx)).failed == ("orphan_wow",)
        assert await standing(ctx, "orphan_wow") == {ana, bo}


async def test_every_rule_that_throws_is_a_finding_before_anything_was_read_too(
    ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    await insert_server(ctx, members_synced=False)
    broken = set(RULES) - {"rule_failed"}
    for name in broken:
        monkeypatch.setitem(db.audit.COMPARE, name, BROKEN)

    outcome = await run(ctx)

    assert (outcome.opened, set(outcome.failed)) == (len(broken), broken)
    assert await standing(ctx, "rule_failed") == {RULES[name].number for name in broken}


async def test_the_rule_about_failed_rules_may_fail_itself(
    ctx: Context, guild: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await insert_members(ctx, facts(1))
    monkeypatch.setitem(db.audit.COMPARE, "rule_failed", BROKEN)

    outcome = await run(ctx)

    assert (outcome.opened, outcome.failed) == (1, ("rule_failed",))


async def test_each_finding_that_a_rule_opens_or_closes_is_in_the_action_log(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    run_id = await insert_run(ctx)
    await run(ctx, run_id)
    await leave_guild(ctx, ana)
    await run(ctx, run_id)

    [issue] = await load_issues(ctx)
    told = {"finding": issue.public_id, "facts": issue.facts}
    [opened] = await load_actions(ctx, "finding.open")
    [closed] = await load_actions(ctx, "finding.resolve")
    assert (opened.before, opened.after) == (None, told)
    assert (closed.before, closed.after) == (told, None)
    for action in (opened, closed):
        assert (action.rule, action.run_id, action.actor_id) == ("orphan_wow", run_id, None)
        assert action.rule_version == RULES["orphan_wow"].version
        assert (action.subject_kind, action.subject_id, action.at) == (SubjectKind.CHARACTER, ana, ctx.clock())


@pytest.fixture
async def patient_ctx(database: str, clock: FakeClock) -> AsyncIterator[Context]:
    """Give a context that really commits, and whose sessions wait for a lock as long as a slow machine needs."""
    engine = create_engine(database, lock_timeout="60s")
    yield Context(create_sessions(engine), clock, owner="test")
    await engine.dispose()


async def test_twenty_audits_of_a_thousand_problems_at_once_leave_one_open_finding_each(patient_ctx: Context) -> None:
    guild = await insert_guild(patient_ctx, await insert_server(patient_ctx))
    ids = await insert_characters(patient_ctx, guild, *(f"Toon{n}" for n in range(PROBLEMS)))

    async def unlocked() -> AuditOutcome:
        async with patient_ctx.sessions.begin() as session:
            return await audit.run_rules(patient_ctx, session, server_id=SERVER)

    outcomes = await asyncio.gather(*(unlocked() for _ in range(10)), *(run(patient_ctx) for _ in range(10)))

    assert sum(outcome.opened for outcome in outcomes) == len(ids)
    assert {outcome.failed for outcome in outcomes} == {()}
    found = await load_issues(patient_ctx)
    assert sorted(issue.subject_id for issue in found) == ids
    assert {issue.state for issue in found} == {State.OPEN}
    async with patient_ctx.sessions.begin() as session:
        await session.execute(sa.update(Membership).values(left_at=patient_ctx.clock()))
    await asyncio.gather(*(run(patient_ctx) for _ in range(20)))
    assert {issue.state for issue in await load_issues(patient_ctx)} == {State.RESOLVED}
    assert len(await load_actions(patient_ctx, "finding.resolve")) == len(ids)
