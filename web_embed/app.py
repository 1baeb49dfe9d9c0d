"""The HTTP surface beside the bot: its application, the headers and errors of every answer, and `/healthz`."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web, web_response
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from bot.services.trouble import database_trouble
from domain.errors import Unavailable
from web_embed.bodies import MAX_BODY, let_go_of_bodies
from web_embed.envelope import Refusal, answer, later, refusal
from web_embed.metrics import MetricsPage
from web_embed.uploads import UploadRoutes

log = logging.getLogger(__name__)
server_log = logging.getLogger("web_embed.server")
# What is no HTTP is the client's fault, and the record would repeat it: a piece of a body, or a key.
server_log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))

STATUS_TIMEOUT = 5.0  # seconds; a database that hangs is not healthy
RETRY_SECONDS = 10
IDLE_SECONDS = 75.0
"""How long a connection may be without a whole head of a request; proxies keep theirs for a minute."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Tell whether the database answers, the gateway is connected, and when a roster last synced whole."""

    database: bool
    gateway: bool
    last_sync: datetime | None


Status = Callable[[], Awaitable[HealthReport]]
STATUS: web.AppKey[Status] = web.AppKey("status")


def create_web(
    status: Status, metrics: MetricsPage | None = None, uploads: UploadRoutes | None = None
) -> web.Application:
    """Create the application; `status` is asked at each call of /healthz, what is not given is not there."""
    app = web.Application(middlewares=[let_go_of_bodies, _answer_errors], client_max_size=MAX_BODY)
    app[STATUS] = status
    app.on_response_prepare.append(_harden)
    app.router.add_get("/healthz", _healthz)
    if metrics is not None:
        # Every method: a refusal of one would tell that the page exists.
        app.router.add_route("*", "/metrics", metrics.serve)
    if uploads is not None:
        uploads.add_to(app.router)
    return app


async def start_web(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Serve the application; the caller ends it with `runner.cleanup()`, `runner.addresses` tells where it is.

    Raises Unavailable when the address cannot be had.
    """
    # A request too broken to reach the application is answered by aiohttp alone, which would tell its version.
    web_response.SERVER_SOFTWARE = "muster"  # type: ignore[attr-defined]  # aiohttp has no setting for it
    # Whoever reads a body decompresses it within limits, which aiohttp does not.
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=1,
        keepalive_timeout=IDLE_SECONDS,
        auto_decompress=False,
        logger=server_log,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise Unavailable(
            f"The web server cannot listen on {host}:{port} ({error.strerror}); set PORT or HOST."
        ) from error
    return runner


async def _healthz(request: web.Request) -> web.Response:
    try:
        async with asyncio.timeout(STATUS_TIMEOUT):
            report = await request.app[STATUS]()
    except Exception:
        log.exception("the health of the process could not be told")
        return refusal("unhealthy", "the state of the process could not be told", status=503)
    data = {
        "database": report.database,
        "gateway": report.gateway,
        "last_sync": report.last_sync.isoformat() if report.last_sync else None,
    }
    missing = [part for part in ("database", "gateway") if not data[part]]
    if missing:
        return refusal("unhealthy", f"no connection: {', '.join(missing)}", status=503, data=data)
    return answer(data)


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as error:
        return refusal(error.code, error.message, status=error.status, field=error.field, headers=error.headers)
    except web.HTTPException as error:
        response = refusal(error.reason.lower().replace(" ", "_"), error.reason, status=error.status)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception as error:
        trouble = error if isinstance(error, Unavailable) else database_trouble(error)
        if trouble is not None:
            log.warning("%s %s cannot be answered now: %s", request.method, request.path, trouble)
            return refusal("unavailable", trouble.text, status=503, headers=later(RETRY_SECONDS))
        error_id = secrets.token_hex(4)
        log.exception("error %s at %s %s", error_id, request.method, request.path)
        return refusal("internal_error", f"something failed here (error {error_id})", status=500)


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
