"""Many findings of one type fixed at once: what is shown, confirmed, done, and what is left."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.battlenet.client import BattleNetClient
from bot.services import bulk_fixes, findings, links
from bot.services.bulk_fixes import BulkOutcome
from bot.services.context import Context
from db.tables.audit import Issue
from db.tables.identity import LinkSuggestion
from db.tables.people import Member, Player
from domain.audit import State
from domain.audit_rules import RULES
from domain.bulk_fixes import VOUCHED_AT_ONCE, Bulk, BulkAct, acts_for
from domain.errors import Conflict, InvalidInput, NotFound
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.links import Source
from tests.support.causes import CAUSES
from tests.support.causes_links import mainless
from tests.support.changes import bo_leaves
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
    load_links,
)

DEPUTY = 8
IGNORE, RESOLVE = (Bulk("orphan_wow", act) for act in (BulkAct.IGNORE, BulkAct.RESOLVE))
CHOOSE = Bulk("link_suggestion", BulkAct.CHOOSE)
# Asking about a character mends nothing by itself.
MENDING = [
    Bulk(rule, act) for rule in RULES for act in acts_for(rule) if act.fix is not None and act is not BulkAct.SYNC
]


async def untold(done: int, total: int) -> None:
    """Hear nothing of the progress."""


async def put_aside(ctx: Context, bulk: Bulk, *, key: str | None = None, actor_id: int = OFFICER, **words: Any) -> int:
    key = (await bulk_fixes.plan(ctx, SERVER, bulk)).key if key is None else key
    words = {"note": "bank alts"} | words
    return await bulk_fixes.put_aside(ctx, SERVER, bulk, key=key, actor_id=actor_id, **words)


async def fix(
    ctx: Context,
    battlenet: BattleNetClient,
    bulk: Bulk,
    *,
    key: str | None = None,
    actor_id: int = OFFICER,
    told: bulk_fixes.Told = untold,
) -> BulkOutcome:
    key = (await bulk_fixes.plan(ctx, SERVER, bulk)).key if key is None else key
    return await bulk_fixes.fix(ctx, battlenet, SERVER, bulk, key=key, actor_id=actor_id, told=told)


async def orphans(ctx: Context, *toons: Toon | str) -> list[int]:
    """Let characters stand in the guild that nobody has."""
    return await insert_characters(ctx, await insert_guild(ctx, await insert_server(ctx)), *toons)


async def suggested(ctx: Context, *candidates: tuple[int, ...]) -> list[int]:
    """Let so many characters wait for a word on these members, the nth on the nth's."""
    names = [f"Alt{'abcdefghijklm'[number]}" for number in range(len(candidates))]
    characters = await orphans(ctx, *names)
    await insert_members(ctx, *(facts(user_id) for user_id in {one for ids in candidates for one in ids}))
    reason = Evidence(RuleName.SIMILAR_NAME, Strength.WEAK, Source.SIMILAR_NAME, Place.NICK, "Anna", "Ana").to_json()
    async with ctx.sessions.begin() as session:
        session.add_all(
            LinkSuggestion(
                server_id=SERVER,
                character_id=character_id,
                candidates=[{"user_id": user_id, "evidence": [reason]} for user_id in ids],
                suggested_at=ctx.clock(),
            )
            for character_id, ids in zip(characters, candidates, strict=True)
        )
    return characters


async def leave_server(ctx: Context, user_id: int) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Member).where(Member.user_id == user_id).values(left_at=ctx.clock()))


def names_of(plan: bulk_fixes.Plan) -> list[str]:
    return [finding.facts["name"] for finding in plan.findings]


async def states(ctx: Context, rule: str = "orphan_wow") -> dict[str, State]:
    return {issue.facts["name"]: issue.state for issue in await load_issues(ctx, rule)}


async def test_a_plan_shows_what_stands_now_by_rank_and_name_though_no_audit_ran_since(ctx: Context) -> None:
    ana, *_ = await orphans(ctx, Toon("Ana"), Toon("Cem"), Toon("Bob"), Toon("Zoe", rank=1))
    assert names_of(await bulk_fixes.plan(ctx, SERVER, IGNORE)) == ["Zoe", "Ana", "Bob", "Cem"]
    await leave_guild(ctx, ana)
    assert names_of(await bulk_fixes.plan(ctx, SERVER, IGNORE)) == ["Zoe", "Bob", "Cem"]


