"""The application token in life: many who wait, an end that comes near, an API that turns it down."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from bot.battlenet.client import BattleNetClient
from bot.battlenet.outcomes import Found, Reason, Unavailable
from domain.regions import Region


async def ask(client: BattleNetClient) -> Any:
    return await client.profile(Region.EU, "azjolnerub", "Arwen")


@pytest.fixture(autouse=True)
def a_profile_everywhere(server: Any, answer: Callable[..., Any], profile_body: dict[str, Any]) -> None:
    server.default = answer(profile_body)


async def test_ten_concurrent_requests_fetch_the_first_token_once(client: BattleNetClient, server: Any) -> None:
    server.token_delay = 0.05
    outcomes = await asyncio.gather(*(ask(client) for _ in range(10)))
    assert all(isinstance(outcome, Found) for outcome in outcomes)
    assert server.issued() == 1


async def test_ten_concurrent_requests_do_not_refresh_one_expired_token_ten_times(
    client: BattleNetClient, server: Any, fake_time: Any
) -> None:
    await ask(client)
    fake_time.elapsed += 86400
    server.token_delay = 0.05
    await asyncio.gather(*(ask(client) for _ in range(10)))
    assert server.issued() == 2


async def test_a_token_is_renewed_shortly_before_its_end(client: BattleNetClient, server: Any, fake_time: Any) -> None:
    await ask(client)
    fake_time.elapsed += 86399 - 61
    await ask(client)
    assert server.issued() == 1
    fake_time.elapsed += 2
    await ask(client)
    assert server.issued() == 2


async def test_a_short_lived_token_is_used_before_it_is_renewed(
    client: BattleNetClient, server: Any, fake_time: Any
) -> None:
    server.expires_in = 20
    await ask(client)
    fake_time.elapsed += 10
    await ask(client)
    assert server.issued() == 1


async def test_a_401_in_mid_life_gets_a_new_token_once_and_the_answer(client: BattleNetClient, server: Any) -> None:
    await ask(client)
    server.revoked.add(server.token(1))
    assert isinstance(await ask(client), Found)
    assert server.issued() == 2


async def test_ten_requests_turned_down_together_get_one_new_token(client: BattleNetClient, server: Any) -> None:
    await ask(client)
    server.revoked.add(server.token(1))
    server.token_delay = 0.05
    outcomes = await asyncio.gather(*(ask(client) for _ in range(10)))
    assert all(isinstance(outcome, Found) for outcome in outcomes)
    assert server.issued() == 2


async def test_a_second_401_is_the_end_of_it(client: BattleNetClient, server: Any) -> None:
    server.refuse_all_tokens = True
    assert await ask(client) == Unavailable(Reason.UNAUTHORIZED, "Battle.net refused a fresh token")
    assert (len(server.seen), server.issued()) == (2, 2)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_wrong_credentials_are_said_clearly_and_asked_once(
    status: int, client: BattleNetClient, server: Any, answer: Callable[..., Any]
) -> None:
    server.token_script.append(answer({"error": "invalid_client"}, status=status))
    outcome = await ask(client)
    assert outcome == Unavailable(Reason.UNAUTHORIZED, "Battle.net refused the client id or the client secret")
    assert (len(server.seen), server.issued()) == (0, 1)


async def test_a_token_server_that_stumbles_is_asked_again(
    client: BattleNetClient, server: Any, answer: Callable[..., Any]
) -> None:
    server.token_script.extend([answer(status=503), answer(drop=True)])
    assert isinstance(await ask(client), Found)


async def test_all_who_wait_for_a_token_that_does_not_come_share_one_failure(
    client: BattleNetClient, server: Any, answer: Callable[..., Any]
) -> None:
    server.token_script.extend([answer(status=503)] * 3)
    server.token_delay = 0.02
    outcomes = await asyncio.gather(*(ask(client) for _ in range(10)))
    assert {(outcome.reason, outcome.detail) for outcome in outcomes} == {(Reason.SERVER_ERROR, "token: status 503")}
    assert server.issued() == 3


@pytest.mark.parametrize(
    "body",
    [
        b"<html>maintenance</html>",
        b"",
        b"[]",
        b'{"access_token": "abc"}',
        b'{"access_token": "a\\r\\nX: y", "expires_in": 9}',
        b'{"access_token": "\xd0\x96", "expires_in": 9}',
        b'{"access_token": "abc", "expires_in": 0}',
    ],
)
async def test_an_answer_that_is_no_token_is_broken(
    body: bytes, client: BattleNetClient, server: Any, answer: Callable[..., Any]
) -> None:
    server.token_script.append(answer(body))
    assert await ask(client) == Unavailable(Reason.BROKEN, "token: the answer is not a token")


async def test_one_who_gives_up_does_not_take_the_token_from_the_others(client: BattleNetClient, server: Any) -> None:
    server.token_delay = 0.1
    hasty, patient = asyncio.create_task(ask(client)), asyncio.create_task(ask(client))
    await asyncio.sleep(0.03)
    hasty.cancel()
    assert isinstance(await patient, Found)
    assert hasty.cancelled()
    assert server.issued() == 1


async def test_closing_ends_a_refresh_under_way(make_client: Callable[..., Any], server: Any) -> None:
    server.token_delay = 30
    async with make_client() as client:
        asking = asyncio.create_task(ask(client))
        await asyncio.sleep(0.05)
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_no_secret_stands_in_any_log_text_or_detail(
    client: BattleNetClient, server: Any, answer: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcomes = [await ask(client)]
    server.revoked.add(server.token(1))
    server.script.extend([answer(status=500), answer(b"secret-token-1"), answer(drop=True)])
    outcomes += [await ask(client) for _ in range(3)]
    server.token_script.append(answer(b'{"access_token": "secret-token-9 ", "expires_in": "secret-token"}'))
    server.refuse_all_tokens = True
    outcomes.append(await ask(client))
    texts = [caplog.text, repr(outcomes), repr(client), repr(vars(client)), repr(vars(client._token)["_held"])]
    basic = server.token_requests[0].headers["Authorization"].removeprefix("Basic ")
    for secret in ("secret-token", "the-client-secret", basic):
        assert not [text for text in texts if secret in text]
