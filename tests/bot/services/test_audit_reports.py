"""Reports of findings: what is queued for the audit channel, and what a delivery marks."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.services import audit, servers
from bot.services.context import Context
from bot.services.outbox import Delivery, Outbox
from db import locks
from db.tables.audit import Issue
from db.tables.outbox import OutboxMessage
from db.tables.servers import Server
from domain.audit import Severity, State, SubjectKind
from domain.errors import NotFound
from tests.support.clock import FakeClock
from tests.support.people import (
    CHANNEL,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    leave_guild,
    load_issues,
)


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_guild(ctx, await insert_server(ctx, channel_id=CHANNEL))


async def run_and_queue(ctx: Context, *, begin: bool = True) -> bool:
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, SERVER)
        await audit.run_rules(ctx, session, server_id=SERVER)
        return await audit.queue_new(ctx, session, server_id=SERVER, begin=begin)


async def standing(ctx: Context, rule: str) -> set[int]:
    return {issue.subject_id for issue in await load_issues(ctx, rule) if issue.state is not State.RESOLVED}


def names(delivery: Delivery | None) -> list[str]:
    assert delivery is not None
    return [finding["facts"]["name"] for group in delivery.payload["groups"] for finding in group["findings"]]


async def deliver(ctx: Context, *, shown: int | None = None) -> Delivery:
    """Send the next report as the bot would, showing its first findings by name."""
    outbox = Outbox(ctx)
    delivery = await outbox.claim()
    assert delivery is not None
    await outbox.delivered(delivery.id, 555, tuple(delivery.payload["counted"][:shown]))
    return delivery


async def tell_first(ctx: Context, guild: int) -> None:
    """Deliver a server's first report: later ones name what they tell."""
    await insert_characters(ctx, guild, Toon("First", rank=9))
    assert await run_and_queue(ctx)
    await deliver(ctx)


async def test_the_first_report_of_a_server_that_finds_many_counts_them_and_names_none(
    ctx: Context, guild: int
) -> None:
    await insert_characters(ctx, guild, *(f"Toon{n}" for n in range(audit.NAMED_AT_FIRST)))
    await insert_members(ctx, facts(1, "mel"))
    await run_and_queue(ctx)
    [ana] = await insert_characters(ctx, guild, "Ana")

    await run_and_queue(ctx)
    first = await deliver(ctx, shown=0)

    assert (first.payload["scope"], first.payload["counts_only"]) == (audit.NEW, True)
    assert [(one["rule"], one["total"], one["findings"]) for one in first.payload["groups"]] == [
        ("orphan_discord", 1, []),
        ("orphan_wow", audit.NAMED_AT_FIRST + 1, []),
    ]
    found = await load_issues(ctx)
    assert {issue.state for issue in found} == {State.OPEN}
    assert all(issue.counted_at for issue in found)
    assert not await run_and_queue(ctx)

    await leave_guild(ctx, ana)
    await insert_characters(ctx, guild, *(f"Late{n}" for n in range(audit.NAMED_AT_FIRST + 1)))
    assert await run_and_queue(ctx)
    second = await deliver(ctx)
    assert not second.payload["counts_only"]
    assert len(names(second)) == 20


@pytest.mark.parametrize("more", [0, 1])
async def test_a_first_report_of_few_findings_names_them(ctx: Context, guild: int, more: int) -> None:
    await insert_characters(ctx, guild, *(f"Toon{n}" for n in range(audit.NAMED_AT_FIRST + more)))
    await run_and_queue(ctx)
    assert (await deliver(ctx)).payload["counts_only"] is bool(more)


async def test_while_the_first_report_is_on_its_way_the_next_one_names_what_it_tells(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, *(f"Toon{n}" for n in range(30)))
    await run_and_queue(ctx)
    outbox = Outbox(ctx)
    first = await outbox.claim()
    assert first is not None
    await insert_characters(ctx, guild, *(f"Late{n}" for n in range(30)))
    await run_and_queue(ctx)
    await outbox.delivered(first.id, 555, ())
    assert not (await deliver(ctx)).payload["counts_only"]


