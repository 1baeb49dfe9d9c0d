"""Whether other guilds wait for their turn, as `Profiles.turn` asks."""


async def nobody() -> bool:
    """Say that nobody else waits."""
    return False


async def others() -> bool:
    """Say that others wait."""
    return True
