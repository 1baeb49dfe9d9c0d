"""Reading the roster and the members: `/sync`."""

from cogs.common.bot import MusterBot
from cogs.sync.cog import Sync


async def setup(bot: MusterBot) -> None:
    """Load the commands and the notices."""
    await bot.add_cog(Sync(bot))
