"""Tell Discord of the commands when they changed: a global change takes up to an hour to reach everybody."""

import asyncio
import hashlib
import json
import logging

from discord import app_commands
from discord.ext import commands

from bot.services import commands as published
from bot.services.context import Context
from cogs.common.timers import Steady

log = logging.getLogger(__name__)

RETRY_SECONDS = 60.0


class Publisher:
    """Publish the commands at start, and every minute until Discord has taken them: the old ones work meanwhile."""

    def __init__(self, bot: commands.Bot, ctx: Context) -> None:
        self._bot = bot
        self._ctx = ctx
        self._steady = Steady("publishing commands")
        self._retrying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Publish, or let the start go on and try again later."""
        if not await self._published():
            self._retrying = asyncio.create_task(self._retry())

    def close(self) -> None:
        """Leave it to the next start."""
        if self._retrying is not None:
            self._retrying.cancel()

    async def _retry(self) -> None:
        published = False
        while not published:
            await asyncio.sleep(RETRY_SECONDS)
            published = await self._published()

    async def _published(self) -> bool:
        async with self._steady:
            await publish_commands(self._bot, self._ctx)
            return True
        return False


def fingerprint(tree: app_commands.CommandTree[commands.Bot]) -> str:
    """Give a text that changes whenever anything of the tree does that Discord is told."""
    told = sorted((command.to_dict(tree) for command in tree.get_commands()), key=lambda one: str(one["name"]))
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


async def publish_commands(bot: commands.Bot, ctx: Context) -> bool:
    """Publish the tree unless Discord has it already; tell whether it was sent."""
    if bot.application_id is None:
        raise RuntimeError("the bot logs in before it publishes commands")
    current = fingerprint(bot.tree)
    if current == await published.published_fingerprint(ctx, bot.application_id):
        return False
    sent = await bot.tree.sync()
    await published.note_published(ctx, bot.application_id, current)
    log.info("published %s commands", len(sent))
    return True
