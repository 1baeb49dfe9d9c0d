"""Notes from the game: `/addon`, the keys of those who upload them, and what came."""

from cogs.addon.cog import Addon
from cogs.common.bot import MusterBot


async def setup(bot: MusterBot) -> None:
    """Load the commands."""
    await bot.add_cog(Addon(bot))
