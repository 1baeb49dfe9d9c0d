"""Role changes as the sender makes them on Discord: by id, looked at right before, and one member's trouble theirs."""

import pytest
import sqlalchemy as sa

from bot.services import links, role_changes, roles
from bot.services.context import Context
from bot.services.roles import RunView
from cogs.common.role_work import REFUSALS
from db.tables.roles import GivenRole
from domain.errors import Conflict
from domain.role_sync import ChangeState, RunKind
from tests.cogs.home import Home
from tests.cogs.ranked import (
    follow_at_once,
    furnish,
    held,
    nobody,
    rank_of,
    role_calls,
    role_named,
    server_of,
    switch,
    wanted,
)


@pytest.fixture
async def hall(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A server with role sync on, whose three namesakes are to get the roles of their ranks."""
    follow_at_once(monkeypatch)
    await furnish(home)
    await switch(home, on=True)
    return home


async def begin(home: Home) -> str:
    """Begin what would change."""
    ctx, server_id = home.services.ctx, home.server.id
    live = ctx.roles(server_id)
    plan = await roles.preview(ctx, server_id, live)
    return await roles.start(ctx, server_id, key=plan.key, facts=live, kind=RunKind.APPLY, actor_id=home.officer.id)


async def progress(home: Home, run: str) -> RunView:
    return await roles.progress(home.services.ctx, home.server.id, run)


async def ledger(home: Home) -> set[int]:
    """Give the members who have a role from Muster."""
    async with home.services.ctx.sessions() as session:
        return set(await session.scalars(sa.select(GivenRole.user_id)))


async def test_roles_are_given_by_id_with_a_reason_in_the_servers_own_audit_log(hall: Home) -> None:
    run = await begin(hall)
    await hall.deliver()
    assert held(hall) == wanted(hall)
    reasons = {entry.reason for entry in hall.server.audit_log() if entry.reason}
    assert reasons == {f"Role sync, applied by {hall.officer.id}"}
    view = await progress(hall, run)
    assert (view.done, view.planned) == (3, 0)
    assert await ledger(hall) == {member.id for member in hall.namesakes.values()}


@pytest.mark.parametrize(
    ("status", "code", "state", "reason"),
    [
        (403, 50013, ChangeState.FAILED, REFUSALS[50013]),
        (404, 10011, ChangeState.FAILED, REFUSALS[10011]),
        (404, 10007, ChangeState.SKIPPED, role_changes.LEFT),
        (400, 50035, ChangeState.FAILED, "Discord refused it with error 50035"),
    ],
)
async def test_what_discord_refuses_for_one_member_is_listed_and_the_rest_is_done(
    hall: Home, status: int, code: int, state: ChangeState, reason: str
) -> None:
    name, unlucky = next(iter(hall.namesakes.items()))
    path = f"/guilds/*/members/{unlucky.id}/roles/*"
    hall.env.inject_error("PUT", path, status=status, code=code, times=None)
    run = await begin(hall)
    await hall.deliver()
    view = await progress(hall, run)
    assert [(one.user_id, one.state, one.reason) for one in view.left_out] == [(unlucky.id, state, reason)]
    assert view.finished_at is not None
    assert held(hall) == wanted(hall) | {name: set()}
    assert unlucky.id not in await ledger(hall)


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_what_fails_in_passing_is_tried_again(hall: Home, status: int) -> None:
    hall.env.inject_error("PUT", "/guilds/*/members/*/roles/*", status=status)
    run = await begin(hall)
    await hall.deliver()
    hall.clock.advance(minutes=3)
    await hall.deliver()
    assert held(hall) == wanted(hall)
    assert (await progress(hall, run)).done == 3


async def test_a_role_that_is_deleted_meanwhile_costs_only_its_own_changes(hall: Home) -> None:
    run = await begin(hall)
    name, rank = next(iter(rank_of(hall).items()))
    await role_named(hall, f"Rank {rank}").delete()
    await hall.env.settle()
    await hall.deliver()
    view = await progress(hall, run)
    lost = {hall.namesakes[one].id for one, theirs in rank_of(hall).items() if theirs == rank}
    assert {one.user_id for one in view.left_out} == lost
    assert all("deleted" in one.reason for one in view.left_out)
    assert view.done == 3 - len(lost)
    assert held(hall)[name] == set()


async def test_a_member_who_left_meanwhile_is_skipped_and_the_rest_is_done(hall: Home) -> None:
    run = await begin(hall)
    leaving = next(iter(hall.namesakes.values()))
    hall.server.remove_member(leaving)
    await hall.env.settle()
    await hall.deliver()
    view = await progress(hall, run)
    assert [(one.user_id, one.reason) for one in view.left_out] == [(leaving.id, role_changes.LEFT)]
    assert view.done == 2


async def test_a_link_taken_apart_meanwhile_gives_no_role_any_more(hall: Home) -> None:
    ctx, server_id = hall.services.ctx, hall.server.id
    run = await begin(hall)
    name, member = next(iter(hall.namesakes.items()))
    character_id = await links.resolve_character(ctx, server_id, name)
    await links.remove(ctx, server_id, character_id=character_id, actor_id=hall.officer.id)
    await hall.deliver()
    assert [one.user_id for one in (await progress(hall, run)).left_out] == [member.id]
    assert held(hall) == wanted(hall) | {name: set()}


async def test_a_role_put_above_the_bots_own_meanwhile_is_not_asked_for(hall: Home) -> None:
    run = await begin(hall)
    server = server_of(hall)
    ranks = [role for role in server.roles if role.name.startswith("Rank ")]
    for role in ranks:
        hall.env.backend.get_guild(hall.server.id).roles[role.id].position = 400
        role.position = 400
    await hall.deliver()
    assert role_calls(hall) == []
    assert held(hall) == nobody(hall)
    assert {one.state for one in (await progress(hall, run)).left_out} == {ChangeState.FAILED}


@pytest.mark.parametrize("error", [OSError("the database is away"), Conflict("Muster is busy with this right now.")])
async def test_a_change_that_could_not_be_noted_is_noted_by_the_next_try(
    hall: Home, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    noted, failing = role_changes.made, [error]

    async def made(ctx: Context, server_id: int, change_id: int) -> None:
        if failing:
            raise failing.pop()
        await noted(ctx, server_id, change_id)

    monkeypatch.setattr(role_changes, "made", made)
    run = await begin(hall)
    await hall.deliver()
    assert held(hall) == wanted(hall)
    assert len(await ledger(hall)) == 2
    hall.clock.advance(minutes=3)
    await hall.deliver()
    assert len(role_calls(hall)) == 3
    assert (await progress(hall, run)).done == 3
    assert len(await ledger(hall)) == 3


async def test_what_a_killed_process_had_begun_is_done_after_the_restart(hall: Home) -> None:
    run = await begin(hall)
    await hall.restart()
    hall.clock.advance(minutes=3)
    await hall.deliver()
    assert held(hall) == wanted(hall)
    assert (await progress(hall, run)).finished_at is not None


async def test_roles_wait_while_discord_does_not_show_the_server(hall: Home) -> None:
    run = await begin(hall)
    server_of(hall).unavailable = True
    await hall.deliver()
    assert (await progress(hall, run)).planned == 3
    server_of(hall).unavailable = False
    hall.clock.advance(minutes=3)
    await hall.deliver()
    assert held(hall) == wanted(hall)


async def test_roles_follow_a_roster_by_themselves_and_leave_no_finding_behind(hall: Home) -> None:
    await hall.sync_roster()
    await hall.deliver()
    await hall.env.advance_time(10)
    assert held(hall) == wanted(hall)
    last = await roles.last_run(hall.services.ctx, hall.server.id)
    assert last is not None
    assert (last.kind, last.actor_id, last.done) == (RunKind.SYNC, None, 3)
    reasons = {entry.reason for entry in hall.server.audit_log() if entry.reason}
    assert reasons == {"Role sync: the member's rank in the guild"}


def test_the_bots_role_book_knows_every_role_and_the_bots_rights(hall: Home) -> None:
    live = hall.services.ctx.roles(hall.server.id)
    assert live is not None
    server = server_of(hall)
    assert set(live.roles) == {role.id for role in server.roles}
    assert (live.owner_id, live.may_manage) == (server.owner_id, server.me.guild_permissions.manage_roles)
    assert hall.services.ctx.roles(1) is None
