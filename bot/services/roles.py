"""Role sync of a server: previewed, begun, watched, undone, and done by itself where it is small."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import role_plans
from bot.services.context import Context
from bot.services.ranks import Chooser
from bot.services.role_plans import STOPS, Planned
from db import actions, locks, outbox, role_ledger, role_runs, servers
from db.role_runs import Failure, RunView
from domain.audit import SubjectKind
from domain.errors import Conflict, NotFound, Refused, Unavailable
from domain.ranks import RankTruth, may_switch_role_sync
from domain.role_sync import (
    AT_ONCE,
    Block,
    Change,
    ChangeState,
    RoleAct,
    RolePlan,
    RunKind,
    ServerRoles,
    Stop,
)

__all__ = ["Failure", "RunView"]

ROLE: Final = "role"
"""The outbox's kind for the change of one role of one member."""
HELD, BLOCKED = "roles_held", "role_blocked"
"""Cards for the audit channel: too many changes to be made without an officer; a role that Muster can't change."""
TRIED_AGAIN_AFTER: Final = timedelta(days=1)
"""What failed for good is left to officers for so long."""
HELD_AGAIN_AFTER: Final = timedelta(days=7)
CARD_TRIED_AGAIN_AFTER: Final = timedelta(hours=1)
SETTLED_AFTER: Final = timedelta(minutes=10)
"""Until then Discord may not have told yet that a member has the role that Muster gave them."""
SWITCHED, STARTED, MAPPED = "setup.role-sync", "role.start", "rank.map"


async def switch(ctx: Context, server_id: int, on: bool, *, chooser: Chooser) -> bool:
    """Switch role sync on or off; tells whether that changed anything.

    Raises Refused without Manage Server, Conflict for switching on while the game does not decide about roles.
    """
    if not may_switch_role_sync(chooser.powers):
        raise Refused("Only members with Manage Server switch role sync. Ask one of them; nothing was changed.")
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        server = await servers.required_server(session, server_id)
        if on and server.rank_truth is not RankTruth.GAME:
            raise Conflict(STOPS[Stop.REPORT_ONLY])
        return await _switch(ctx, session, server_id, on, actor_id=chooser.user_id)


async def preview(
    ctx: Context, server_id: int, facts: ServerRoles | None, *, user_ids: tuple[int, ...] | None = None
) -> RolePlan:
    """Give what role sync would change now, of all members or of some; also while it is off (`stop` says so)."""
    async with ctx.sessions() as session:
        return (await role_plans.make(session, server_id, facts, now=ctx.clock(), user_ids=user_ids)).plan


