"""Members: the comparison with a whole list, and what single events tell."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.services.context import Context
from bot.services.roles import SETTLED_AFTER
from bot.services.runs import Run, running
from db import members, role_ledger
from db.members import MemberChanges, MemberFacts
from db.runs import Scope
from domain.errors import Unavailable
from domain.runs import RunSource, Trigger

__all__ = ["Fetch", "MemberFacts", "MemberList", "MemberOutcome", "member_changed", "member_left", "sync_members"]

WHOLE = 0.9
"""A list with less than this share of the members that the server counts is taken for a part of it."""


@dataclass(frozen=True, slots=True)
class MemberList:
    """The members of a server, bots left out, from a fetch that ended whole.

    `read_at` is when the fetch began, `fetched` counts bots too, `expected` is the count that Discord gives for the
    server, None where it gives none.
    """

    read_at: datetime
    members: Sequence[MemberFacts]
    fetched: int
    expected: int | None


Fetch = Callable[[], Awaitable[MemberList]]
"""Asks Discord for the whole list; raises Unavailable when it does not come whole."""


@dataclass(frozen=True, slots=True)
class MemberOutcome:
    """How a member run ended."""

    run_id: int
    present: int
    changes: MemberChanges


async def sync_members(
    ctx: Context, server_id: int, fetch: Fetch, *, trigger: Trigger, actor_id: int | None = None
) -> MemberOutcome:
    """Fetch a server's member list and compare it with what is stored.

    Raises Conflict while another comparison of the server runs, Unavailable when the list does not come whole; then
    nobody is changed.
    """
    scope = Scope(server_id=server_id)
    async with running(ctx, RunSource.DISCORD_BOT, scope, trigger=trigger, actor_id=actor_id) as run:
        read = await fetch()
        if (reason := _refusal(read)) is None:
            changes = await _compare(ctx, run, server_id, read)
            return MemberOutcome(run.id, len(read.members), changes)
        run.fail(reason)
    raise Unavailable(f"{reason}. Nobody was changed; run `/sync members` again.")


async def member_changed(ctx: Context, server_id: int, member: MemberFacts) -> bool:
    """Store what an event tells of a member (joined, renamed, given roles); False when nothing differs."""
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        # A role that was taken away is noted at once: until roles follow again, somebody may have given it by hand.
        await role_ledger.forget_taken_from(
            session, server_id, member.user_id, held=member.role_ids, settled=now - SETTLED_AFTER
        )
        joined, changed = await members.upsert(session, server_id, [member], as_of=now)
    return bool(joined or changed)


async def member_left(ctx: Context, server_id: int, user_id: int) -> bool:
    """Store that a member left; False when that was known."""
    async with ctx.sessions.begin() as session:
        return await members.end_one(session, server_id, user_id, now=ctx.clock())


def _refusal(read: MemberList) -> str | None:
    """Say why a list cannot be whole, None when it can."""
    if not read.members:
        return "Discord sent no members"
    if read.expected is not None and read.fetched < read.expected * WHOLE:
        return f"Discord sent only {read.fetched} of {read.expected} members"
    return None


async def _compare(ctx: Context, run: Run, server_id: int, read: MemberList) -> MemberChanges:
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        await run.confirm(session, now)
        joined, changed = await members.upsert(session, server_id, read.members, as_of=read.read_at)
        present = [member.user_id for member in read.members]
        left = await members.end_absent(session, server_id, present, as_of=read.read_at)
        await members.mark_synced(session, server_id, now=now)
    run.counts |= {"members": len(present), "joined": joined, "changed": changed, "left": left}
    return MemberChanges(joined, changed, left)
