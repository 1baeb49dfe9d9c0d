"""The shipped bot as a process between both stand-ins, and what the tests ask of it."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.refereed import RefereedStage
from tests.e2e.small import small_guild


class Home(RefereedStage):
    """A refereed stage with the small guild."""

    async def say(self, name: str, options: dict[str, Any] | None = None) -> str:
        """Run a command as the guild master and give its whole answer; raises BotStopped."""
        return (await self.meanwhile(self.command(name, options))).text

    async def set_up(self) -> None:
        """Follow the guild, choose the channel and read everything."""
        guild = self.sample.guild
        where = {"region": guild.realm.region, "realm": guild.realm.slug, "guild": guild.name}
        assert guild.name in await self.say("setup guild", where)
        assert "Audit channel" in await self.say("setup channels", {"audit": self.audit_channel})
        assert "on this server" in await self.say("sync members")
        assert "in the guild" in await self.say("sync roster")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin a run with these: few and long, they would keep one worker busy after its end."""
    items.sort(key=lambda item: Path(__file__).parent not in item.path.parents)


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """Give a folder that PostgreSQL's own user reaches too."""
    with tempfile.TemporaryDirectory(prefix="muster-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
async def stage() -> AsyncIterator[Home]:
    """Give a stage on which nothing runs yet; a test starts what it needs with `process`."""
    async with Home(small_guild()) as stage:
        yield stage
