"""A server's settings: `/setup`."""

from cogs.common.bot import MusterBot
from cogs.setup.cog import Setup


async def setup(bot: MusterBot) -> None:
    """Load the commands."""
    await bot.add_cog(Setup(bot))
