"""The limits measured in virtual time: the loop's clock jumps to the next timer."""

import asyncio
import random
from bisect import bisect_left
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any

import pytest

from bot.battlenet.limiter import PATIENCE_SECONDS, ExhaustedError, Lane, Limiter


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._poll = self._selector.select
        self._selector.select = self._jump

    def time(self) -> float:
        return self.now

    def _jump(self, timeout: float | None) -> list[Any]:
        assert timeout is not None, "everybody waits and nothing will wake them"
        ready = self._poll(0)
        # Each turn of the loop costs something, as in life: sums of floats may fall short of a timer by a hair.
        self.now += 1e-9 if ready else timeout + 1e-9
        return ready

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.run_until_complete(asyncio.wait_for(work, 1e9))


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    virtual = VirtualLoop()
    yield virtual
    virtual.close()


def fullest(times: list[float], window: float) -> int:
    """Count the most moments that a half-open window of that length holds."""
    return max(bisect_left(times, start + window - 1e-9) - place for place, start in enumerate(times))


async def pass_through(limiter: Limiter, times: list[float], *, lane: Lane = Lane.PEOPLE, holding: float = 0.0) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            async with limiter.turn(lane):
                times.append(loop.time())
                await asyncio.sleep(holding)
            return
        except ExhaustedError as shut:
            await asyncio.sleep(shut.seconds)


async def crowd(limiter: Limiter, size: int, *, lane: Lane = Lane.PEOPLE, holding: float = 0.0) -> list[float]:
    times: list[float] = []
    await asyncio.gather(*(pass_through(limiter, times, lane=lane, holding=holding) for _ in range(size)))
    return times


def test_no_second_sees_more_than_a_hundred_and_a_thousand_take_hardly_longer_than_the_limit(loop: VirtualLoop) -> None:
    times = loop.run(crowd(Limiter(monotonic=loop.time), 1000, holding=0.25))
    assert len(times) == 1000
    assert fullest(times, 1.0) <= 100
    assert times[-1] <= 10.0 * 1.15


def test_delays_that_vary_by_fifty_milliseconds_bring_no_second_over_the_limit(loop: VirtualLoop) -> None:
    delays = random.Random(3)
    times = loop.run(crowd(Limiter(monotonic=loop.time), 1000))
    assert fullest(sorted(moment + delays.uniform(0, 0.05) for moment in times), 1.0) <= 100
    # The worst there is: a window's requests held up until its end, and the next ones not at all.
    assert fullest(sorted(max(moment, 3.05) if moment >= 3 else moment for moment in times), 1.0) <= 100


def test_after_a_silence_the_next_second_is_kept_too(loop: VirtualLoop) -> None:
    limiter = Limiter(per_second=20, burst=4, monotonic=loop.time)

    async def scenario() -> list[float]:
        first = await crowd(limiter, 30)
        await asyncio.sleep(600)
        return first + await crowd(limiter, 30)

    times = loop.run(scenario())
    assert fullest(times, 1.0) <= 20


def test_no_hour_sees_more_than_its_limit_and_none_of_it_is_wasted(loop: VirtualLoop) -> None:
    times = loop.run(crowd(Limiter(per_second=20, burst=2, per_hour=60, monotonic=loop.time), 180))
    assert fullest(times, 3600.0) == 60
    assert 7200 <= times[-1] < 7260


def test_a_wait_longer_than_patience_is_refused_at_once_and_a_shorter_one_is_waited_for(loop: VirtualLoop) -> None:
    limiter = Limiter(per_second=20, burst=10, per_hour=2, monotonic=loop.time)

    async def scenario() -> tuple[float, float]:
        await crowd(limiter, 2)
        with pytest.raises(ExhaustedError):
            async with limiter.turn(Lane.PEOPLE):
                pass
        refused_at = loop.time()
        await asyncio.sleep(3600 - PATIENCE_SECONDS / 2)
        async with limiter.turn(Lane.PEOPLE):
            return refused_at, loop.time()

    refused_at, granted_at = loop.run(scenario())
    assert refused_at < 1
    assert granted_at == pytest.approx(3600, abs=0.1)


def test_a_pause_shuts_the_gate_for_everybody_and_a_shorter_one_never_opens_it(loop: VirtualLoop) -> None:
    limiter = Limiter(monotonic=loop.time)
    limiter.pause(20)
    limiter.pause(3)
    assert min(loop.run(crowd(limiter, 5))) == pytest.approx(20, abs=0.01)


def test_no_more_are_under_way_at_once_than_allowed(loop: VirtualLoop) -> None:
    times = loop.run(crowd(Limiter(concurrency=3, monotonic=loop.time), 9, holding=5.0))
    assert fullest(times, 5.0) == 3


def test_turns_are_given_in_the_order_of_asking(loop: VirtualLoop) -> None:
    limiter = Limiter(per_second=20, burst=1, concurrency=2, monotonic=loop.time)
    order: list[int] = []

    async def ask(number: int) -> None:
        async with limiter.turn(Lane.PEOPLE):
            order.append(number)

    async def scenario() -> None:
        await asyncio.gather(*map(ask, range(20)))

    loop.run(scenario())
    assert order == list(range(20))


