"""Character profiles: asked for only when due, written only where they differ; only a roster says who left."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from bot.battlenet.client import BattleNetClient
from bot.battlenet.limiter import Lane
from bot.battlenet.outcomes import Forbidden, Found, NotFound, Outcome, Reason, Unavailable, Unchanged
from bot.battlenet.payloads import ProfilePayload
from bot.services import runs
from bot.services.context import Context
from bot.services.runs import Run, RunLost
from bot.services.trail import under_run
from db import locks, profiles, servers
from db.profiles import Checked, DueProfile, ProfileFacts
from db.runs import Scope, beat_all, expired_in_a_row
from db.tables.guilds import Guild
from domain.errors import Conflict
from domain.errors import Unavailable as NotAnswered
from domain.runs import RunSource, Trigger

log = logging.getLogger(__name__)

BATCH = 100
"""Profiles asked for and written together: what a crash can cost, and what a guild gets in a turn while others wait."""
CRASHES = 3
"""So many runs of a guild in a row that ended with their process: the next one is not begun."""
GIVEN_UP = f"given up, since Muster ended {CRASHES} times during it; the next roster sync tries again"
STOPPED = "stopped; goes on by itself"
HELD_ELSEWHERE = timedelta(seconds=30)
"""Until a look whether the process that holds a refresh still does."""

OthersWait: TypeAlias = Callable[[], Awaitable[bool]]
"""Tells whether other guilds wait for their turn."""
_Answer: TypeAlias = tuple[DueProfile, Outcome[ProfilePayload]]


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more is due; `run_id` is None when nothing was, `roster_at` says which roster that is true of."""

    run_id: int | None
    changed: int
    roster_at: datetime | None


@dataclass(frozen=True, slots=True)
class Passed:
    """More may be due, and other guilds have their turn first."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """More is due, and nothing can be done before a while has passed."""

    delay: timedelta


Turn: TypeAlias = Ended | Passed | PutOff


@dataclass(slots=True)
class _Refresh:
    """A guild's refresh, from its first batch to its last: who was asked, and what failed for which reason."""

    run: Run
    guild: Guild
    asked: set[int] = field(default_factory=set)
    failures: Counter[str] = field(default_factory=Counter)

    def conclude(self) -> None:
        """Decide how the run ends."""
        failed, checked = self.failures.total(), self.run.counts.get("profiles_checked", 0)
        if not failed:
            return
        reason = f"{failed} of {checked} profiles could not be read ({self.failures.most_common(1)[0][0]})"
        if failed == checked:
            self.run.fail(reason)
        else:
            self.run.partial(reason)


