import asyncio
import logging

import pytest

from cogs.common.timers import Steady


async def run(steady: Steady, *outcomes: Exception | None) -> None:
    for outcome in outcomes:
        async with steady:
            if outcome is not None:
                raise outcome


async def test_a_row_of_failures_is_logged_once_and_so_is_the_recovery(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await run(Steady("roster timer"), None, OSError("a"), ValueError("b"), None, None, OSError("c"))
    assert [(record.levelname, record.getMessage().split(";")[0]) for record in caplog.records] == [
        ("ERROR", "roster timer failed"),
        ("INFO", "roster timer works again"),
        ("ERROR", "roster timer failed"),
    ]
    assert caplog.records[0].exc_info[1].args == ("a",)


async def test_a_cancellation_passes(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(asyncio.CancelledError):
        async with Steady("roster timer"):
            raise asyncio.CancelledError
    assert not caplog.records
