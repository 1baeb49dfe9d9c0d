"""Character profiles: asked for only when due, written only where they differ; only a roster says who left."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.battlenet.client import BattleNetClient
from bot.battlenet.outcomes import Forbidden, Found, NotFound, Outcome, Reason, Unavailable, Unchanged
from bot.battlenet.payloads import ProfilePayload
from bot.services.context import Context
from bot.services.runs import Run
from db import profiles, servers
from db.profiles import Checked, DueProfile, ProfileFacts
from db.tables.guilds import Guild

BATCH = 200
"""Profiles asked for and written together: what a crash can cost."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many profiles were asked for, how many characters they changed, how many failed and mostly why."""

    asked: int
    changed: int
    failed: int
    reason: str | None


async def refresh(
    ctx: Context, battlenet: BattleNetClient, guild: Guild, run: Run, *, progress: Callable[[str], Awaitable[None]]
) -> Refreshed:
    """Ask for the profiles of a guild's characters that are new or older than the interval of its servers.

    A profile that fails leaves what is stored and is due again; one that Battle.net does not show is asked for again
    after the interval. After a batch that failed whole the rest is left for the next run: that is an outage. Raises
    RunLost when the run lost its lease.
    """
    async with ctx.sessions() as session:
        interval = await servers.shortest_profile_interval(session, guild.id)
        if interval is None:
            return Refreshed(0, 0, 0, None)
        due = await profiles.due(session, guild_id=guild.id, checked_before=ctx.clock() - interval)
    asked = changed = 0
    failures: Counter[str] = Counter()
    for start in range(0, len(due), BATCH):
        await progress(f"Reading profiles: {start} of {len(due)}…")
        batch = due[start : start + BATCH]
        answers = await asyncio.gather(
            *(
                battlenet.profile(guild.region, one.realm_slug, one.name, if_modified_since=one.last_modified)
                for one in batch
            )
        )
        asked += len(batch)
        facts: list[ProfileFacts] = []
        checked: list[Checked] = []
        for one, answer in zip(batch, answers, strict=True):
            if (failure := _failure(answer)) is not None:
                failures[failure] += 1
            elif isinstance(answer, Found) and _is_same(one, answer.value):
                facts.append(_facts(one, answer.value))
                checked.append(Checked(one.character_id, answer.last_modified))
            else:
                checked.append(Checked(one.character_id, None))
        if all(isinstance(answer, Unavailable) and answer.reason is not Reason.BROKEN for answer in answers):
            break  # an outage; what fails for a reason of its own keeps nobody behind it waiting
        async with ctx.sessions.begin() as session:
            now = ctx.clock()
            await run.confirm(session, now)
            changed += await profiles.write(session, facts, checked, now)
    most = failures.most_common(1)
    return Refreshed(asked, changed, failures.total(), most[0][0] if most else None)


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
        realm_name=answer.realm_name,
        race_id=answer.race_id,
        faction=answer.faction,
        gender=answer.gender,
        spec_id=answer.active_spec_id,
        equipped_item_level=answer.equipped_item_level,
        achievement_points=answer.achievement_points,
        last_login_at=answer.last_login,
    )
