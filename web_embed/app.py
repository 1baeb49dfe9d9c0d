"""The HTTP surface beside the bot: its application, the headers of every answer, `/healthz` and `/metrics`."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web, web_response
from aiohttp.typedefs import Handler

from domain.errors import Unavailable
from web_embed.metrics import MetricsPage

log = logging.getLogger(__name__)

STATUS_TIMEOUT = 5.0  # seconds; a database that hangs is not healthy
MAX_BODY = 2 * 1024 * 1024
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


def create_web(status: Status, metrics: MetricsPage | None = None) -> web.Application:
    """Create the application; `status` is asked at each call of /healthz, without `metrics` there is no such page."""
    app = web.Application(middlewares=[_answer_errors], client_max_size=MAX_BODY)
    app[STATUS] = status
    app.on_response_prepare.append(_harden)
    app.router.add_get("/healthz", _healthz)
    if metrics is not None:
        # Every method: a refusal of one would tell that the page exists.
        app.router.add_route("*", "/metrics", metrics.serve)
    return app


async def start_web(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Serve the application; the caller ends it with `runner.cleanup()`, `runner.addresses` tells where it is.

    Raises Unavailable when the address cannot be had.
    """
    # A request too broken to reach the application is answered by aiohttp alone, which would tell its version.
    web_response.SERVER_SOFTWARE = "muster"  # type: ignore[attr-defined]  # aiohttp has no setting for it
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise Unavailable(
            f"The web server cannot listen on {host}:{port} ({error.strerror}); set PORT or HOST."
        ) from error
    return runner


def answer(data: dict[str, Any], *, status: int = 200) -> web.Response:
    """Give a good answer in the envelope."""
    return web.json_response({"ok": True, "data": data}, status=status)


def refusal(code: str, message: str, *, status: int, data: dict[str, Any] | None = None) -> web.Response:
    """Give a refusal or failure in the envelope, with what is known nevertheless."""
    body: dict[str, Any] = {"ok": False, "error": {"code": code, "message": message}}
    return web.json_response(body if data is None else body | {"data": data}, status=status)


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
    except web.HTTPException as error:
        response = refusal(error.reason.lower().replace(" ", "_"), error.reason, status=error.status)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception:
        error_id = secrets.token_hex(4)
        log.exception("error %s at %s %s", error_id, request.method, request.path)
        return refusal("internal_error", f"something failed here (error {error_id})", status=500)


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
