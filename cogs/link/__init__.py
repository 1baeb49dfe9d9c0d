"""Links by officers' words: `/link`."""

from cogs.common.bot import MusterBot
from cogs.link.cog import Link


async def setup(bot: MusterBot) -> None:
    """Load the commands."""
    await bot.add_cog(Link(bot))
