"""Realms and races: fetched at a region's first use, then read from the database; new ids, when somebody asks."""

import asyncio
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from bot.battlenet.client import BattleNetClient
from bot.battlenet.outcomes import Found, NotFound, Outcome
from bot.services.context import Context
from bot.services.runs import Run, running
from db import reference, servers
from db.runs import Scope
from domain.errors import Conflict, MusterError, Unavailable
from domain.names import fold
from domain.regions import Region
from domain.runs import RunSource, Trigger

log = logging.getLogger(__name__)

WAITS = 20
WAIT_SECONDS = 0.25


_Value = TypeVar("_Value")


class Kind(StrEnum):
    """Name what an id of the game may be of."""

    CLASS = "class"
    SPECIALIZATION = "specialization"
    RACE = "race"


@dataclass(frozen=True, slots=True)
class RealmChoice:
    """A realm as a person picks it."""

    slug: str
    name: str
    keys: tuple[str, ...]

    def fits(self, key: str) -> bool:
        """Tell whether one of its names, folded, holds a folded text."""
        return any(key in own for own in self.keys)


async def ensure_region(ctx: Context, battlenet: BattleNetClient, region: Region) -> bool:
    """Fetch a region's realms and the races unless they are stored; False when Battle.net does not answer."""
    if await _is_stored(ctx, region):
        return True
    try:
        async with running(ctx, RunSource.STATIC_DATA, Scope(region=region), trigger=Trigger.COMMAND) as run:
            await _fetch(ctx, battlenet, region, run)
    except Conflict:
        return await _wait_for_other(ctx, region)
    except MusterError as error:
        log.warning("realms and races of region %s: %s", region, error)
        return False
    return True


async def _wait_for_other(ctx: Context, region: Region) -> bool:
    """Wait until whoever fetches the region right now has stored it; False when that takes too long."""
    for _ in range(WAITS):
        await asyncio.sleep(WAIT_SECONDS)
        if await _is_stored(ctx, region):
            return True
    return False


async def _is_stored(ctx: Context, region: Region) -> bool:
    async with ctx.sessions() as session:
        return await servers.knows_region(session, region)


async def _fetch(ctx: Context, battlenet: BattleNetClient, region: Region, run: Run) -> None:
    realms, races = await battlenet.realms(region), await battlenet.races(region)
    if not isinstance(realms, Found) or not isinstance(races, Found):
        raise Unavailable(f"Battle.net did not give both: {realms}, {races}")
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        await run.confirm(session, now)
        await servers.store_realms(
            session, region, ((realm.id, realm.slug, realm.names) for realm in realms.value), now
        )
        await servers.store_races(session, ((race.id, race.name) for race in races.value))
    run.counts |= {"realms": len(realms.value), "races": len(races.value)}


async def learn(ctx: Context, battlenet: BattleNetClient, region: Region, kind: Kind, id_: int) -> str | None:
    """Ask Battle.net what an id of the game means and store that; give the name, None where it does not tell.

    Raises Unavailable where there is no usable answer.
    """
    match kind:
        case Kind.RACE:
            races = _told(await battlenet.races(region)) or []
            async with ctx.sessions.begin() as session:
                await servers.store_races(session, ((race.id, race.name) for race in races))
            return next((race.name for race in races if race.id == id_), None)
        case Kind.CLASS:
            found = _told(await battlenet.playable_class(region, id_))
            if found is not None:
                async with ctx.sessions.begin() as session:
                    await reference.store_class(session, id_, found.name)
            return None if found is None else found.name
        case Kind.SPECIALIZATION:
            return await _learn_specialization(ctx, battlenet, region, id_)


async def _learn_specialization(ctx: Context, battlenet: BattleNetClient, region: Region, id_: int) -> str | None:
    found = _told(await battlenet.specialization(region, id_))
    if found is None:
        return None
    async with ctx.sessions.begin() as session:
        await reference.store_class(session, found.class_id, found.class_name)
        await reference.store_specialization(session, id_, found.class_id, found.name, found.role)
    return found.name


def _told(outcome: Outcome[_Value]) -> _Value | None:
    """Give what Battle.net told, None where it knows nothing of it; raises Unavailable for anything else."""
    match outcome:
        case Found(value=value):
            return value
        case NotFound():
            return None
    raise Unavailable("Battle.net did not answer usefully. Nothing was changed; try again later.")


async def realm_choices(ctx: Context, region: Region) -> list[RealmChoice]:
    """Load a region's realms by name; empty before its first use."""
    async with ctx.sessions() as session:
        stored = await servers.realms(session, region)
    choices = []
    for realm in stored:
        name = realm.names.get(region.locale) or next(iter(realm.names.values()))
        keys = {fold(realm.slug), *(fold(other) for other in realm.names.values())} - {""}
        choices.append(RealmChoice(realm.slug, name, tuple(sorted(keys))))
    return sorted(choices, key=lambda choice: choice.name)
