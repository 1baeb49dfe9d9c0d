"""The buttons of `/whois` by which officers say that a player is away, or back."""

import re
from typing import Any, ClassVar, Self

import discord
from discord import ui

from bot.services import hiatus, pipeline, why
from bot.services.context import Context
from bot.services.links import PlayerView
from cogs.common import texts as common_texts
from cogs.common.access import OfficerItem, officers_server, require_server
from cogs.common.bot import bot_of
from cogs.common.hiatus import hiatus_form, said
from cogs.common.item import make_id
from cogs.common.modals import Values, modal_handler
from cogs.whois import texts
from cogs.whois.ui import who_card

PLAYER = r"(?P<player>[A-Za-z0-9_-]{4,24})"


class _PlayerButton(OfficerItem):
    """A button about a player."""

    act: ClassVar[str]
    label: ClassVar[str]

    def __init__(self, public_id: str) -> None:
        self.public_id = public_id
        super().__init__(ui.Button(label=self.label, custom_id=make_id("hiatus", 1, self.act, public_id)))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the player from the id."""
        return cls(match["player"])


class AwayButton(_PlayerButton, template=rf"hiatus:v1:away:{PLAYER}"):
    """Ask until when and why a player is away."""

    act, label = "away", common_texts.HIATUS_BUTTON

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the form."""
        await interaction.response.send_modal(hiatus_form(make_id("hiatus", 1, "marked", self.public_id)))


class BackButton(_PlayerButton, template=rf"hiatus:v1:back:{PLAYER}"):
    """Say that a player is back."""

    act, label = "back", texts.BACK_BUTTON

    async def run(self, interaction: discord.Interaction) -> None:
        """End the hiatus, and show the player as they are now."""
        await interaction.response.defer()
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        await _follow(interaction, await hiatus.end(ctx, server_id, self.public_id, actor_id=interaction.user.id))


@modal_handler(rf"hiatus:v1:marked:{PLAYER}")
async def marked(interaction: discord.Interaction, match: re.Match[str], values: Values) -> None:
    """Mark a player as away, and show them as they are now."""
    ctx = bot_of(interaction).services.ctx
    server_id = await officers_server(ctx, interaction)
    await interaction.response.defer()
    view = await hiatus.mark_player(ctx, server_id, match["player"], **said(values), actor_id=interaction.user.id)
    await _follow(interaction, view)


async def player_card(ctx: Context, server_id: int, view: PlayerView) -> ui.LayoutView:
    """Show a player with the button that says that they are away, or back; or a lone member or character."""
    background = await why.background(ctx, server_id, view)
    if view.public_id is None:
        return who_card(view, background)
    button = AwayButton if view.hiatus is None else BackButton
    return who_card(view, background, ui.ActionRow[Any](button(view.public_id)))


async def _follow(interaction: discord.Interaction, view: PlayerView) -> None:
    """Show the player in place, and let the audit follow."""
    bot, server_id = bot_of(interaction), require_server(interaction)
    shown = await player_card(bot.services.ctx, server_id, view)
    await interaction.edit_original_response(view=shown, allowed_mentions=discord.AllowedMentions.none())
    await pipeline.follow_up(bot.services.ctx, server_id)
    bot.deliverer.wake()
