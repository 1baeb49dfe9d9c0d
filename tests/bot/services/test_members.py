"""Members: the comparison with a whole list, and single events."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bot.services import members
from bot.services.context import Context
from bot.services.members import MemberFacts, MemberList, MemberOutcome
from db.members import MemberChanges
from db.tables.people import Member
from db.tables.runs import SyncRun
from db.tables.servers import Server
from domain.errors import Conflict, Unavailable
from domain.runs import RunSource, RunStatus, Trigger
from tests.support.clock import FakeClock
from tests.support.people import SERVER, facts, insert_server, load_member

pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture
async def server(ctx: Context) -> int:
    return await insert_server(ctx, members_synced=False)


async def sync(
    ctx: Context,
    found: Sequence[MemberFacts],
    *,
    read_at: datetime | None = None,
    fetched: int | None = None,
    expected: int | None = None,
) -> MemberOutcome:
    async def fetch() -> MemberList:
        return MemberList(read_at or ctx.clock(), found, len(found) if fetched is None else fetched, expected)

    return await members.sync_members(ctx, SERVER, fetch, trigger=Trigger.COMMAND)


async def last_run(ctx: Context) -> SyncRun:
    async with ctx.sessions() as session:
        run = await session.scalar(sa.select(SyncRun).order_by(SyncRun.id.desc()).limit(1))
    assert run is not None
    return run


async def versions(ctx: Context) -> dict[int, str]:
    async with ctx.sessions() as session:
        found = await session.execute(sa.select(Member.user_id, sa.literal_column("ctid::text")))
        return {row[0]: row[1] for row in found}


async def test_a_whole_list_stores_every_member_with_folded_names(ctx: Context) -> None:
    outcome = await sync(
        ctx, [facts(1, "ana", global_name="Ána", nick="★ Ærïn", role_ids=(30, 20), pending=True), facts(2)]
    )

    assert outcome.changes == MemberChanges(joined=2, changed=0, left=0)
    stored = await load_member(ctx, 1)
    assert stored is not None
    assert (stored.username_key, stored.global_name_key, stored.nick_key) == ("ana", "ana", "aerin")
    assert (stored.role_ids, stored.pending) == ([20, 30], True)
    assert stored.joined_at == datetime(2025, 5, 5, 5, 5, 5, 5, tzinfo=UTC)


async def test_a_run_is_logged_with_its_counts_and_the_server_knows_its_members(ctx: Context, clock: FakeClock) -> None:
    outcome = await sync(ctx, [facts(1), facts(2)], fetched=3, expected=3)

    run = await last_run(ctx)
    assert (run.id, run.source, run.status) == (outcome.run_id, RunSource.DISCORD_BOT, RunStatus.SUCCESS)
    assert run.counts == {"members": 2, "joined": 2, "changed": 0, "left": 0}
    async with ctx.sessions() as session:
        assert (await session.get_one(Server, SERVER)).members_synced_at == clock()


async def test_a_list_of_thousand_takes_as_many_statements_as_one_of_ten(ctx: Context, statements) -> None:
    counts = []
    for size in (10, 1_000):
        with statements() as seen:
            await sync(ctx, [facts(user_id) for user_id in range(1, size + 1)])
        counts.append(len(seen))

    assert counts[0] == counts[1] <= 6


async def test_members_who_did_not_change_are_not_written(ctx: Context, clock: FakeClock) -> None:
    found = [facts(1, "ana", nick="Ana", role_ids=(1, 2)), facts(2, "bo")]
    await sync(ctx, found)
    before = await versions(ctx)

    clock.advance(minutes=15)
    outcome = await sync(ctx, [facts(1, "ana", nick="Ana", role_ids=(2, 1)), facts(2, "bo")])

    assert outcome.changes == MemberChanges(0, 0, 0)
    assert await versions(ctx) == before


@pytest.mark.parametrize(
    "change", [{"nick": "N"}, {"global_name": "G"}, {"role_ids": (5,)}, {"pending": True}, {"joined_at": None}]
)
async def test_any_changed_fact_is_stored(ctx: Context, clock: FakeClock, change: dict[str, object]) -> None:
    await sync(ctx, [facts(1, "ana")])

    clock.advance(minutes=15)
    outcome = await sync(ctx, [facts(1, "ana", **change)])

    assert outcome.changes == MemberChanges(joined=0, changed=1, left=0)


async def test_who_is_missing_from_a_whole_list_has_left(ctx: Context, clock: FakeClock) -> None:
    await sync(ctx, [facts(1), facts(2)])

    read_at = clock.advance(minutes=15)
    outcome = await sync(ctx, [facts(1)])

    assert outcome.changes == MemberChanges(0, 0, left=1)
    gone = await load_member(ctx, 2)
    assert gone is not None
    assert gone.left_at == read_at


async def test_who_left_and_came_back_is_the_same_row_and_counts_as_joined(ctx: Context, clock: FakeClock) -> None:
    await sync(ctx, [facts(1), facts(2)])
    first_seen = clock()
    clock.advance(minutes=15)
    await sync(ctx, [facts(1)])

    clock.advance(minutes=15)
    outcome = await sync(ctx, [facts(1), facts(2)])

    assert outcome.changes == MemberChanges(joined=1, changed=0, left=0)
    back = await load_member(ctx, 2)
    assert back is not None
    assert (back.left_at, back.first_seen_at) == (None, first_seen)


async def test_members_of_another_server_are_left_alone(ctx: Context, clock: FakeClock) -> None:
    other = await insert_server(ctx, 200)
    await members.member_changed(ctx, other, facts(9))

    clock.advance(minutes=1)
    await sync(ctx, [facts(1)])

    untouched = await load_member(ctx, 9, other)
    assert untouched is not None
    assert untouched.left_at is None


@pytest.mark.parametrize(
    ("found", "fetched", "expected", "reason"),
    [
        (1, 1, 10, "Discord sent only 1 of 10 members"),
        (1, 89, 100, "Discord sent only 89 of 100 members"),
        (0, 0, None, "Discord sent no members"),
        (0, 5, 5, "Discord sent no members"),
    ],
)
async def test_a_partial_list_changes_nobody_and_its_run_is_an_error_that_says_why(
    ctx: Context, clock: FakeClock, *, found: int, fetched: int, expected: int | None, reason: str
) -> None:
    await sync(ctx, [facts(1, nick="old"), facts(2)])
    before, synced_at = await versions(ctx), clock()

    clock.advance(minutes=15)
    with pytest.raises(Unavailable, match="Nobody was changed"):
        await sync(ctx, [facts(1)] * found, fetched=fetched, expected=expected)

    assert await versions(ctx) == before
    run = await last_run(ctx)
    assert (run.status, run.reason) == (RunStatus.ERROR, reason)
    async with ctx.sessions() as session:
        assert (await session.get_one(Server, SERVER)).members_synced_at == synced_at


async def test_a_count_that_lags_a_little_does_not_make_a_list_partial(ctx: Context) -> None:
    outcome = await sync(ctx, [facts(user_id) for user_id in range(1, 10)], expected=10)

    assert outcome.present == 9


async def test_two_comparisons_of_one_server_at_once_are_refused(ctx: Context) -> None:
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        session.add(
            SyncRun(
                source=RunSource.DISCORD_BOT,
                status=RunStatus.RUNNING,
                trigger=Trigger.TIMER,
                server_id=SERVER,
                owner="another",
                started_at=now,
                heartbeat_at=now,
                counts={},
            )
        )

    with pytest.raises(Conflict):
        await sync(ctx, [facts(1)])
    assert await load_member(ctx, 1) is None


async def test_who_joined_while_the_list_was_read_has_not_left(ctx: Context, clock: FakeClock) -> None:
    read_at = clock()
    clock.advance(seconds=2)
    await members.member_changed(ctx, SERVER, facts(2))

    clock.advance(seconds=2)
    await sync(ctx, [facts(1)], read_at=read_at)

    joined = await load_member(ctx, 2)
    assert joined is not None
    assert joined.left_at is None


async def test_who_left_while_the_list_was_read_is_not_brought_back(ctx: Context, clock: FakeClock) -> None:
    await sync(ctx, [facts(1), facts(2)])
    read_at = clock.advance(minutes=15)
    left_at = clock.advance(seconds=2)
    await members.member_left(ctx, SERVER, 2)

    clock.advance(seconds=2)
    await sync(ctx, [facts(1), facts(2)], read_at=read_at)

    gone = await load_member(ctx, 2)
    assert gone is not None
    assert gone.left_at == left_at


async def test_a_nick_changed_while_the_list_was_read_is_kept(ctx: Context, clock: FakeClock) -> None:
    await sync(ctx, [facts(1, nick="old")])
    read_at = clock.advance(minutes=15)
    clock.advance(seconds=2)
    await members.member_changed(ctx, SERVER, facts(1, nick="new"))

    clock.advance(seconds=2)
    await sync(ctx, [facts(1, nick="old")], read_at=read_at)

    kept = await load_member(ctx, 1)
    assert kept is not None
    assert kept.nick == "new"


async def test_an_event_of_after_the_read_wins_also_when_it_is_stored_after_the_list(
    ctx: Context, clock: FakeClock
) -> None:
    read_at = clock()
    event_at = clock.advance(seconds=2)
    clock.advance(seconds=2)
    await sync(ctx, [facts(1, nick="old")], read_at=read_at)

    clock.now = event_at
    assert await members.member_changed(ctx, SERVER, facts(1, nick="new"))

    kept = await load_member(ctx, 1)
    assert kept is not None
    assert kept.nick == "new"


async def test_an_event_told_twice_writes_once(ctx: Context, clock: FakeClock) -> None:
    told = [await members.member_changed(ctx, SERVER, facts(1, nick="A")) for _ in range(2)]
    clock.advance(seconds=1)
    left = [await members.member_left(ctx, SERVER, 1) for _ in range(2)]

    assert told == [True, False]
    assert left == [True, False]


async def test_a_leave_of_somebody_unknown_says_nothing(ctx: Context) -> None:
    assert not await members.member_left(ctx, SERVER, 1)
    assert await load_member(ctx, 1) is None


async def test_a_fetch_that_breaks_off_changes_nobody_and_is_a_failed_run(ctx: Context) -> None:
    await sync(ctx, [facts(1), facts(2)])
    before = await versions(ctx)

    async def broken() -> MemberList:
        raise Unavailable("Discord did not give the whole member list (error 502).")

    with pytest.raises(Unavailable, match="502"):
        await members.sync_members(ctx, SERVER, broken, trigger=Trigger.TIMER)

    run = await last_run(ctx)
    assert (run.status, run.reason) == (RunStatus.ERROR, "Discord did not give the whole member list (error 502).")
    assert await versions(ctx) == before
