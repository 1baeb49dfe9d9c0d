"""What the audit channel is told of role sync: changes that wait for an officer, and a role that is out of reach."""

from typing import Any

import discord
from discord import ui

from bot.services import roles
from bot.services.context import Context
from bot.services.outbox import Delivery
from cogs.common.cards import WARNING_COLOUR, card
from cogs.common.delivery import Rendered
from cogs.common.role_lines import roles_of
from cogs.setup import roles_texts as texts
from cogs.setup.roles import NOW, PlanPages
from domain.role_sync import Block


async def render_held(ctx: Context, delivery: Delivery) -> Rendered:
    """Render the word that role changes wait, with the way to them while there are any."""
    facts = delivery.payload
    text = texts.held(facts["members"], facts["give"], facts["take"])
    plan = await roles.preview(ctx, delivery.server_id, ctx.roles(delivery.server_id))
    if not plan.changes:
        return Rendered(card(text, texts.HELD_NO_MORE))
    look = ui.ActionRow[Any](PlanPages(NOW, 0, label=texts.LOOK_BUTTON))
    return Rendered(card(text, look, colour=WARNING_COLOUR))


async def render_blocked(bot: discord.Client, delivery: Delivery) -> Rendered:
    """Render the word that Muster can neither give nor take a role, or any at all."""
    facts = delivery.payload
    if facts["role_id"] is None:
        return Rendered(card(texts.roles_forbidden(facts["members"]), colour=WARNING_COLOUR))
    role = roles_of(bot.get_guild(delivery.server_id))(facts["role_id"])
    return Rendered(card(texts.role_blocked(role, Block(facts["block"]), facts["members"]), colour=WARNING_COLOUR))
