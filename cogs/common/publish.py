"""Tell Discord of the commands when they changed: a global change takes up to an hour to reach everybody."""

import hashlib
import json
import logging

from discord import app_commands
from discord.ext import commands

from bot.services import commands as published
from bot.services.context import Context

log = logging.getLogger(__name__)


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
