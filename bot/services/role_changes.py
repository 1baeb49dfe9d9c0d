"""The change of one role as the sender makes it: checked right before, and noted right after."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import role_plans
from bot.services.context import Context
from bot.services.role_plans import BLOCKS, STOPS
from bot.services.roles import ROLE
from db import actions, locks, role_ledger, role_runs, roles
from db.tables.roles import RoleChange, RoleRun
from domain.audit import SubjectKind
from domain.ranks import role_powers
from domain.role_sync import Change, ChangeState, RoleAct, RolePlan, RunKind, ServerRoles, Stop

LEFT = "they have left the server"


@dataclass(frozen=True, slots=True)
class Work:
    """A role to be given to a member, or taken from them; `actor_id`: by whose word, None where Muster follows."""

    change_id: int
    user_id: int
    role_id: int
    act: RoleAct
    actor_id: int | None


@dataclass(frozen=True, slots=True)
class _End:
    """How a change ends without anything being done on Discord."""

    state: ChangeState
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """A change with what Discord says right before it; see `check`."""

    change: RoleChange
    run: RoleRun
    live: ServerRoles
    held: frozenset[int] | None


async def check(
    ctx: Context, server_id: int, change_id: int, live: ServerRoles, held: Collection[int] | None
) -> Work | None:
    """Look right before a change whether it is still right, and end it where it is not; None: nothing is to be done.

    `held`: the roles that the member has on Discord now, None when they have left. A change that is to be made is noted
    as asked for: what is so already at the next look is most likely Muster's own doing, which nobody noted.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        found = await role_runs.change(session, server_id, change_id)
        if found is None:
            return None
        change, run = found
        roles_now = None if held is None else frozenset(held)
        end = await _judge(session, _Case(change, run, live, roles_now), ctx.clock())
        if end is None:
            change.asked_at = ctx.clock()
            return Work(change.id, change.user_id, change.role_id, change.act, run.actor_id)
        await _end(ctx, session, change, run, end)
    return None


async def made(ctx: Context, server_id: int, change_id: int) -> None:
    """Note that Discord has made a change: in the ledger, on the member and in the log."""
    await _note(ctx, server_id, change_id, _End(ChangeState.DONE))


async def failed(ctx: Context, server_id: int, change_id: int, reason: str) -> None:
    """Note that Discord refuses a change, and why, in words for officers."""
    await _note(ctx, server_id, change_id, _End(ChangeState.FAILED, reason))


async def skipped(ctx: Context, server_id: int, change_id: int, reason: str) -> None:
    """Note that a change is of no use any more."""
    await _note(ctx, server_id, change_id, _End(ChangeState.SKIPPED, reason))


async def _note(ctx: Context, server_id: int, change_id: int, end: _End) -> None:
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        found = await role_runs.change(session, server_id, change_id)
        if found is not None:
            await _end(ctx, session, *found, end)


async def _end(ctx: Context, session: AsyncSession, change: RoleChange, run: RoleRun, end: _End) -> None:
    now = ctx.clock()
    if end.state is ChangeState.DONE:
        await role_ledger.note_held(session, change, now=now)
        await actions.log(session, change.server_id, [_logged(change, run)], now)
        undoing = await role_runs.undoing(session, run)
        if undoing is not None:
            # It was being made while somebody undid its run.
            undoing.finished_at = None
            back = Change(change.user_id, change.act.opposite, change.role_id)
            change.state = ChangeState.DONE  # the other way round may only be planned once this one is not
            await session.flush()
            await role_runs.add(session, undoing, [back], outbox_kind=ROLE, now=now)
    await role_runs.settle(session, change, end.state, now=now, reason=end.reason)


async def _judge(session: AsyncSession, case: _Case, now: datetime) -> _End | None:
    """Tell how a change ends as it is; None where it is to be made."""
    change, live = case.change, case.live
    if case.held is None:
        return _End(ChangeState.SKIPPED, LEFT)
    giving = change.act is RoleAct.GIVE
    if (change.role_id in case.held) is giving:
        return await _judge_so_already(session, change)
    if refusal := _refusal(live, change.role_id):
        return _End(ChangeState.FAILED, refusal)
    if case.run.kind is RunKind.UNDO:
        return await _judge_undoing(session, change, case.run, live)
    plan = await role_plans.of_member(session, change.server_id, live, change.user_id, case.held, now=now)
    return _judge_by(plan, change)


async def _judge_so_already(session: AsyncSession, change: RoleChange) -> _End:
    if change.asked_at is not None:
        return _End(ChangeState.DONE)
    if change.act is RoleAct.GIVE:
        return _End(ChangeState.SKIPPED, "they have the role already")
    await role_ledger.forget(session, change)
    return _End(ChangeState.SKIPPED, "they have the role no longer")


def _refusal(live: ServerRoles, role_id: int) -> str | None:
    if not live.may_manage:
        return STOPS[Stop.NO_RIGHT]
    block = live.block(role_id)
    return None if block is None else BLOCKS[block]


def _judge_by(plan: RolePlan, change: RoleChange) -> _End | None:
    if plan.stop is not None:
        return _End(ChangeState.SKIPPED, STOPS[plan.stop])
    wanted = Change(change.user_id, change.act, change.role_id)
    gives = [one for one in plan.changes if one.act is RoleAct.GIVE]
    if wanted in plan.changes and (wanted in gives or not gives):
        return None
    for one in plan.withheld:
        if one.role_id == change.role_id:
            return _End(ChangeState.FAILED, role_plans.withheld(one.power))
    if wanted in plan.changes or plan.blocked or plan.withheld:
        return _End(ChangeState.SKIPPED, "they did not get the role of their rank, so they keep this one")
    return _End(ChangeState.SKIPPED, "their rank, or what stands for it, has changed meanwhile")


async def _judge_undoing(session: AsyncSession, change: RoleChange, run: RoleRun, live: ServerRoles) -> _End | None:
    """Judge a change that takes another one back: by the ledger, and by what its officer may do."""
    if await roles.is_screened(session, change.server_id, change.user_id):
        return _End(ChangeState.SKIPPED, "they have not accepted the server's rules")
    if change.act is RoleAct.TAKE:
        if await role_ledger.is_given(session, change.server_id, change.user_id, change.role_id):
            return None
        return _End(ChangeState.SKIPPED, "somebody else gave them the role since")
    assert run.actor_id is not None
    scope = await roles.scope(session, change.server_id)
    needed = role_powers(live.roles[change.role_id], None if scope is None else scope.officer_role_id)
    here = await roles.roles_here(session, change.server_id, [run.actor_id])
    powers = live.powers(run.actor_id, here[run.actor_id]) if run.actor_id in here else frozenset()
    if lacking := sorted(needed - powers):
        return _End(ChangeState.FAILED, f"the role gives {lacking[0]}, which who undid the run does not have")
    return None


def _logged(change: RoleChange, run: RoleRun) -> dict[str, object]:
    giving = change.act is RoleAct.GIVE
    batch = {"batch": run.public_id, "kind": run.kind.value}
    return actions.action(
        "role.give" if giving else "role.take",
        SubjectKind.MEMBER,
        change.user_id,
        actor_id=run.actor_id,
        before=None if giving else {"role_id": change.role_id},
        after={**batch, "role_id": change.role_id} if giving else batch,
    )
