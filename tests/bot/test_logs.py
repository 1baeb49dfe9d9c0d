"""Log records: readable or JSON, under their interaction and run, and without secrets whatever carries them."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.logs import start_logging
from bot.services.trail import facts, follow_interaction, under_run

SECRET = 'p@ss "word"/1'
Start = Callable[..., io.StringIO]


@pytest.fixture
def start() -> Iterator[Start]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def to_stream(*, level: str = "INFO", as_json: bool = False) -> io.StringIO:
        stream = io.StringIO()
        start_logging(level, [SECRET, ""], stream, as_json=as_json)
        return stream

    yield to_stream
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def written(start: Start) -> io.StringIO:
    return start()


@pytest.fixture(params=[False, True], ids=["text", "json"])
def either(request: pytest.FixtureRequest, start: Start) -> io.StringIO:
    return start(as_json=request.param)


def parts(stream: io.StringIO) -> dict[str, Any]:
    """Read the one line of JSON."""
    (line,) = stream.getvalue().splitlines()
    read: dict[str, Any] = json.loads(line)
    return read


def test_a_record_is_one_readable_line(written: io.StringIO) -> None:
    logging.getLogger("muster.sync").warning("roster of %s not read", "Avalon")
    line = written.getvalue()
    assert line.endswith("Z WARNING muster.sync: roster of Avalon not read\n")


def test_a_record_in_json_is_one_object_in_one_line(start: Start) -> None:
    stream = start(as_json=True)
    logging.getLogger("muster.sync").warning("roster of %s\nnot read", "Avälon")
    found = parts(stream)
    assert found.pop("time").endswith("Z")
    assert found == {"level": "WARNING", "logger": "muster.sync", "message": "roster of Avälon\nnot read"}


async def test_a_record_names_the_interaction_and_the_run_that_it_happened_under(written: io.StringIO) -> None:
    log = logging.getLogger("a")
    follow_interaction(71)
    log.info("begun")
    with under_run(5):
        log.info("at work")
    log.info("done")
    said = [line.partition("a: ")[2] for line in written.getvalue().splitlines()]
    assert said == ["[i=71] begun", "[i=71 r=5] at work", "[i=71] done"]


async def test_in_json_the_interaction_and_the_run_are_fields(start: Start) -> None:
    stream = start(as_json=True)
    follow_interaction(71)
    with under_run(5):
        logging.getLogger("a").info("at work")
    assert (parts(stream)["interaction"], parts(stream)["run"]) == (71, 5)


def test_figures_follow_the_text_and_are_fields_in_json(start: Start) -> None:
    stream = start()
    logging.getLogger("a").info("run", extra=facts(status="success", ms=12, reason=None, name="sync roster"))
    assert stream.getvalue().endswith(' run status=success ms=12 name="sync roster"\n')
    stream = start(as_json=True)
    logging.getLogger("a").info("run", extra=facts(status="success", ms=12, reason=None))
    found = parts(stream)
    assert (found["status"], found["ms"], "reason" in found) == ("success", 12, False)


def test_a_secret_in_text_or_arguments_is_masked(either: io.StringIO) -> None:
    logging.getLogger("a").error(f"token {SECRET}")  # noqa: G004
    logging.getLogger("a").error("token %s", SECRET)
    logging.getLogger("a").error("refused", extra=facts(reason=f"token {SECRET}"))
    assert "word" not in either.getvalue()
    assert either.getvalue().count("[redacted]") == 3


def test_a_traceback_is_written_and_a_secret_in_it_is_masked(either: io.StringIO) -> None:
    try:
        raise ValueError(f"connect to {SECRET}")
    except ValueError:
        logging.getLogger("a").exception("failed")
    assert "Traceback" in either.getvalue()
    assert "ValueError: connect to [redacted]" in either.getvalue()
    assert "word" not in either.getvalue()


def test_a_secret_as_it_stands_in_an_address_is_masked(either: io.StringIO) -> None:
    logging.getLogger("a").error("GET http://h/?t=p%40ss%20%22word%22%2F1 and p%40ss+%22word%22%2F1")
    assert "word" not in either.getvalue()


def test_a_text_of_several_lines_cannot_pass_for_another_record(written: io.StringIO) -> None:
    logging.getLogger("a").warning("named %s", "x\n2026-01-01T00:00:00.000Z INFO b: all is well\r\x1b[2Khidden")
    first, second = written.getvalue().splitlines()
    assert first.endswith("named x")
    assert second == "    2026-01-01T00:00:00.000Z INFO b: all is well\\r\\x1b[2Khidden"


def test_what_lies_below_the_level_is_not_written(written: io.StringIO) -> None:
    logging.getLogger("a").debug("detail")
    logging.getLogger("httpx").info("GET /users/@me")
    assert written.getvalue() == ""


def test_a_secret_in_a_figure_of_any_kind_is_masked(either: io.StringIO) -> None:
    logging.getLogger("a").info("run", extra=facts(error=ValueError(f"no {SECRET}"), parts=[SECRET], count=3))
    assert "word" not in either.getvalue()


@pytest.mark.parametrize("written_as", ["{}", "X-API-Key: {}\r\n", "b'{}'", "/api?key={}&x=1", "{}{}", "'{}…", "\\n{}"])
def test_an_uploaders_key_is_masked_but_for_the_part_that_names_it(either: io.StringIO, written_as: str) -> None:
    key = f"muster_0a1b2c3d4e5f_{'c0ffee11' * 8}"
    logging.getLogger("a").error("refused %s", written_as.replace("{}", key))
    logging.getLogger("a").error("refused", extra=facts(key=key, bytes=key.encode(), cut=key[:-9], shouted=key.upper()))
    assert "c0ffee" not in either.getvalue().lower()
    assert "muster_0a1b2c3d4e5f_[redacted]" in either.getvalue()


def test_no_level_writes_out_the_events_of_discord(start: Start) -> None:
    stream = start(level="DEBUG")
    logging.getLogger("discord.gateway").debug("WebSocket Event: %s", {"token": "aW50OjEy", "value": "typed"})
    logging.getLogger("discord.gateway").info("resumed")
    logging.getLogger("cogs.common").debug("ours")
    assert [line.split(": ")[1] for line in stream.getvalue().splitlines()] == ["resumed", "ours"]
