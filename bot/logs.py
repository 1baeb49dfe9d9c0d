"""Log records on stderr, as lines to read or as JSON: each with what it happened under, and without any secret."""

import json
import logging
import re
import sys
import time
from collections.abc import Iterable
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

from bot.services import trail
from domain.upload_keys import KEY_LIKE

MASK = "[redacted]"
QUIETEST = {
    # Each request or step is information to them.
    **dict.fromkeys(("httpx", "httpcore", "aiohttp.access", "asyncio", "alembic"), logging.WARNING),
    # For debugging it writes out whole events: what people typed, and the token that answers their interaction.
    "discord": logging.INFO,
}
"""Libraries whose records below a level are never written."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class RedactingFormatter(logging.Formatter):
    """Give a record's parts with every secret masked, in a traceback too; times are UTC.

    The secrets are those of the settings; of uploaders' keys whatever looks like one is masked.
    """

    converter = staticmethod(time.gmtime)

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%S")
        spellings = {form for secret in secrets if secret for form in (secret, quote(secret, ""), quote_plus(secret))}
        self._secrets = sorted(spellings, key=len, reverse=True)

    def parts(self, record: logging.LogRecord) -> dict[str, Any]:
        """Give the record by name: what it says, where, and what it happened under."""
        found: dict[str, Any] = {
            "time": f"{self.formatTime(record, self.datefmt)}.{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "interaction": trail.interaction_id(),
            "run": trail.run_id(),
            "message": self._masked(record.getMessage()),
        }
        for name, value in getattr(record, trail.FACTS, {}).items():
            found[name] = value if value is None or isinstance(value, int | float) else self._masked(str(value))
        if record.exc_info:
            found["error"] = self._masked(self.formatException(record.exc_info))
        return {name: value for name, value in found.items() if value is not None}

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return KEY_LIKE.sub(rf"\g<public>{MASK}", text)


class LineFormatter(RedactingFormatter):
    """Write a record to be read: `time level logger: [i=… r=…] text name=value …`.

    Whatever a text contains, only a record begins at the margin: further lines of it stand indented.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Give the record as a line, a traceback below it."""
        parts = self.parts(record)
        head = f"{parts.pop('time')} {parts.pop('level'):<7} {parts.pop('logger')}: "
        under = [f"{short}={parts.pop(name)}" for name, short in (("interaction", "i"), ("run", "r")) if name in parts]
        error = parts.pop("error", None)
        said = [f"[{' '.join(under)}]"] if under else []
        said += [parts.pop("message"), *(f"{name}={_word(value)}" for name, value in parts.items())]
        text = head + " ".join(said) + (f"\n{error}" if error else "")
        return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text).replace("\n", "\n    ")


class JsonFormatter(RedactingFormatter):
    """Write a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the record's parts as an object."""
        return json.dumps(self.parts(record), ensure_ascii=False)


def _word(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text else text


def start_logging(
    level: str, secrets: Iterable[str] = (), stream: TextIO | None = None, *, as_json: bool = False
) -> None:
    """Send all records from `level` on to stderr; replaces what was set before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(secrets) if as_json else LineFormatter(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, least in QUIETEST.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelName(level)))