async def test_another_guild_begins_with_counts_again(ctx: Context, guild: int, clock: FakeClock) -> None:
    await tell_first(ctx, guild)
    clock.advance(days=3)
    other = await insert_guild(ctx, SERVER, name="Another")
    await insert_characters(ctx, other, *(f"Toon{n}" for n in range(30)))
    await run_and_queue(ctx)
    assert (await deliver(ctx)).payload["counts_only"]


async def test_a_first_report_that_did_not_arrive_is_made_again_as_the_first(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    await insert_characters(ctx, guild, *(f"Toon{n}" for n in range(30)))
    await run_and_queue(ctx)
    await fail(ctx)
    clock.advance(hours=1)
    assert await run_and_queue(ctx)
    assert (await deliver(ctx)).payload["counts_only"]


async def test_findings_with_a_card_of_their_own_stay_out_of_reports_of_what_is_new(ctx: Context, guild: int) -> None:
    async with ctx.sessions.begin() as session:
        session.add(
            Issue(
                public_id="held",
                server_id=SERVER,
                rule="held_departures",
                rule_version=0,
                severity=Severity.ERROR,
                subject_kind=SubjectKind.SERVER,
                subject_id=SERVER,
                fingerprint="abc",
                facts={"guild": "G", "characters": 12, "names": []},
                state=State.OPEN,
                opened_at=ctx.clock(),
            )
        )
    async with ctx.sessions.begin() as session:
        assert not await audit.queue_new(ctx, session, server_id=SERVER)
    assert await audit.queue_report(ctx, SERVER) == 1


async def test_a_report_tells_new_findings_by_rank_and_name(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, Toon("bo", rank=5), Toon("Ana", rank=5), Toon("Zed", rank=0))
    await insert_members(ctx, facts(1, "mel"))

    assert await run_and_queue(ctx)

    delivery = await Outbox(ctx).claim()
    assert delivery is not None
    assert (delivery.kind, delivery.channel_id, delivery.payload["scope"]) == (audit.REPORT, CHANNEL, audit.NEW)
    groups = delivery.payload["groups"]
    assert [(group["rule"], group["total"]) for group in groups] == [("orphan_discord", 1), ("orphan_wow", 3)]
    assert names(delivery) == ["mel", "Zed", "Ana", "bo"]


async def test_a_report_names_twenty_of_a_type_and_counts_all(ctx: Context, guild: int) -> None:
    await tell_first(ctx, guild)
    await insert_characters(ctx, guild, *(f"Toon{n}" for n in range(30)))
    await run_and_queue(ctx)

    delivery = await Outbox(ctx).claim()

    assert delivery is not None
    assert len(names(delivery)) == 20
    assert len(delivery.payload["counted"]) == 30


async def test_graver_findings_come_first_by_rank_not_by_text(ctx: Context, guild: int) -> None:
    severities = [Severity.INFO, Severity.WARNING, Severity.CRITICAL, Severity.ERROR]
    async with ctx.sessions.begin() as session:
        session.add_all(
            Issue(
                public_id=f"i{n}",
                server_id=SERVER,
                rule=f"rule_{n}",
                rule_version=1,
                severity=severity,
                subject_kind=SubjectKind.SERVER,
                subject_id=SERVER,
                fingerprint="",
                facts={"name": severity.value},
                state=State.OPEN,
                opened_at=ctx.clock(),
            )
            for n, severity in enumerate(severities)
        )

    await run_and_queue(ctx)

    assert names(await Outbox(ctx).claim()) == ["critical", "error", "warning", "info"]


async def test_only_what_was_shown_is_notified_and_what_was_counted_is_not_told_again(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    ids = await insert_characters(ctx, guild, *(f"Toon{n}" for n in range(10, 15)))
    await run_and_queue(ctx)
    now = clock.advance(minutes=1)
    await deliver(ctx, shown=2)

    found = await load_issues(ctx)
    assert [issue.state for issue in found] == [State.NOTIFIED] * 2 + [State.OPEN] * 3
    assert [issue.notified_at for issue in found] == [now] * 2 + [None] * 3
    assert {issue.counted_at for issue in found} == {now}

    [extra] = await insert_characters(ctx, guild, "Newcomer")
    assert await run_and_queue(ctx)
    assert names(await deliver(ctx)) == ["Newcomer"]
    assert not await run_and_queue(ctx)
    assert await standing(ctx, "orphan_wow") == {*ids, extra}


async def test_a_report_that_waits_gives_way_to_the_newer_one(ctx: Context, guild: int) -> None:
    ana, _ = await insert_characters(ctx, guild, "Ana", "Bo")
    await run_and_queue(ctx)
    await leave_guild(ctx, ana)
    await insert_characters(ctx, guild, "Cid")

    await run_and_queue(ctx)

    assert names(await deliver(ctx)) == ["Bo", "Cid"]
    assert await Outbox(ctx).claim() is None


async def test_what_officers_acts_lead_to_is_told_in_one_report_later_on(ctx: Context, guild: int) -> None:
    await tell_first(ctx, guild)
    for name in ("Ana", "Bo"):
        await insert_characters(ctx, guild, name)
        assert not await run_and_queue(ctx, begin=False)
    assert await Outbox(ctx).claim() is None

    await run_and_queue(ctx)
    await insert_characters(ctx, guild, "Cid")
    assert await run_and_queue(ctx, begin=False), "a report that waits tells the truth"
    assert names(await Outbox(ctx).claim()) == ["Ana", "Bo", "Cid"]


async def test_a_report_that_waits_is_taken_back_when_nothing_of_it_stands(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await run_and_queue(ctx)
    await leave_guild(ctx, ana)

    assert not await run_and_queue(ctx)

    assert await Outbox(ctx).claim() is None


async def test_what_a_report_on_the_way_tells_is_not_told_by_the_next(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    await insert_characters(ctx, guild, "Ana")
    await run_and_queue(ctx)
    outbox = Outbox(ctx)
    first = await outbox.claim()
    assert first is not None

    assert not await run_and_queue(ctx)
    await outbox.retry(first.id, "Discord answered 500", 60)
    await insert_characters(ctx, guild, "Bo")
    assert await run_and_queue(ctx)

    clock.advance(minutes=2)
    assert names(await deliver(ctx)) == ["Ana"]
    assert names(await deliver(ctx)) == ["Bo"]


async def test_what_became_another_problem_while_its_report_was_on_the_way_is_told_again(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    ana = facts(1)
    await insert_members(ctx, ana)
    await run_and_queue(ctx)
    outbox = Outbox(ctx)
    first = await outbox.claim()
    assert first is not None
    await outbox.retry(first.id, "Discord answered 503", 60)
    clock.advance(hours=1)
    await insert_members(ctx, replace(ana, joined_at=clock()))
    await run_and_queue(ctx)
    assert names(await deliver(ctx)) == names(first)

    assert await run_and_queue(ctx)

    assert names(await deliver(ctx)) == names(first)
    assert not await run_and_queue(ctx)


async def fail(ctx: Context) -> None:
    """Let the next report fail for good."""
    outbox = Outbox(ctx)
    delivery = await outbox.claim()
    assert delivery is not None
    await outbox.failed(delivery.id, "the channel no longer exists")


async def test_what_a_failed_report_would_have_told_is_told_an_hour_later(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    await insert_characters(ctx, guild, "Ana")
    await run_and_queue(ctx)
    await fail(ctx)

    clock.advance(minutes=59)
    assert not await run_and_queue(ctx)
    clock.advance(minutes=1)
    assert await run_and_queue(ctx)

    assert names(await deliver(ctx)) == ["Ana"]


async def test_another_channel_gets_at_once_what_the_dead_one_could_not(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana")
    await run_and_queue(ctx)
    await fail(ctx)
    await servers.set_audit_channel(ctx, SERVER, CHANNEL + 1, actor_id=1)

    assert await run_and_queue(ctx)

    assert (await deliver(ctx)).channel_id == CHANNEL + 1


async def test_what_is_not_sent_yet_follows_the_channel(ctx: Context, guild: int, clock: FakeClock) -> None:
    """A retry must not write into a channel that officers have just left for a private one."""
    await insert_characters(ctx, guild, "Ana")
    await run_and_queue(ctx)
    outbox = Outbox(ctx)
    first = await outbox.claim()
    assert first is not None
    await outbox.retry(first.id, "Discord answered 503", 60)
    await servers.set_audit_channel(ctx, SERVER, CHANNEL + 1, actor_id=1)
    clock.advance(minutes=2)

    again = await outbox.claim()

    assert again is not None
    assert (again.id, again.channel_id, again.nonce) == (first.id, CHANNEL + 1, first.nonce)


async def test_a_report_that_is_being_replaced_cannot_be_claimed_half_way(scratch_ctx: Context) -> None:
    guild = await insert_guild(scratch_ctx, await insert_server(scratch_ctx, channel_id=CHANNEL))
    await insert_characters(scratch_ctx, guild, "Ana")
    await run_and_queue(scratch_ctx)
    await insert_characters(scratch_ctx, guild, "Bo")
    async with scratch_ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, SERVER)
        await audit.run_rules(scratch_ctx, session, server_id=SERVER)
        assert await audit.queue_new(scratch_ctx, session, server_id=SERVER)
        assert await Outbox(scratch_ctx).claim() is None

    assert names(await deliver(scratch_ctx)) == ["Ana", "Bo"]
    assert await Outbox(scratch_ctx).claim() is None


async def test_without_a_channel_nothing_is_queued_and_the_findings_stand(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx))
    [ana] = await insert_characters(ctx, guild, "Ana")

    assert not await run_and_queue(ctx)
    assert await standing(ctx, "orphan_wow") == {ana}
    with pytest.raises(NotFound, match="/setup channels"):
        await audit.queue_report(ctx, SERVER)
    async with ctx.sessions() as session:
        assert (await session.scalars(sa.select(OutboxMessage))).all() == []


async def test_a_channel_chosen_later_gets_what_was_found_before(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx))
    await insert_characters(ctx, guild, "Ana")
    await run_and_queue(ctx)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Server).values(audit_channel_id=CHANNEL))

    assert await run_and_queue(ctx)
    assert names(await deliver(ctx)) == ["Ana"]


async def test_the_whole_report_tells_also_what_was_told_before(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana", "Bo")
    await run_and_queue(ctx)
    await deliver(ctx, shown=1)

    assert await audit.queue_report(ctx, SERVER) == 2

    delivery = await deliver(ctx)
    assert delivery.payload["scope"] == audit.ALL
    assert names(delivery) == ["Ana", "Bo"]
    assert {issue.state for issue in await load_issues(ctx)} == {State.NOTIFIED}


async def test_the_whole_report_of_a_clean_server_says_so(ctx: Context, guild: int) -> None:
    assert await audit.queue_report(ctx, SERVER) == 0

    delivery = await deliver(ctx)
    assert (delivery.payload["groups"], delivery.payload["counted"]) == ([], [])


async def test_a_finding_resolved_before_its_report_arrived_is_not_notified(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await run_and_queue(ctx)
    outbox = Outbox(ctx)
    delivery = await outbox.claim()
    assert delivery is not None
    await leave_guild(ctx, ana)
    await run_and_queue(ctx)

    await outbox.delivered(delivery.id, 555, tuple(delivery.payload["counted"]))

    assert [issue.state for issue in await load_issues(ctx)] == [State.RESOLVED]


async def test_what_stands_can_be_listed_without_what_is_ignored(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, Toon("Bo", rank=9), Toon("Ana", rank=1), "Cid")
    await run_and_queue(ctx)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Issue).where(Issue.facts["name"].astext == "Cid").values(state=State.IGNORED))

    assert [finding.facts["name"] for finding in await audit.standing(ctx, SERVER)] == ["Ana", "Bo"]