async def test_a_bulk_of_one_rank_leaves_the_others_alone(ctx: Context) -> None:
    await orphans(ctx, Toon("Ana", rank=1), Toon("Bob", rank=2))
    assert await put_aside(ctx, Bulk("orphan_wow", BulkAct.IGNORE, rank=2)) == 1
    assert await states(ctx) == {"Ana": State.OPEN, "Bob": State.IGNORED}


@pytest.mark.parametrize(
    ("bulk", "error"),
    [(Bulk("no_such_rule", BulkAct.IGNORE), NotFound), (Bulk("orphan_wow", BulkAct.UNLINK), Conflict)],
)
async def test_what_a_type_does_not_offer_in_bulk_is_refused(
    ctx: Context, guild: int, bulk: Bulk, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await bulk_fixes.plan(ctx, SERVER, bulk)


async def test_ignoring_in_bulk_keeps_who_why_and_until_when_of_each(ctx: Context) -> None:
    await orphans(ctx, "Ana", "Bob")
    assert await put_aside(ctx, IGNORE, note="  bank alts ", until="30d") == 2
    for issue in await load_issues(ctx, "orphan_wow"):
        assert (issue.state, issue.muted, issue.note, issue.ignored_by) == (State.IGNORED, True, "bank alts", OFFICER)
        assert issue.ignored_at == ctx.clock()
        assert issue.ignored_until == ctx.clock() + timedelta(days=30)


async def test_resolving_in_bulk_settles_each_by_the_officers_word(ctx: Context) -> None:
    await orphans(ctx, "Ana", "Bob")
    assert await put_aside(ctx, RESOLVE) == 2
    for issue in await load_issues(ctx, "orphan_wow"):
        assert (issue.state, issue.muted, issue.resolved_by) == (State.RESOLVED, True, OFFICER)
        assert (issue.resolved_at, issue.ignored_at) == (ctx.clock(), None)
    assert (await bulk_fixes.plan(ctx, SERVER, RESOLVE)).findings == ()


@pytest.mark.parametrize("act", [BulkAct.IGNORE, BulkAct.RESOLVE])
async def test_what_a_bulk_leaves_behind_is_what_a_single_act_does(ctx: Context, act: BulkAct) -> None:
    await orphans(ctx, "Ana", "Bob")
    ana, _ = (await bulk_fixes.plan(ctx, SERVER, IGNORE)).findings
    if act is BulkAct.IGNORE:
        await findings.ignore(ctx, SERVER, ana.public_id, reason="bank alts", until=None, actor_id=OFFICER)
    else:
        await findings.resolve(ctx, SERVER, ana.public_id, note="bank alts", actor_id=OFFICER)
    await put_aside(ctx, Bulk("orphan_wow", act))
    one, other = await load_issues(ctx, "orphan_wow")
    own = {"id", "public_id", "subject_id", "fingerprint", "facts"}
    columns = {column.name for column in sa.inspect(Issue).columns} - own
    assert {name: getattr(one, name) for name in columns} == {name: getattr(other, name) for name in columns}
    single, bulk = await load_actions(ctx, f"finding.{act.value}")
    assert bulk.after is not None
    assert single.after is not None
    assert {**bulk.after, "batch": None} == {**single.after, "batch": None, "finding": other.public_id}
    assert bulk.before == {"finding": other.public_id, "facts": other.facts, "state": "open"}
    assert (single.rule, single.rule_version, single.actor_id) == (bulk.rule, bulk.rule_version, bulk.actor_id)


@pytest.mark.parametrize("words", [{"note": " "}, {"note": "x" * 2000}, {"until": "someday"}, {"until": "0d"}])
async def test_a_reason_or_an_end_that_cannot_be_kept_changes_nothing(ctx: Context, words: dict[str, str]) -> None:
    await orphans(ctx, "Ana")
    with pytest.raises(InvalidInput):
        await put_aside(ctx, IGNORE, **words)
    assert await states(ctx) == {"Ana": State.OPEN}
    assert not await load_actions(ctx, "finding.bulk")


async def test_findings_that_changed_between_preview_and_confirm_are_not_put_aside(ctx: Context) -> None:
    ana, _ = await orphans(ctx, "Ana", "Bob")
    key = (await bulk_fixes.plan(ctx, SERVER, IGNORE)).key
    await leave_guild(ctx, ana)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await put_aside(ctx, IGNORE, key=key)
    assert await states(ctx) == {"Ana": State.OPEN, "Bob": State.OPEN}


async def test_who_confirms_what_was_done_already_is_told_by_whom(ctx: Context) -> None:
    await orphans(ctx, "Ana")
    key = (await bulk_fixes.plan(ctx, SERVER, IGNORE)).key
    await put_aside(ctx, IGNORE, key=key)
    with pytest.raises(Conflict, match=f"<@{OFFICER}> confirmed this already"):
        await put_aside(ctx, IGNORE, key=key, actor_id=DEPUTY)
    assert len(await load_actions(ctx, "finding.ignore")) == 1


async def test_of_two_officers_who_put_aside_at_once_one_does_it_and_the_other_is_told(scratch_ctx: Context) -> None:
    await orphans(scratch_ctx, "Ana", "Bob")
    key = (await bulk_fixes.plan(scratch_ctx, SERVER, IGNORE)).key
    acts = (put_aside(scratch_ctx, IGNORE, key=key, actor_id=actor_id) for actor_id in (OFFICER, DEPUTY))
    done = await asyncio.gather(*acts, return_exceptions=True)
    assert {type(one) for one in done} == {int, Conflict}
    assert len(await load_actions(scratch_ctx, "finding.ignore")) == 2


async def test_a_thousand_findings_are_put_aside_by_as_many_statements_as_one(
    ctx: Context, statements: Callable[..., AbstractContextManager[list[str]]]
) -> None:
    counts = []
    await insert_server(ctx)
    for size in (1, 1_000):
        guild = await insert_guild(ctx, SERVER, name=f"Guild of {size}")
        await insert_characters(ctx, guild, *(f"N{number}" for number in range(size)))
        key = (await bulk_fixes.plan(ctx, SERVER, IGNORE)).key
        with statements() as sent:
            assert await put_aside(ctx, IGNORE, key=key) == size
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_the_one_candidate_is_chosen_and_where_there_are_several_a_person_is_left_to_choose(
    ctx: Context, battlenet: BattleNetClient
) -> None:
    alone, torn, other = await suggested(ctx, (1,), (1, 2), (3,))
    plan = await bulk_fixes.plan(ctx, SERVER, CHOOSE)
    assert (len(plan.findings), plan.left_out) == (2, 1)
    assert await fix(ctx, battlenet, CHOOSE) == BulkOutcome(2)
    assert await load_links(ctx) == {alone: {1}, other: {3}}
    assert torn not in await load_links(ctx)
    [begun] = await load_actions(ctx, "finding.bulk")
    assert begun.after is not None
    assert (begun.actor_id, begun.after["findings"], begun.after["act"]) == (OFFICER, 2, "choose")


async def test_nobody_vouches_for_more_links_than_a_page_shows(ctx: Context, battlenet: BattleNetClient) -> None:
    many = await suggested(ctx, *((user_id,) for user_id in range(1, VOUCHED_AT_ONCE + 2)))
    plan = await bulk_fixes.plan(ctx, SERVER, CHOOSE)
    assert (len(plan.findings), plan.later) == (VOUCHED_AT_ONCE, 1)
    assert await fix(ctx, battlenet, CHOOSE) == BulkOutcome(VOUCHED_AT_ONCE)
    assert [*await load_links(ctx)] == many[:-1]
    assert await fix(ctx, battlenet, CHOOSE) == BulkOutcome(1)


@pytest.mark.parametrize("bulk", MENDING, ids=lambda bulk: f"{bulk.rule} {bulk.act}")
async def test_what_a_bulk_mends_is_no_finding_any_more(
    ctx: Context, battlenet: BattleNetClient, guild: int, bulk: Bulk
) -> None:
    [cause] = [one for one in CAUSES if one.rule == bulk.rule][:1]
    await cause.plant(ctx, guild)
    assert await fix(ctx, battlenet, bulk) == BulkOutcome(1)
    assert not (await bulk_fixes.plan(ctx, SERVER, bulk)).findings
    [issue] = await load_issues(ctx, bulk.rule)
    assert (issue.state, issue.resolved_by, issue.muted) == (State.RESOLVED, None, False)


async def test_the_log_tells_which_acts_were_of_a_batch(ctx: Context, battlenet: BattleNetClient) -> None:
    ana, bo, alone = await suggested(ctx, (1,), (2,), (3,))
    await links.add(ctx, SERVER, character_id=alone, user_id=3, actor_id=OFFICER)
    assert await fix(ctx, battlenet, CHOOSE) == BulkOutcome(2)
    await links.remove(ctx, SERVER, character_id=bo, actor_id=OFFICER)

    [begun] = await load_actions(ctx, "finding.bulk")
    assert begun.after is not None
    added = {act.subject_id: (act.after or {}).get("batch") for act in await load_actions(ctx, "link.add")}
    assert added == {ana: begun.after["batch"], bo: begun.after["batch"], alone: None}
    assert [act.after for act in await load_actions(ctx, "link.remove")] == [None]


async def test_a_main_and_an_off_spec_that_are_gone_are_both_emptied(
    ctx: Context, battlenet: BattleNetClient, guild: int
) -> None:
    planted = await mainless(ctx, guild)
    await bo_leaves(planted)
    assert await fix(ctx, battlenet, Bulk("main_not_linked", BulkAct.NO_MAIN)) == BulkOutcome(1)
    async with ctx.sessions() as session:
        player = await session.get_one(Player, planted.player)
    assert (player.main_character_id, player.offspec_character_id) == (None, None)


async def test_another_candidate_between_preview_and_confirm_is_not_linked_unseen(
    ctx: Context, battlenet: BattleNetClient
) -> None:
    await suggested(ctx, (1,), (2,))
    key = (await bulk_fixes.plan(ctx, SERVER, CHOOSE)).key
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Member).where(Member.user_id == 1).values(left_at=ctx.clock()))
    with pytest.raises(Conflict, match="changed meanwhile"):
        await fix(ctx, battlenet, CHOOSE, key=key)
    assert await load_links(ctx) == {}


