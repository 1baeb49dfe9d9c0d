"""What runs by the clock."""

from cogs.common.bot import MusterBot
from cogs.timers.cog import Timers


async def setup(bot: MusterBot) -> None:
    """Load the timers; they start only in a process that may run them."""
    await bot.add_cog(Timers(bot))
