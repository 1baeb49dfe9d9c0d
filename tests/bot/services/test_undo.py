"""Taking back what officers did to findings."""

import asyncio
from datetime import timedelta

import pytest

from bot.services import audit, bulk_fixes, findings, roles, undo
from bot.services.context import Context
from db import locks
from db.audit import mark_reported
from db.tables.audit import Issue
from domain.audit import State
from domain.bulk_fixes import Bulk, BulkAct
from domain.errors import Conflict
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    insert_characters,
    insert_guild,
    insert_server,
    leave_guild,
    load_actions,
    load_issues,
)
from tests.support.role_sync import switched_on

DEPUTY = 8
IGNORE, RESOLVE = (Bulk("orphan_wow", act) for act in (BulkAct.IGNORE, BulkAct.RESOLVE))


async def run(ctx: Context) -> None:
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, SERVER)
        await audit.run_rules(ctx, session, server_id=SERVER, only="orphan_wow")


async def orphans(ctx: Context, *names: str) -> list[int]:
    """Let characters stand in the guild that nobody has, and find that."""
    characters = await insert_characters(ctx, await insert_guild(ctx, await insert_server(ctx)), *names)
    await run(ctx)
    return characters


async def put_aside(ctx: Context, bulk: Bulk, *, until: str | None = None, actor_id: int = OFFICER) -> None:
    key = (await bulk_fixes.plan(ctx, SERVER, bulk)).key
    await bulk_fixes.put_aside(ctx, SERVER, bulk, key=key, note="bank alts", until=until, actor_id=actor_id)


async def issues(ctx: Context) -> dict[str, Issue]:
    """Load the last finding of each character by its name."""
    return {issue.facts["name"]: issue for issue in await load_issues(ctx, "orphan_wow")}


async def states(ctx: Context) -> dict[str, State]:
    return {name: issue.state for name, issue in (await issues(ctx)).items()}


async def asides(ctx: Context) -> tuple[undo.Aside, ...]:
    return (await undo.undoable(ctx, SERVER)).asides


async def watch_again(ctx: Context, batch: str, actor_id: int = DEPUTY) -> int:
    return await undo.watch_again(ctx, SERVER, batch, actor_id=actor_id)


async def test_acts_are_listed_the_last_one_first_a_bulk_as_one(ctx: Context, clock: FakeClock) -> None:
    await orphans(ctx, "Ana", "Bob", "Cem")
    ana = (await issues(ctx))["Ana"]
    await findings.ignore(ctx, SERVER, ana.public_id, reason="mine", until=None, actor_id=DEPUTY)
    clock.advance(hours=1)
    await put_aside(ctx, RESOLVE)
    bulk, single = await asides(ctx)
    assert (bulk.is_ignored, bulk.count, bulk.actor_id, bulk.at) == (False, 2, OFFICER, clock())
    assert (single.is_ignored, single.count, single.actor_id, single.first.subject_id) == (
        True,
        1,
        DEPUTY,
        ana.subject_id,
    )


async def test_two_acts_of_one_moment_are_two(ctx: Context) -> None:
    await orphans(ctx, "Ana", "Bob")
    for issue in (await issues(ctx)).values():
        await findings.ignore(ctx, SERVER, issue.public_id, reason="mine", until=None, actor_id=OFFICER)
    one, other = await asides(ctx)
    assert (one.count, other.count) == (1, 1)
    await watch_again(ctx, one.batch)
    assert [aside.batch for aside in await asides(ctx)] == [other.batch]


@pytest.mark.parametrize(("bulk", "was"), [(IGNORE, State.IGNORED), (RESOLVE, State.RESOLVED)])
async def test_undo_watches_again_what_an_act_put_aside(ctx: Context, bulk: Bulk, was: State) -> None:
    await orphans(ctx, "Ana", "Bob")
    await put_aside(ctx, bulk, until="30d" if bulk is IGNORE else None)
    [aside] = await asides(ctx)
    assert await watch_again(ctx, aside.batch) == 2
    for issue in await load_issues(ctx, "orphan_wow"):
        assert (issue.state, issue.muted, issue.note) == (State.OPEN, False, None)
        assert {issue.ignored_at, issue.ignored_by, issue.ignored_until, issue.resolved_at, issue.resolved_by} == {None}
    assert await asides(ctx) == ()
    [one, other] = await load_actions(ctx, "finding.reopen")
    assert one.actor_id == DEPUTY
    assert one.before is not None
    assert other.after is not None
    assert one.before["state"] == was.value
    assert other.after["state"] == "open"


