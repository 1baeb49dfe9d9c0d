"""What officers are told when something that they chose is gone: a channel, in a direct message, or a role."""

import discord

from bot.services.outbox import Delivery
from cogs.common.cards import ERROR_COLOUR, WARNING_COLOUR, card
from cogs.common.delivery import Rendered
from cogs.setup import texts
from domain.ranks import rank_label


async def render_channel_lost(bot: discord.Client, delivery: Delivery) -> Rendered:
    """Render the word that the audit channel is lost; one that is gone has no name any more."""
    facts = delivery.payload
    channel = bot.get_channel(facts["channel_id"])
    name = channel.name if isinstance(channel, discord.abc.GuildChannel) else None
    return Rendered(card(texts.channel_lost(name, facts["server"], facts["reason"]), colour=ERROR_COLOUR))


async def render_role_lost(delivery: Delivery) -> Rendered:
    """Render the word that a role which stood for something was deleted."""
    facts = delivery.payload
    ranks = [rank_label(one["index"], one["name"]) for one in facts["ranks"]]
    return Rendered(card(texts.role_lost(ranks, officers=facts["officers"]), colour=WARNING_COLOUR))
