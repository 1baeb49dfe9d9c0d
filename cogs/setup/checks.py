"""What `/setup check` looks at: each thing that Muster needs, whether it is there, and the remedy."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import discord

from bot.services.ranks import RanksView, RankView
from bot.services.servers import ServerView
from bot.services.status import RunView
from cogs.setup import texts
from cogs.setup.ranks_roles import out_of_reach
from domain.options import Options
from domain.ranks import RankTruth
from domain.runs import RunSource, RunStatus


class State(Enum):
    """Grade a check; the value is its symbol."""

    OK = "✅"
    WARNING = "⚠️"
    MISSING = "❌"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what to do if it is not well."""

    state: State
    text: str


_RUNS = {
    RunSource.BLIZZARD_API: ("Roster", texts.NEVER_ROSTER, "Run `/sync roster` again."),
    RunSource.BLIZZARD_PROFILES: ("Profiles", None, "Those that failed are asked for again after the next roster."),
    RunSource.DISCORD_BOT: ("Members", texts.NEVER_MEMBERS, "Run `/sync members` again."),
}
"""What a source is called, what is said when it was never read (None: nothing), and what to do when it failed."""


def missing_permissions(permissions: discord.Permissions) -> list[str]:
    """Give what Muster needs to post and does not have here."""
    return [name for name in texts.PERMISSIONS if not getattr(permissions, name)]


def readable_by_everyone(channel: discord.abc.GuildChannel) -> bool:
    """Tell whether the default role sees a channel."""
    return channel.permissions_for(channel.guild.default_role).view_channel


def check_intent(intents: discord.Intents, flags: discord.ApplicationFlags | None) -> Check:
    """Look at the Server Members intent, here and in the portal; `flags` is None when Discord did not tell."""
    if intents.members and flags is None:
        return Check(State.WARNING, texts.INTENT_UNKNOWN)
    granted = flags is not None and (flags.gateway_guild_members or flags.gateway_guild_members_limited)
    if intents.members and granted:
        return Check(State.OK, texts.INTENT_ON)
    return Check(State.MISSING, texts.INTENT_OFF)


def check_permissions(server: discord.Guild) -> Check:
    """Look at what Muster's roles allow in the whole server."""
    lacking = missing_permissions(server.me.guild_permissions)
    if lacking:
        return Check(State.WARNING, texts.permissions_missing(lacking))
    return Check(State.OK, texts.PERMISSIONS_THERE)


def check_channel(server: discord.Guild, channel_id: int | None) -> Check:
    """Look at the audit channel: chosen, there, usable, and for officers only."""
    if channel_id is None:
        return Check(State.MISSING, texts.NO_CHANNEL)
    channel = server.get_channel(channel_id)
    if channel is None:
        return Check(State.MISSING, texts.CHANNEL_GONE)
    if lacking := missing_permissions(channel.permissions_for(server.me)):
        return Check(State.MISSING, texts.channel_unusable(channel_id, lacking))
    if readable_by_everyone(channel):
        return Check(State.WARNING, texts.channel_public(channel_id))
    return Check(State.OK, texts.channel_fine(channel_id))


def check_officers(server: discord.Guild, role_id: int | None) -> Check:
    """Look at the officer role: without one only Manage Server makes officers, which is as it should be."""
    if role_id is None:
        return Check(State.OK, texts.NO_OFFICER_ROLE)
    if server.get_role(role_id) is None:
        return Check(State.WARNING, texts.OFFICER_ROLE_GONE)
    return Check(State.OK, texts.officer_role(role_id))


def check_ranks(server: discord.Guild, ranks: Sequence[RankView]) -> list[Check]:
    """Look at the roles of ranks: one that was deleted makes a finding of everybody who has the rank."""
    gone = [rank.label for rank in ranks if rank.role_id is not None and server.get_role(rank.role_id) is None]
    return [Check(State.WARNING, texts.rank_roles_gone(gone))] if gone else []


def check_role_sync(server: discord.Guild, view: RanksView) -> list[Check]:
    """Look at what Muster needs to give and take the roles of ranks; nothing while that is off."""
    if not view.role_sync:
        return []
    if view.truth is not RankTruth.GAME:
        return [Check(State.WARNING, texts.ROLE_SYNC_IDLE)]
    if not server.me.guild_permissions.manage_roles:
        return [Check(State.MISSING, texts.ROLE_SYNC_FORBIDDEN)]
    # A deleted role has a line of its own.
    mapped = ((rank, server.get_role(rank.role_id)) for rank in view.ranks if rank.role_id is not None)
    blocked = [
        Check(State.MISSING, texts.role_sync_blocked(rank.label, role.id, reason))
        for rank, role in mapped
        if role is not None and (reason := out_of_reach(role))
    ]
    return blocked or [Check(State.OK, texts.ROLE_SYNC_ON)]


def check_guild(view: ServerView) -> Check:
    """Look at the guild that the server follows."""
    if view.guild is None:
        return Check(State.MISSING, texts.NO_GUILD)
    return Check(State.OK, texts.guild_followed(view.guild.name, view.guild.realm_name, view.guild.region))


def check_runs(runs: list[RunView]) -> list[Check]:
    """Look at how the last run of each source ended."""
    last = {run.source: run for run in runs}
    found = []
    for source, (what, never, remedy) in _RUNS.items():
        if source in last:
            found.append(_check_run(last[source], what, remedy))
        elif never is not None:
            found.append(Check(State.MISSING, never))
    return found


def _check_run(run: RunView, what: str, remedy: str) -> Check:
    moment, reason = run.finished_at or run.started_at, run.reason or run.status.value
    match run.status:
        case RunStatus.SUCCESS:
            return Check(State.OK, texts.run_good(what, moment))
        case RunStatus.RUNNING:
            return Check(State.OK, texts.run_going(what, moment))
        case RunStatus.PARTIAL:
            return Check(State.WARNING, texts.run_partial(what, moment, reason))
        case RunStatus.ERROR:
            return Check(State.MISSING, texts.run_failed(what, moment, reason, remedy))


def check_timers(options: Options, *, on: bool) -> Check:
    """Look at whether this process runs timers, and how often."""
    if on:
        return Check(State.OK, texts.timers_on(options.roster_hours, options.member_minutes))
    return Check(State.WARNING, texts.TIMERS_OFF)


def check_battlenet(problem: str | None) -> Check:
    """Look at whether Battle.net answers."""
    if problem is None:
        return Check(State.OK, texts.BATTLENET_ANSWERS)
    return Check(State.MISSING, texts.battlenet_silent(problem))


def check_delivery(view: ServerView) -> Check:
    """Look at whether the last post arrived."""
    if view.undelivered is None:
        return Check(State.OK, texts.DELIVERED)
    return Check(State.MISSING, texts.undelivered(view.undelivered))
