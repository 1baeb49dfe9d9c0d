"""The audit: `/audit`, and the report that stands in the audit channel."""

from cogs.audit.cog import Audit
from cogs.audit.fixes import CONTROLS
from cogs.common.bot import MusterBot

__all__ = ["CONTROLS", "setup"]


async def setup(bot: MusterBot) -> None:
    """Load the commands and the report's renderer."""
    await bot.add_cog(Audit(bot))
