"""The stage itself: what the bot on it depends on between two runs."""

from pathlib import Path

import pytest

from sandbox.stage import Stage
from tests.e2e.small import small_guild

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not RANGE.exists(), reason="only Linux tells which ports it gives to connections")
def test_the_port_of_a_bot_that_restarts_goes_to_no_connection_meanwhile() -> None:
    first, last = map(int, RANGE.read_text().split())
    assert Stage(small_guild()).web_port not in range(first, last + 1)