async def test_where_one_of_many_fails_the_rest_is_done_and_it_is_told_why(
    ctx: Context, battlenet: BattleNetClient
) -> None:
    one, _, three = await suggested(ctx, (1,), (2,), (3,))

    async def told(done: int, total: int) -> None:
        if done == 1:
            await leave_server(ctx, 2)

    outcome = await fix(ctx, battlenet, CHOOSE, told=told)
    [failure] = outcome.failed
    assert (outcome.done, outcome.untried) == (2, 0)
    assert failure.finding.facts["name"] == "Altb"
    assert failure.reason == "<@2> has left the server. Nothing was linked."
    assert await load_links(ctx) == {one: {1}, three: {3}}


async def test_one_that_breaks_for_a_reason_of_its_own_stops_no_other(
    ctx: Context, battlenet: BattleNetClient, caplog: pytest.LogCaptureFixture
) -> None:
    one, _, three = await suggested(ctx, (1,), (2,), (3,))

    async def told(done: int, total: int) -> None:
        if done == 1:
            async with ctx.sessions.begin() as session:
                # Reasons that no release of Muster ever wrote.
                broken = [{"user_id": 2, "evidence": 7}]
                await session.execute(
                    sa.update(LinkSuggestion)
                    .where(LinkSuggestion.candidates.contains([{"user_id": 2}]))
                    .values(candidates=broken)
                )

    outcome = await fix(ctx, battlenet, CHOOSE, told=told)
    assert [failure.reason for failure in outcome.failed] == [bulk_fixes.BROKEN]
    assert await load_links(ctx) == {one: {1}, three: {3}}
    assert "could not be fixed in bulk" in caplog.text


