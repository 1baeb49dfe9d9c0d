"""Members as they come, change and leave."""

from cogs.common.bot import MusterBot
from cogs.members.cog import Members


async def setup(bot: MusterBot) -> None:
    """Load the listeners."""
    await bot.add_cog(Members(bot))
