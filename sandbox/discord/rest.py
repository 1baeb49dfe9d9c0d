"""The REST side: SimCord's routes behind HTTP, with tokens, nonces and faults on demand."""

import asyncio
import fnmatch
import io
import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

import discord
from aiohttp import BodyPartReader, web
from simcord.backend import Backend, serializers
from simcord.backend.errors import BackendError, invalid_form_body, missing_access
from simcord.backend.models import Message
from simcord.http.router import RouteNotImplemented, UnsupportedField, dispatch

from sandbox.discord.history import History
from sandbox.discord.portal import Portal
from sandbox.discord.records import Exchange, Fault, Recorder
from sandbox.discord.waiting import Changes
from sandbox.discord.wire import Wire

PREFIX = "/api/v10"
NONCE_LENGTH = 25
# Discord documents "the past few minutes" for enforce_nonce.
NONCE_WINDOW = timedelta(minutes=5)

_log = logging.getLogger(__name__)


class Rest:
    """Discord's HTTP API."""

    def __init__(
        self,
        backend: Backend,
        portal: Portal,
        changes: Changes,
        history: History,
        wire: Wire,
        *,
        recorder: Recorder | None,
    ) -> None:
        self._backend = backend
        self._wire = wire
        self._portal = portal
        self._changes = changes
        self._history = history
        self._recorder = recorder
        self._sent: dict[tuple[int, str], tuple[datetime, Message]] = {}
        self.gateway_url = ""
        self.faults: list[Fault] = []
        self.gaps: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one request."""
        path = request.rel_url.raw_path.removeprefix(PREFIX)
        body, files = await _read(request)
        fault = self._fault(request.method, path)
        status: int | None = None
        answer: Any = None
        if fault is None or fault.applied:
            status, answer = self._answer(request, path, body, files)
            answer = self._wire.completed(answer)
        if fault is not None:
            status, answer = fault.status, _fault_body(fault)
        if self._recorder is not None:
            self._recorder(Exchange(request.method, path, dict(request.query), body, status, answer))
        self._changes.notify()
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        if status is None and request.transport is not None:
            request.transport.abort()
        return _response(status or 500, answer)

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.method not in (method, "*") or not fnmatch.fnmatchcase(path, fault.path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
            return fault
        return None

    def _answer(self, request: web.Request, path: str, body: Any, files: list[discord.File]) -> tuple[int, Any]:
        if path in ("/gateway", "/gateway/bot"):
            return 200, _gateway_info(self.gateway_url, bot=path.endswith("/bot"))
        if not _authorized(request, path, self._portal.token):
            return 401, {"message": "401: Unauthorized", "code": 0}
        try:
            answer = self._dispatch(request, path, body, files)
        except BackendError as error:
            if isinstance(error, RouteNotImplemented | UnsupportedField):
                self._note_gap(error.message)
            return error.status, error.to_json()
        except Exception as error:
            # A request that SimCord cannot read must not look like an outage, which discord.py would retry.
            self._note_gap(f"{request.method} {path}: {error!r}")
            return 501, {"message": f"the stand-in failed: {error!r}", "code": 0}
        if path.endswith("/callback") and request.query.get("with_response") not in ("1", "true"):
            return 204, None
        return (204 if answer is None else 200), answer

    def _note_gap(self, gap: str) -> None:
        self.gaps.append(gap)
        _log.error("the Discord stand-in cannot do: %s", gap)

    def _dispatch(self, request: web.Request, path: str, body: Any, files: list[discord.File]) -> Any:
        segments = path.strip("/").split("/")
        lists_members = request.method == "GET" and segments[0] == "guilds" and segments[2:] == ["members"]
        if lists_members and not self._portal.intents.members:
            raise missing_access()
        creates = request.method == "POST" and segments[0] == "channels" and segments[2:] == ["messages"]
        nonce = _nonce(body) if creates else None
        if creates and nonce is not None and body.get("enforce_nonce"):
            earlier = self._earlier(int(segments[1]), nonce)
            if earlier is not None:
                return earlier
        with self._history.nonce(nonce):
            answer = dispatch(
                self._backend,
                request.method,
                path,
                json=body,
                params=dict(request.query),
                files=files,
                reason=unquote(request.headers.get("X-Audit-Log-Reason", "")) or None,
                message_content_access=self._portal.intents.message_content,
            )
        if path == "/oauth2/applications/@me":
            answer |= self._portal.application(self._backend.application_id)
        if creates and nonce is not None:
            answer = {**answer, "nonce": nonce}
            message = self._backend.get_message(int(segments[1]), int(answer["id"]))
            self._sent[message.channel_id, nonce] = (self._backend.clock.now(), message)
        self._history.keep(answer)
        return answer

    def _earlier(self, channel_id: int, nonce: str) -> dict[str, Any] | None:
        if (channel_id, nonce) not in self._sent:
            return None
        sent_at, message = self._sent[channel_id, nonce]
        if self._backend.clock.now() - sent_at > NONCE_WINDOW:
            return None
        return {**serializers.message_payload(self._backend, message), "nonce": nonce}


def _nonce(body: Any) -> str | None:
    nonce = body.get("nonce") if isinstance(body, Mapping) else None
    if nonce is None:
        return None
    if len(str(nonce)) > NONCE_LENGTH:
        raise invalid_form_body(f"nonce: Must be {NONCE_LENGTH} or fewer in length.")
    return str(nonce)


def _authorized(request: web.Request, path: str, token: str) -> bool:
    segments = path.strip("/").split("/")
    carries_own_token = segments[0] in ("webhooks", "interactions") and len(segments) >= 3
    return carries_own_token or request.headers.get("Authorization") == f"Bot {token}"


def _gateway_info(url: str, *, bot: bool) -> dict[str, Any]:
    if not bot:
        return {"url": url}
    limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
    return {"url": url, "shards": 1, "session_start_limit": limit}


def _fault_body(fault: Fault) -> dict[str, Any]:
    if fault.status == 429:
        limited = {"message": "You are being rate limited.", "code": fault.code}
        return {**limited, "retry_after": fault.retry_after, "global": False}
    return {"message": fault.message, "code": fault.code}


def _response(status: int, answer: Any) -> web.Response:
    if status == 204:
        return web.Response(status=204)
    headers = {}
    if status == 429:
        # Without Via discord.py takes a 429 for a ban by the proxy and does not retry.
        headers = {"Via": "1.1 google", "Retry-After": str(answer["retry_after"]), "X-RateLimit-Scope": "user"}
    # discord.py compares the header as a whole: no charset.
    return web.Response(
        status=status, body=json.dumps(answer).encode(), headers=headers, content_type="application/json"
    )


async def _read(request: web.Request) -> tuple[Any, list[discord.File]]:
    if not request.body_exists:
        return None, []
    if not request.content_type.startswith("multipart/"):
        text = await request.text()
        return (json.loads(text) if text else None), []
    fields: dict[str, str] = {}
    uploads: list[tuple[str, str, bytes]] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        if part.filename is None:
            fields[part.name] = await part.text()
        else:
            uploads.append((part.name, part.filename, bytes(await part.read())))
    body: dict[str, Any] = json.loads(fields["payload_json"]) if "payload_json" in fields else dict(fields)
    message = body["data"] if isinstance(body.get("data"), dict) else body  # the answer to an interaction wraps it
    described = {f"files[{item.get('id')}]": item.get("description") for item in message.get("attachments") or ()}
    files = [
        discord.File(io.BytesIO(data), filename=filename, description=described.get(name))
        for name, filename, data in uploads
    ]
    return body, files
