"""A trial post: Discord tells only by refusing a message that a channel takes none from apps."""

from contextlib import suppress

import discord

from cogs.common.cards import card
from cogs.common.delivery import GUILD_CHAT, HOPELESS
from cogs.common.errors import DISCORD_ERRORS
from cogs.setup import texts
from domain.errors import InvalidInput


async def try_post(channel: discord.TextChannel) -> None:
    """Post to a channel and take it back; raises InvalidInput, with the remedy, where the channel takes no post."""
    try:
        trial = await channel.send(view=card(texts.TRIAL), allowed_mentions=discord.AllowedMentions.none())
    except discord.HTTPException as error:
        if error.code == GUILD_CHAT:
            raise InvalidInput(texts.guild_chat(channel.id)) from error
        if error.code in HOPELESS:
            raise InvalidInput(texts.channel_shut(channel.id, HOPELESS[error.code])) from error
        raise
    # What stays is harmless: it says itself what it was for.
    with suppress(*DISCORD_ERRORS):
        await trial.delete()
