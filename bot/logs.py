"""Readable log lines on stderr, from which every known secret is taken out."""

import logging
import sys
import time
from collections.abc import Iterable
from typing import TextIO
from urllib.parse import quote, quote_plus

MASK = "[redacted]"
QUIET = ("httpx", "httpcore", "aiohttp.access", "asyncio", "alembic")
"""Libraries that log each request or step as information."""


class RedactingFormatter(logging.Formatter):
    """Write one record as time (UTC), level, logger and text; no secret passes, in a traceback neither."""

    converter = staticmethod(time.gmtime)

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        spellings = {form for secret in secrets if secret for form in (secret, quote(secret, ""), quote_plus(secret))}
        self._secrets = sorted(spellings, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Give the record's text with every secret masked."""
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


def start_logging(level: str, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Send all records from `level` on to stderr; replaces what was set before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(RedactingFormatter(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
