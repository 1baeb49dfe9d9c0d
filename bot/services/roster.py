"""Roster sync: one roster call per guild, one transaction to apply it and to queue the profiles that may have moved."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from bot.battlenet.client import BattleNetClient
from bot.battlenet.limiter import Lane
from bot.battlenet.outcomes import Forbidden, Found, NotFound, Outcome, Unavailable, Unchanged
from bot.battlenet.payloads import RosterMember, RosterPayload
from bot.services import departures
from bot.services.context import Context
from bot.services.news import word_of_news
from bot.services.runs import Run, running
from db import jobs, locks, outbox, roster
from db.runs import Scope
from db.tables.guilds import Guild
from domain.errors import NotFound as NothingThere
from domain.news import news_of
from domain.roster import Departure, Identity, RosterEntry, RosterPlan, plan
from domain.runs import RunSource, RunStatus, Trigger

Progress = Callable[[str], Awaitable[None]]
"""Told in a few words what a long work is at."""


@dataclass(frozen=True, slots=True)
class RosterOutcome:
    """How a roster run ended; `characters` are the guild's members now, `reason` says why it is no success.

    `held` counts all departures that wait for an officer, `newly_held` those that did not wait before.
    """

    run_id: int
    guild_id: int
    guild_name: str
    status: RunStatus
    reason: str | None
    characters: int
    new: int
    changed: int
    renamed: int
    rank_moved: int
    returned: int
    departed: int
    held: int
    newly_held: int


async def sync_roster(
    ctx: Context,
    battlenet: BattleNetClient,
    guild_id: int,
    *,
    trigger: Trigger,
    actor_id: int | None = None,
    progress: Progress | None = None,
) -> RosterOutcome:
    """Read a guild's roster and apply it; anything but a whole roster changes nothing and says why.

    Raises Conflict while another sync of the guild runs, RunLost when this one lost its lease, NotFound for a guild
    that is not stored.
    """
    tell = progress or _silent
    async with ctx.sessions() as session:
        found = await roster.find(session, guild_id)
    if found is None:
        raise NothingThere("This guild is not known any more. Choose it again with `/setup guild`.")
    guild, followed = found
    scope = Scope(guild_id=guild_id)
    asking = battlenet.in_lane(Lane.ROSTERS) if trigger is Trigger.TIMER else battlenet
    async with running(ctx, RunSource.BLIZZARD_API, scope, trigger=trigger, actor_id=actor_id) as run:
        await tell("Reading the roster from Battle.net…")
        answer = await asking.roster(guild.region, guild.realm_slug, guild.slug)
        if (reason := _refusal(answer, guild)) is not None:
            run.fail(reason)
            return _outcome(run, guild)
        assert isinstance(answer, Found)
        await tell(f"Applying {len(answer.value.members)} characters…")
        apply = partial(_apply, ctx, run, guild, answer.value, followed=followed)
        run.counts |= _counts(await locks.again_when_undone(apply))
        return _outcome(run, guild)


def _refusal(answer: Outcome[RosterPayload], guild: Guild) -> str | None:
    """Say why an answer must change nothing, None when it is a whole roster of this guild."""
    match answer:
        case Found(value=payload) if not payload.members:
            reason = "Battle.net sent a roster without members"
        case Found(value=payload) if payload.guild.id != guild.blizzard_id:
            reason = f"another guild ({payload.guild.name}) stands at this name now"
        case Found():
            return None
        case NotFound():
            reason = "Battle.net does not know the guild under this name (404)"
        case Forbidden():
            reason = "Battle.net refused the roster (403)"
        case Unchanged():
            reason = "Battle.net sent no roster (304)"
        case Unavailable(reason=cause, detail=detail):
            reason = f"Battle.net did not answer usefully: {cause} ({detail})"
    return reason


async def _apply(ctx: Context, run: Run, guild: Guild, payload: RosterPayload, *, followed: bool) -> RosterPlan:
    entries = [_entry(member) for member in payload.members]
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.ROSTER, guild.id)
        now = ctx.clock()
        await run.confirm(session, now)
        stored = await roster.load(
            session, guild_id=guild.id, region=guild.region, fetched=(entry.identity for entry in entries)
        )
        planned = plan(stored, entries)
        await roster.apply(session, planned, guild_id=guild.id, region=guild.region, run_id=run.id, now=now)
        if words := _words(guild, run.id, planned):
            await outbox.queue_to_followers(session, guild.id, *words, now=now)
        if followed:
            await jobs.enqueue_profiles(session, guild.id)
    return planned


def _words(guild: Guild, run_id: int, planned: RosterPlan) -> list[outbox.Word]:
    """Give what the servers of a guild are told of a roster; `guild` is as it stood before."""
    words = []
    if planned.held:
        held = {"characters": len(planned.held), "newly_held": _newly_held(planned)}
        words.append(departures.word_of_held(guild, run_id, **held))
    if (news := news_of(planned, is_first=guild.roster_synced_at is None)) is not None:
        words.append(word_of_news(guild, run_id, news))
    return words


def _entry(member: RosterMember) -> RosterEntry:
    return RosterEntry(
        identity=Identity(member.realm_id, member.id),
        name=member.name,
        realm_slug=member.realm_slug,
        class_id=member.class_id,
        race_id=member.race_id,
        level=member.level,
        faction=member.faction,
        rank=member.rank,
    )


def _newly_held(planned: RosterPlan) -> int:
    return sum(character.held is not Departure.HELD for character in planned.held)


def _counts(planned: RosterPlan) -> dict[str, int]:
    touched = {stored.id for pairs in (planned.changed, planned.rank_moved, planned.joined) for stored, _ in pairs}
    present = len(planned.new) + planned.unchanged + len(touched)
    return {
        "characters": present + len(planned.held) + len(planned.kept),
        "new": len(planned.new),
        "changed": len(planned.changed),
        "renamed": len(planned.renamed),
        "rank_moved": len(planned.rank_moved),
        "returned": len(planned.joined),
        "departed": len(planned.departed),
        "held": len(planned.held),
        "newly_held": _newly_held(planned),
    }


def _outcome(run: Run, guild: Guild) -> RosterOutcome:
    names = (
        "characters",
        "new",
        "changed",
        "renamed",
        "rank_moved",
        "returned",
        "departed",
        "held",
        "newly_held",
    )
    return RosterOutcome(
        run_id=run.id,
        guild_id=guild.id,
        guild_name=guild.name,
        status=run.status,
        reason=run.reason,
        **{name: run.counts.get(name, 0) for name in names},
    )


async def _silent(_: str) -> None:
    return None
