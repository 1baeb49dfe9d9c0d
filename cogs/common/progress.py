"""Long work in view of the user: a deferred answer, an edited status line, then the result."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import discord
from discord import ui

from cogs.common import texts
from cogs.common.errors import DISCORD_ERRORS, divert_answers
from cogs.common.paginator import BudgetError, check_budget

log = logging.getLogger(__name__)

EDIT_EVERY = 2.0
TOKEN_TRUSTED_FOR = 14 * 60.0
# The token's end as Discord tells it: unknown interaction, unknown webhook, invalid webhook token.
TOKEN_GONE = frozenset({10062, 10015, 50027})


class Progress:
    """Keep the one who waits informed; use as `async with Progress(interaction) as progress`.

    Work never waits for a status edit, and an edit that fails does not fail the work. An error that leaves the block
    replaces the status line. After 14 minutes (the token ends at 15) the result or the error goes to the channel; of an
    ephemeral one only `late`, by default a line without content, because the channel is not for the same eyes.
    """

    def __init__(
        self,
        interaction: discord.Interaction,
        *,
        ephemeral: bool = True,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        self._interaction = interaction
        self._ephemeral = ephemeral
        self._now = monotonic or asyncio.get_running_loop().time
        self._started = self._now()
        self._wanted = ""
        self._shown = ""
        self._next_edit = self._started
        self._editing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._finished = False

    async def __aenter__(self) -> Self:
        if not self._interaction.response.is_done():
            await self._interaction.response.defer(ephemeral=self._ephemeral, thinking=True)
        divert_answers(self._interaction, self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        async with self._editing:
            self._stop()
        if error is None:
            divert_answers(self._interaction, None)

    async def update(self, text: str) -> None:
        """Set the status line; the newest one is shown at most every 2 seconds."""
        self._wanted = text
        if not self._finished and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._show_wanted())

    async def finish(
        self,
        text: str | None = None,
        *,
        view: ui.LayoutView | None = None,
        files: Sequence[discord.File] = (),
        late: ui.LayoutView | None = None,
    ) -> None:
        """Replace the status line with the result: a text or a view, exactly one of them, and the view's files."""
        if (text is None) == (view is None):
            raise ValueError("a result is either a text or a view")
        result = view if view is not None else status_view(text or "")
        check_budget(result)
        async with self._editing:
            self._stop()
            if not await self._edit(result, files):
                await self._send_late(result, files, late)
            self._finished = True
        divert_answers(self._interaction, None)

    async def take(self, text: str) -> bool:
        """Show an error's text in place of the status line; False if it was not possible."""
        if self._finished:
            return False
        try:
            await self.finish(text)
        except (*DISCORD_ERRORS, BudgetError, RuntimeError) as error:
            log.warning("a status line could not be replaced: %s", error)
            return False
        return True

    def _stop(self) -> None:
        # Called with the lock held: the task sleeps or waits for the lock, never within a request.
        if self._task is not None:
            self._task.cancel()

    async def _show_wanted(self) -> None:
        while self._shown != self._wanted and self._token_lives():
            await asyncio.sleep(max(0.0, self._next_edit - self._now()))
            async with self._editing:
                text = self._wanted
                try:
                    await self._edit(status_view(text))
                except Exception as error:
                    # Nobody waits for this task: what it raised would be lost, and the work goes on.
                    log.warning("a status line was not shown: %s", error)
                self._shown = text
                self._next_edit = self._now() + EDIT_EVERY

    async def _edit(self, view: ui.LayoutView, files: Sequence[discord.File] = ()) -> bool:
        if not self._token_lives():
            return False
        try:
            await self._interaction.edit_original_response(
                view=view,
                attachments=files or discord.utils.MISSING,
                allowed_mentions=discord.AllowedMentions.none(),
            )
        except discord.HTTPException as error:
            if error.code in TOKEN_GONE:
                return False
            raise
        return True

    async def _send_late(
        self, result: ui.LayoutView, files: Sequence[discord.File], late: ui.LayoutView | None
    ) -> None:
        if self._interaction.channel_id is None:
            raise RuntimeError("the channel of a late result is not known")
        if self._ephemeral:
            result, files = late if late is not None else status_view(texts.LATE_RESULT), ()
        channel = self._interaction.client.get_partial_messageable(self._interaction.channel_id)
        await channel.send(view=result, files=files, allowed_mentions=discord.AllowedMentions.none())

    def _token_lives(self) -> bool:
        return self._now() - self._started < TOKEN_TRUSTED_FOR


def status_view(text: str) -> ui.LayoutView:
    """Give one text as a view: a message that once was a layout can't go back to plain content."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(text or texts.WORKING))
    return view
