"""The audit: `/audit`, and the report that stands in the audit channel."""

from cogs.audit import borrowed_fixes, bulk_ui, link_fixes, player_fixes, role_fixes
from cogs.audit.cog import Audit
from cogs.common.bot import MusterBot

CONTROLS = (borrowed_fixes, bulk_ui, link_fixes, player_fixes, role_fixes)
"""The modules whose controls are known by being defined."""


async def setup(bot: MusterBot) -> None:
    """Load the commands and the report's renderer."""
    await bot.add_cog(Audit(bot))
