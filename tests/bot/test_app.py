"""The end of the process, as far as one that runs elsewhere cannot show it."""

import asyncio

from sqlalchemy.ext.asyncio import async_sessionmaker

from bot.app import end_tasks
from bot.services.context import Context

HOUR = 3600.0


async def test_the_end_stops_what_is_at_work_but_first_lets_finish_what_must_not_be_cut_off() -> None:
    finished = []

    async def main() -> bool:
        ctx = Context(async_sessionmaker())
        at_work = asyncio.create_task(asyncio.sleep(HOUR))
        for number, seconds in enumerate((0.01, 0.02)):
            ctx.unbroken.add(asyncio.create_task(commit(ctx, number, seconds)))
        await end_tasks(ctx)
        return at_work.cancelled()

    async def commit(ctx: Context, number: int, seconds: float) -> None:
        # Libraries do parts of it in tasks of their own, which nobody else can tell from others.
        await asyncio.create_task(asyncio.sleep(seconds))
        finished.append(number)
        task = asyncio.current_task()
        assert task is not None
        ctx.unbroken.discard(task)

    # A loop of its own: the end stops every task of its loop.
    assert await asyncio.to_thread(asyncio.run, main())
    assert finished == [0, 1]
