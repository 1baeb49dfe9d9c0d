"""One HTTP exchange: limited, timed, retried where that can help, never an exception."""

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt, wait_exponential_jitter
from tenacity.wait import wait_random

from bot.battlenet.limiter import PATIENCE_SECONDS, ExhaustedError, Lane, Limiter, Sleep
from bot.battlenet.observer import Observer
from bot.battlenet.outcomes import Reason, Unavailable
from bot.clock import Clock

TRIES = 3
# A pause that nobody would ask for in earnest ends with the hour that the limits count: durable jobs wait it out.
_LONGEST_PAUSE_SECONDS = 3600.0

_backoff = wait_exponential_jitter(max=8.0)
_jitter = wait_random(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Transient:
    """A failure that another try may mend, and the seconds the server asked us to wait."""

    failure: Unavailable
    retry_after: float | None = None


_Result: TypeAlias = httpx.Response | Unavailable | _Transient


class Exchange:
    """Send requests to Battle.net; `timeout` is in seconds and holds for one whole try."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        limiter: Limiter,
        *,
        timeout: float,
        sleep: Sleep,
        clock: Clock,
        observer: Observer | None = None,
    ) -> None:
        self._http = http
        self._limiter = limiter
        self._timeout = timeout
        self._clock = clock
        self._observer = observer or Observer()
        self._retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=_wait,
            retry=retry_if_result(lambda result: isinstance(result, _Transient)),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
            sleep=sleep,
        )

    async def send(
        self,
        method: str,
        url: httpx.URL,
        headers: dict[str, str],
        form: dict[str, str] | None = None,
        *,
        lane: Lane = Lane.PEOPLE,
    ) -> httpx.Response | Unavailable:
        """Give the response, body read, or why there is none; 429, 5xx, time-outs and lost connections are retried."""
        # Only the client's own builder puts its time-outs on a request.
        request = self._http.build_request(method, url, headers=headers, data=form)
        # A copy: tenacity keeps the state of a running call on the object itself.
        result: _Result = await self._retrying.copy()(self._try, request, lane)
        return result.failure if isinstance(result, _Transient) else result

    async def _try(self, request: httpx.Request, lane: Lane) -> _Result:
        result = await self._ask(request, lane)
        self._observer.battlenet_tried(lane, _told(result))
        return result

    async def _ask(self, request: httpx.Request, lane: Lane) -> _Result:
        asked = time.monotonic()
        try:
            async with self._limiter.turn(lane):
                self._observer.battlenet_waited(lane, time.monotonic() - asked)
                async with asyncio.timeout(self._timeout):
                    response = await self._http.send(request)
        except ExhaustedError as shut:
            return Unavailable(Reason.RATE_LIMITED, str(shut), shut.seconds)
        except (httpx.TimeoutException, TimeoutError):
            return _Transient(Unavailable(Reason.TIMEOUT, f"no whole answer within {self._timeout:g} s"))
        except httpx.TransportError as error:
            return _Transient(Unavailable(Reason.NETWORK, type(error).__name__))
        except httpx.HTTPError as error:
            return Unavailable(Reason.BROKEN, type(error).__name__)
        return self._judge(response)

    def _judge(self, response: httpx.Response) -> _Result:
        status = response.status_code
        if status != httpx.codes.TOO_MANY_REQUESTS and status < httpx.codes.INTERNAL_SERVER_ERROR:
            return response
        asked = seconds_to_wait(response.headers.get("Retry-After"), self._clock())
        retry_after = None if asked is None else min(asked, _LONGEST_PAUSE_SECONDS)
        reason = Reason.SERVER_ERROR
        if status == httpx.codes.TOO_MANY_REQUESTS:
            reason = Reason.RATE_LIMITED
            self._limiter.pause(retry_after or 0.0)
        if retry_after is not None and retry_after > PATIENCE_SECONDS:
            return Unavailable(reason, f"status {status}, asked to wait {asked:.0f} s", retry_after)
        return _Transient(Unavailable(reason, f"status {status}"), retry_after)


def seconds_to_wait(retry_after: str | None, now: datetime) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date; None when it is absent or says nothing usable."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    date = http_date(text)
    return None if date is None else max(0.0, (date - now).total_seconds())


def http_date(text: str) -> datetime | None:
    """Read an HTTP date as aware UTC; None when it is none."""
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _told(result: _Result) -> str:
    match result:
        case httpx.Response(status_code=status):
            return str(status)
        case Unavailable(reason=reason) | _Transient(Unavailable(reason=reason)):
            return reason.value


def _wait(state: RetryCallState) -> float:
    result = state.outcome.result() if state.outcome else None
    if isinstance(result, _Transient) and result.retry_after is not None:
        return result.retry_after + _jitter(state)
    return _backoff(state)
