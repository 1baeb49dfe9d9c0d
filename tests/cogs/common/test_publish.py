"""Publishing the commands: when they changed, and until Discord has taken them."""

import logging

import pytest
import sqlalchemy as sa

from bot.services.bundle import Services
from cogs.common.bot import MusterBot
from cogs.common.publish import RETRY_SECONDS
from db.tables.commands import PublishedCommands
from tests.cogs.home import Home

PATH = "/applications/*/commands"


@pytest.fixture
def simcord_bot(services: Services) -> MusterBot:
    """Give SimCord the whole bot: only that publishes by itself."""
    return MusterBot(services)


def published(home: Home) -> int:
    """Count the calls that publish commands."""
    return sum(call.method == "PUT" and call.path.endswith("/commands") for call in home.env.http_requests)


async def forget(home: Home) -> None:
    """Forget what was published, as if the commands had changed since."""
    async with home.services.ctx.sessions.begin() as session:
        await session.execute(sa.delete(PublishedCommands))


async def test_commands_are_published_when_they_changed_and_not_at_every_start(home: Home) -> None:
    before = published(home)
    await home.restart()
    assert published(home) == before
    await forget(home)
    await home.restart()
    assert published(home) == before + 1


@pytest.mark.parametrize("status", [400, 429, 503])
async def test_a_start_goes_on_when_discord_does_not_take_the_commands(
    home: Home, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.INFO)
    await forget(home)
    before = published(home)
    home.env.inject_error("PUT", PATH, status=status, times=2)
    await home.restart()
    assert home.bot.is_ready()
    assert "publishing commands failed" in caplog.text
    for _ in range(4):
        await home.env.advance_time(RETRY_SECONDS)
    assert published(home) == before + 3
    assert "publishing commands works again" in caplog.text


async def test_a_bot_that_stops_leaves_publishing_to_the_next_start(home: Home) -> None:
    await forget(home)
    home.env.inject_error("PUT", PATH, status=503)
    await home.restart()
    before = published(home)
    await home.restart()
    await home.env.advance_time(RETRY_SECONDS)
    assert published(home) == before + 1
