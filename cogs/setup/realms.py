"""The realms that `/setup guild` offers while somebody types."""

import asyncio
from collections.abc import Iterable

from bot.services import reference
from bot.services.bundle import Services
from bot.services.reference import RealmChoice
from domain.names import fold
from domain.regions import Region

WITHIN_SECONDS = 2.0
"""What a region's first fetch is given: an autocomplete must answer within 3 seconds."""


class Realms:
    """Load realms; one fetch for each region at its first use, which goes on when a letter did not wait for it."""

    def __init__(self, services: Services, *, within: float = WITHIN_SECONDS) -> None:
        self._ctx = services.ctx
        self._battlenet = services.battlenet
        self._within = within
        self._fetches: dict[Region, asyncio.Task[bool]] = {}

    async def load(self, region: Region) -> list[RealmChoice]:
        """Give a region's realms by name; empty when Battle.net does not answer in time."""
        if stored := await reference.realm_choices(self._ctx, region):
            return stored
        fetch = self._fetches.get(region)
        if fetch is None or fetch.done():
            fetch = asyncio.create_task(reference.ensure_region(self._ctx, self._battlenet, region))
            self._fetches[region] = fetch
        done, _ = await asyncio.wait({fetch}, timeout=self._within)
        return await reference.realm_choices(self._ctx, region) if done and fetch.result() else []

    def close(self) -> None:
        """Drop the fetches that nobody waits for any more."""
        for fetch in self._fetches.values():
            fetch.cancel()


def matching(realms: Iterable[RealmChoice], typed: str) -> list[RealmChoice]:
    """Choose the realms with a name that holds what is typed; those with one that begins so come first."""
    key = fold(typed)
    found = [realm for realm in realms if realm.fits(key)]
    return sorted(found, key=lambda realm: not any(own.startswith(key) for own in realm.keys))
