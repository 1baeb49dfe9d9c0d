"""Findings by officers' words: ignored, resolved, watched again, listed and looked for."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.services import audit, findings, links
from bot.services.audit import AuditOutcome
from bot.services.context import Context
from bot.services.findings import Filters, FindingView
from db import locks
from db.tables.audit import Issue
from db.tables.guilds import Membership
from domain.audit import Fix, Severity, State
from domain.audit_rules import RULES
from domain.errors import Conflict, InvalidInput, NotFound
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    leave_guild,
    load_actions,
    load_issues,
    map_rank,
)

DEPUTY = OFFICER + 1
WHY = "a bank alt"


async def run(ctx: Context) -> AuditOutcome:
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, SERVER)
        return await audit.run_rules(ctx, session, server_id=SERVER)


async def only(ctx: Context, rule: str = "orphan_wow") -> Issue:
    [issue] = await load_issues(ctx, rule)
    return issue


async def ignore(ctx: Context, issue: Issue, *, until: str | None = None, by: int = OFFICER) -> FindingView:
    return await findings.ignore(ctx, SERVER, issue.public_id, reason=WHY, until=until, actor_id=by)


async def resolve(ctx: Context, issue: Issue, *, by: int = OFFICER) -> FindingView:
    return await findings.resolve(ctx, SERVER, issue.public_id, note=WHY, actor_id=by)


async def reopen(ctx: Context, issue: Issue, *, by: int = OFFICER) -> FindingView:
    return await findings.reopen(ctx, SERVER, issue.public_id, actor_id=by)


async def acts(ctx: Context, name: str) -> list[tuple[int | None, str]]:
    """Give which people did something."""
    return [(one.actor_id, one.action) for one in await load_actions(ctx, name) if one.actor_id is not None]


@pytest.fixture
async def ana(ctx: Context, guild: int) -> int:
    """A character of nobody, found by the audit."""
    [ana] = await insert_characters(ctx, guild, Toon("Ana", rank=2))
    await run(ctx)
    return ana


async def test_an_ignored_finding_does_not_come_back_on_the_next_run(ctx: Context, ana: int) -> None:
    view = await ignore(ctx, await only(ctx))

    assert (view.state, view.note, view.ignored_by, view.ignored_until) == (State.IGNORED, WHY, OFFICER, None)
    outcome = await run(ctx)
    assert (outcome.opened, outcome.resolved, outcome.total) == (0, 0, 0)
    assert (await only(ctx)).state is State.IGNORED
    assert await acts(ctx, "finding.ignore") == [(OFFICER, "finding.ignore")]


async def test_an_ignored_finding_is_ignored_still_when_its_cause_was_gone_for_a_while(
    ctx: Context, guild: int
) -> None:
    await map_rank(ctx, guild, 2, role_id=11)
    [ana] = await insert_characters(ctx, guild, Toon("Ana", rank=3))
    await run(ctx)
    await ignore(ctx, await only(ctx, "unmapped_rank"))

    await leave_guild(ctx, ana)
    await run(ctx)
    assert (await only(ctx, "unmapped_rank")).state is State.RESOLVED
    await insert_characters(ctx, guild, Toon("Bo", rank=3))
    assert (await run(ctx)).standing.get(Severity.INFO, 0) == 0

    issue = await only(ctx, "unmapped_rank")
    assert (issue.state, issue.note, issue.ignored_by) == (State.IGNORED, WHY, OFFICER)


async def test_an_ignored_finding_comes_back_when_its_fingerprint_changed(ctx: Context, guild: int, ana: int) -> None:
    await ignore(ctx, await only(ctx))
    await leave_guild(ctx, ana)
    await run(ctx)
    await _return(ctx, guild, ana)

    assert (await run(ctx)).opened == 1
    old, new = await load_issues(ctx, "orphan_wow")
    assert (old.state, old.muted) == (State.RESOLVED, False)
    assert (new.state, new.note, new.ignored_by) == (State.OPEN, None, None)


@pytest.mark.parametrize("until", ["7d", "2026-01-08"])
async def test_an_ignored_finding_comes_back_and_is_told_again_when_its_ignoring_ended(
    ctx: Context, clock: FakeClock, ana: int, until: str
) -> None:
    clock.now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    issue = await only(ctx)
    async with ctx.sessions.begin() as session:
        (await session.get_one(Issue, issue.id)).counted_at = clock.now
    view = await ignore(ctx, issue, until=until)
    assert view.ignored_until is not None

    clock.now = view.ignored_until - timedelta(seconds=1)
    await run(ctx)
    assert (await only(ctx)).state is State.IGNORED
    clock.now = view.ignored_until
    outcome = await run(ctx)

    assert outcome.opened == 1
    issue = await only(ctx)
    assert (issue.state, issue.counted_at, issue.ignored_until, issue.note) == (State.OPEN, None, None, None)


async def test_a_finding_resolved_by_a_person_does_not_come_back_until_it_is_another_problem(
    ctx: Context, guild: int, ana: int
) -> None:
    view = await resolve(ctx, await only(ctx))
    assert (view.state, view.resolved_by, view.note, view.is_settled) == (State.RESOLVED, OFFICER, WHY, True)
    assert (await run(ctx)).opened == 0

    await leave_guild(ctx, ana)
    await run(ctx)
    await _return(ctx, guild, ana)

    assert (await run(ctx)).opened == 1
    assert [issue.state for issue in await load_issues(ctx, "orphan_wow")] == [State.RESOLVED, State.OPEN]


@pytest.mark.parametrize("act", [None, ignore, resolve])
async def test_a_new_version_of_a_rule_brings_nothing_back_and_tells_nothing_anew(
    ctx: Context, ana: int, act: Callable[[Context, Issue], Awaitable[FindingView]] | None
) -> None:
    if act is not None:
        await act(ctx, await only(ctx))
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Issue).values(rule_version=0, fingerprint="as it once was"))
    before = await only(ctx)

    assert (await run(ctx)).opened == 0

    after = await only(ctx)
    assert (after.state, after.resolved_at, after.note) == (before.state, before.resolved_at, before.note)
    assert after.rule_version == RULES["orphan_wow"].version
    assert after.fingerprint != before.fingerprint


async def test_what_was_ignored_for_a_time_and_then_resolved_stays_resolved_beyond_it(
    ctx: Context, clock: FakeClock, ana: int
) -> None:
    await ignore(ctx, await only(ctx), until="1d")
    await resolve(ctx, await only(ctx))
    clock.now += timedelta(days=2)

    assert (await run(ctx)).opened == 0
    assert (await only(ctx)).state is State.RESOLVED


@pytest.mark.parametrize("act", [ignore, resolve])
async def test_what_was_put_aside_is_watched_again_on_an_officers_word(ctx: Context, ana: int, act: object) -> None:
    await act(ctx, await only(ctx))  # type: ignore[operator]

    view = await reopen(ctx, await only(ctx), by=DEPUTY)

    assert (view.state, view.note, view.muted) == (State.OPEN, None, False)
    assert (await run(ctx)).total == 1
    assert await acts(ctx, "finding.reopen") == [(DEPUTY, "finding.reopen")]


async def test_what_is_watched_again_was_reported_once_and_is_not_told_anew(ctx: Context, ana: int) -> None:
    issue = await only(ctx)
    async with ctx.sessions.begin() as session:
        told = await session.get_one(Issue, issue.id)
        told.state, told.counted_at, told.notified_at = State.NOTIFIED, ctx.clock(), ctx.clock()
    await ignore(ctx, issue)

    assert (await reopen(ctx, issue)).state is State.NOTIFIED


async def test_what_is_watched_again_closes_at_once_when_its_cause_is_gone(ctx: Context, ana: int) -> None:
    await resolve(ctx, await only(ctx))
    await leave_guild(ctx, ana)
    await reopen(ctx, await only(ctx))

    assert (await run(ctx)).resolved == 1
    assert (await only(ctx)).resolved_by is None


async def test_an_ignored_finding_whose_cause_is_gone_can_be_watched_again_and_stays_settled(
    ctx: Context, ana: int
) -> None:
    await ignore(ctx, await only(ctx))
    await leave_guild(ctx, ana)
    await run(ctx)

    view = await reopen(ctx, await only(ctx))

    assert (view.state, view.muted) == (State.RESOLVED, False)
    with pytest.raises(Conflict, match="its cause is gone"):
        await reopen(ctx, await only(ctx))


async def test_nobody_watches_again_what_is_watched_already_or_was_replaced(ctx: Context, guild: int, ana: int) -> None:
    with pytest.raises(Conflict, match="is watched already"):
        await reopen(ctx, await only(ctx))
    old = await only(ctx)
    await resolve(ctx, old)
    await leave_guild(ctx, ana)
    await _return(ctx, guild, ana)
    await run(ctx)
    with pytest.raises(Conflict, match="a new finding tells"):
        await reopen(ctx, old)


async def test_who_comes_second_is_told_who_settled_the_finding_and_why(ctx: Context, ana: int) -> None:
    issue = await only(ctx)
    await resolve(ctx, issue)
    for act in (ignore, resolve):
        with pytest.raises(Conflict) as told:
            await act(ctx, issue, by=DEPUTY)
        assert told.value.text == f"<@{OFFICER}> resolved this finding meanwhile: `{WHY}`."
    assert await acts(ctx, "finding.resolve") == [(OFFICER, "finding.resolve")]


async def test_who_ignores_second_is_told_who_was_first(ctx: Context, ana: int) -> None:
    issue = await only(ctx)
    await ignore(ctx, issue)
    with pytest.raises(Conflict) as told:
        await ignore(ctx, issue, by=DEPUTY)
    assert told.value.text == f"<@{OFFICER}> ignores this finding already."


async def test_what_was_ignored_for_a_time_that_is_over_can_be_ignored_before_the_next_run(
    ctx: Context, clock: FakeClock, ana: int
) -> None:
    issue = await only(ctx)
    view = await ignore(ctx, issue, until="7d")
    assert view.ignored_until is not None
    clock.now = view.ignored_until
    assert (await ignore(ctx, issue, by=DEPUTY)).ignored_by == DEPUTY


async def test_two_officers_at_once_leave_one_act_and_one_word_on_who_did_it(scratch_ctx: Context) -> None:
    ctx = scratch_ctx
    guild = await insert_guild(ctx, await insert_server(ctx))
    await insert_characters(ctx, guild, "Ana")
    await run(ctx)
    issue = await only(ctx)

    done = await asyncio.gather(
        *(resolve(ctx, issue, by=OFFICER + number) for number in range(4)), return_exceptions=True
    )

    [view] = [one for one in done if isinstance(one, FindingView)]
    refused = [one for one in done if isinstance(one, Conflict)]
    assert len(refused) == 3
    assert all(f"<@{view.resolved_by}> resolved this finding meanwhile" in one.text for one in refused)
    assert await acts(ctx, "finding.resolve") == [(view.resolved_by, "finding.resolve")]


async def test_who_comes_after_a_fix_is_told_by_whose_act_the_cause_is_gone(ctx: Context, ana: int) -> None:
    await insert_members(ctx, facts(1))
    await run(ctx)
    character, member = await only(ctx), await only(ctx, "orphan_discord")
    await links.add(ctx, SERVER, character_id=ana, user_id=1, actor_id=OFFICER)
    await run(ctx)
    for issue in (character, member):
        with pytest.raises(Conflict) as told:
            await resolve(ctx, issue, by=DEPUTY)
        assert told.value.text.startswith("This finding is settled: its cause is gone.")
        assert f"<@{OFFICER}>" in told.value.text


@pytest.mark.parametrize(
    ("reason", "until", "told"),
    [
        (" \u200b ", None, "Say why"),
        ("x" * 201, None, "at most 200 characters"),
        (WHY, "someday", "`someday` is no time"),
        (WHY, "2020-01-01", "is over already"),
    ],
)
async def test_a_reason_or_an_end_that_cannot_be_kept_changes_nothing_and_says_why(
    ctx: Context, ana: int, reason: str, until: str | None, told: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await findings.ignore(ctx, SERVER, (await only(ctx)).public_id, reason=reason, until=until, actor_id=OFFICER)
    assert told in refused.value.text
    assert (await only(ctx)).state is State.OPEN
    assert await acts(ctx, "finding.ignore") == []


async def test_a_finding_of_another_server_does_not_exist_here(ctx: Context, ana: int) -> None:
    await insert_server(ctx, 200)
    public_id = (await only(ctx)).public_id
    for act in (
        findings.show(ctx, 200, public_id),
        findings.show_next(ctx, 200, public_id),
        findings.reopen(ctx, 200, public_id, actor_id=OFFICER),
        findings.resolve(ctx, 200, public_id, note=WHY, actor_id=OFFICER),
        findings.resolve_text(ctx, 200, public_id),
    ):
        with pytest.raises(NotFound):
            await act
    assert await findings.search(ctx, 200, "Ana") == []


async def test_a_fix_that_the_rule_does_not_offer_is_refused(ctx: Context, ana: int) -> None:
    issue = await only(ctx)
    async with ctx.sessions.begin() as session:
        assert (await findings.in_hand(session, SERVER, issue.public_id, Fix.LINK)).id == issue.id
        with pytest.raises(Conflict, match="not what mends this finding"):
            await findings.in_hand(session, SERVER, issue.public_id, Fix.MERGE)


async def test_an_act_says_in_the_log_what_was_said_and_to_which_batch_it_belongs(ctx: Context, ana: int) -> None:
    issue = await only(ctx)
    await findings.ignore(ctx, SERVER, issue.public_id, reason=WHY, until="1d", actor_id=OFFICER, batch="b1")
    [act] = await load_actions(ctx, "finding.ignore")
    assert (act.rule, act.subject_kind, act.subject_id) == ("orphan_wow", issue.subject_kind, ana)
    assert act.before == {"finding": issue.public_id, "facts": issue.facts, "state": "open"}
    end = (ctx.clock() + timedelta(days=1)).isoformat()
    assert act.after == {"finding": issue.public_id, "state": "ignored", "note": WHY, "until": end, "batch": "b1"}


async def test_a_list_is_filtered_by_type_rank_severity_and_state_the_gravest_first(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, Toon("bo", rank=5), Toon("Ana", rank=5), Toon("Zed", rank=0))
    await insert_members(ctx, facts(1, "mel", role_ids=(11,)))
    await map_rank(ctx, guild, 5, role_id=11)
    await run(ctx)
    [zed] = [issue for issue in await load_issues(ctx, "orphan_wow") if issue.facts["name"] == "Zed"]
    await ignore(ctx, zed)

    async def listed(filters: Filters) -> list[tuple[str, str | None]]:
        found = await findings.listed(ctx, SERVER, filters, page=0, size=10)
        assert found.total == len(found.findings)
        return [(one.rule, one.facts.get("name")) for one in found.findings]

    orphans = [("orphan_wow", "Ana"), ("orphan_wow", "bo")]
    unmapped = ("unmapped_rank", None)  # of rank 0
    assert await listed(Filters()) == [("orphan_discord", "mel"), *orphans, unmapped]
    assert await listed(Filters(rule="orphan_wow")) == orphans
    assert await listed(Filters(rank=5)) == orphans
    assert await listed(Filters(rank=0)) == [unmapped]
    assert await listed(Filters(severity=Severity.INFO)) == [unmapped]
    assert await listed(Filters(state=State.IGNORED)) == [("orphan_wow", "Zed")]
    assert await listed(Filters(state=State.RESOLVED)) == []
    assert await listed(Filters(rule="orphan_wow", rank=0, severity=Severity.WARNING, state=State.IGNORED))
    assert await listed(Filters(rule="orphan_wow", severity=Severity.ERROR)) == []


async def test_pages_of_a_list_that_became_shorter_are_its_nearest(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, *(f"Toon{number}" for number in range(5)))
    await run(ctx)
    first, last, beyond = [await findings.listed(ctx, SERVER, Filters(), page=page, size=2) for page in (0, 2, 9)]
    assert (first.total, first.page, first.pages, len(first.findings)) == (5, 0, 3, 2)
    assert (len(last.findings), last) == (1, beyond)
    empty = await findings.listed(ctx, SERVER, Filters(rule="orphan_discord"), page=3, size=2)
    assert (empty.findings, empty.total, empty.page, empty.pages) == ((), 0, 0, 1)


async def test_the_next_finding_is_that_of_the_same_type_by_rank_and_name_and_after_the_last_the_first(
    ctx: Context, guild: int
) -> None:
    await insert_characters(ctx, guild, Toon("bo", rank=5), Toon("Ana", rank=5), Toon("Zed", rank=0))
    await insert_members(ctx, facts(1, "mel"))
    await run(ctx)
    view = await findings.first(ctx, SERVER, Filters(rule="orphan_wow"))
    names = []
    for _ in range(4):
        assert view is not None
        names.append(view.finding.facts["name"])
        view = await findings.show_next(ctx, SERVER, view.finding.public_id)
    assert names == ["Zed", "Ana", "bo", "Zed"]
    assert await findings.show_next(ctx, SERVER, (await only(ctx, "orphan_discord")).public_id) is None


async def test_after_a_settled_finding_comes_the_one_that_stood_next(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, Toon("Ana"), Toon("Bo"), Toon("Cy"))
    await run(ctx)
    [bo] = [issue for issue in await load_issues(ctx, "orphan_wow") if issue.facts["name"] == "Bo"]
    await resolve(ctx, bo)
    following = await findings.show_next(ctx, SERVER, bo.public_id)
    assert following is not None
    assert following.finding.facts["name"] == "Cy"


@pytest.mark.parametrize(
    ("typed", "fits"),
    [("ana", True), ("AN", True), ("characters without", True), ("ORPHAN_WOW", True), ("bo", False)],
)
async def test_findings_are_found_by_a_part_of_a_name_or_of_a_types_title(
    ctx: Context, ana: int, typed: str, fits: bool
) -> None:
    found = await findings.search(ctx, SERVER, typed)
    assert [one.public_id for one in found] == ([(await only(ctx)).public_id] if fits else [])


@pytest.mark.parametrize("typed", ["%", "_", "\\", "' OR 1=1 --", "\x00"])
async def test_what_is_typed_is_looked_for_as_it_stands(ctx: Context, ana: int, typed: str) -> None:
    found = await findings.search(ctx, SERVER, typed)
    # Nothing that can be seen was typed: everything fits.
    assert len(found) == (1 if typed == "\x00" else 0)


async def test_a_search_gives_at_most_25_and_what_is_watched_before_what_is_ignored(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, *(f"Toon{number:02}" for number in range(30)))
    await run(ctx)
    [first] = [issue for issue in await load_issues(ctx, "orphan_wow") if issue.facts["name"] == "Toon00"]
    await ignore(ctx, first)
    found = [one.facts["name"] for one in await findings.search(ctx, SERVER, "toon")]
    assert found == [f"Toon{number:02}" for number in range(1, 26)]
    assert [one.facts["name"] for one in await findings.search(ctx, SERVER, "toon00")] == ["Toon00"]


async def test_a_typed_name_means_a_finding_when_only_one_is_about_it(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana", "Anabel", "Bo")
    await run(ctx)
    assert (await findings.resolve_text(ctx, SERVER, "bo")).finding.facts["name"] == "Bo"
    with pytest.raises(InvalidInput, match="Several findings are about `ana`"):
        await findings.resolve_text(ctx, SERVER, "ana")
    with pytest.raises(NotFound, match="No open finding is about `Nobody`"):
        await findings.resolve_text(ctx, SERVER, "Nobody")


async def _return(ctx: Context, guild: int, character_id: int) -> None:
    """Let a character that left join again, later: another time in the guild."""
    async with ctx.sessions.begin() as session:
        session.add(Membership(guild_id=guild, character_id=character_id, rank=2, joined_at=ctx.clock()))