async def test_what_another_officer_did_meanwhile_is_told_with_their_name(
    ctx: Context, battlenet: BattleNetClient
) -> None:
    _, other = await suggested(ctx, (1,), (2,))

    async def told(done: int, total: int) -> None:
        if done == 1:
            await links.add(ctx, SERVER, character_id=other, user_id=1, actor_id=DEPUTY)

    [failure] = (await fix(ctx, battlenet, CHOOSE, told=told)).failed
    assert f"<@{DEPUTY}>" in failure.reason


async def test_the_progress_is_told_before_each(ctx: Context, battlenet: BattleNetClient) -> None:
    await suggested(ctx, (1,), (2,))
    heard = []

    async def told(done: int, total: int) -> None:
        heard.append((done, total))

    await fix(ctx, battlenet, CHOOSE, told=told)
    assert heard == [(0, 2), (1, 2)]


async def test_of_two_officers_who_confirm_at_once_one_does_it_and_the_other_is_told(
    scratch_ctx: Context, battlenet: BattleNetClient
) -> None:
    await suggested(scratch_ctx, (1,), (2,), (3,))
    key = (await bulk_fixes.plan(scratch_ctx, SERVER, CHOOSE)).key
    acts = (fix(scratch_ctx, battlenet, CHOOSE, key=key, actor_id=actor_id) for actor_id in (OFFICER, DEPUTY))
    mine, theirs = await asyncio.gather(*acts, return_exceptions=True)
    assert mine == BulkOutcome(3)
    assert isinstance(theirs, Conflict)
    assert theirs.text.startswith(f"<@{OFFICER}> is fixing many findings right now")
    assert len(await load_actions(scratch_ctx, "link.add")) == 3


