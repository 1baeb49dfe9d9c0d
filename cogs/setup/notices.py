"""What an officer is told as a direct message, where the server's own channel takes no message any more."""

import discord

from bot.services.outbox import Delivery
from cogs.common.cards import ERROR_COLOUR, card
from cogs.common.delivery import Rendered
from cogs.setup import texts


async def render_channel_lost(bot: discord.Client, delivery: Delivery) -> Rendered:
    """Render the word that the audit channel is lost; one that is gone has no name any more."""
    facts = delivery.payload
    channel = bot.get_channel(facts["channel_id"])
    name = channel.name if isinstance(channel, discord.abc.GuildChannel) else None
    return Rendered(card(texts.channel_lost(name, facts["server"], facts["reason"]), colour=ERROR_COLOUR))
