"""The audit: `/audit`, and the report that stands in the audit channel."""

from cogs.audit.cog import Audit
from cogs.common.bot import MusterBot


async def setup(bot: MusterBot) -> None:
    """Load the commands and the report's renderer."""
    await bot.add_cog(Audit(bot))
