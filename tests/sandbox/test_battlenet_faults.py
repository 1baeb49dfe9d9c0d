"""What Battle.net can do to its clients happens when it is asked for, and only as often."""

import httpx
import pytest

from sandbox.battlenet import EmptyMembers, Fault, HalfJson, Html, InvalidJson, OtherId, Reset, Slow, Status, WrongShape
from tests.sandbox.battlenet_client import Client

ROSTER = "/data/wow/guild/amberfall/the-ember-vigil/roster"
WARRIOR = "/profile/wow/character/dusk-forest/%D1%8F%D1%80%D0%BE%D0%BC%D0%B8%D1%80"


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
async def test_a_status_is_answered_with_blizzards_body_as_often_as_asked(client: Client, status: int) -> None:
    client.stand_in.faults.add("/eu/data/wow/guild/*/roster", Status(status), times=2)
    for _ in range(2):
        response = await client.get(ROSTER)
        assert (response.status_code, response.json()["type"]) == (status, f"BLZWEBAPI00000{status}")
    assert (await client.get(ROSTER)).status_code == 200


async def test_429_tells_when_to_come_back_if_asked_to(client: Client) -> None:
    client.stand_in.faults.add("*/roster", Status(429, retry_after=7))
    response = await client.get(ROSTER)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")


@pytest.mark.parametrize("status", [200, 502])
async def test_a_web_page_may_come_instead_of_json(client: Client, status: int) -> None:
    client.stand_in.faults.add("*/roster", Html(status))
    response = await client.get(ROSTER)
    assert (response.status_code, response.headers["Content-Type"]) == (status, "text/html; charset=utf-8")


@pytest.mark.parametrize("fault", [HalfJson(), InvalidJson()])
async def test_a_body_may_say_it_is_json_and_not_be(client: Client, fault: Fault) -> None:
    client.stand_in.faults.add("*/roster", fault)
    response = await client.get(ROSTER)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    with pytest.raises(ValueError, match=r"line 1 column"):
        response.json()


async def test_json_may_have_a_shape_that_nobody_knows(client: Client) -> None:
    client.stand_in.faults.add("*/roster", WrongShape())
    assert isinstance((await client.json(ROSTER))["members"], dict)


async def test_a_roster_may_come_without_members_or_with_some(client: Client) -> None:
    client.stand_in.faults.add("*/roster", EmptyMembers())
    client.stand_in.faults.add("*/roster", EmptyMembers(keep=1))
    assert [len((await client.json(ROSTER))["members"]) for _ in range(3)] == [0, 1, 3]


async def test_another_character_may_be_at_a_name(client: Client) -> None:
    client.stand_in.faults.add("*/яромир", OtherId())
    client.stand_in.faults.add("*/яромир/status", OtherId())
    assert (await client.json(WARRIOR))["id"] != 102
    assert (await client.json(WARRIOR + "/status"))["id"] != 102
    assert (await client.json(WARRIOR))["id"] == 102


async def test_a_slow_answer_is_right_but_late(client: Client) -> None:
    client.stand_in.faults.add("*/roster", Slow(30))
    client.stand_in.faults.add("*/roster", Slow(0))
    client.http.timeout = httpx.Timeout(5, read=0.05)
    with pytest.raises(httpx.ReadTimeout):
        await client.get(ROSTER)
    client.http.timeout = httpx.Timeout(5)
    assert len((await client.json(ROSTER))["members"]) == 3


async def test_a_connection_may_be_cut(client: Client) -> None:
    client.stand_in.faults.add("*/roster", Reset())
    with pytest.raises(httpx.NetworkError):
        await client.get(ROSTER)
    assert client.stand_in.requests[-1].status is None
    assert (await client.get(ROSTER)).status_code == 200


async def test_the_token_service_fails_on_demand_too(client: Client) -> None:
    client.stand_in.faults.add("/oauth/token", Status(503))
    assert [(await client.ask_token()).status_code for _ in range(2)] == [503, 200]


async def test_a_fault_without_a_count_stays_until_it_is_cleared(client: Client) -> None:
    client.stand_in.faults.add("*", Status(500), times=None)
    assert {(await client.get(ROSTER)).status_code for _ in range(4)} == {500}
    client.stand_in.faults.clear()
    assert (await client.get(ROSTER)).status_code == 200


async def test_a_fault_leaves_other_paths_alone(client: Client) -> None:
    client.stand_in.faults.add("/eu/profile/wow/character/*", Status(500), times=None)
    assert (await client.get(ROSTER)).status_code == 200
    assert (await client.get(WARRIOR)).status_code == 500
