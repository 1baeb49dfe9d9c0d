"""The application token: fetched once for all who wait, renewed before it ends."""

import asyncio
from base64 import b64encode
from dataclasses import dataclass, field, replace

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.battlenet.exchange import Exchange
from bot.battlenet.limiter import Monotonic
from bot.battlenet.outcomes import Reason, Unavailable

_EARLY_SECONDS = 60.0
_EARLY_SHARE = 0.1
_REFUSALS = frozenset({httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})


class _TokenPayload(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    # A header cannot carry anything else, and an odd token must not turn into an exception there.
    access_token: str = Field(pattern=r"^[!-~]+$", max_length=8192, repr=False)
    expires_in: float = Field(gt=0, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class _Held:
    value: str = field(repr=False)
    renew_at: float


class ApplicationToken:
    """Hold the token of the client-credentials grant."""

    def __init__(
        self, exchange: Exchange, oauth: str, client_id: str, client_secret: str, *, monotonic: Monotonic
    ) -> None:
        self._exchange = exchange
        self._url = httpx.URL(f"{oauth.rstrip('/')}/token")
        self._credentials = b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._monotonic = monotonic
        self._held: _Held | None = None
        self._refreshing: asyncio.Task[str | Unavailable] | None = None

    async def get(self, *, refused: str | None = None) -> str | Unavailable:
        """Give a token that is good now; `refused` is one the API has just turned down, replaced once for all."""
        held = self._held
        if held is not None and held.value != refused and self._monotonic() < held.renew_at:
            return held.value
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh(), name="battlenet-token")
        # Shielded: whoever gives up waiting must not take the token from the others.
        return await asyncio.shield(self._refreshing)

    async def aclose(self) -> None:
        """Stop a refresh that is under way."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    async def _refresh(self) -> str | Unavailable:
        self._held = None
        asked_at = self._monotonic()
        response = await self._exchange.send(
            "POST",
            self._url,
            {"Authorization": f"Basic {self._credentials}"},
            {"grant_type": "client_credentials"},
        )
        if isinstance(response, Unavailable):
            return replace(response, detail=f"token: {response.detail}")
        if response.status_code in _REFUSALS:
            return Unavailable(Reason.UNAUTHORIZED, "Battle.net refused the client id or the client secret")
        if response.status_code != httpx.codes.OK:
            return Unavailable(Reason.BROKEN, f"token: status {response.status_code}")
        try:
            payload = _TokenPayload.model_validate_json(response.content)
        except ValidationError:
            return Unavailable(Reason.BROKEN, "token: the answer is not a token")
        early = min(_EARLY_SECONDS, payload.expires_in * _EARLY_SHARE)
        self._held = _Held(payload.access_token, asked_at + payload.expires_in - early)
        return payload.access_token