@dataclass(slots=True)
class _Batch:
    """Profiles that are being asked for."""

    asking: dict[asyncio.Task[Outcome[ProfilePayload]], DueProfile]

    @property
    def character_ids(self) -> set[int]:
        """Whose profiles they are."""
        return {one.character_id for one in self.asking.values()}

    async def answers(self, stop: asyncio.Event) -> list[_Answer]:
        """Wait for all answers or, once told to stop, give those that are there."""
        everything = asyncio.ensure_future(asyncio.wait(self.asking))
        told = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({everything, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            everything.cancel()
            told.cancel()
            await self.cancel()
        return [(one, task.result()) for task, one in self.asking.items() if not task.cancelled()]

    async def cancel(self) -> None:
        """Give up what is not answered yet."""
        for task in self.asking:
            task.cancel()
        await asyncio.wait(self.asking)


class Profiles:
    """Refresh the profiles of guilds, each in turns; a guild's refresh is one run, kept alive between its turns."""

    def __init__(self, ctx: Context, battlenet: BattleNetClient) -> None:
        self._ctx = ctx
        self._battlenet = battlenet.in_lane(Lane.PROFILES)
        self._refreshes: dict[int, _Refresh] = {}

    async def turn(self, guild_id: int, *, stop: asyncio.Event, others_wait: OthersWait) -> Turn:
        """Ask for the profiles of a guild's characters that are new or older than the interval of its servers.

        Goes on for as long as nobody else waits; once told to stop it writes what has arrived and gives back the rest.
        A profile that fails leaves what is stored and is due again, but not in this refresh; one that Battle.net does
        not show is asked for again after the interval. What the database raises leaves the refresh as it was.
        """
        refresh = self._refreshes.get(guild_id)
        if refresh is None:
            began = await self._begin(guild_id)
            if not isinstance(began, _Refresh):
                return began
            refresh = began
        with under_run(refresh.run.id):
            try:
                return await self._go_on(refresh, stop, others_wait)
            except RunLost:
                log.warning("the lease of run %s was lost; another run goes on", refresh.run.id)
                del self._refreshes[guild_id]
                return PutOff(timedelta(0))

    async def give_up(self, guild_id: int, error: Exception) -> None:
        """End a guild's refresh that fails again and again; the next roster sync tries again."""
        refresh = self._refreshes.get(guild_id)
        if refresh is not None:
            refresh.run.fail(type(error).__name__)
            await self._end(refresh)

    async def hand_back(self) -> None:
        """End the refreshes that are left, since this process goes on with none."""
        for refresh in list(self._refreshes.values()):
            refresh.run.partial(STOPPED)
            await self._end(refresh)

    async def keep_alive(self) -> None:
        """Keep the leases of all refreshes."""
        if self._refreshes:
            async with self._ctx.sessions.begin() as session:
                held = [refresh.run.id for refresh in self._refreshes.values()]
                await beat_all(session, held, self._ctx.clock())

    async def _begin(self, guild_id: int) -> _Refresh | Ended | PutOff:
        guild, waiting = await self._due(guild_id, but=(), at_most=1)
        if not waiting:
            return Ended(None, 0, guild.roster_synced_at)
        try:
            run = await runs.begin(
                self._ctx, RunSource.BLIZZARD_PROFILES, Scope(guild_id=guild_id), trigger=Trigger.TIMER
            )
        except Conflict:
            return PutOff(HELD_ELSEWHERE)
        refresh = self._refreshes[guild_id] = _Refresh(run, guild)
        async with self._ctx.sessions() as session:
            crashes = await expired_in_a_row(session, source=run.source, guild_id=guild_id, at_most=CRASHES)
        if crashes < CRASHES:
            return refresh
        log.error("the profiles of guild %s: %s", guild_id, GIVEN_UP)
        run.fail(GIVEN_UP)
        await self._end(refresh)
        return Ended(run.id, 0, guild.roster_synced_at)

    async def _go_on(self, refresh: _Refresh, stop: asyncio.Event, others_wait: OthersWait) -> Turn:
        others = False
        batch, ahead = await self._ask(refresh), None
        try:
            while batch is not None:
                last = stop.is_set() or len(batch.asking) < BATCH
                others = not last and await others_wait()
                # Asked for before this one is answered, so that the gate never stands idle.
                ahead = None if last or others else await self._ask(refresh, behind=batch)
                if (turn := await self._take(refresh, await batch.answers(stop))) is not None:
                    return turn
                batch, ahead = ahead, None
        finally:
            for under_way in (batch, ahead):
                if under_way is not None:
                    await under_way.cancel()
        if stop.is_set():
            refresh.run.partial(STOPPED)
            await self._end(refresh)
            return PutOff(timedelta(0))
        return Passed() if others else await self._finish(refresh)

    async def _ask(self, refresh: _Refresh, *, behind: _Batch | None = None) -> _Batch | None:
        """Ask for the next profiles that are due, None when none is."""
        asked = refresh.asked if behind is None else refresh.asked | behind.character_ids
        refresh.guild, due = await self._due(refresh.guild.id, but=asked, at_most=BATCH)
        region = refresh.guild.region
        asking = {
            asyncio.create_task(
                self._battlenet.profile(region, one.realm_slug, one.name, if_modified_since=one.last_modified)
            ): one
            for one in due
        }
        return _Batch(asking) if asking else None

    async def _take(self, refresh: _Refresh, answers: Sequence[_Answer]) -> Turn | None:
        """Write what was answered; give how the turn ends if that tells that the rest would be asked for in vain."""
        shut = max((seconds for _, answer in answers if (seconds := _shut_for(answer))), default=0.0)
        answered = [(one, answer) for one, answer in answers if not _shut_for(answer)]
        if answered:
            await self._write(refresh, answered)
        if shut:
            return PutOff(timedelta(seconds=shut))
        if answered and all(_is_outage(answer) for _, answer in answered):
            return await self._finish(refresh)
        return None

    async def _write(self, refresh: _Refresh, answered: Sequence[_Answer]) -> None:
        facts: list[ProfileFacts] = []
        checked: list[Checked] = []
        failures: list[str] = []
        for one, answer in answered:
            if (failure := _failure(answer)) is not None:
                failures.append(failure)
                continue
            told, check = _read(one, answer)
            facts.extend(told)
            checked.append(check)

        async def transaction() -> Counter[str]:
            async with self._ctx.sessions.begin() as session:
                now = self._ctx.clock()
                changed = await profiles.write(session, facts, checked, now)
                counts = Counter(refresh.run.counts)
                counts.update(profiles_checked=len(answered), profiles_changed=changed, profiles_failed=len(failures))
                await refresh.run.confirm(session, now, counts=dict(counts))
            return counts

        refresh.run.counts = dict(await locks.again_when_undone(transaction))
        refresh.failures.update(failures)
        refresh.asked.update(one.character_id for one, _ in answered)

    async def _finish(self, refresh: _Refresh) -> Ended:
        refresh.conclude()
        await self._end(refresh)
        run = refresh.run
        return Ended(run.id, run.counts.get("profiles_changed", 0), refresh.guild.roster_synced_at)

    async def _end(self, refresh: _Refresh) -> None:
        del self._refreshes[refresh.guild.id]
        await runs.end(self._ctx, refresh.run)

    async def _due(self, guild_id: int, *, but: Collection[int], at_most: int) -> tuple[Guild, list[DueProfile]]:
        """Give what is due now, and the guild as it was before: a roster that comes between the two shows next time."""
        async with self._ctx.sessions() as session:
            guild = await session.get_one(Guild, guild_id)
            interval = await servers.shortest_profile_interval(session, guild_id)
            if interval is None:
                return guild, []
            now = self._ctx.clock()
            return guild, await profiles.due(
                session, guild_id=guild_id, checked_before=now - interval, now=now, but=but, at_most=at_most
            )


async def refresh_one(ctx: Context, battlenet: BattleNetClient, character_id: int) -> bool:
    """Ask for one character's profile now, ahead of its turn; tells whether anything about it changed.

    It is no run: a guild's refresh may go on beside it. Raises Unavailable where Battle.net gives no usable answer.
    """
    async with ctx.sessions() as session:
        region, one = await profiles.one(session, character_id)
    answer = await battlenet.profile(region, one.realm_slug, one.name, if_modified_since=one.last_modified)
    if (failure := _failure(answer)) is not None:
        raise NotAnswered(f"Battle.net gave no profile of {one.name}: {failure}. Nothing was changed; try again later.")
    facts, check = _read(one, answer)

    async def transaction() -> bool:
        async with ctx.sessions.begin() as session:
            return bool(await profiles.write(session, facts, [check], ctx.clock()))

    return await locks.again_when_undone(transaction)


def _read(asked: DueProfile, answer: Outcome[ProfilePayload]) -> tuple[list[ProfileFacts], Checked]:
    """Give what an answer tells of a character, nothing where it is of another one, and that there was one."""
    if isinstance(answer, Found) and _is_same(asked, answer.value):
        check = Checked(asked.character_id, asked.realm_slug, answer.last_modified)
        return [_facts(asked, answer.value)], check
    return [], Checked(asked.character_id, asked.realm_slug, None)


def _shut_for(answer: Outcome[ProfilePayload]) -> float | None:
    """Give the seconds for which the gate to Battle.net is shut, None when that is not why there is no answer."""
    if isinstance(answer, Unavailable) and answer.reason is Reason.RATE_LIMITED:
        return answer.retry_after
    return None


def _is_outage(answer: Outcome[ProfilePayload]) -> bool:
    """Tell whether the service was away; what fails for a reason of its own keeps nobody behind it waiting."""
    return isinstance(answer, Unavailable) and answer.reason is not Reason.BROKEN


def _failure(answer: Outcome[ProfilePayload]) -> str | None:
    match answer:
        case Found() | Unchanged() | NotFound():
            return None
        case Forbidden():
            return "refused (403)"
        case Unavailable(reason=reason):
            return str(reason)


def _is_same(asked: DueProfile, answer: ProfilePayload) -> bool:
    """Tell whether the profile is of the character asked for: after a rename another may stand at the name."""
    return answer.id == asked.blizzard_id


def _facts(asked: DueProfile, answer: ProfilePayload) -> ProfileFacts:
    return ProfileFacts(
        character_id=asked.character_id,
        realm_slug=asked.realm_slug,
        realm_name=answer.realm_name,
        race_id=answer.race_id,
        faction=answer.faction,
        gender=answer.gender,
        spec_id=answer.active_spec_id,
        equipped_item_level=answer.equipped_item_level,
        achievement_points=answer.achievement_points,
        last_login_at=answer.last_login,
    )
