"""From a list that was read to what the officers are told."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bot.services import audit, members, pipeline
from bot.services.context import Context
from bot.services.members import MemberFacts, MemberList
from bot.services.outbox import Outbox
from db import locks
from db.engine import create_engine, create_sessions
from domain.audit import State
from domain.errors import Conflict, Unavailable
from domain.runs import Trigger
from tests.support.clock import FakeClock
from tests.support.people import (
    CHANNEL,
    SERVER,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    load_actions,
    load_issues,
    load_links,
)


async def sync(ctx: Context, found: Sequence[MemberFacts], expected: int | None = None) -> pipeline.MemberSync:
    async def fetch() -> MemberList:
        return MemberList(ctx.clock(), found, len(found), expected)

    return await pipeline.sync_members(ctx, SERVER, fetch, trigger=Trigger.COMMAND)


async def test_a_member_list_leads_to_links_findings_and_a_report(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx, members_synced=False, channel_id=CHANNEL))
    ana, bo = await insert_characters(ctx, guild, "Ana", "Bo")

    done = await sync(ctx, [facts(1, "ana"), facts(2, "mel")])

    assert (done.outcome.changes.joined, done.follow_up.linked, done.follow_up.audit.opened) == (2, 1, 2)
    assert await load_links(ctx) == {ana: {1}}
    assert {issue.subject_id for issue in await load_issues(ctx)} == {bo, 2}
    delivery = await Outbox(ctx).claim()
    assert delivery is not None
    assert len(delivery.payload["counted"]) == 2
    for action in ("link.add", "finding.open"):
        assert {one.run_id for one in await load_actions(ctx, action)} == {done.outcome.run_id}


async def test_a_list_that_does_not_come_leaves_findings_of_time_to_the_audit(ctx: Context, clock: FakeClock) -> None:
    """Hiatus, ignoring and overrides end, and data grow old, by time alone."""
    guild = await insert_guild(ctx, await insert_server(ctx, channel_id=CHANNEL))
    [ana] = await insert_characters(ctx, guild, "Ana")

    async def nothing() -> MemberList:
        raise Unavailable("Discord is away")

    with pytest.raises(Unavailable, match="Discord is away"):
        await pipeline.sync_members(ctx, SERVER, nothing, trigger=Trigger.TIMER)
    assert [issue.subject_id for issue in await load_issues(ctx, "orphan_wow")] == [ana]


async def test_a_follow_up_that_fails_does_not_hide_why_the_list_was_not_read(
    ctx: Context, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await insert_guild(ctx, await insert_server(ctx))

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken")

    async def nothing() -> MemberList:
        raise Unavailable("Discord is away")

    monkeypatch.setattr(pipeline, "follow_up", broken)
    with pytest.raises(Unavailable, match="Discord is away"):
        await pipeline.sync_members(ctx, SERVER, nothing, trigger=Trigger.TIMER)
    assert "the follow-up of run None failed on server 100" in caplog.text


async def test_a_partial_list_leads_to_nothing(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx, members_synced=False, channel_id=CHANNEL))
    await insert_characters(ctx, guild, "Ana")

    with pytest.raises(Unavailable):
        await sync(ctx, [facts(1, "ana")], expected=50)

    assert await load_links(ctx) == {}
    assert await load_issues(ctx) == []


async def test_nothing_is_linked_or_found_from_events_alone(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx, members_synced=False, channel_id=CHANNEL))
    await insert_characters(ctx, guild, "Ana")
    await members.member_changed(ctx, SERVER, facts(1, "ana"))

    done = await pipeline.follow_up(ctx, SERVER)

    assert (done.linked, done.audit.total) == (0, 0)


async def test_sync_and_audit_work_with_no_channel_set(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx, members_synced=False))
    await insert_characters(ctx, guild, "Ana")

    done = await sync(ctx, [facts(1)])

    assert done.follow_up.audit.total == 2
    assert await Outbox(ctx).claim() is None


async def test_a_new_nick_that_is_a_character_closes_both_findings(ctx: Context, clock: FakeClock) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx))
    await insert_characters(ctx, guild, "Ana")
    await sync(ctx, [facts(1)])

    clock.advance(minutes=1)
    await members.member_changed(ctx, SERVER, facts(1, nick="Ana"))
    done = await pipeline.follow_up(ctx, SERVER)

    assert (done.linked, done.audit.resolved) == (1, 2)
    assert {issue.state for issue in await load_issues(ctx)} == {State.RESOLVED}


async def test_suggestions_are_counted_when_they_are_new(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx))
    await insert_characters(ctx, guild, "Mike")
    await insert_members(ctx, facts(1, "walter", nick="Mike"), facts(2, "jesse", nick="Mike"))

    first, second = [await pipeline.follow_up(ctx, SERVER) for _ in range(2)]

    assert (first.linked, first.suggested, second.suggested) == (0, 1, 0)


async def test_where_nothing_is_new_a_follow_up_only_audits(ctx: Context, statements: Callable[..., Any]) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx))
    await insert_characters(ctx, guild, "Ana", "Bo")
    await insert_members(ctx, facts(1, "ana"))
    await pipeline.follow_up(ctx, SERVER)

    with statements() as seen:
        await pipeline.follow_up(ctx, SERVER)

    assert not [one for one in seen if any(verb in one for verb in ("INSERT", "UPDATE", "DELETE"))]


async def test_links_made_before_an_audit_that_failed_stay(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matching has a transaction of its own: the next follow-up only has to audit."""
    guild = await insert_guild(ctx, await insert_server(ctx))
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(audit, "run_rules", fail)
        with pytest.raises(RuntimeError):
            await pipeline.follow_up(ctx, SERVER)

    assert await load_links(ctx) == {ana: {1}}
    assert (await pipeline.follow_up(ctx, SERVER)).audit.total == 0


