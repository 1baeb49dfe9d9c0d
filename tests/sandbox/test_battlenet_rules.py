"""The stand-in is as strict as Battle.net: tokens, namespaces, locales, paths, conditional requests, limits."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest

from sandbox.battlenet import BattleNetStandIn
from sandbox.gamedata import LOCALES
from sandbox.world import World
from tests.sandbox.battlenet_client import Client

ROSTER = "/data/wow/guild/amberfall/the-ember-vigil/roster"
DRUID = "/profile/wow/character/amberfall/" + quote("ádra")
FORBIDDEN = {"code": 403, "type": "BLZWEBAPI00000403", "detail": "Forbidden"}
NOT_FOUND = {"code": 404, "type": "BLZWEBAPI00000404", "detail": "Not Found"}


async def test_a_token_is_given_for_the_right_secret_and_counted(client: Client) -> None:
    body = (await client.ask_token()).json()
    assert (body["token_type"], body["expires_in"]) == ("bearer", 86_399)
    assert client.stand_in.token_requests == 2


async def test_a_wrong_secret_gets_no_token(client: Client) -> None:
    response = await client.ask_token(secret="wrong")
    assert (response.status_code, response.json()["error"]) == (401, "unauthorized")


async def test_a_token_request_without_basic_authorization_is_refused(client: Client) -> None:
    address = f"{client.stand_in.oauth}/token"
    form = {"grant_type": "client_credentials"}
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic ???"}):
        assert (await client.http.post(address, data=form, headers=headers)).status_code == 401


async def test_only_application_tokens_are_given_and_only_to_a_post(client: Client) -> None:
    assert (await client.ask_token(grant="password")).json()["error"] == "unsupported_grant_type"
    assert (await client.http.get(f"{client.stand_in.oauth}/token")).status_code == 405


async def test_a_request_without_a_known_token_is_refused(client: Client) -> None:
    client.token = "made-up"
    response = await client.get(ROSTER)
    assert (response.status_code, response.json()["type"]) == (401, "BLZWEBAPI00000401")


async def test_tokens_go_in_the_header_and_never_in_the_url(client: Client) -> None:
    address = client.stand_in.api.format(region="eu") + ROSTER
    query = {"namespace": "profile-eu", "locale": "en_US", "access_token": client.token}
    assert (await client.http.get(address, params=query)).status_code == 401
    header = {"Authorization": f"Bearer {client.token}"}
    assert (await client.http.get(address, params=query, headers=header)).status_code == 401


async def test_expired_tokens_are_refused_until_a_new_one_is_fetched(client: Client) -> None:
    client.stand_in.expire_tokens()
    assert (await client.get(ROSTER)).status_code == 401
    await client.sign_in()
    assert (await client.get(ROSTER)).status_code == 200


async def test_a_token_ends_after_its_life(world: World) -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    async with BattleNetStandIn(world, clock=lambda: now) as stand_in, httpx.AsyncClient() as http:
        client = Client(stand_in, http)
        await client.sign_in()
        now += timedelta(seconds=86_398)
        assert (await client.get(ROSTER)).status_code == 200
        now += timedelta(seconds=1)
        assert (await client.get(ROSTER)).status_code == 401


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/wow/guild/amberfall/the-ember-vigil", "profile"),
        (ROSTER, "profile"),
        (DRUID, "profile"),
        (DRUID + "/status", "profile"),
        ("/data/wow/realm/index", "dynamic"),
        ("/data/wow/realm/amberfall", "dynamic"),
        ("/data/wow/playable-race/index", "static"),
        ("/data/wow/playable-race/4", "static"),
        ("/data/wow/playable-class/index", "static"),
        ("/data/wow/playable-class/8", "static"),
        ("/data/wow/playable-specialization/index", "static"),
        ("/data/wow/playable-specialization/64", "static"),
    ],
)
async def test_each_path_wants_the_namespace_of_its_kind_and_region(client: Client, path: str, kind: str) -> None:
    assert (await client.get(path, f"{kind}-eu")).status_code == 200
    other = "static" if kind != "static" else "dynamic"
    for wrong in (f"{other}-eu", f"{kind}-us", kind, ""):
        response = await client.get(path, wrong)
        assert (response.status_code, response.json()) == (403, FORBIDDEN)


@pytest.mark.parametrize(
    "path",
    [
        "/data/wow/guild/amberfall/nobody/roster",
        "/data/wow/guild/nowhere/the-ember-vigil",
        ROSTER + "/more",
        "/profile/wow/character/amberfall/nobody",
        "/profile/wow/character/amberfall",
        DRUID + "/unheard-of",
    ],
)
async def test_what_is_not_there_answers_404_with_blizzards_body(client: Client, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.json()) == (404, NOT_FOUND)


async def test_unknown_races_and_pages_answer_404(client: Client) -> None:
    for path in ("/data/wow/playable-race/999", "/data/wow/playable-race/x", "/data/wow/toy/index", "/data"):
        assert (await client.get(path, "static-eu")).status_code == 404
    assert (await client.get("/data/wow/realm/nowhere", "dynamic-eu")).status_code == 404


async def test_an_unknown_region_answers_404(client: Client) -> None:
    assert (await client.get(ROSTER, "profile-cn", region="cn")).status_code == 404


async def test_a_guild_is_found_in_its_own_region_only(client: Client) -> None:
    assert (await client.get(ROSTER, "profile-us", region="us")).status_code == 404


async def test_a_name_in_a_path_is_lower_case_composed_and_encoded_once(client: Client) -> None:
    assert (await client.get(DRUID)).json()["id"] == 101
    folder = "/profile/wow/character/amberfall/"
    for wrong in ("Ádra", "a\u0301dra", quote("ádra")):
        assert (await client.get(folder + quote(wrong))).status_code == 404


async def test_a_profile_that_answers_404_says_nothing_about_membership(client: Client) -> None:
    """A low-level member is in the roster while profile and status are not found."""
    roster = await client.json(ROSTER)
    assert 103 in [member["character"]["id"] for member in roster["members"]]
    assert (await client.get("/profile/wow/character/amberfall/bram")).status_code == 404
    assert (await client.get("/profile/wow/character/amberfall/bram/status")).status_code == 404


async def test_only_get_is_allowed(client: Client) -> None:
    address = client.stand_in.api.format(region="eu") + ROSTER
    response = await client.http.post(address, headers={"Authorization": f"Bearer {client.token}"})
    assert response.status_code == 405


async def test_guild_and_roster_say_how_long_they_are_good_for(client: Client) -> None:
    response = await client.get(ROSTER)
    assert response.headers["Cache-Control"] == "max-age=10800"
    assert response.headers["Last-Modified"].endswith("GMT")


async def test_an_unchanged_profile_answers_304_until_the_next_login(client: Client, world: World) -> None:
    modified = (await client.get(DRUID)).headers["Last-Modified"]
    again = await client.get(DRUID, If_Modified_Since=modified)
    assert (again.status_code, again.content) == (304, b"")
    world.login(world.find("Ádra"), equipped_item_level=260, spec=105)
    newer = await client.get(DRUID, If_Modified_Since=modified)
    body = newer.json()
    assert (newer.status_code, body["equipped_item_level"], body["active_spec"]["id"]) == (200, 260, 105)


async def test_a_date_that_is_none_does_not_stop_a_profile(client: Client) -> None:
    assert (await client.get(DRUID, If_Modified_Since="yesterday")).status_code == 200


async def test_a_roster_never_answers_304(client: Client) -> None:
    modified = (await client.get(ROSTER)).headers["Last-Modified"]
    assert (await client.get(ROSTER, If_Modified_Since=modified)).status_code == 200


async def test_requests_above_the_limit_get_429_with_retry_after_only_sometimes(world: World) -> None:
    now = 0.0
    async with (
        BattleNetStandIn(world, per_second=3, per_hour=5, monotonic=lambda: now) as stand_in,
        httpx.AsyncClient() as http,
    ):
        client = Client(stand_in, http)
        await client.sign_in()
        answers = [await client.get(ROSTER) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert [answer.headers.get("Retry-After") for answer in answers[3:]] == ["1", None]
        now = 1.0
        assert [(await client.get(ROSTER)).status_code for _ in range(3)] == [200, 200, 429]
        now = 3601.0
        assert (await client.get(ROSTER)).status_code == 200


async def test_limits_can_be_off(world: World) -> None:
    async with (
        BattleNetStandIn(world, per_second=None, per_hour=None, monotonic=lambda: 0) as stand_in,
        httpx.AsyncClient() as http,
    ):
        client = Client(stand_in, http)
        await client.sign_in()
        answers = [await client.get("/data/wow/playable-class/index", "static-eu") for _ in range(110)]
        assert {answer.status_code for answer in answers} == {200}


async def test_without_a_locale_every_name_is_an_object_of_all_locales(client: Client) -> None:
    index = await client.json("/data/wow/realm/index", "dynamic-eu", locale=None)
    names = {realm["slug"]: realm["name"] for realm in index["realms"]}
    assert set(names["amberfall"]) == set(LOCALES)
    assert (names["dusk-forest"]["en_US"], names["dusk-forest"]["ru_RU"]) == ("Dusk Forest", "Сумеречный бор")
    profile = await client.json(DRUID, locale=None)
    assert set(profile["realm"]["name"]) == set(LOCALES)
    assert profile["name"] == "Ádra"


async def test_a_locale_makes_names_plain_text(client: Client) -> None:
    realm = await client.json("/data/wow/realm/dusk-forest", "dynamic-eu", locale="ru_RU")
    assert (realm["name"], realm["slug"]) == ("Сумеречный бор", "dusk-forest")


async def test_each_region_has_its_own_realms(client: Client) -> None:
    for region, slugs in (("eu", ["amberfall", "dusk-forest"]), ("us", ["copper-ridge"]), ("kr", []), ("tw", [])):
        index = await client.json("/data/wow/realm/index", f"dynamic-{region}", region=region)
        assert [realm["slug"] for realm in index["realms"]] == slugs


async def test_requests_are_logged_as_they_came(client: Client) -> None:
    await client.get(DRUID, If_Modified_Since="Tue, 05 May 2026 10:00:00 GMT")
    seen = client.stand_in.requests[-1]
    assert (seen.method, seen.status) == ("GET", 200)
    assert (seen.path, seen.raw_path) == ("/eu/profile/wow/character/amberfall/ádra", "/eu" + DRUID)
    assert seen.query == {"namespace": "profile-eu", "locale": "en_US"}
    assert seen.headers["If-Modified-Since"].startswith("Tue")
