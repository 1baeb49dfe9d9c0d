"""Fixes that cards of other features do: their buttons, by custom id, on a finding's card."""

from typing import Any, Final

import discord
from discord import ui

from bot.services.findings import FindingView
from cogs.audit.finding_ui import offer
from cogs.audit.fixes import links_texts as texts
from cogs.common.item import make_id
from domain.audit import Fix

DEPARTURES: Final = (make_id("departures", 1, "apply"), make_id("departures", 1, "discard"))
"""Each asks in a message of its own, with the names that a decision would be about."""
RANKS: Final = make_id("ranks", 1, "open", "home")
"""Takes the place of the finding's card."""


def _departures(_view: FindingView) -> list[ui.Button[Any]]:
    apply, discard = DEPARTURES
    return [
        ui.Button(label=texts.APPLY, custom_id=apply, style=discord.ButtonStyle.danger),
        ui.Button(label=texts.DISCARD, custom_id=discard, style=discord.ButtonStyle.secondary),
    ]


def _ranks(_view: FindingView) -> list[ui.Button[Any]]:
    return [ui.Button(label=texts.MAP_ROLE, custom_id=RANKS, style=discord.ButtonStyle.primary)]


offer(Fix.DEPARTURES, "departures", _departures)
offer(Fix.MAP_ROLE, "ranks", _ranks)
