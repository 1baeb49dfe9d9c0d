"""Held departures: their notices, the question before a decision, and the buttons that decide."""

import re
from collections.abc import Sequence
from typing import Any, Self

import discord
from discord import ui

from bot.services import departures, pipeline
from bot.services.context import Context
from bot.services.departures import Decision, HeldCharacter, NotAsShown
from bot.services.outbox import Delivery
from cogs.common.access import OfficerItem, require_server
from cogs.common.bot import MusterBot, bot_of
from cogs.common.cards import PLAIN_COLOUR, WARNING_COLOUR, card
from cogs.common.delivery import Rendered
from cogs.common.item import make_id
from cogs.common.paginator import fit_lines
from cogs.sync import texts
from domain.errors import Conflict
from domain.roster import Departure

APPLY, DISCARD = "apply", "discard"
NAMES_LIMIT = 2500


async def follow(bot: MusterBot, decision: Decision) -> None:
    """Let links, findings and notices follow a decision on every server of the guild."""
    bot.deliverer.wake()
    await pipeline.follow_up_guild(bot.services.ctx, decision.guild_id)
    bot.deliverer.wake()


class AskButton(OfficerItem, template=r"departures:v1:(?P<act>apply|discard)"):
    """Show an officer whom a decision would be about, and ask."""

    def __init__(self, act: str) -> None:
        self.act = act
        super().__init__(
            ui.Button(
                label=texts.APPLY_BUTTON if act == APPLY else texts.DISCARD_BUTTON,
                style=discord.ButtonStyle.danger if act == APPLY else discord.ButtonStyle.secondary,
                custom_id=make_id("departures", 1, act),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the act from the id."""
        return cls(match["act"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Ask in a message of the officer's own; raises Conflict when nothing waits."""
        waiting = await departures.list_waiting(bot_of(interaction).services.ctx, require_server(interaction))
        if not waiting:
            raise Conflict(departures.NOTHING_WAITS)
        await interaction.response.send_message(
            view=question_card(waiting, self.act), ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )


class DecideButton(OfficerItem, template=r"departures:v1:(?P<act>apply|discard):(?P<shown>[0-9a-f]{12})"):
    """Decide about the departures that the question showed."""

    def __init__(self, act: str, shown: str, *, waiting: int = 0) -> None:
        self.act, self.shown = act, shown
        super().__init__(
            ui.Button(
                label=texts.confirm_button(waiting, apply=act == APPLY),
                style=discord.ButtonStyle.danger if act == APPLY else discord.ButtonStyle.primary,
                custom_id=make_id("departures", 1, act, shown),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the act and what was shown from the id."""
        return cls(match["act"], match["shown"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Decide, or ask anew when the departures are not those that were shown; Conflict when nothing waits."""
        bot, server_id = bot_of(interaction), require_server(interaction)
        # A roster that is just being applied holds the decision back.
        await interaction.response.defer()
        try:
            decision = await departures.decide(
                bot.services.ctx, server_id, apply=self.act == APPLY, actor_id=interaction.user.id, shown=self.shown
            )
        except NotAsShown as error:
            await interaction.edit_original_response(view=question_card(error.waiting, self.act, changed=True))
            return
        await interaction.edit_original_response(view=decided_card(decision))
        await follow(bot, decision)


def ask_buttons() -> ui.ActionRow[Any]:
    """Give the row with which an officer begins a decision."""
    return ui.ActionRow(AskButton(APPLY), AskButton(DISCARD))


def question_card(waiting: Sequence[HeldCharacter], act: str, *, changed: bool = False) -> ui.LayoutView:
    """Ask whether this decision is meant, with the names that it is about."""
    apply = act == APPLY
    shown, left_out = fit_lines((held_line(one) for one in waiting), NAMES_LIMIT)
    names = "\n".join([*shown, *([texts.more(left_out)] if left_out else [])])
    warning = [texts.SET_CHANGED] if changed else []
    return card(
        texts.question_title(len(waiting), apply=apply),
        *warning,
        names,
        texts.APPLY_QUESTION if apply else texts.DISCARD_QUESTION,
        ui.ActionRow(DecideButton(act, departures.fingerprint(waiting), waiting=len(waiting))),
        colour=WARNING_COLOUR,
    )


def decided_card(decision: Decision) -> ui.LayoutView:
    """Show what a decision did."""
    return card(texts.decided(decision.guild_name, decision.characters, apply=decision.applied))


def held_line(one: HeldCharacter) -> str:
    """Name a held character in a list."""
    return texts.held_line(one.name, one.realm, one.held_at, kept=one.state is Departure.KEPT)


async def render_notice(ctx: Context, delivery: Delivery) -> Rendered:
    """Render a notice of the outbox: departures are held, or somebody decided about them."""
    facts = delivery.payload
    if facts["event"] == "decided":
        text = texts.notice_decided(
            facts["guild"],
            facts["characters"],
            apply=facts["applied"],
            by=facts["by"],
            elsewhere=facts["server_id"] != delivery.server_id,
        )
        return Rendered(card(text, colour=PLAIN_COLOUR))
    text = texts.notice_held(facts["guild"], facts["characters"])
    # Between the run and this moment, after an outage perhaps hours, an officer may have decided by a command.
    if not await departures.list_waiting(ctx, delivery.server_id):
        return Rendered(card(text, texts.DECIDED_MEANWHILE))
    return Rendered(card(text, texts.HOW_TO_DECIDE, ask_buttons(), colour=WARNING_COLOUR))
