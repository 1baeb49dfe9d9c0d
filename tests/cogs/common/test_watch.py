"""Each interaction is followed from its arrival to its end: one line, one event, no word of the user."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.services import trail
from cogs.common.watch import ENDED, Outcome, Watch, trace_first_answers, watch
from tests.cogs.common.conftest import World
from tests.cogs.common.probes import card


@pytest.fixture
def ended(world: World, caplog: pytest.LogCaptureFixture) -> list[Watch]:
    """Collect the watches of ended interactions, and let the log keep its information."""
    caplog.set_level(logging.INFO)
    found: list[Watch] = []

    async def keep(seen: Watch) -> None:
        found.append(seen)

    world.env.bot.add_listener(keep, f"on_{ENDED}")
    return found


def told(ended: list[Watch]) -> list[tuple[str, str, str]]:
    return [(seen.kind, seen.name, seen.outcome.value) for seen in ended]


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record)[trail.FACTS] for record in caplog.records if record.name == "cogs.common.watch"]


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ("domain", "refused"),
        ("deferred-domain", "refused"),
        ("raise", "error"),
        ("answered-raise", "error"),
    ],
)
async def test_a_command_is_followed_to_its_end(world: World, ended: list[Watch], how: str, outcome: str) -> None:
    await world.member.slash(world.channel, "fail", how=how)
    await world.env.settle()
    assert told(ended) == [("command", "fail", outcome)]
    assert world.env.errors


async def test_a_command_that_works_and_one_that_is_not_allowed(world: World, ended: list[Watch]) -> None:
    await world.officer.slash(world.channel, "locked")
    await world.member.slash(world.channel, "locked")
    await world.env.settle()
    assert told(ended) == [("command", "locked", "ok"), ("command", "locked", "refused")]
    assert world.env.errors


async def test_a_command_that_is_gone_has_no_name_of_its_own(world: World, ended: list[Watch]) -> None:
    world.env.bot.tree.remove_command("locked")
    await world.member.slash(world.channel, "locked")
    await world.env.settle()
    assert told(ended) == [("command", "unknown", "refused")]
    assert world.env.errors


async def test_long_work_is_followed_to_its_result(world: World, ended: list[Watch]) -> None:
    await world.member.slash(world.channel, "work", seconds=3, how="plain")
    await world.env.advance_time(5)
    assert told(ended) == [("command", "work", "ok")]


@pytest.mark.parametrize(("typed", "outcome"), [("a", "ok"), ("refuse", "refused"), ("raise", "error")])
async def test_autocomplete_is_followed(world: World, ended: list[Watch], typed: str, outcome: str) -> None:
    await world.member.autocomplete(world.channel, "search", "name", typed)
    await world.env.settle()
    assert told(ended) == [("autocomplete", "search", outcome)]


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        ("answer", "ok"),
        ("silent", "ok"),
        ("officers", "refused"),
        ("raises", "error"),
        ("load-misses", "refused"),
        ("load-raises", "error"),
    ],
)
async def test_a_control_is_followed_from_its_load_on(
    world: World, ended: list[Watch], what: str, outcome: str
) -> None:
    await world.member.click(await world.post(card("row", what)), label=what)
    await world.env.settle()
    assert told(ended) == [("control", "Poke", outcome)]


@pytest.mark.parametrize(("note", "outcome"), [("hello", "ok"), ("", "refused"), ("raise", "error")])
async def test_a_form_is_followed(world: World, ended: list[Watch], note: str, outcome: str) -> None:
    shown = await world.member.click(await world.post(card("row", "form")), label="form")
    await world.member.submit_modal(shown, {"note": note, "loud": False})
    await world.env.settle()
    assert told(ended)[1:] == [("form", "note_submitted", outcome)]


async def test_a_form_that_nobody_knows_is_refused(world: World, ended: list[Watch]) -> None:
    shown = await world.member.click(await world.post(card("row", "old-form")), label="old-form")
    await world.member.submit_modal(shown, {"note": "hello", "loud": False})
    await world.env.settle()
    assert told(ended)[1:] == [("form", "unknown", "refused")]


async def test_the_line_names_who_and_where_and_never_what_was_typed(
    world: World, ended: list[Watch], caplog: pytest.LogCaptureFixture
) -> None:
    await world.member.slash(world.channel, "search", name="a private word")
    await world.env.settle()
    (line,) = lines(caplog)
    assert (line["kind"], line["name"], line["outcome"]) == ("command", "search", "ok")
    assert (line["server"], line["user"]) == (world.channel.guild.id, world.member.id)
    assert line["whole_ms"] >= 0
    assert "private" not in caplog.text
    assert "private" not in str(line)


async def test_what_is_logged_on_the_way_names_the_interaction(world: World, caplog: pytest.LogCaptureFixture) -> None:
    under: dict[str, set[int | None]] = {}

    class Look(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            under.setdefault(record.name, set()).add(trail.interaction_id())

    caplog.set_level(logging.INFO)
    logger, look = logging.getLogger("cogs.common"), Look()
    logger.addHandler(look)
    for _ in range(2):
        await world.member.slash(world.channel, "fail", how="raise")
    await world.env.settle()
    logger.removeHandler(look)
    callbacks = [one.path.split("/")[2] for one in world.env.http_requests if one.path.endswith("/callback")]
    assert under["cogs.common.errors"] == under["cogs.common.watch"] == set(map(int, callbacks))
    assert trail.interaction_id() is None
    assert world.env.errors


@pytest.fixture
async def discord_api() -> AsyncIterator[str]:
    """Serve callbacks: those with the token "late" are refused."""

    async def callback(request: web.Request) -> web.Response:
        return web.Response(status=404 if request.match_info["token"] == "late" else 200)

    app = web.Application()
    app.router.add_post("/interactions/7/{token}/{what}", callback)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}/interactions/7"
    await runner.cleanup()


class Interaction:
    """As much of an interaction as is looked at."""

    id, guild_id = 7, 100

    def __init__(self) -> None:
        self.user = self.response = self.client = self
        self.events: list[Watch] = []

    def is_done(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def dispatch(self, _event: str, seen: Watch) -> None:
        self.events.append(seen)


async def test_the_first_answer_is_the_first_that_discord_took(discord_api: str) -> None:
    interaction, moments = Interaction(), []

    async def act() -> None:
        seen = watch(interaction, "command", "act")  # type: ignore[arg-type]
        async with aiohttp.ClientSession(trace_configs=[trace_first_answers()]) as session:
            for path in ("late/callback", "good/other", "good/callback", "good/callback"):
                async with session.post(f"{discord_api}/{path}"):
                    moments.append(seen.first_answer)

    await asyncio.create_task(act())
    await asyncio.sleep(0)
    assert moments[:2] == [None, None]
    assert moments[2] is not None
    assert moments[3] == moments[2]
    assert interaction.events[0].first_answer == moments[2]


async def test_an_interaction_cut_off_by_the_end_of_muster_is_told_as_stopped() -> None:
    interaction = Interaction()

    async def act() -> None:
        watch(interaction, "command", "act")  # type: ignore[arg-type]
        await asyncio.Event().wait()

    task = asyncio.create_task(act())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert [seen.outcome for seen in interaction.events] == [Outcome.STOPPED]
