"""The form of every answer: `{"ok": true, "data": …}`, or `{"ok": false, "error": {"code", "message"}}`."""

import math
from collections.abc import Mapping
from typing import Any

from aiohttp import hdrs, web


class Refusal(Exception):
    """Carry a refusal to whoever asked; raised anywhere below the application."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.field = field
        self.headers = headers


def answer(data: dict[str, Any], *, status: int = 200) -> web.Response:
    """Give a good answer in the envelope."""
    return web.json_response({"ok": True, "data": data}, status=status)


def refusal(
    code: str,
    message: str,
    *,
    status: int,
    data: dict[str, Any] | None = None,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Give a refusal or failure in the envelope; `field` is what was wrong, `data` what is known nevertheless."""
    error = {"code": code, "message": message} | ({} if field is None else {"field": field})
    body: dict[str, Any] = {"ok": False, "error": error}
    return web.json_response(body if data is None else body | {"data": data}, status=status, headers=headers)


def later(seconds: float) -> dict[str, str]:
    """Give the header that says after how many whole seconds asking again may help."""
    return {hdrs.RETRY_AFTER: str(max(1, math.ceil(seconds)))}
