"""Players: `/player`."""

from cogs.common.bot import MusterBot
from cogs.player.cog import Player


async def setup(bot: MusterBot) -> None:
    """Load the commands."""
    await bot.add_cog(Player(bot))
