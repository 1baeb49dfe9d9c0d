"""The rules that every test obeys do hold."""

import logging
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from tests.support.clock import FakeClock
from tests.support.controls import LOGGER, no_unseen_errors
from tests.support.need import require
from tests.support.network import OutsideBlockedError


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("0.0.0.0", 80), ("outside.example", 80)])  # noqa: S104
def test_no_socket_leaves_this_machine(address: tuple[str, int]) -> None:
    with socket.socket() as plain, pytest.raises(OutsideBlockedError):
        plain.connect(address)
    with pytest.raises(OutsideBlockedError):
        socket.create_connection(address, timeout=0.1)


def test_no_socket_listens_to_the_outside() -> None:
    with socket.socket() as plain, pytest.raises(OutsideBlockedError):
        plain.bind(("", 0))


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_an_error_that_discord_swallowed_fails_the_test(view_errors: list[logging.LogRecord]) -> None:
    with pytest.raises(pytest.fail.Exception, match="Ignoring exception"), no_unseen_errors():
        logging.getLogger(LOGGER).error("Ignoring exception in view")
    assert len(view_errors) == 1
    view_errors.clear()


def test_an_error_that_was_expected_and_cleared_passes(view_errors: list[logging.LogRecord]) -> None:
    with no_unseen_errors() as records:
        logging.getLogger(LOGGER).error("expected")
        records.clear()
    view_errors.clear()


def test_a_missing_tool_is_not_run_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSTER_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"not run: no-such-tool.*apt-get install it"):
        require("no-such-tool", "apt-get install it")


def test_a_missing_tool_fails_where_everything_must_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="not run"):
        require("no-such-tool", "apt-get install it")


def test_the_clock_stands_until_it_is_moved(clock: FakeClock) -> None:
    assert clock() == clock() == datetime(2026, 1, 1, tzinfo=UTC)
    assert clock.advance(hours=1) == clock() == datetime(2026, 1, 1, 1, tzinfo=UTC)


async def test_statements_are_counted_without_savepoints(
    sessions: async_sessionmaker[AsyncSession], statements: Callable[..., AbstractContextManager[list[str]]]
) -> None:
    with statements() as seen:
        async with sessions.begin() as session, session.begin_nested():
            await session.execute(sa.text("SELECT 1"))
    assert seen == ["SELECT 1"]


async def test_statements_of_another_engine_are_not_counted(
    scratch_engine: AsyncEngine,
    sessions: async_sessionmaker[AsyncSession],
    statements: Callable[..., AbstractContextManager[list[str]]],
) -> None:
    with statements(scratch_engine) as seen:
        async with sessions() as session:
            await session.execute(sa.text("SELECT 1"))
        async with scratch_engine.connect() as connection:
            await connection.execute(sa.text("SELECT 2"))
    assert seen == ["SELECT 2"]


async def test_scratch_sessions_run_at_once_and_commit(scratch_sessions: async_sessionmaker[AsyncSession]) -> None:
    async with scratch_sessions.begin() as session:
        await session.execute(sa.text("CREATE TABLE committed (x int)"))
    async with scratch_sessions() as first, scratch_sessions() as second:
        for session in (first, second):
            assert (await session.execute(sa.text("SELECT count(*) FROM committed"))).scalar_one() == 0