def test_whoever_gives_up_waiting_gives_the_slot_back(loop: VirtualLoop) -> None:
    limiter = Limiter(concurrency=1, monotonic=loop.time)

    async def scenario() -> list[float]:
        limiter.pause(30)
        waiting = asyncio.create_task(pass_through(limiter, []))
        await asyncio.sleep(1)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        return await crowd(limiter, 1)

    assert loop.run(scenario()) == [pytest.approx(30, abs=0.01)]


async def queue_up(limiter: Limiter, arrivals: str, *, holding: float = 0.0) -> str:
    """Let people (P) and background work (b) arrive in this order, and give the order in which they got through."""
    order: list[str] = []

    async def ask(who: str) -> None:
        async with limiter.turn(Lane.PEOPLE if who == "P" else Lane.PROFILES):
            order.append(who)
            await asyncio.sleep(holding)

    asking = []
    for who in arrivals:
        asking.append(asyncio.create_task(ask(who)))
        await asyncio.sleep(0)
    await asyncio.gather(*asking)
    return "".join(order)


def test_people_who_ask_go_before_all_background_work_that_waits(loop: VirtualLoop) -> None:
    limiter = Limiter(per_second=20, burst=1, monotonic=loop.time)
    assert loop.run(queue_up(limiter, "bbbbbbPbbP")) == "bPPbbbbbbb"


def test_a_slot_that_becomes_free_goes_to_people_first(loop: VirtualLoop) -> None:
    limiter = Limiter(concurrency=2, monotonic=loop.time)
    assert loop.run(queue_up(limiter, "bbbbPP", holding=5.0)) == "bbPPbb"


def test_people_do_not_wait_for_background_work_that_hangs(loop: VirtualLoop) -> None:
    limiter = Limiter(concurrency=10, monotonic=loop.time)

    async def scenario() -> tuple[list[float], list[float]]:
        hanging = asyncio.create_task(crowd(limiter, 10, lane=Lane.PROFILES, holding=30.0))
        await asyncio.sleep(1)
        return await crowd(limiter, 1), await hanging

    people, background = loop.run(scenario())
    assert people == [pytest.approx(1, abs=0.1)]
    assert fullest(background, 30.0) == 9
    assert len(background) == 10


def test_people_go_first_when_a_pause_ends_however_long_others_waited(loop: VirtualLoop) -> None:
    limiter = Limiter(per_second=20, burst=1, monotonic=loop.time)
    limiter.pause(30)
    assert loop.run(queue_up(limiter, "bbbPP")) == "PPbbb"


@pytest.mark.parametrize(
    ("lane", "before", "most"),
    [(Lane.ROSTERS, Lane.PEOPLE, 70), (Lane.PROFILES, Lane.ROSTERS, 68), (Lane.PROFILES, Lane.PEOPLE, 68)],
)
def test_the_last_part_of_an_hour_is_kept_for_the_lanes_before(
    loop: VirtualLoop, lane: Lane, before: Lane, most: int
) -> None:
    limiter = Limiter(per_second=20, burst=2, per_hour=72, monotonic=loop.time)

    async def scenario() -> tuple[list[float], list[float]]:
        late = asyncio.create_task(crowd(limiter, most + 1, lane=lane))
        await asyncio.sleep(60)
        early = await crowd(limiter, 2, lane=before)
        return early, await late

    early, late = loop.run(scenario())
    assert max(early) < 61
    assert sum(moment < 60 for moment in late) == most
    assert late[-1] >= 3600
    assert fullest(sorted(early + late), 3600.0) == most + 2


def test_people_do_not_wait_for_background_work_that_waits_for_its_hour(loop: VirtualLoop) -> None:
    limiter = Limiter(per_second=20, burst=2, per_hour=72, monotonic=loop.time)

    async def scenario() -> list[float]:
        await crowd(limiter, 68, lane=Lane.PROFILES)
        await asyncio.sleep(3600 - PATIENCE_SECONDS / 2 - loop.time())
        waiting = asyncio.create_task(crowd(limiter, 1, lane=Lane.PROFILES))
        await asyncio.sleep(0)
        asked_at = loop.time()
        [got_at] = await crowd(limiter, 1)
        [late] = await waiting
        return [got_at - asked_at, late]

    waited, late = loop.run(scenario())
    assert waited < 0.01
    assert late >= 3600


def test_a_turn_given_to_one_who_just_gave_up_is_not_lost(loop: VirtualLoop) -> None:
    limiter = Limiter(concurrency=1, monotonic=loop.time)

    async def scenario() -> list[float]:
        async with limiter.turn(Lane.PEOPLE):
            waiting = asyncio.create_task(pass_through(limiter, []))
            await asyncio.sleep(1)
        waiting.cancel()  # its turn has come, and it does not know yet
        with suppress(asyncio.CancelledError):
            await waiting
        return await crowd(limiter, 1)

    assert loop.run(scenario()) == [pytest.approx(1, abs=0.1)]