async def start(
    ctx: Context,
    server_id: int,
    *,
    key: str,
    facts: ServerRoles | None,
    kind: RunKind,
    actor_id: int | None,
    user_ids: tuple[int, ...] | None = None,
) -> str:
    """Begin the changes that a preview of this key showed, of the same `user_ids`; give the run's public id.

    Raises Conflict when the plan is another one by now or empty, Refused while roles may not be changed (`Stop`).
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        plan = (await role_plans.make(session, server_id, facts, now=ctx.clock(), user_ids=user_ids)).plan
        if plan.stop is not None:
            raise Refused(STOPS[plan.stop])
        if plan.key != key or not plan.changes:
            raise Conflict(await _what_came_between(session, server_id, plan))
        return await _begin(ctx, session, server_id, plan.changes, kind=kind, actor_id=actor_id)


async def progress(ctx: Context, server_id: int, run: str) -> RunView:
    """Give how far a run has come; raises NotFound."""
    async with ctx.sessions.begin() as session:
        await role_runs.close_lost(session, server_id, outbox_kind=ROLE, now=ctx.clock())
        found = await role_runs.run(session, server_id, run)
        if found is None:
            raise NotFound("This run of role changes is not known here.")
        return await role_runs.view(session, found)


async def last_run(ctx: Context, server_id: int) -> RunView | None:
    """Give the newest run that is no undoing, None without any; `undone_by` tells whether it was undone."""
    async with ctx.sessions() as session:
        found = await role_runs.last_run(session, server_id)
        return None if found is None else await role_runs.view(session, found)


async def undo(ctx: Context, server_id: int, *, actor_id: int, run: str | None = None) -> str:
    """Take back the last run and switch role sync off, else Muster would do it again; give the undoing run's public id.

    What of the run was not done yet, is not done any more. With `run` only if that is still the last one. Raises
    Conflict where there is nothing to undo (saying who did), Unavailable while Discord does not show the server.
    """
    if ctx.roles(server_id) is None:
        raise Unavailable(STOPS[Stop.UNSEEN])
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        now = ctx.clock()
        last = await role_runs.last_run(session, server_id)
        if last is None:
            raise Conflict("There is no run of role changes to undo.")
        if run not in (None, last.public_id):
            raise Conflict("Another run of role changes came after that one; only the last one can be undone.")
        if (undoing_it := await role_runs.undoing(session, last)) is not None:
            raise Conflict(f"<@{undoing_it.actor_id}> has undone this run already.")
        # What is just being made stays: once it is noted as done, it is taken back too.
        await role_runs.withdraw(session, last, outbox_kind=ROLE, reason="the run was undone", now=now)
        done = [one for one in await role_runs.changes_of(session, last) if one.state is ChangeState.DONE]
        undoing = [Change(one.user_id, one.act.opposite, one.role_id) for one in reversed(done)]
        await _switch(ctx, session, server_id, False, actor_id=actor_id)
        return await _begin(ctx, session, server_id, undoing, kind=RunKind.UNDO, actor_id=actor_id, undoes=last.id)


async def follow(ctx: Context, server_id: int) -> None:
    """Let roles follow the ranks, where that is switched on: a few by itself, many wait for an officer.

    Called at the end of every pipeline. Queues cards to the audit channel, each once: of kind HELD (payload: members,
    give, take) or BLOCKED (payload: role_id, null for all of them; block, a Block or `no_right`; members).
    """
    facts = ctx.roles(server_id)
    if facts is None:
        return
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        # Also while it is off: what nobody will make any more must not keep findings back.
        await role_runs.close_lost(session, server_id, outbox_kind=ROLE, now=now)
        if not (await servers.required_server(session, server_id)).role_sync:
            return
        await role_ledger.forget_taken(session, server_id, settled=now - SETTLED_AFTER)
        planned = await role_plans.make(session, server_id, facts, now=now)
        plan = planned.plan
        if plan.stop is Stop.NO_RIGHT and plan.changes:
            await _tell(ctx, session, server_id, planned, _blocked(None, Stop.NO_RIGHT, len(plan.user_ids)))
        if plan.stop is not None:
            return
        for role_id, block, members in plan.blocked:
            # That a role was deleted is told of all that it stood for, role sync or not.
            if block is not Block.DELETED:
                await _tell(ctx, session, server_id, planned, _blocked(role_id, block, members))
        failed = await role_runs.failed_since(session, server_id, now - TRIED_AGAIN_AFTER)
        fresh = replace(plan, changes=tuple(change for change in plan.changes if change not in failed))
        if len(planned.following.union(fresh.user_ids)) > AT_ONCE:
            await _tell(ctx, session, server_id, planned, _held(fresh))
        elif fresh.changes:
            await _begin(ctx, session, server_id, fresh.changes, kind=RunKind.SYNC, actor_id=None)


async def _begin(
    ctx: Context,
    session: AsyncSession,
    server_id: int,
    changes: Iterable[Change],
    *,
    kind: RunKind,
    actor_id: int | None,
    undoes: int | None = None,
) -> str:
    """Write a run with its changes and, if an officer began it, a row of the log; give its public id."""
    now, public_id = ctx.clock(), ctx.new_public_id()
    changes = tuple(changes)
    await role_runs.start(
        session,
        server_id=server_id,
        public_id=public_id,
        kind=kind,
        actor_id=actor_id,
        changes=changes,
        outbox_kind=ROLE,
        now=now,
        undoes=undoes,
    )
    if actor_id is not None:
        begun = actions.action(
            STARTED,
            SubjectKind.SERVER,
            server_id,
            actor_id=actor_id,
            after={"batch": public_id, "kind": kind.value, "changes": len(changes)},
        )
        await actions.log(session, server_id, [begun], now)
    return public_id


async def _switch(ctx: Context, session: AsyncSession, server_id: int, on: bool, *, actor_id: int) -> bool:
    server = await servers.required_server(session, server_id, lock=True)
    if server.role_sync is on:
        return False
    server.role_sync = on
    change = actions.action(
        SWITCHED,
        SubjectKind.SERVER,
        server_id,
        actor_id=actor_id,
        before={"role_sync": not on},
        after={"role_sync": on},
    )
    await actions.log(session, server_id, [change], ctx.clock())
    return True


async def _what_came_between(session: AsyncSession, server_id: int, plan: RolePlan) -> str:
    last = await role_runs.last_run(session, server_id)
    if last is not None and last.finished_at is None and last.actor_id is not None:
        return f"<@{last.actor_id}> has applied role changes meanwhile, which are being made now. Look again."
    if not plan.changes:
        return "Nothing is left to change: all roles are as the ranks say."
    return "What would change is not what you were shown any more. Look at it again."


@dataclass(frozen=True, slots=True)
class _Card:
    """What the audit channel is told once: until an act named in `news`, a change of `role_id`, or `every` so often."""

    kind: str
    key: str
    payload: dict[str, Any]
    news: tuple[str, ...]
    every: timedelta | None = None
    role_id: int | None = None


def _held(plan: RolePlan) -> _Card:
    payload = {"members": len(plan.user_ids), "give": plan.count(RoleAct.GIVE), "take": plan.count(RoleAct.TAKE)}
    return _Card(HELD, "", payload, news=(STARTED,), every=HELD_AGAIN_AFTER)


def _blocked(role_id: int | None, block: Block | Stop, members: int) -> _Card:
    payload = {"role_id": role_id, "block": block.value, "members": members}
    return _Card(BLOCKED, f"{role_id or ''}:{block}", payload, news=(MAPPED,), role_id=role_id)


async def _tell(ctx: Context, session: AsyncSession, server_id: int, planned: Planned, card: _Card) -> None:
    channel_id, now = planned.scope.audit_channel_id, ctx.clock()
    if channel_id is None or await role_runs.is_told(
        session,
        server_id=server_id,
        kind=card.kind,
        dedupe_key=card.key,
        since=None if card.every is None else now - card.every,
        news=(*card.news, SWITCHED, outbox.CHANNELS_CHOSEN),
        try_again=now - CARD_TRIED_AGAIN_AFTER,
        cured_by=card.role_id,
    ):
        return
    await outbox.queue(
        session,
        server_id=server_id,
        kind=card.kind,
        channel_id=channel_id,
        payload=card.payload,
        dedupe_key=card.key,
        now=now,
    )
