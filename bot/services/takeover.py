"""What an earlier process left behind, taken over at once where nobody else can be at work on it."""

from bot.services.context import Context
from db import jobs, outbox, runs


async def take_over(ctx: Context) -> int:
    """End the leases of every other process; give how many runs that closed.

    For a database that only this process can reach: whoever held a lease on it is dead, and a crash need not cost the
    minutes until the leases expire. What was being sent is sent again with its nonce while Discord remembers that.
    """
    now = ctx.clock()
    async with ctx.sessions.begin() as session:
        await jobs.give_back_all(session)
        await outbox.give_back_all(session, now=now)
        return await runs.take_over_leases(session, owner=ctx.owner, now=now)
