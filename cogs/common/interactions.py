"""The one listener for what discord.py leaves unanswered: controls that nobody knows, and every form."""

from typing import Any

import discord
from discord.ext import commands

from cogs.common import texts
from cogs.common.errors import answer, answer_error
from cogs.common.item import is_ours, matching_items, register_items
from cogs.common.modals import Values, matching_forms
from cogs.common.watch import UNKNOWN, Outcome, note_outcome, watch


class InteractionListener(commands.Cog):
    """Answer unknown or old controls and hand forms to their handlers; load it after the cogs that define controls."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        """Make the bot answer the controls defined so far."""
        register_items(self.bot)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Sort out components and forms; commands are the tree's."""
        data: Any = interaction.data or {}
        custom_id = str(data.get("custom_id", ""))
        if not is_ours(custom_id):
            return
        if interaction.type is discord.InteractionType.component and not matching_items(custom_id):
            watch(interaction, "control", UNKNOWN)
            note_outcome(Outcome.REFUSED)
            await answer(interaction, texts.OLD_CONTROL)
        elif interaction.type is discord.InteractionType.modal_submit:
            await _submit(interaction, custom_id, data)


async def _submit(interaction: discord.Interaction, custom_id: str, data: dict[str, Any]) -> None:
    routes = matching_forms(custom_id)
    watch(interaction, "form", getattr(routes[0][0].handler, "__qualname__", UNKNOWN) if routes else UNKNOWN)
    if not routes:
        note_outcome(Outcome.REFUSED)
        await answer(interaction, texts.OLD_FORM)
        return
    route, match = routes[0]
    try:
        await route.handler(interaction, match, Values(data))
        if not interaction.response.is_done():
            await interaction.response.defer()
    except Exception as error:
        await answer_error(interaction, error)
