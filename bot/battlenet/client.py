"""The client of Battle.net's web API: questions in our words, outcomes as values."""

import asyncio
import copy
import time
from dataclasses import replace
from typing import Self, TypeVar

import httpx
from pydantic import ValidationError

from bot.battlenet.exchange import Exchange, http_date
from bot.battlenet.limiter import Lane, Limiter, Monotonic, Sleep
from bot.battlenet.observer import Observer
from bot.battlenet.outcomes import Forbidden, Found, NotFound, Outcome, Reason, Unavailable, Unchanged
from bot.battlenet.paths import guild_slugs, lowered, path
from bot.battlenet.payloads import (
    GuildPayload,
    NamePayload,
    Payload,
    ProfilePayload,
    RaceIndexPayload,
    RacePayload,
    RealmIndexPayload,
    RealmPayload,
    RosterPayload,
    SpecializationPayload,
)
from bot.battlenet.token import ApplicationToken
from bot.clock import Clock, system_clock
from domain.regions import Region

PayloadT = TypeVar("PayloadT", bound=Payload)

_WITHOUT_BODY: dict[int, Unchanged | NotFound | Forbidden | Unavailable] = {
    httpx.codes.NOT_MODIFIED: Unchanged(),
    httpx.codes.NOT_FOUND: NotFound(),
    httpx.codes.FORBIDDEN: Forbidden(),
    httpx.codes.UNAUTHORIZED: Unavailable(Reason.UNAUTHORIZED, "Battle.net refused a fresh token"),
}


