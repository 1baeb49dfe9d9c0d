"""discord.py only logs what fails in a control; here that fails the test."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

LOGGER = "discord.ui.view"


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def no_unseen_errors() -> Iterator[list[logging.LogRecord]]:
    """Fail at the end if a control failed unseen; who expects one reads and clears the list."""
    collector = _Collector()
    logger = logging.getLogger(LOGGER)
    logger.addHandler(collector)
    try:
        yield collector.records
    finally:
        logger.removeHandler(collector)
    if collector.records:
        pytest.fail("a control failed unseen: " + "; ".join(record.getMessage() for record in collector.records))
