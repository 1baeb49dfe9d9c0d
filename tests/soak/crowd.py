"""Very many guilds: a world that finds each without looking at all, and people who log in now and then."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from random import Random

from sandbox.realms import REALMS
from sandbox.world import Character, Guild, World
from tests.soak.virtual import DAY
from tests.support.scene import adventurer

CHARACTERS = 320
LOG_IN_A_DAY = 0.3
MINUTE = 60.0
RANKS = 10


class Crowd(World):
    """A world of guilds that nobody joins or leaves."""

    def __init__(self, guilds: int) -> None:
        super().__init__(REALMS)
        self._members: dict[int, list[Character]] = defaultdict(list)
        self._guilds: dict[tuple[str, str, str], Guild] = {}
        for number in range(guilds):
            self._found(number)

    def guild(self, region: str, realm_slug: str, slug: str) -> Guild | None:
        return self._guilds.get((region, realm_slug, slug))

    def members(self, guild: Guild) -> list[Character]:
        return self._members[guild.id]

    def _found(self, number: int) -> None:
        realm = self.realms[number % len(self.realms)]
        guild = Guild(70_000 + number, f"Guild {number}", f"guild-{number}", realm, "ALLIANCE")
        self.guilds.append(guild)
        self._guilds[realm.region, realm.slug, guild.slug] = guild
        for place in range(CHARACTERS):
            character = self.add(adventurer(number * CHARACTERS + place, realm=realm))
            self.join(character, guild, min(place // 4, RANKS - 1))
            self._members[guild.id].append(character)


async def log_in(world: World, random: Random) -> None:
    """Let the share of all characters that plays on a day log in, each at some moment of it, one item better."""
    while True:
        players = [character for character in world.characters if random.random() < LOG_IN_A_DAY]
        random.shuffle(players)
        for batch in _parts(players, int(DAY / MINUTE)):
            for character in batch:
                world.login(character, equipped_item_level=character.equipped_item_level + 1)
            await asyncio.sleep(MINUTE)


def _parts(players: list[Character], count: int) -> Iterator[list[Character]]:
    for part in range(count):
        yield players[len(players) * part // count : len(players) * (part + 1) // count]
