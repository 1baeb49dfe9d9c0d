"""The bot as every cog sees it: its services, its sender, and how it starts and ends."""

import asyncio

import discord
from discord.ext import commands

from bot.services.bundle import Services
from bot.services.roles import ROLE
from cogs.common.delivery import Deliverer
from cogs.common.errors import MusterTree
from cogs.common.interactions import InteractionListener
from cogs.common.live_roles import server_roles
from cogs.common.publish import Publisher
from cogs.common.role_work import RoleWork
from cogs.common.watch import trace_first_answers

TIMERS = "cogs.timers"
EXTENSIONS = (
    "cogs.setup",
    "cogs.sync",
    "cogs.link",
    "cogs.audit",
    "cogs.whois",
    "cogs.player",
    "cogs.addon",
    "cogs.members",
    TIMERS,
)

DISCONNECT_SECONDS = 1.0
"""How long the end waits for a gateway that does not answer; discord.py would for 30 s."""
RATE_LIMIT_WAIT = 30.0
"""The longest rate limit that a request waits for; a longer one is an error that tells when to come back."""


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
            max_ratelimit_timeout=RATE_LIMIT_WAIT,
            http_trace=trace_first_answers(),
        )
        self.services = services
        self.deliverer = Deliverer(self, services.outbox)
        self.deliverer.register_performer(ROLE, RoleWork(self, services.ctx))
        services.ctx.roles.ask(lambda server_id: server_roles(self.get_guild(server_id)))
        self._publisher = Publisher(self, services.ctx)

    async def setup_hook(self) -> None:
        """Load every feature, then what listens for all of them."""
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        await self.add_cog(InteractionListener(self))
        await self._publisher.start()
        self.deliverer.start()

    async def close(self) -> None:
        """End the sender and the timers side by side, and then the connection that both need."""
        self._publisher.close()
        loaded = [name for name in self.extensions if name == TIMERS]
        await asyncio.gather(self.deliverer.close(), *(self.unload_extension(name) for name in loaded))
        disconnecting = asyncio.create_task(super().close())
        if not (await asyncio.wait({disconnecting}, timeout=DISCONNECT_SECONDS))[0]:
            await self.http.close()  # takes the connection away from under the gateway's farewell
        await disconnecting


def bot_of(interaction: discord.Interaction) -> MusterBot:
    """Give the bot that an interaction came to, for controls, which have no cog."""
    assert isinstance(interaction.client, MusterBot)
    return interaction.client
