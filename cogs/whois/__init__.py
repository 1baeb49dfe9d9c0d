"""Who is who: `/whois`."""

from cogs.common.bot import MusterBot
from cogs.whois.cog import Whois


async def setup(bot: MusterBot) -> None:
    """Load the command."""
    await bot.add_cog(Whois(bot))