async def test_undo_leaves_alone_what_was_changed_since(ctx: Context, clock: FakeClock) -> None:
    await orphans(ctx, "Ana", "Bob", "Cem")
    await put_aside(ctx, IGNORE)
    [bulk] = await asides(ctx)
    clock.advance(hours=1)
    found = await issues(ctx)
    await findings.reopen(ctx, SERVER, found["Ana"].public_id, actor_id=DEPUTY)
    await findings.ignore(ctx, SERVER, found["Ana"].public_id, reason="mine", until=None, actor_id=DEPUTY)
    await findings.resolve(ctx, SERVER, found["Cem"].public_id, note="mine", actor_id=DEPUTY)
    assert [aside.count for aside in await asides(ctx)] == [1, 1, 1]
    assert await watch_again(ctx, bulk.batch) == 1
    assert await states(ctx) == {"Ana": State.IGNORED, "Bob": State.OPEN, "Cem": State.RESOLVED}
    after = await issues(ctx)
    assert (after["Ana"].note, after["Cem"].note) == ("mine", "mine")


async def test_what_was_told_before_is_not_new_after_an_undo(ctx: Context) -> None:
    await orphans(ctx, "Ana")
    async with ctx.sessions.begin() as session:
        [issue] = await load_issues(ctx, "orphan_wow")
        await mark_reported(session, SERVER, counted=[issue.id], shown=[issue.id], as_of=ctx.clock(), now=ctx.clock())
    await put_aside(ctx, IGNORE)
    [aside] = await asides(ctx)
    await watch_again(ctx, aside.batch)
    [issue] = await load_issues(ctx, "orphan_wow")
    assert (issue.state, issue.counted_at) == (State.NOTIFIED, ctx.clock())


async def test_what_was_solved_while_ignored_is_not_opened_by_an_undo_but_told_when_it_comes_back(
    ctx: Context, guild: int
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await run(ctx)
    await put_aside(ctx, IGNORE)
    await leave_guild(ctx, ana)
    await run(ctx)
    assert await states(ctx) == {"Ana": State.RESOLVED}
    [aside] = await asides(ctx)
    assert await watch_again(ctx, aside.batch) == 1
    [issue] = await load_issues(ctx, "orphan_wow")
    assert (issue.state, issue.muted, issue.resolved_at) == (State.RESOLVED, False, ctx.clock())


async def test_an_end_of_the_ignoring_leaves_nothing_to_take_back(ctx: Context, clock: FakeClock) -> None:
    await orphans(ctx, "Ana")
    await put_aside(ctx, IGNORE, until="1d")
    clock.advance(days=2)
    await run(ctx)
    assert await asides(ctx) == ()


async def test_an_act_is_taken_back_once_and_the_second_officer_is_told(scratch_ctx: Context) -> None:
    await orphans(scratch_ctx, "Ana", "Bob")
    await put_aside(scratch_ctx, IGNORE)
    [aside] = await asides(scratch_ctx)
    both = (watch_again(scratch_ctx, aside.batch, actor_id) for actor_id in (OFFICER, DEPUTY))
    done = await asyncio.gather(*both, return_exceptions=True)
    assert {type(one) for one in done} == {int, Conflict}
    assert len(await load_actions(scratch_ctx, "finding.reopen")) == 2


async def test_acts_older_than_thirty_days_are_left(ctx: Context, clock: FakeClock) -> None:
    await orphans(ctx, "Ana")
    await put_aside(ctx, IGNORE)
    [aside] = await asides(ctx)
    clock.advance(seconds=(undo.LOOKS_BACK + timedelta(seconds=1)).total_seconds())
    assert await asides(ctx) == ()
    with pytest.raises(Conflict, match="Nothing of this is left"):
        await watch_again(ctx, aside.batch)


async def test_an_act_of_another_server_is_neither_listed_nor_taken_back(ctx: Context) -> None:
    await orphans(ctx, "Ana")
    await put_aside(ctx, IGNORE)
    [aside] = await asides(ctx)
    other = await insert_server(ctx, 200)
    assert (await undo.undoable(ctx, other)).asides == ()
    with pytest.raises(Conflict):
        await undo.watch_again(ctx, other, aside.batch, actor_id=DEPUTY)
    assert await states(ctx) == {"Ana": State.IGNORED}


async def test_the_last_run_of_role_changes_is_listed_until_it_was_taken_back(ctx: Context, guild: int) -> None:
    sync = await switched_on(ctx, guild)
    assert (await undo.undoable(ctx, SERVER)).run is None
    await sync.person(1)
    begun = await sync.apply()
    run = (await undo.undoable(ctx, SERVER)).run
    assert run is not None
    assert (run.public_id, run.done) == (begun, 1)
    await roles.undo(ctx, SERVER, actor_id=DEPUTY)
    assert (await undo.undoable(ctx, SERVER)).run is None
