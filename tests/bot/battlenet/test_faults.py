"""Each way that Battle.net fails, and what it must not be taken for."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.battlenet.client import BattleNetClient
from bot.battlenet.outcomes import Forbidden, Found, NotFound, Reason, Unavailable, Unchanged
from domain.regions import Region

Answers = Callable[..., Any]


async def ask_roster(client: BattleNetClient) -> Any:
    return await client.roster(Region.EU, "azjolnerub", "nachtwache")


async def ask_profile(client: BattleNetClient) -> Any:
    return await client.profile(Region.EU, "azjolnerub", "Arwen")


@pytest.mark.parametrize("ask", [ask_roster, ask_profile])
@pytest.mark.parametrize(
    ("status", "outcome"), [(403, Forbidden()), (404, NotFound()), (304, Unchanged())], ids=["403", "404", "304"]
)
async def test_an_answer_without_a_body_is_given_as_what_it_is_and_not_asked_again(
    *, ask: Any, status: int, outcome: Any, client: BattleNetClient, server: Any, answer: Answers
) -> None:
    server.default = answer(b"", status=status)
    assert await ask(client) == outcome
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_is_retried_twice_and_never_read_as_gone(
    status: int, client: BattleNetClient, server: Any, answer: Answers
) -> None:
    server.default = answer(b"<html>", status=status)
    assert await ask_roster(client) == Unavailable(Reason.SERVER_ERROR, f"status {status}")
    assert len(server.seen) == 3


async def test_a_stumble_does_not_show(
    client: BattleNetClient, server: Any, answer: Answers, roster_body: dict[str, Any]
) -> None:
    server.script.extend([answer(status=500), answer(drop=True)])
    server.default = answer(roster_body)
    assert isinstance(await ask_roster(client), Found)


async def test_tries_are_spaced_out_further_each_time(
    client: BattleNetClient, server: Any, answer: Answers, fake_time: Any
) -> None:
    server.default = answer(status=500)
    await ask_roster(client)
    first, second = fake_time.slept
    assert 1 <= first <= 2
    assert 2 <= second <= 3


async def test_a_lost_connection_is_retried_and_called_network(
    client: BattleNetClient, server: Any, answer: Answers
) -> None:
    server.default = answer(drop=True)
    outcome = await ask_roster(client)
    assert (outcome.reason, len(server.seen)) == (Reason.NETWORK, 3)


async def test_half_a_roster_cut_off_on_the_way_is_no_roster(
    client: BattleNetClient, server: Any, answer: Answers, roster_body: dict[str, Any]
) -> None:
    server.default = answer(roster_body, cut=True)
    outcome = await ask_roster(client)
    assert outcome.reason == Reason.NETWORK


async def test_nobody_listening_is_called_network(make_client: Callable[..., Any], server: Any) -> None:
    server.url = "http://127.0.0.1:1"
    async with make_client() as client:
        outcome = await ask_roster(client)
    assert outcome == Unavailable(Reason.NETWORK, "token: ConnectError")


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_silence_and_an_endless_trickle_end_in_a_time_out_after_three_tries(
    fault: str, make_client: Callable[..., Any], server: Any, answer: Answers, roster_body: dict[str, Any]
) -> None:
    async with make_client(timeout=0.5) as client:
        server.default = answer(roster_body)
        await ask_roster(client)
        server.default = answer(b" " * 1000, **{fault: True})
        outcome = await ask_roster(client)
    assert outcome == Unavailable(Reason.TIMEOUT, "no whole answer within 0.5 s")
    assert len(server.seen) == 4


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("header", ["7", "Fri, 20 Nov 2026 12:00:07 GMT"])
async def test_retry_after_is_honoured_with_jitter(
    *,
    status: int,
    header: str,
    client: BattleNetClient,
    server: Any,
    answer: Answers,
    fake_time: Any,
    roster_body: dict[str, Any],
) -> None:
    server.script.append(answer(status=status, headers={"Retry-After": header}))
    server.default = answer(roster_body)
    assert isinstance(await ask_roster(client), Found)
    assert 7 < sum(fake_time.slept) <= 8


async def test_two_who_were_refused_together_do_not_come_back_together(
    client: BattleNetClient, server: Any, answer: Answers, fake_time: Any, roster_body: dict[str, Any]
) -> None:
    server.script.extend([answer(status=429, headers={"Retry-After": "0"})] * 4)
    server.default = answer(roster_body)
    await asyncio.gather(*(ask_roster(client) for _ in range(4)))
    assert len(set(fake_time.slept)) == 4


@pytest.mark.parametrize("header", ["soon", "-1", "1e999", "Fri, 99 Foo 2026", "9" * 400, ""])
async def test_a_retry_after_that_says_nothing_falls_back_to_our_own_spacing(
    header: str, client: BattleNetClient, server: Any, answer: Answers, fake_time: Any
) -> None:
    server.default = answer(status=429, headers={"Retry-After": header})
    assert await ask_roster(client) == Unavailable(Reason.RATE_LIMITED, "status 429")
    assert (len(server.seen), len(fake_time.slept)) == (3, 2)


async def test_a_429_makes_everybody_wait(
    client: BattleNetClient, server: Any, answer: Answers, fake_time: Any, roster_body: dict[str, Any]
) -> None:
    server.default = answer(roster_body)
    await ask_roster(client)
    server.script.extend([answer(status=429, headers={"Retry-After": "5"})] * 3)
    began = fake_time.elapsed
    refused = await ask_roster(client)
    assert refused.reason == Reason.RATE_LIMITED
    assert isinstance(await ask_roster(client), Found)
    assert fake_time.elapsed - began >= 15


async def test_a_wait_too_long_to_sit_out_is_said_at_once_and_nobody_asks_before_its_end(
    client: BattleNetClient, server: Any, answer: Answers, fake_time: Any, roster_body: dict[str, Any]
) -> None:
    server.script.append(answer(status=429, headers={"Retry-After": "600"}))
    server.default = answer(roster_body)
    assert await ask_roster(client) == Unavailable(Reason.RATE_LIMITED, "status 429, asked to wait 600 s", 600)
    assert await ask_roster(client) == Unavailable(Reason.RATE_LIMITED, "no request before 600 s have passed", 600)
    assert (len(server.seen), fake_time.slept) == (1, [])
    fake_time.elapsed += 601
    assert isinstance(await ask_roster(client), Found)


@pytest.mark.parametrize("header", ["999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_wait_that_nobody_asks_for_in_earnest_is_an_hour(
    header: str, client: BattleNetClient, server: Any, answer: Answers
) -> None:
    server.script.append(answer(status=429, headers={"Retry-After": header}))
    outcome = await ask_roster(client)
    assert isinstance(outcome, Unavailable)
    assert (outcome.reason, outcome.retry_after) == (Reason.RATE_LIMITED, 3600)


@pytest.mark.parametrize("status", [201, 204, 301, 302, 400, 410, 418])
async def test_a_status_that_we_do_not_know_is_broken_and_not_retried(
    status: int, client: BattleNetClient, server: Any, answer: Answers
) -> None:
    server.default = answer(b"", status=status, headers={"Location": "/elsewhere"})
    assert await ask_roster(client) == Unavailable(Reason.BROKEN, f"unexpected status {status}")
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><title>Maintenance</title>",
        b"null",
        b"[]",
        b'"members"',
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=["nothing", "html", "null", "list", "text", "cut", "not-utf8", "deep"],
)
async def test_200_with_anything_else_than_the_thing_asked_for_is_broken(
    body: bytes, client: BattleNetClient, server: Any, answer: Answers
) -> None:
    server.default = answer(body)
    for outcome in (
        await client.guild(Region.EU, "azjolnerub", "nachtwache"),
        await ask_roster(client),
        await ask_profile(client),
        await client.realms(Region.EU),
        await client.races(Region.EU),
    ):
        assert isinstance(outcome, Unavailable)
        assert outcome.reason == Reason.BROKEN
        assert 0 < len(outcome.detail) <= 200
    assert len(server.seen) == 5


async def test_a_body_that_does_not_unpack_is_broken(client: BattleNetClient, server: Any, answer: Answers) -> None:
    server.default = answer(b"not gzip", headers={"Content-Encoding": "gzip"})
    assert (await ask_roster(client)).reason == Reason.BROKEN


async def test_giving_up_is_the_only_exception_that_leaves_the_client(
    make_client: Callable[..., Any], server: Any, answer: Answers
) -> None:
    server.default = answer(hang=True)
    async with make_client(timeout=30.0) as client:
        asking = asyncio.create_task(ask_roster(client))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


def leaves(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the way to every node below the top."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way for key, inner in items for way in [(*at, key), *leaves(inner, (*at, key))]]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_body_status_or_header_makes_the_client_raise(
    *,
    data: st.DataObject,
    client: BattleNetClient,
    server: Any,
    answer: Answers,
    roster_body: dict[str, Any],
    profile_body: dict[str, Any],
) -> None:
    ask, whole = data.draw(st.sampled_from([(ask_roster, roster_body), (ask_profile, profile_body)]))
    bent = json.loads(json.dumps(whole))
    way = data.draw(st.sampled_from(leaves(bent)))
    node = bent
    for key in way[:-1]:
        node = node[key]
    node[way[-1]] = data.draw(JSON)
    body = data.draw(st.sampled_from([json.dumps(bent).encode()]) | st.binary(max_size=60))
    server.default = answer(
        body,
        status=data.draw(st.sampled_from([200, 200, 200, 206, 304, 307, 404, 409])),
        headers={"Retry-After": data.draw(HEADER), "Last-Modified": data.draw(HEADER)},
    )
    outcome = await ask(client)
    assert isinstance(outcome, Found | Unchanged | NotFound | Forbidden | Unavailable)
    assert repr(outcome)
