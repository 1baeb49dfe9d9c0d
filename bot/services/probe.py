"""Whether Battle.net can be used at this moment."""

import asyncio

from bot.battlenet.client import BattleNetClient
from bot.battlenet.outcomes import Forbidden, Found, NotFound, Unavailable, Unchanged
from domain.regions import Region

PATIENCE_SECONDS = 10.0


async def battlenet_problem(battlenet: BattleNetClient, region: Region) -> str | None:
    """Ask for something small; give why Battle.net can't be used, None when it answers."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await battlenet.races(region)
    except TimeoutError:
        return f"no answer within {PATIENCE_SECONDS:.0f} s"
    match answer:
        case Found() | Unchanged():
            return None
        case Forbidden() | NotFound():
            return "it refuses Muster's requests"
        case Unavailable(reason=reason, detail=detail):
            return f"{reason}: {detail}"
