"""The services as one value: what a surface is handed when it is made."""

from dataclasses import dataclass

from bot.battlenet.client import BattleNetClient
from bot.services.context import Context
from bot.services.jobs import Worker
from bot.services.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Services:
    """Carry what the cogs and the routes call; `timers` tells whether this process may run timers at all.

    `public_url` is where players reach this Muster from outside, None where nobody said so.
    """

    ctx: Context
    battlenet: BattleNetClient
    outbox: Outbox
    worker: Worker
    timers: bool
    public_url: str | None = None
