"""What the companion says: to whoever started it, and to a small log file."""

import logging
import logging.handlers
import sys

from .places import Places
from .words import printable

BYTES = 256 * 1024
OLD_FILES = 1
NAME = __package__ or "muster_companion"


class _OneLine(logging.Formatter):
    """Show what others named without letting it control the terminal; a traceback keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's)
        """Format a message as one line."""
        record.message = printable(record.message)
        return super().formatMessage(record)


def start_logging(places: Places, *, quiet: bool = False) -> None:
    """Send our words to stderr, and with those of the libraries to the file; without a file it works too."""
    # Another of us may turn the file over at the same moment; that is no reason for a traceback.
    logging.raiseExceptions = False
    root, ours = logging.getLogger(), logging.getLogger(NAME)
    root.handlers.clear()
    ours.handlers.clear()
    ours.setLevel(logging.INFO)
    if sys.stderr is not None:  # pythonw has none
        words = logging.StreamHandler(sys.stderr)
        words.setLevel(logging.WARNING if quiet else logging.INFO)
        words.setFormatter(_OneLine("%(message)s"))
        ours.addHandler(words)
    try:
        places.log_folder.mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            places.log, maxBytes=BYTES, backupCount=OLD_FILES, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        root.addHandler(logging.NullHandler())
        ours.warning("There is no log file: %s can't be written (%s).", places.log, error.strerror)
        return
    file.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    root.addHandler(file)