async def test_every_server_of_a_guild_is_followed_up(ctx: Context) -> None:
    here, there = await insert_server(ctx), await insert_server(ctx, 200)
    guild = await insert_guild(ctx, here, there)
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"), server_id=there)

    done = await pipeline.follow_up_guild(ctx, guild)

    assert [(one.server_id, one.linked, one.audit.total) for one in done] == [(here, 0, 1), (there, 1, 0)]
    assert await load_links(ctx, there) == {ana: {1}}


async def test_twenty_follow_ups_at_once_leave_one_link_one_finding_and_one_report(scratch_ctx: Context) -> None:
    guild = await insert_guild(scratch_ctx, await insert_server(scratch_ctx, channel_id=CHANNEL))
    ana, bo = await insert_characters(scratch_ctx, guild, "Ana", "Bo")
    await insert_members(scratch_ctx, facts(1, "ana"))

    await asyncio.gather(*(pipeline.follow_up(scratch_ctx, SERVER) for _ in range(20)))

    assert await load_links(scratch_ctx) == {ana: {1}}
    assert [issue.subject_id for issue in await load_issues(scratch_ctx)] == [bo]
    outbox = Outbox(scratch_ctx)
    first = await outbox.claim()
    assert first is not None
    await outbox.delivered(first.id, 555, tuple(first.payload["counted"]))
    assert await outbox.claim() is None


async def test_a_server_that_is_busy_for_too_long_stops_no_other(
    database: str, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    engine = create_engine(database, lock_timeout="100ms")
    ctx = Context(create_sessions(engine), clock)
    here, there = await insert_server(ctx), await insert_server(ctx, 200)
    guild = await insert_guild(ctx, here, there)
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, here)
        done = await pipeline.follow_up_guild(ctx, guild)
        with pytest.raises(Conflict, match="busy with this"):
            await pipeline.follow_up(ctx, here)
    await engine.dispose()

    assert [one.server_id for one in done] == [there]
    assert f"failed on server {here}" in caplog.text
