"""The card of `/player privacy`, and its one button."""

import re
from collections.abc import Sequence
from typing import Any, Self

import discord
from discord import ui

from bot.services import pipeline, privacy
from bot.services.me import CharacterView
from bot.services.privacy import Privacy
from cogs.common.access import require_server
from cogs.common.bot import bot_of
from cogs.common.cards import card
from cogs.common.item import MusterItem, make_id
from cogs.common.text import escape
from cogs.common.texts import and_more
from cogs.player import privacy_texts as texts

OUT, IN = "out", "in"
NAMES_SHOWN = 10
NAME_LIMIT = 40


class PrivacyButton(MusterItem, template=r"privacy:v1:(?P<act>out|in)"):
    """Opt out or in; it speaks for whoever presses it, and for nobody else."""

    def __init__(self, act: str) -> None:
        self.act = act
        super().__init__(
            ui.Button(
                label=texts.OPT_OUT_BUTTON if act == OUT else texts.OPT_IN_BUTTON,
                style=discord.ButtonStyle.danger if act == OUT else discord.ButtonStyle.secondary,
                custom_id=make_id("privacy", 1, act),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the act from the id."""
        return cls(match["act"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Keep the word, show what it did, and let matching and audit follow."""
        bot, server_id = bot_of(interaction), require_server(interaction)
        await interaction.response.defer()
        said = privacy.opt_out if self.act == OUT else privacy.opt_in
        outcome = await said(bot.services.ctx, server_id, interaction.user.id)
        await interaction.edit_original_response(view=outcome_card(outcome))
        if outcome.changed:
            await pipeline.follow_up(bot.services.ctx, server_id)
            bot.deliverer.wake()


def privacy_card(stands: Privacy) -> ui.LayoutView:
    """Show how a member stands and what the button would do."""
    if stands.opted_out_at is None:
        return card(texts.MATCHED, _row(OUT))
    return card(texts.opted_out(stands.opted_out_at), texts.OPT_IN_MEANS, _row(IN))


def outcome_card(outcome: Privacy) -> ui.LayoutView:
    """Show what the word did; the way back is a press away."""
    if outcome.opted_out_at is None:
        return card(texts.OPTED_IN, _row(OUT))
    parts = [texts.opted_out(outcome.opted_out_at)]
    if outcome.changed:
        parts.append(texts.taken_back(_names(outcome.taken_back)) if outcome.taken_back else texts.NOTHING_TAKEN_BACK)
    if outcome.kept:
        parts.append(texts.kept(_names(outcome.kept)))
    return card(*parts, texts.OPT_IN_MEANS, _row(IN))


def _row(act: str) -> ui.ActionRow[Any]:
    return ui.ActionRow(PrivacyButton(act))


def _names(characters: Sequence[CharacterView]) -> list[str]:
    shown = [escape(one.name, NAME_LIMIT) for one in characters[:NAMES_SHOWN]]
    left_out = len(characters) - len(shown)
    return [*shown, and_more(left_out)] if left_out else shown
