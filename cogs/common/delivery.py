"""The sender of the outbox: renders each claimed row, sends it with its nonce, and settles it whatever happens."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import discord
from discord import ui
from discord.ext import commands, tasks

from bot.services.outbox import Delivery, DeliveryQueue
from cogs.common.errors import log_error
from cogs.common.paginator import check_budget
from cogs.common.timers import Steady
from domain.errors import Unavailable

log = logging.getLogger(__name__)

POLL_SECONDS = 15.0
SEND_TIMEOUT = 60.0
CLOSE_GRACE = 5.0
BACKOFF_BASE = 5.0
BACKOFF_LIMIT = 900.0
RETRIED_STATUS = frozenset({401, 429})
# What only the server's officers can mend, by Discord's error code; `/setup check` shows the reason.
HOPELESS = {
    10003: "the channel no longer exists",
    50001: "Muster can't see the channel",
    50013: "Muster may not write in the channel",
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message to send, with the ids of what it really shows: only they count as notified."""

    view: ui.LayoutView
    shown_ids: tuple[int, ...] = ()


Renderer = Callable[[Delivery], Awaitable[Rendered]]


class Deliverer:
    """Send what the outbox holds, one row at a time: on `wake()` and every 15 seconds."""

    def __init__(self, bot: commands.Bot, outbox: DeliveryQueue) -> None:
        self._bot = bot
        self._outbox = outbox
        self._renderers: dict[str, Renderer] = {}
        self._steady = Steady("delivery")
        self._draining: asyncio.Task[None] | None = None
        self._again = False
        self._closing = False

    def register(self, kind: str, render: Renderer) -> None:
        """Let a cog render a kind; ValueError if another one does already."""
        if kind in self._renderers:
            raise ValueError(f"two renderers for {kind!r}")
        self._renderers[kind] = render

    def unregister(self, kind: str) -> None:
        """Forget a kind's renderer, when its cog unloads."""
        self._renderers.pop(kind, None)

    def start(self) -> None:
        """Begin to poll; rows are taken once the bot is ready."""
        self._poll.start()

    def wake(self) -> None:
        """Look at the outbox now; call it after the commit that queued something."""
        if self._closing or not self._bot.is_ready():
            return
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain(), name="outbox-delivery")
        else:
            self._again = True

    async def close(self) -> None:
        """Stop; a message that is just being sent gets 5 seconds to arrive, then its row is given back."""
        self._closing = True
        self._poll.cancel()
        if self._draining is None:
            return
        await asyncio.wait({self._draining}, timeout=CLOSE_GRACE)
        self._draining.cancel()
        await asyncio.wait({self._draining})

    @tasks.loop(seconds=POLL_SECONDS)
    async def _poll(self) -> None:
        self.wake()

    @_poll.before_loop
    async def _until_ready(self) -> None:
        await self._bot.wait_until_ready()

    async def _drain(self) -> None:
        self._again = True
        while self._again and not self._closing:
            self._again = False
            async with self._steady:
                while not self._closing and (delivery := await self._outbox.claim()) is not None:
                    await self._settle(delivery)

    async def _settle(self, delivery: Delivery) -> None:
        try:
            rendered = await self._render(delivery)
            message_id = await self._send(delivery, rendered)
        except asyncio.CancelledError:
            await self._outbox.retry(delivery.id, "Muster was stopped", 0.0)
            raise
        except Exception as error:
            await self._settle_failure(delivery, error)
        else:
            await self._outbox.delivered(delivery.id, message_id, rendered.shown_ids)

    async def _render(self, delivery: Delivery) -> Rendered:
        render = self._renderers.get(delivery.kind)
        if render is None:
            raise LookupError(f"no renderer for {delivery.kind!r}")
        rendered = await render(delivery)
        check_budget(rendered.view)
        return rendered

    async def _send(self, delivery: Delivery, rendered: Rendered) -> int:
        channel = self._bot.get_partial_messageable(delivery.channel_id, guild_id=delivery.server_id)
        async with asyncio.timeout(SEND_TIMEOUT):
            # discord.py sends enforce_nonce with a nonce: a message that Discord already has is not made twice.
            message = await channel.send(
                view=rendered.view, nonce=delivery.nonce, allowed_mentions=discord.AllowedMentions.none()
            )
        return message.id

    async def _settle_failure(self, delivery: Delivery, error: Exception) -> None:
        match error:
            case discord.HTTPException() if error.status in RETRIED_STATUS or error.status >= 500:
                await self._outbox.retry(delivery.id, f"Discord answered {error.status}", backoff(delivery.attempts))
            case discord.RateLimited():
                await self._outbox.retry(delivery.id, "Discord asked to wait", error.retry_after)
            case aiohttp.ClientError() | OSError() | TimeoutError() | Unavailable():
                reason = f"no answer: {type(error).__name__}"
                await self._outbox.retry(delivery.id, reason, backoff(delivery.attempts))
            case discord.HTTPException() if error.code in HOPELESS:
                log.warning("delivery %s to channel %s: %s", delivery.id, delivery.channel_id, HOPELESS[error.code])
                await self._outbox.failed(delivery.id, HOPELESS[error.code])
            case _:
                error_id = log_error(error, f"delivery {delivery.id} of kind {delivery.kind!r}")
                await self._outbox.failed(delivery.id, f"error {error_id}")


def backoff(attempts: int) -> float:
    """Give the seconds to wait after so many earlier attempts: doubling up to 15 minutes, half of it by chance."""
    longest = min(BACKOFF_BASE * 2.0 ** min(attempts, 16), BACKOFF_LIMIT)
    return longest / 2 + random.uniform(0, longest / 2)  # noqa: S311 - spreads retries, guards nothing
