"""`/metrics`: for this machine, or with the key; for all others the page does not exist."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import hdrs, web

from web_embed.clients import Networks, client_address, is_local

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
READING = (hdrs.METH_GET, hdrs.METH_HEAD)


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """Serve what `scrape` gives; `key` opens it from elsewhere, `trusted_proxies` are believed about their clients."""

    scrape: Callable[[], Awaitable[bytes]]
    key: str | None = None
    trusted_proxies: Networks = ()

    async def serve(self, request: web.Request) -> web.Response:
        """Answer with the figures; raises HTTPNotFound for whoever may not know that there are any."""
        if not (self._has_key(request) or is_local(client_address(request, self.trusted_proxies))):
            raise web.HTTPNotFound
        if request.method not in READING:
            raise web.HTTPMethodNotAllowed(request.method, READING)
        return web.Response(body=await self.scrape(), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})

    def _has_key(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if self.key is None or scheme.lower() != "bearer":
            return False
        return secrets.compare_digest(given.strip().encode(errors="surrogateescape"), self.key.encode())
