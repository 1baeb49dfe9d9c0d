"""What goes over the wire: hosts, namespaces, locales, names and headers."""

import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from bot.battlenet.client import BattleNetClient
from bot.battlenet.outcomes import Found, NotFound
from domain.regions import Region

LOCALES = {Region.US: "en_US", Region.EU: "en_GB", Region.KR: "ko_KR", Region.TW: "zh_TW"}


@pytest.mark.parametrize("region", Region)
async def test_each_region_is_asked_at_its_own_address_with_its_own_namespaces_and_locale(
    region: Region, client: BattleNetClient, server: Any
) -> None:
    await client.guild(region, "azjolnerub", "Nachtwache")
    await client.roster(region, "azjolnerub", "nachtwache")
    await client.profile(region, "azjolnerub", "Arwen")
    await client.realms(region)
    await client.races(region)

    asked = [urlsplit(seen.target) for seen in server.seen]
    assert [each.path for each in asked] == [
        f"/{region}/data/wow/guild/azjolnerub/nachtwache",
        f"/{region}/data/wow/guild/azjolnerub/nachtwache/roster",
        f"/{region}/profile/wow/character/azjolnerub/arwen",
        f"/{region}/data/wow/realm/index",
        f"/{region}/data/wow/playable-race/index",
    ]
    profile = {"namespace": [f"profile-{region}"], "locale": [LOCALES[region]]}
    assert [parse_qs(each.query) for each in asked] == [
        profile,
        profile,
        profile,
        {"namespace": [f"dynamic-{region}"]},
        {"namespace": [f"static-{region}"], "locale": [LOCALES[region]]},
    ]


@pytest.mark.parametrize(
    ("name", "on_the_wire"),
    [
        ("Арагорн", "арагорн"),
        ("도적", "도적"),
        ("ÉLODIE", "élodie"),
        (unicodedata.normalize("NFD", "Élodie"), "élodie"),
        ("Ørn", "ørn"),
        ("100%25", "100%25"),
        ("a/b?c#d e", "a/b?c#d e"),
    ],
)
async def test_names_are_lower_cased_composed_and_percent_encoded_once(
    name: str, on_the_wire: str, client: BattleNetClient, server: Any
) -> None:
    await client.profile(Region.EU, "ревущий-фьорд", name)
    path = server.seen[0].target.partition("?")[0]
    assert path.isascii()
    assert [unquote(part) for part in path.split("/")[-2:]] == ["ревущий-фьорд", on_the_wire]


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_name_that_cannot_be_one_is_not_found_without_asking(
    name: str, client: BattleNetClient, server: Any
) -> None:
    assert await client.profile(Region.EU, "azjolnerub", name) == NotFound()
    assert server.seen == []


async def test_the_token_goes_in_the_header_and_never_in_the_address(client: BattleNetClient, server: Any) -> None:
    await client.profile(Region.EU, "azjolnerub", "Arwen")
    (seen,) = server.seen
    assert seen.headers["Authorization"] == f"Bearer {server.token(1)}"
    assert "token" not in seen.target
    assert seen.headers["User-Agent"] == "Muster"


async def test_the_token_is_asked_for_with_basic_credentials_in_a_form(client: BattleNetClient, server: Any) -> None:
    await client.realms(Region.EU)
    (asked,) = server.token_requests
    assert (asked.method, asked.target) == ("POST", "/oauth/token")
    assert asked.headers["Authorization"].startswith("Basic ")
    assert asked.body == b"grant_type=client_credentials"


async def test_a_guild_is_tried_with_a_hyphen_for_the_apostrophe_only_after_404(
    client: BattleNetClient, server: Any, answer: Callable[..., Any], guild_body: dict[str, Any]
) -> None:
    server.script.extend([answer(status=404), answer(guild_body)])
    outcome = await client.guild(Region.EU, "azjolnerub", "Kael's Chosen")
    assert isinstance(outcome, Found)
    assert outcome.value.slug == "kael-s-chosen"
    slugs = [seen.target.partition("?")[0].rpartition("/")[2] for seen in server.seen]
    assert slugs == ["kaels-chosen", "kael-s-chosen"]


async def test_a_guild_without_an_apostrophe_is_asked_for_once(
    client: BattleNetClient, server: Any, answer: Callable[..., Any]
) -> None:
    server.default = answer(status=404)
    assert await client.guild(Region.EU, "azjolnerub", "Nachtwache") == NotFound()
    assert len(server.seen) == 1


async def test_a_failure_of_the_first_slug_does_not_pass_for_the_answer_of_the_second(
    client: BattleNetClient, server: Any, answer: Callable[..., Any]
) -> None:
    server.default = answer(status=403)
    assert not isinstance(await client.guild(Region.EU, "azjolnerub", "Kael's Chosen"), Found | NotFound)
    assert len(server.seen) == 1


async def test_a_profile_is_asked_for_only_if_modified_since_the_last_answer(
    client: BattleNetClient, server: Any, answer: Callable[..., Any], profile_body: dict[str, Any]
) -> None:
    date = "Fri, 20 Nov 2026 10:00:00 GMT"
    server.default = answer(profile_body, headers={"Last-Modified": date})
    outcome = await client.profile(Region.EU, "azjolnerub", "Arwen")
    assert isinstance(outcome, Found)
    assert outcome.last_modified == date
    await client.profile(Region.EU, "azjolnerub", "Arwen", if_modified_since=outcome.last_modified)
    assert [seen.headers.get("If-Modified-Since") for seen in server.seen] == [None, date]


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 20 Nov 2026\r\nX: y", "Пт, 20 Nov 2026 10:00:00 GMT"])
async def test_a_date_that_is_none_is_not_sent(date: str, client: BattleNetClient, server: Any) -> None:
    await client.profile(Region.EU, "azjolnerub", "Arwen", if_modified_since=date)
    assert "If-Modified-Since" not in server.seen[0].headers


async def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    monkeypatch: pytest.MonkeyPatch, make_client: Callable[..., Any], server: Any, answer: Callable[..., Any]
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    server.default = answer({"races": [{"id": 1, "name": "Human"}]})
    async with make_client(limiter=None) as client:
        assert isinstance(await client.races(Region.EU), Found)
