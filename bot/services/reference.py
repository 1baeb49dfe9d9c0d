"""Realms and races: fetched at a region's first use, then read from the database."""

import logging
from dataclasses import dataclass

from bot.battlenet.client import BattleNetClient
from bot.battlenet.outcomes import Found
from bot.services.context import Context
from db import servers
from domain.names import fold
from domain.regions import Region

log = logging.getLogger(__name__)


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
    async with ctx.sessions() as session:
        if await servers.realms(session, region):
            return True
    realms, races = await battlenet.realms(region), await battlenet.races(region)
    if not isinstance(realms, Found) or not isinstance(races, Found):
        log.warning("realms and races of region %s could not be read: %s, %s", region, realms, races)
        return False
    async with ctx.sessions.begin() as session:
        await servers.store_realms(
            session, region, ((realm.id, realm.slug, realm.names) for realm in realms.value), ctx.clock()
        )
        await servers.store_races(session, ((race.id, race.name) for race in races.value))
    return True


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
