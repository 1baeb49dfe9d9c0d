"""A small world, served."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.battlenet import BattleNetStandIn
from sandbox.world import Character, Guild, World
from tests.sandbox.battlenet_client import COPPER, DUSK, HOME, LOGIN, Client


@pytest.fixture
def world() -> World:
    """Give a world of one guild with three members, and one character outside of it."""
    world = World((HOME, DUSK, COPPER))
    guild = Guild(70, "The Ember Vigil", "the-ember-vigil", HOME, "ALLIANCE")
    world.guilds.append(guild)
    for character, rank in (
        (Character(101, "Ádra", HOME, 11, 4, 90, "ALLIANCE", active_spec=102, last_login=LOGIN), 0),
        (Character(102, "Яромир", DUSK, 1, 1, 90, "ALLIANCE", active_spec=71, last_login=LOGIN), 3),
        (Character(103, "Bram", HOME, 8, 2, 7, "HORDE", visible=False), 6),
    ):
        world.join(world.add(character), guild, rank)
    world.add(Character(104, "Bram", DUSK, 13, 52, 60, "ALLIANCE", last_login=LOGIN))
    return world


@pytest.fixture
async def stand_in(world: World) -> AsyncIterator[BattleNetStandIn]:
    """Serve the small world."""
    async with BattleNetStandIn(world) as server:
        yield server


@pytest.fixture
async def client(stand_in: BattleNetStandIn) -> AsyncIterator[Client]:
    """Give a signed-in client of the served world."""
    async with httpx.AsyncClient() as http:
        client = Client(stand_in, http)
        await client.sign_in()
        yield client