class BattleNetClient:
    """Ask Battle.net; one per process, since its limits are.

    `api` is a template with `{region}`; `timeout` is in seconds. No method raises for what Battle.net does or answers.
    """

    def __init__(
        self,
        api: str,
        oauth: str,
        client_id: str,
        client_secret: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        limiter: Limiter | None = None,
        observer: Observer | None = None,
        timeout: float = 30.0,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
        clock: Clock = system_clock,
    ) -> None:
        self._api = api.rstrip("/")
        self._http = httpx.AsyncClient(
            transport=transport,
            headers={"User-Agent": "Muster", "Accept": "application/json"},
            # The sandbox listens on loopback, which a proxy from the environment cannot reach.
            mounts={"all://127.0.0.1": None, "all://localhost": None},
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=50, keepalive_expiry=30.0),
        )
        limiter = limiter or Limiter(sleep=sleep, monotonic=monotonic)
        self._exchange = Exchange(self._http, limiter, timeout=timeout, sleep=sleep, clock=clock, observer=observer)
        self._token = ApplicationToken(self._exchange, oauth, client_id, client_secret, monotonic=monotonic)
        self._lane = Lane.PEOPLE

    async def aclose(self) -> None:
        """Close the connections; the client is of no use afterwards."""
        await self._token.aclose()
        await self._http.aclose()

    def in_lane(self, lane: Lane) -> Self:
        """Give this client as work for which nobody waits uses it: through the same gate, behind all who do."""
        view = copy.copy(self)
        view._lane = lane
        return view

    async def guild(self, region: Region, realm_slug: str, guild: str) -> Outcome[GuildPayload]:
        """Ask for a guild by name or slug; the value's `slug` is the one to keep and to ask for the roster with."""
        outcome: Outcome[GuildPayload] = NotFound()
        for slug in guild_slugs(guild):
            outcome = await self._profile_data(region, GuildPayload, "/data/wow/guild", realm_slug, slug)
            if isinstance(outcome, Found):
                return replace(outcome, value=outcome.value.model_copy(update={"slug": slug}))
            if not isinstance(outcome, NotFound):
                break
        return outcome

    async def roster(self, region: Region, realm_slug: str, guild_slug: str) -> Outcome[RosterPayload]:
        """Ask for a whole roster, on the guild's home realm; an empty one is the caller's to refuse."""
        return await self._profile_data(region, RosterPayload, "/data/wow/guild", realm_slug, guild_slug, "roster")

    async def profile(
        self, region: Region, realm_slug: str, name: str, *, if_modified_since: str | None = None
    ) -> Outcome[ProfilePayload]:
        """Ask for a character; `if_modified_since` is the `last_modified` of an earlier answer."""
        return await self._profile_data(
            region,
            ProfilePayload,
            "/profile/wow/character",
            realm_slug,
            lowered(name),
            if_modified_since=if_modified_since,
        )

    async def realms(self, region: Region) -> Outcome[list[RealmPayload]]:
        """Ask for a region's realms, each with its names of all locales."""
        # Without a locale each name is an object of all of them.
        params = {"namespace": f"dynamic-{region}"}
        outcome = await self._ask(region, RealmIndexPayload, "/data/wow/realm/index", params)
        return Found(outcome.value.realms, outcome.last_modified) if isinstance(outcome, Found) else outcome

    async def races(self, region: Region) -> Outcome[list[RacePayload]]:
        """Ask for the playable races, named in the region's default locale."""
        params = {"namespace": f"static-{region}", "locale": region.locale}
        outcome = await self._ask(region, RaceIndexPayload, "/data/wow/playable-race/index", params)
        return Found(outcome.value.races, outcome.last_modified) if isinstance(outcome, Found) else outcome

    async def playable_class(self, region: Region, class_id: int) -> Outcome[NamePayload]:
        """Ask for a playable class, named in the region's default locale."""
        return await self._static_data(region, NamePayload, "playable-class", class_id)

    async def specialization(self, region: Region, spec_id: int) -> Outcome[SpecializationPayload]:
        """Ask for a specialization with its class and role, named in the region's default locale."""
        return await self._static_data(region, SpecializationPayload, "playable-specialization", spec_id)

    async def _static_data(
        self, region: Region, payload: type[PayloadT], kind: str, entry_id: int
    ) -> Outcome[PayloadT]:
        params = {"namespace": f"static-{region}", "locale": region.locale}
        return await self._ask(region, payload, f"/data/wow/{kind}/{entry_id}", params)

    async def _profile_data(
        self,
        region: Region,
        payload: type[PayloadT],
        prefix: str,
        *segments: str,
        if_modified_since: str | None = None,
    ) -> Outcome[PayloadT]:
        target = path(prefix, *segments)
        if target is None:
            return NotFound()
        params = {"namespace": f"profile-{region}", "locale": region.locale}
        return await self._ask(region, payload, target, params, if_modified_since=if_modified_since)

    async def _ask(
        self,
        region: Region,
        payload: type[PayloadT],
        target: str,
        params: dict[str, str],
        *,
        if_modified_since: str | None = None,
    ) -> Outcome[PayloadT]:
        url = httpx.URL(self._api.replace("{region}", region) + target, params=params)
        headers = {}
        if since := _usable_date(if_modified_since):
            headers["If-Modified-Since"] = since
        response = await self._send(url, headers)
        if isinstance(response, Unavailable):
            return response
        if response.status_code == httpx.codes.OK:
            return _read(response, payload, region.locale)
        unexpected = Unavailable(Reason.BROKEN, f"unexpected status {response.status_code}")
        return _WITHOUT_BODY.get(response.status_code, unexpected)

    async def _send(self, url: httpx.URL, headers: dict[str, str]) -> httpx.Response | Unavailable:
        """Send with the application token; one that is turned down in mid-life is replaced once."""
        refused: str | None = None
        while True:
            token = await self._token.get(refused=refused)
            if isinstance(token, Unavailable):
                return token
            authorized = headers | {"Authorization": f"Bearer {token}"}
            response = await self._exchange.send("GET", url, authorized, lane=self._lane)
            if (
                isinstance(response, Unavailable)
                or response.status_code != httpx.codes.UNAUTHORIZED
                or refused is not None
            ):
                return response
            refused = token


def _read(response: httpx.Response, payload: type[PayloadT], locale: str) -> Outcome[PayloadT]:
    try:
        value = payload.read(response.content, locale=locale)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "body"
        return Unavailable(Reason.BROKEN, f"{place}: {first['msg']}"[:200])
    except ValueError as error:
        return Unavailable(Reason.BROKEN, str(error))
    return Found(value, _usable_date(response.headers.get("Last-Modified")))


def _usable_date(text: str | None) -> str | None:
    """Give an HTTP date that can be sent back as it came; None for anything else."""
    return text if text and text.isascii() and text.isprintable() and http_date(text) else None
