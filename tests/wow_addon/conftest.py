"""The game client as a fixture that also looks for what no session may leave behind."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pytest

from tests.wow_addon.client import Client

ALLOWED_GLOBALS = {"MusterDB", "SLASH_MUSTER1"}


class Play(Protocol):
    """Starts a session with the addon; see Client."""

    def __call__(self, world: Mapping[str, Any], saved: bytes = ..., without: tuple[str, ...] = ...) -> Client: ...


@pytest.fixture
def play() -> Iterator[Play]:
    """Give a way to start sessions; after the test none may have left an unexpected error or a new global."""
    clients: list[Client] = []

    def start(world: Mapping[str, Any], saved: bytes = b"", without: tuple[str, ...] = ()) -> Client:
        clients.append(Client(world, saved, without))
        return clients[-1]

    yield start
    for client in clients:
        assert client.errors() == client.expected_errors
        assert client.global_names() - client.globals_before <= ALLOWED_GLOBALS
