"""The bot as every cog sees it: its services, its sender, and how it starts and ends."""

import discord
from discord.ext import commands

from bot.services.bundle import Services
from cogs.common.delivery import Deliverer
from cogs.common.errors import MusterTree
from cogs.common.interactions import InteractionListener
from cogs.common.publish import publish_commands

EXTENSIONS = ("cogs.setup", "cogs.sync", "cogs.link", "cogs.audit", "cogs.whois", "cogs.members", "cogs.timers")


def needed_intents() -> discord.Intents:
    """Give the intents that Muster asks for: servers, and their members (privileged)."""
    return discord.Intents(guilds=True, members=True)


class MusterBot(commands.Bot):
    """Muster on Discord: slash commands only, no state but what the services keep."""

    def __init__(self, services: Services, *, guild_ready_timeout: float = 0.5) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=MusterTree,
            intents=needed_intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            guild_ready_timeout=guild_ready_timeout,
            max_messages=None,
        )
        self.services = services
        self.deliverer = Deliverer(self, services.outbox)

    async def setup_hook(self) -> None:
        """Load every feature, then what listens for all of them."""
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        await self.add_cog(InteractionListener(self))
        await publish_commands(self, self.services.ctx)
        self.deliverer.start()

    async def close(self) -> None:
        """End the sender before the connection that it needs."""
        await self.deliverer.close()
        await super().close()


def bot_of(interaction: discord.Interaction) -> MusterBot:
    """Give the bot that an interaction came to, for controls, which have no cog."""
    assert isinstance(interaction.client, MusterBot)
    return interaction.client
