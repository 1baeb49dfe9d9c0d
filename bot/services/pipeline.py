"""How things move: a roster, profiles or a member list are read, then matching, audit and what must be told."""

import asyncio
import logging
from dataclasses import dataclass

from bot.battlenet.client import BattleNetClient
from bot.services import audit, matching, members, roster
from bot.services.audit import AuditOutcome
from bot.services.context import Context
from bot.services.members import Fetch, MemberOutcome
from bot.services.profiles import Ended, OthersWait, Profiles, Turn
from bot.services.roster import Progress, RosterOutcome
from db import locks, servers
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
    if outcome.status is RunStatus.ERROR:
        return RosterSync(outcome, ())
    return RosterSync(outcome, await follow_up_guild(ctx, guild_id, run_id=outcome.run_id))


async def sync_members(
    ctx: Context, server_id: int, fetch: Fetch, *, trigger: Trigger, actor_id: int | None = None
) -> MemberSync:
    """Fetch and compare a server's members, then match and audit.

    Raises Conflict while another comparison of the server runs, Unavailable when the list is not whole.
    """
    outcome = await members.sync_members(ctx, server_id, fetch, trigger=trigger, actor_id=actor_id)
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
    done = []
    for server in following:
        try:
            done.append(await follow_up(ctx, server.id, run_id=run_id))
        except Exception:
            log.exception("the follow-up of run %s failed on server %s", run_id, server.id)
    return tuple(done)


async def follow_up(ctx: Context, server_id: int, *, run_id: int | None = None) -> FollowUp:
    """Match one server, then audit it and queue a report of what is new in one transaction."""
    if ctx.before_matching is not None:
        await ctx.before_matching(ctx, server_id)
    matched = await matching.match_server(ctx, server_id, run_id=run_id)
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        outcome = await audit.run_rules(ctx, session, server_id=server_id, run_id=run_id)
        await audit.queue_new(ctx, session, server_id=server_id)
    return FollowUp(server_id, matched.linked, matched.suggested, outcome)
