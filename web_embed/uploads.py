"""The routes of `docs/upload-format.md`: uploads from the game, and what becomes of them."""

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime
from ipaddress import IPv6Address, ip_network
from typing import Any, Final

from aiohttp import hdrs, web

from bot.services import upload_keys, uploads
from bot.services.context import Context
from bot.services.trail import facts
from bot.services.upload_format import FORMATS, ROWS_LIMIT, BadJson, Invalid
from bot.services.upload_keys import Uploader
from bot.services.uploads import KeyEnded, OtherGuild, Receipt, UploadView
from domain.errors import NotFound
from domain.upload_keys import KEY
from web_embed.bodies import MAX_BODY, expect_later, read_body
from web_embed.clients import Networks, client_address
from web_embed.envelope import Refusal, answer, later
from web_embed.limits import Allowance, Buckets

log = logging.getLogger(__name__)

UPLOAD: Final = "/api/guild-sync/addon-upload"
STATUS: Final = "/api/guild-sync/addon-upload/status"
VIEW: Final = "/api/guild-sync/uploads/{id:[A-Za-z0-9_-]{1,64}}"
KEY_HEADER: Final = "X-API-Key"
UPLOADS: Final = Allowance(per_minute=12, burst=5)
READS: Final = Allowance(per_minute=60, burst=20)
WRONG_KEYS: Final = Allowance(per_minute=30, burst=30)
RIGHT_KEYS: Final = 1_024
"""Keys that are remembered as right."""
NETWORK_BITS: Final = 64
"""What of an IPv6 address is the same for all of a household or a rented machine."""
KEY_SECONDS: Final = 10.0
STORE_SECONDS: Final = 30.0
"""How long the database may take: one that hangs is away."""


class Door:
    """Let in who has a key; who comes with wrong ones is soon not even asked.

    Many may share an address: a key that was right is let through to be asked, whatever the others do. Behind a proxy
    that is not listed all share one, and wrong keys are counted by the key that they pretend to be.
    """

    def __init__(self, ctx: Context, trusted_proxies: Networks, monotonic: Callable[[], float]) -> None:
        self._ctx = ctx
        self._trusted = trusted_proxies
        self._wrong = Buckets(WRONG_KEYS, monotonic=monotonic)
        self._right: OrderedDict[bytes, None] = OrderedDict()

    async def check(self, request: web.Request) -> Uploader:
        """Tell whose key a request has; raises Refusal for a wrong one, and for any after too many wrong ones."""
        text = request.headers.get(KEY_HEADER, "")
        mark = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
        origin = self._origin(request, text)
        wait = self._wrong.wait(origin)
        if wait and mark not in self._right:
            raise rate_limited("there were too many wrong keys from your address", wait)
        async with asyncio.timeout(KEY_SECONDS):
            uploader = await upload_keys.check(self._ctx, text)
        if uploader is None:
            self._right.pop(mark, None)
            self._wrong.take(origin)
            raise unauthorized()
        self._remember(mark)
        return uploader

    def _remember(self, mark: bytes) -> None:
        self._right[mark] = None
        self._right.move_to_end(mark)
        if len(self._right) > RIGHT_KEYS:
            self._right.popitem(last=False)

    def _origin(self, request: web.Request, text: str) -> Hashable:
        address = client_address(request, self._trusted)
        if address is None:
            key = KEY.fullmatch(text)
            return key and key["public_id"]
        return ip_network((address, NETWORK_BITS), strict=False) if isinstance(address, IPv6Address) else address


class UploadRoutes:
    """Serve the three routes; each request needs a key, and sees what is of the key's server alone."""

    def __init__(
        self, ctx: Context, trusted_proxies: Networks = (), *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ctx = ctx
        self._door = Door(ctx, trusted_proxies, monotonic)
        self._uploads = Buckets(UPLOADS, monotonic=monotonic)
        self._reads = Buckets(READS, monotonic=monotonic)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_post(UPLOAD, self.upload, expect_handler=expect_later)
        router.add_get(STATUS, self.status)
        router.add_get(VIEW, self.view)

    async def upload(self, request: web.Request) -> web.Response:
        """Store an upload and acknowledge it; nothing of the body is read for a wrong key or over the limit."""
        uploader = await self._enter(request, self._uploads)
        body = await read_body(request)
        # While the body came the key may have been rotated.
        await self._door.check(request)
        receipt = await self._receive(uploader, body)
        log.info("upload stored", extra=_told(uploader, upload=receipt.upload, repeated=receipt.repeated))
        return answer({"upload": receipt.upload, "state": receipt.state, "rows": receipt.rows}, status=202)

    async def status(self, request: web.Request) -> web.Response:
        """Tell what a key is for, what came last, and what may be sent."""
        uploader = await self._enter(request, self._reads)
        newest = await uploads.newest(self._ctx, uploader)
        guild = uploader.guild
        return answer(
            {
                "guild": {"name": guild.name, "realm": guild.realm, "region": guild.region},
                "uploader": uploader.name,
                "newest": None if newest is None else _shown(newest),
                "formats": [int(number) for number in FORMATS],
                "limits": {"bytes": MAX_BODY, "rows": ROWS_LIMIT, "per_minute": UPLOADS.per_minute},
            }
        )

    async def view(self, request: web.Request) -> web.Response:
        """Tell what became of an upload of the key's server."""
        uploader = await self._enter(request, self._reads)
        try:
            found = await uploads.view(self._ctx, uploader, request.match_info["id"])
        except NotFound as error:
            raise Refusal("not_found", error.text, status=404) from None
        return answer(_shown(found))

    async def _enter(self, request: web.Request, buckets: Buckets) -> Uploader:
        uploader = await self._door.check(request)
        if wait := buckets.take(uploader.key_id):
            raise rate_limited("this key was used too often", wait)
        return uploader

    async def _receive(self, uploader: Uploader, body: bytes) -> Receipt:
        try:
            async with asyncio.timeout(STORE_SECONDS):
                return await uploads.receive(self._ctx, uploader, body)
        except BadJson as error:
            refused = Refusal("bad_json", error.text, status=400)
        except Invalid as error:
            refused = Refusal("invalid", error.text, status=422, field=error.field)
        except OtherGuild as error:
            refused = Refusal("other_guild", error.text, status=409)
        except KeyEnded:
            refused = unauthorized()
        log.info("upload refused", extra=_told(uploader, code=refused.code, field=refused.field))
        raise refused


def rate_limited(reason: str, seconds: float) -> Refusal:
    """Make the refusal of who asks too often."""
    return Refusal("rate_limited", f"{reason}; try again later", status=429, headers=later(seconds))


def unauthorized() -> Refusal:
    """Make the refusal of a key, which says no more of it."""
    return Refusal(
        "unauthorized",
        f"the key in {KEY_HEADER} is wrong or revoked; an officer makes a new one with /addon key",
        status=401,
        headers={hdrs.WWW_AUTHENTICATE: KEY_HEADER},
    )


def _shown(upload: UploadView) -> dict[str, Any]:
    return {
        "upload": upload.public_id,
        "export_id": upload.export_id,
        "format": upload.format,
        "uploader": upload.uploader,
        "rows": upload.rows,
        "exported_at": upload.exported_at.isoformat(),
        "received_at": upload.received_at.isoformat(),
        "applied_at": _moment(upload.applied_at),
        "state": upload.state,
        "result": upload.result,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _told(uploader: Uploader, **more: object) -> dict[str, dict[str, object]]:
    return facts(server=uploader.server_id, key=uploader.key_id, **more)
