"""Token buckets: how many at once, how many a minute, and how much is remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.site import Seconds
from web_embed.limits import Allowance, Buckets

TWELVE = Allowance(per_minute=12, burst=5)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def test_a_bucket_gives_its_burst_at_once_and_then_says_how_long_to_wait(seconds: Seconds) -> None:
    buckets = Buckets(TWELVE, monotonic=seconds)
    assert [buckets.take("a") for _ in range(7)] == [0, 0, 0, 0, 0, 5, 5]
    seconds.now += 3
    assert buckets.take("a") == 2
    seconds.now += 2
    assert [buckets.take("a"), buckets.take("a")] == [0, 5]


def test_a_bucket_that_was_left_alone_is_full_and_no_fuller(seconds: Seconds) -> None:
    buckets = Buckets(TWELVE, monotonic=seconds)
    for _ in range(5):
        buckets.take("a")
    seconds.now += 3_600
    assert [buckets.take("a") for _ in range(6)] == [0, 0, 0, 0, 0, 5]


def test_callers_have_buckets_of_their_own(seconds: Seconds) -> None:
    buckets = Buckets(Allowance(per_minute=1, burst=1), monotonic=seconds)
    assert [buckets.take("a"), buckets.take("a"), buckets.take("b")] == [0, 60, 0]


def test_asking_how_long_to_wait_takes_nothing(seconds: Seconds) -> None:
    buckets = Buckets(Allowance(per_minute=1, burst=1), monotonic=seconds)
    assert [buckets.wait("a"), buckets.wait("a"), len(buckets)] == [0, 0, 0]
    buckets.take("a")
    assert [buckets.wait("a"), buckets.wait("a")] == [60, 60]


def test_memory_is_bounded_and_who_asked_last_is_remembered(seconds: Seconds) -> None:
    buckets = Buckets(Allowance(per_minute=1, burst=1), callers=3, monotonic=seconds)
    for caller in range(1_000):
        buckets.take(caller)
    assert len(buckets) == 3
    assert [buckets.take(caller) for caller in (999, 998, 997, 0)] == [60, 60, 60, 0]


@given(pauses=st.lists(st.floats(min_value=0, max_value=20), min_size=1, max_size=200))
def test_no_minute_sees_more_than_the_burst_and_a_minute_of_tokens(pauses: list[float]) -> None:
    seconds = Seconds()
    buckets = Buckets(TWELVE, monotonic=seconds)
    taken = []
    for pause in pauses:
        seconds.now += pause
        if buckets.take("a") == 0:
            taken.append(seconds.now)
    for start in taken:
        assert len([moment for moment in taken if start <= moment < start + 60]) <= TWELVE.burst + TWELVE.per_minute


@given(pauses=st.lists(st.floats(min_value=0, max_value=20), min_size=1, max_size=50))
def test_who_waits_as_long_as_told_gets_a_token(pauses: list[float]) -> None:
    seconds = Seconds()
    buckets = Buckets(TWELVE, monotonic=seconds)
    for pause in pauses:
        seconds.now += pause
        if wait := buckets.take("a"):
            seconds.now += wait + 1e-6
            assert buckets.take("a") == 0
