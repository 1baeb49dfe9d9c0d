"""A run of role changes, looked at until it is over."""

import asyncio
from collections.abc import AsyncIterator

from bot.services import roles
from bot.services.context import Context
from bot.services.roles import RunView
from cogs.common.progress import EDIT_EVERY, TOKEN_TRUSTED_FOR

LOOK_EVERY = EDIT_EVERY
"""Seconds between two looks: each may be an edit of the message that shows the run."""


async def watch_run(
    ctx: Context, server_id: int, run: str, *, patience: float = TOKEN_TRUSTED_FOR
) -> AsyncIterator[RunView]:
    """Give how a run stands, now and whenever that has changed, until it is over or `patience` seconds have passed."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    shown: RunView | None = None
    while True:
        view = await roles.progress(ctx, server_id, run)
        if view != shown:
            yield (shown := view)
        if view.finished_at is not None or loop.time() + LOOK_EVERY > end:
            return
        await asyncio.sleep(LOOK_EVERY)