async def test_of_two_processes_that_confirm_at_once_neither_doubles_what_the_other_did(
    scratch_ctx: Context, battlenet: BattleNetClient
) -> None:
    characters = await suggested(scratch_ctx, (1,), (2,), (3,))
    key = (await bulk_fixes.plan(scratch_ctx, SERVER, CHOOSE)).key
    acts = (
        fix(Context(scratch_ctx.sessions, scratch_ctx.clock), battlenet, CHOOSE, key=key, actor_id=actor_id)
        for actor_id in (OFFICER, DEPUTY)
    )
    outcomes = [one for one in await asyncio.gather(*acts, return_exceptions=True) if isinstance(one, BulkOutcome)]
    assert sum(one.done for one in outcomes) == 3
    assert len(await load_actions(scratch_ctx, "link.add")) == 3
    assert await load_links(scratch_ctx) == dict(zip(characters, ({1}, {2}, {3}), strict=True))


async def test_what_was_done_before_a_kill_stays_done_and_the_rest_is_fixed_after_a_restart(
    scratch_ctx: Context, battlenet: BattleNetClient
) -> None:
    one, two, three = await suggested(scratch_ctx, (1,), (2,), (3,))
    key = (await bulk_fixes.plan(scratch_ctx, SERVER, CHOOSE)).key

    async def killed(done: int, total: int) -> None:
        if done == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await fix(scratch_ctx, battlenet, CHOOSE, key=key, told=killed)
    assert await load_links(scratch_ctx) == {one: {1}, two: {2}}
    with pytest.raises(Conflict, match=f"<@{OFFICER}> confirmed this already"):
        await fix(scratch_ctx, battlenet, CHOOSE, key=key)
    assert await fix(scratch_ctx, battlenet, CHOOSE) == BulkOutcome(1)
    assert await load_links(scratch_ctx) == {one: {1}, two: {2}, three: {3}}


async def test_ignored_findings_are_no_part_of_a_bulk_and_stay_as_they_are(ctx: Context, clock: FakeClock) -> None:
    await orphans(ctx, "Ana", "Bob")
    ana, _ = (await bulk_fixes.plan(ctx, SERVER, IGNORE)).findings
    await findings.ignore(ctx, SERVER, ana.public_id, reason="mine", until=None, actor_id=DEPUTY)
    clock.advance(hours=1)
    assert await put_aside(ctx, IGNORE) == 1
    first, _ = await load_issues(ctx, "orphan_wow")
    assert (first.note, first.ignored_by) == ("mine", DEPUTY)
