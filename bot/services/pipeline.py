"""How things move: a roster, profiles or a member list are read, then matching, audit and what must be told."""

import asyncio
import logging
from dataclasses import dataclass

from bot.battlenet.client import BattleNetClient
from bot.services import audit, matching, members, outages, roles, roster
from bot.services.audit import AuditOutcome
from bot.services.context import Context
from bot.services.members import Fetch, MemberOutcome
from bot.services.profiles import Ended, OthersWait, Profiles, Turn
from bot.services.roster import Progress, RosterOutcome
from db import locks, servers
from domain.errors import Unavailable
from domain.runs import RunStatus, Trigger

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What followed on one server: links made, suggestions that are new, and what the audit changed."""

    server_id: int
    linked: int
    suggested: int
    audit: AuditOutcome


@dataclass(frozen=True, slots=True)
class RosterSync:
    """A roster run and what followed on each server of the guild; nothing follows a run that failed.

    A server whose follow-up failed is missing: the next run makes up for it.
    """

    outcome: RosterOutcome
    servers: tuple[FollowUp, ...]

    def on(self, server_id: int) -> FollowUp | None:
        """Give what followed on a server."""
        return next((one for one in self.servers if one.server_id == server_id), None)


@dataclass(frozen=True, slots=True)
class MemberSync:
    """A member run and what followed."""

    outcome: MemberOutcome
    follow_up: FollowUp


async def sync_roster(
    ctx: Context,
    battlenet: BattleNetClient,
    guild_id: int,
    *,
    trigger: Trigger,
    actor_id: int | None = None,
    progress: Progress | None = None,
) -> RosterSync:
    """Sync a guild's roster, then match and audit every server that follows it.

    Raises Conflict while another sync of the guild runs.
    """
    outcome = await roster.sync_roster(ctx, battlenet, guild_id, trigger=trigger, actor_id=actor_id, progress=progress)
    await outages.look_at_roster(ctx, guild_id)
    if outcome.status is RunStatus.ERROR:
        return RosterSync(outcome, ())
    return RosterSync(outcome, await follow_up_guild(ctx, guild_id, run_id=outcome.run_id))


async def sync_members(
    ctx: Context, server_id: int, fetch: Fetch, *, trigger: Trigger, actor_id: int | None = None
) -> MemberSync:
    """Fetch and compare a server's members, then match and audit.

    Raises Conflict while another comparison of the server runs, Unavailable when the list is not whole; matching and
    audit are done then too, since time alone opens and closes findings: an absence ends, data grow old.
    """
    try:
        outcome = await members.sync_members(ctx, server_id, fetch, trigger=trigger, actor_id=actor_id)
    except Unavailable:
        await outages.look_at_members(ctx, server_id)
        await _follow_up_or_log(ctx, server_id, change_roles=False)
        raise
    await outages.look_at_members(ctx, server_id)
    return MemberSync(outcome, await follow_up(ctx, server_id, run_id=outcome.run_id))


async def refresh_profiles(
    ctx: Context, profiles: Profiles, guild_id: int, *, stop: asyncio.Event, others_wait: OthersWait
) -> Turn:
    """Give a guild's profiles a turn and, when that ends a refresh that changed any, match and audit its servers."""
    turn = await profiles.turn(guild_id, stop=stop, others_wait=others_wait)
    if isinstance(turn, Ended) and turn.changed:
        await follow_up_guild(ctx, guild_id, run_id=turn.run_id)
    return turn


async def follow_up_guild(ctx: Context, guild_id: int, *, run_id: int | None = None) -> tuple[FollowUp, ...]:
    """Match and audit every server that follows a guild; one that fails is logged and stops no other."""
    async with ctx.sessions() as session:
        following = await servers.following_servers(session, guild_id)
    done = [await _follow_up_or_log(ctx, server.id, run_id=run_id) for server in following]
    return tuple(one for one in done if one is not None)


async def _follow_up_or_log(
    ctx: Context, server_id: int, *, run_id: int | None = None, change_roles: bool = True
) -> FollowUp | None:
    try:
        return await follow_up(ctx, server_id, run_id=run_id, change_roles=change_roles)
    except Exception:
        log.exception("the follow-up of run %s failed on server %s", run_id, server_id)
        return None


async def follow_up(
    ctx: Context, server_id: int, *, run_id: int | None = None, change_roles: bool = True, report: bool = True
) -> FollowUp:
    """Match one server, let roles follow the ranks, then audit it and queue a report of what is new.

    Audit and report are one transaction; what roles are about to become is no finding. `change_roles` is False where
    the members could not be read: nobody's role changes by what may be out of date. `report` is False after an
    officer's act on a finding: they see what it led to, and a clean-up would else fill the channel line by line.
    """
    matched = await matching.match_server(ctx, server_id, run_id=run_id)
    if change_roles:
        await _follow_with_roles(ctx, server_id)
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        outcome = await audit.run_rules(ctx, session, server_id=server_id, run_id=run_id)
        await audit.queue_new(ctx, session, server_id=server_id, begin=report)
    return FollowUp(server_id, matched.linked, matched.suggested, outcome)


async def _follow_with_roles(ctx: Context, server_id: int) -> None:
    """Let roles follow; a failure is logged, and stops neither the audit nor what is told."""
    try:
        await roles.follow(ctx, server_id)
    except Exception:
        log.exception("roles could not follow on server %s", server_id)
