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
from bot.services.trouble import database_trouble
from cogs.common.errors import log_error
from cogs.common.paginator import check_budget
from cogs.common.timers import Steady
from domain.errors import Conflict, Unavailable

log = logging.getLogger(__name__)

POLL_SECONDS = 15.0
LANES = 5
"""How many messages are on the way at once, each to another target."""
PERFORMING_LANES = 2
"""How many of them may do what a row asks for instead: a thousand roles keep no message waiting."""
SEND_TIMEOUT = 60.0
"""Well below a claim's two minutes, so that no other process takes the row meanwhile."""
CLOSE_GRACE, GIVE_BACK_GRACE = 3.0, 1.0
BACKOFF_BASE = 5.0
BACKOFF_LIMIT = 120.0
"""Below the few minutes for which Discord remembers a nonce: a message whose answer was lost is not made twice."""
LONGEST_WAIT = 86_400.0
"""A day, whatever Discord asks for: the outbox takes a later moment for one of a clock that was set back."""
RETRIED_STATUS = frozenset({401, 429})
DMS_TOO_FAST = 40003
GUILD_CHAT = 20062
"""The channel mirrors a game's chat: nobody but people and the game write there."""
# What only people can mend, by Discord's error code; `/setup check` shows the reason for a channel.
HOPELESS = {
    10003: "the channel no longer exists",
    10013: "this account no longer exists",
    GUILD_CHAT: "the channel is linked to guild chat, where no app may write",
    50001: "Muster can't see the channel",
    50007: "this member's direct messages are closed",
    50013: "Muster may not write in the channel",
    50033: "this account no longer exists",
    50278: "this member shares no server with Muster any more",
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message to send, with the ids of what it really shows: only they count as notified.

    `files` are what the view shows as attachments; a file is read by one try, so each try renders anew.
    """

    view: ui.LayoutView
    shown_ids: tuple[int, ...] = ()
    files: tuple[discord.File, ...] = ()


Renderer = Callable[[Delivery], Awaitable[Rendered]]
Performer = Callable[[Delivery], Awaitable[None]]
"""Does what a row asks for and settles what it is about; what it raises is treated as a message's failure is."""


class Deliverer:
    """Send what the outbox holds, on `wake()` and every 15 seconds: in order per target, several targets at once."""

    def __init__(self, bot: commands.Bot, outbox: DeliveryQueue) -> None:
        self._bot = bot
        self._outbox = outbox
        self._renderers: dict[str, Renderer] = {}
        self._performers: dict[str, Performer] = {}
        self._performing = 0
        self._steady = Steady("delivery")
        self._lanes: set[asyncio.Task[None]] = set()
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

    def register_performer(self, kind: str, perform: Performer) -> None:
        """Let rows of a kind be done instead of said."""
        self._performers[kind] = perform

    def start(self) -> None:
        """Begin to poll; rows are taken once the bot is ready."""
        self._poll.start()

    def wake(self) -> None:
        """Look at the outbox now; call it after the commit that queued something."""
        if self._closing or not self._bot.is_ready():
            return
        self._again = True
        if len(self._lanes) < LANES:
            lane = asyncio.create_task(self._drain(), name="outbox-delivery")
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)

    async def close(self) -> None:
        """Stop; messages that are just being sent get 3 seconds to arrive, then their rows are given back."""
        self._closing = True
        self._poll.cancel()
        if not self._lanes:
            return
        _, late = await asyncio.wait(self._lanes, timeout=CLOSE_GRACE)
        for lane in late:
            lane.cancel()
        if late:
            await asyncio.wait(late, timeout=GIVE_BACK_GRACE)

    @tasks.loop(seconds=POLL_SECONDS)
    async def _poll(self) -> None:
        self.wake()

    @_poll.before_loop
    async def _until_ready(self) -> None:
        await self._bot.wait_until_ready()

    async def _drain(self) -> None:
        async with self._steady:
            while not self._closing:
                # What is queued from here on, the claim may miss: a wake during it asks for another one.
                self._again = False
                delivery = await self._claim()
                if delivery is not None:
                    # Another lane takes what may go out beside this one.
                    self.wake()
                    try:
                        await self._settle(delivery)
                    finally:
                        self._performing -= self._performs(delivery)
                elif not self._again:
                    return

    async def _claim(self) -> Delivery | None:
        """Claim what this lane may do; one that performs counts as such until it has settled."""
        may_perform = self._performing < PERFORMING_LANES
        self._performing += may_perform
        delivery = None
        try:
            delivery = await self._outbox.claim(without=() if may_perform else tuple(self._performers))
        finally:
            self._performing -= may_perform and not self._performs(delivery)
        return delivery

    def _performs(self, delivery: Delivery | None) -> bool:
        return delivery is not None and delivery.kind in self._performers

    async def _settle(self, delivery: Delivery) -> None:
        message_id: int | None = None
        shown: tuple[int, ...] = ()
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                if self._performs(delivery):
                    await self._performers[delivery.kind](delivery)
                else:
                    rendered = await self._render(delivery)
                    message_id, shown = await self._send(delivery, rendered), rendered.shown_ids
        except asyncio.CancelledError:
            await self._outbox.retry(delivery.id, "Muster was stopped", 0.0)
            raise
        except Exception as error:
            await self._settle_failure(delivery, error)
        else:
            await self._outbox.delivered(delivery.id, message_id, shown)

    async def _render(self, delivery: Delivery) -> Rendered:
        render = self._renderers.get(delivery.kind)
        if render is None:
            raise LookupError(f"no renderer for {delivery.kind!r}")
        rendered = await render(delivery)
        check_budget(rendered.view)
        return rendered

    async def _send(self, delivery: Delivery, rendered: Rendered) -> int:
        target: discord.abc.Messageable
        if delivery.user_id is not None:
            target = await self._bot.create_dm(discord.Object(delivery.user_id))
        else:
            assert delivery.channel_id is not None
            target = self._bot.get_partial_messageable(delivery.channel_id, guild_id=delivery.server_id)
        # discord.py sends enforce_nonce with a nonce: a message that Discord already has is not made twice.
        message = await target.send(
            view=rendered.view,
            files=rendered.files,
            nonce=delivery.nonce,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        return message.id

    async def _settle_failure(self, delivery: Delivery, error: Exception) -> None:
        waiting = backoff(delivery.attempts)
        match error:
            case discord.HTTPException() if error.status in RETRIED_STATUS or error.status >= 500:
                reason = f"Discord answered {error.status}"
                await self._outbox.retry(delivery.id, reason, max(waiting, asked_to_wait(error)))
            case discord.HTTPException() if error.code == DMS_TOO_FAST:
                await self._outbox.retry(delivery.id, "too many direct messages at once", BACKOFF_LIMIT)
            case discord.RateLimited():
                await self._outbox.retry(delivery.id, "Discord asked to wait", min(error.retry_after, LONGEST_WAIT))
            case aiohttp.ClientError() | OSError() | Unavailable() | Conflict():
                await self._outbox.retry(delivery.id, f"no answer: {type(error).__name__}", waiting)
            case _ if database_trouble(error) is not None:
                await self._outbox.retry(delivery.id, "the database did not answer", waiting)
            case discord.HTTPException() if error.code in HOPELESS:
                reason = HOPELESS[error.code]
                log.warning("delivery %s to %s: %s", delivery.id, _target(delivery), reason)
                server = self._bot.get_guild(delivery.server_id)
                await self._outbox.unreachable(delivery.id, reason, server.owner_id if server else None)
            case _:
                error_id = log_error(error, f"delivery {delivery.id} of kind {delivery.kind!r}")
                await self._outbox.failed(delivery.id, f"error {error_id}")


def backoff(attempts: int) -> float:
    """Give the seconds to wait after so many earlier attempts: doubling up to two minutes, half of it by chance."""
    longest = min(BACKOFF_BASE * 2.0 ** min(attempts, 16), BACKOFF_LIMIT)
    return longest / 2 + random.uniform(0, longest / 2)  # noqa: S311 - spreads retries, guards nothing


def asked_to_wait(error: discord.HTTPException) -> float:
    """Give the seconds of a Retry-After, at most a day; 0 where Discord named none."""
    try:
        seconds = float(error.response.headers.get("Retry-After", 0))
    except ValueError:
        return 0.0
    return min(max(0.0, seconds), LONGEST_WAIT)


def _target(delivery: Delivery) -> str:
    return f"user {delivery.user_id}" if delivery.channel_id is None else f"channel {delivery.channel_id}"
