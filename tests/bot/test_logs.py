"""Log lines: readable, and without secrets whatever carries them."""

import io
import logging
from collections.abc import Iterator

import pytest

from bot.logs import start_logging

SECRET = "p@ss word/1"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    start_logging("INFO", [SECRET, ""], stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_record_is_one_readable_line(written: io.StringIO) -> None:
    logging.getLogger("muster.sync").warning("roster of %s not read", "Avalon")
    line = written.getvalue()
    assert line.endswith("Z WARNING muster.sync: roster of Avalon not read\n")


def test_a_secret_in_text_or_arguments_is_masked(written: io.StringIO) -> None:
    logging.getLogger("a").error(f"token {SECRET}")  # noqa: G004
    logging.getLogger("a").error("token %s", SECRET)
    assert SECRET not in written.getvalue()
    assert written.getvalue().count("[redacted]") == 2


def test_a_secret_in_a_traceback_is_masked(written: io.StringIO) -> None:
    try:
        raise ValueError(f"connect to {SECRET}")
    except ValueError:
        logging.getLogger("a").exception("failed")
    assert "Traceback" in written.getvalue()
    assert SECRET not in written.getvalue()


def test_a_secret_as_it_stands_in_an_address_is_masked(written: io.StringIO) -> None:
    logging.getLogger("a").error("GET http://h/?t=p%40ss%20word%2F1 and p%40ss+word%2F1")
    assert "ss" not in written.getvalue().replace("[redacted]", "").partition("GET")[2]


def test_what_lies_below_the_level_is_not_written(written: io.StringIO) -> None:
    logging.getLogger("a").debug("detail")
    logging.getLogger("httpx").info("GET /users/@me")
    assert written.getvalue() == ""
