"""A real discord.py client beside the stand-in, both in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from sandbox.discord import DiscordStandIn, Server
from tests.sandbox.discord.client import TOKEN, Client, Recorded, Start


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
async def standin(recorded: Recorded) -> AsyncIterator[DiscordStandIn]:
    async with DiscordStandIn(TOKEN, exchanges=recorded.append) as standin:
        yield standin
    assert standin.gaps == []


@pytest.fixture
def pointed(standin: DiscordStandIn) -> Iterator[None]:
    """Point discord.py at the stand-in, and back."""
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = standin.api, yarl.URL(standin.gateway)
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


@pytest.fixture
def server(standin: DiscordStandIn) -> Server:
    return standin.world.add_server("The Ember Vigil")


@pytest.fixture
def channel(standin: DiscordStandIn, server: Server) -> int:
    return standin.world.add_channel(server.id, "general")


@pytest.fixture
async def start(standin: DiscordStandIn, pointed: None) -> AsyncIterator[Start]:
    """Start clients; each is ready when it is returned, and closed after the test."""
    running: list[tuple[Client, asyncio.Task[None]]] = []

    async def start(*, token: str = TOKEN, intents: discord.Intents | None = None) -> Client:
        client = Client(intents or discord.Intents(guilds=True, members=True, guild_messages=True))
        task = asyncio.create_task(client.start(token))
        running.append((client, task))
        ready = asyncio.create_task(client.wait_until_ready())
        done, _ = await asyncio.wait({task, ready}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if task in done:
            task.result()
        assert ready in done, "the client never became ready"
        return client

    yield start
    for client, task in running:
        await client.close()
        with contextlib.suppress(discord.DiscordException):
            await task
