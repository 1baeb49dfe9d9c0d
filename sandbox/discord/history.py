"""What each message looked like over time, and the nonce it was sent with."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

VERSIONS_KEPT = 50


class History:
    """The versions of every message that REST answered with, oldest first."""

    def __init__(self) -> None:
        self._versions: dict[int, deque[dict[str, Any]]] = {}
        self.current_nonce: str | None = None

    @contextmanager
    def nonce(self, nonce: str | None) -> Iterator[None]:
        """Mark the message made inside with the nonce, so that its event echoes it."""
        self.current_nonce = nonce
        try:
            yield
        finally:
            self.current_nonce = None

    def keep(self, answer: Any) -> None:
        """Keep an answer if it is a message, or an interaction callback that carries one."""
        if isinstance(answer, Mapping) and "resource" in answer:
            answer = answer["resource"].get("message")
        if isinstance(answer, Mapping) and {"author", "channel_id", "components"} <= answer.keys():
            versions = self._versions.setdefault(int(answer["id"]), deque(maxlen=VERSIONS_KEPT))
            versions.append(dict(answer))

    def of(self, message_id: int) -> list[dict[str, Any]]:
        """Return a message's versions."""
        return list(self._versions.get(message_id, ()))
