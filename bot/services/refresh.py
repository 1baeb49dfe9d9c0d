"""What an officer lets Muster ask anew because of a finding: a profile, a whole list, or the game's own names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from bot.battlenet.client import BattleNetClient
from bot.services import pipeline, profiles, reference
from bot.services.context import Context
from bot.services.findings import in_hand
from bot.services.members import Fetch
from db import actions, people, servers
from db.tables.audit import Issue
from domain.audit import Fix, SubjectKind
from domain.errors import Conflict, Unavailable
from domain.regions import Region
from domain.runs import RunStatus, Trigger

NOTES: Final = "notes"
"""The source that nobody can ask: a player's companion sends them."""


@dataclass(frozen=True, slots=True)
class ProfileRead:
    """A character's profile was asked for; `last_login_at` is what is known by now."""

    changed: bool
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True)
class RosterRead:
    """The guild's roster was read whole."""

    characters: int


@dataclass(frozen=True, slots=True)
class MembersRead:
    """The server's members were read whole."""

    members: int


@dataclass(frozen=True, slots=True)
class NameAsked:
    """Battle.net was asked what an id of the game means; `name` None: it does not tell."""

    name: str | None


Refreshed: TypeAlias = ProfileRead | RosterRead | MembersRead | NameAsked


async def refresh(
    ctx: Context, battlenet: BattleNetClient, server_id: int, public_id: str, *, fetch: Fetch, actor_id: int
) -> Refreshed:
    """Ask Battle.net, or Discord by `fetch`, about what a finding is about, ahead of all timers.

    Raises NotFound and Conflict where the finding is settled or the same is being read already, Unavailable where no
    usable answer comes.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.SYNC)
        guild = await servers.required_guild(session, server_id)
    match issue.subject_kind:
        case SubjectKind.CHARACTER:
            done: Refreshed = await _profile(ctx, battlenet, issue, guild.id)
        case SubjectKind.REFERENCE:
            done = await _name(ctx, battlenet, issue, guild.region)
        case _ if issue.facts["source"] == NOTES:
            raise Conflict("Notes can't be asked for. They come when an uploader plays with the addon and `/reload`s.")
        case _ if issue.facts["source"] == "roster":
            done = await _roster(ctx, battlenet, guild.id, actor_id=actor_id)
        case _:
            done = await _members(ctx, server_id, fetch, actor_id=actor_id)
    change = actions.action(
        "finding.refresh",
        issue.subject_kind,
        issue.subject_id,
        actor_id=actor_id,
        rule=issue.rule,
        rule_version=issue.rule_version,
        after={"finding": public_id},
    )
    async with ctx.sessions.begin() as session:
        await actions.log(session, server_id, [change], ctx.clock())
    return done


async def _profile(ctx: Context, battlenet: BattleNetClient, issue: Issue, guild_id: int) -> ProfileRead:
    changed = await profiles.refresh_one(ctx, battlenet, issue.subject_id)
    async with ctx.sessions() as session:
        found = await people.characters_by_id(
            session, server_id=issue.server_id, guild_id=guild_id, ids=[issue.subject_id]
        )
    return ProfileRead(changed, found[issue.subject_id].last_login_at)


async def _roster(ctx: Context, battlenet: BattleNetClient, guild_id: int, *, actor_id: int) -> RosterRead:
    sync = await pipeline.sync_roster(ctx, battlenet, guild_id, trigger=Trigger.COMMAND, actor_id=actor_id)
    if sync.outcome.status is RunStatus.ERROR:
        raise Unavailable(f"The roster could not be read: {sync.outcome.reason}. Nothing was changed; try again later.")
    return RosterRead(sync.outcome.characters)


async def _members(ctx: Context, server_id: int, fetch: Fetch, *, actor_id: int) -> MembersRead:
    sync = await pipeline.sync_members(ctx, server_id, fetch, trigger=Trigger.COMMAND, actor_id=actor_id)
    return MembersRead(sync.outcome.present)


async def _name(ctx: Context, battlenet: BattleNetClient, issue: Issue, region: Region) -> NameAsked:
    try:
        kind = reference.Kind(str(issue.facts["kind"]))
    except ValueError:
        raise Conflict("This release of Muster does not know what to ask for. Update Muster.") from None
    return NameAsked(await reference.learn(ctx, battlenet, region, kind, int(issue.facts["id"])))
