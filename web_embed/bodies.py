"""Bodies of requests: read within limits of size and time, before and after decompression, or not at all."""

import asyncio
import zlib
from contextlib import suppress
from typing import Final

from aiohttp import HttpVersion11, StreamReader, hdrs, web
from aiohttp.typedefs import Handler

from web_embed.envelope import Refusal

MAX_BODY: Final = 2 * 1024 * 1024
BODY_SECONDS = 30.0
LINGER_SECONDS = 2.0
"""How long somebody who goes on sending is listened to after the answer, so that they come to read it."""
JSON_TYPES: Final = frozenset({"application/json"})
GZIP_TYPES: Final = frozenset({"application/gzip", "application/x-gzip"})
GZIP_ENCODINGS: Final = frozenset({"gzip", "x-gzip"})
GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


async def expect_later(_request: web.Request) -> None:
    """Leave a client that waits for leave to send its body waiting: `read_body` gives it."""


async def read_body(request: web.Request) -> bytes:
    """Read the JSON of a request, decompressed; never more of it than the limit and a piece is in memory.

    Raises Refusal: 408 for a body that does not come, 413 for one over 2 MiB before or after decompression, 415 for one
    that claims to be neither JSON nor gzip, 400 for broken gzip or a broken transfer.
    """
    unpacker = _Unpacker() if _is_packed(request) else None
    if (request.content_length or 0) > MAX_BODY:
        raise _too_large()
    await _give_leave(request)
    body = bytearray()
    received = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.content.iter_any():
                received += len(piece)
                if received > MAX_BODY:
                    raise _too_large()
                body += piece if unpacker is None else unpacker.feed(piece, room=MAX_BODY - len(body))
    except TimeoutError:
        raise Refusal("request_timeout", "the body did not come within 30 seconds", status=408) from None
    except (web.RequestPayloadError, OSError):
        raise Refusal("bad_request", "the body was not sent as its headers say", status=400) from None
    if unpacker is not None:
        unpacker.finish()
    return bytes(body)


@web.middleware
async def let_go_of_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Close the connection of a client whose body was not read, once the answer had a chance to arrive.

    Closed at once, what is unread would reset the connection, and many a client would never see the answer. aiohttp
    alone would go on reading, however much comes.
    """
    response = await handler(request)
    transport = request.transport
    if request.content.is_eof() or transport is None:
        return response
    response.force_close()
    with suppress(OSError):
        await response.prepare(request)
        await response.write_eof()
        transport.write_eof()
        await _linger(request.content)
    request.protocol.force_close()
    return response


async def _linger(content: StreamReader) -> None:
    with suppress(TimeoutError, web.RequestPayloadError):
        async with asyncio.timeout(LINGER_SECONDS):
            while not content.is_eof():
                if content.total_bytes <= MAX_BODY:
                    await content.readany()
                else:
                    # Unread, they fill the buffers and stop whoever sends, who may then look for an answer.
                    await asyncio.sleep(LINGER_SECONDS)


async def _give_leave(request: web.Request) -> None:
    if request.version == HttpVersion11 and request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(CONTINUE)
        request.writer.output_size = 0  # of the answer itself nothing was sent yet


def _is_packed(request: web.Request) -> bool:
    """Tell whether a body comes in gzip; raises Refusal for one that is neither that nor JSON."""
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    kind = request.content_type if hdrs.CONTENT_TYPE in request.headers else "application/json"
    if kind not in JSON_TYPES | GZIP_TYPES or encoding not in GZIP_ENCODINGS | {"identity"}:
        raise Refusal("unsupported_media_type", "send JSON, as it is or in gzip", status=415)
    return encoding in GZIP_ENCODINGS or kind in GZIP_TYPES


class _Unpacker:
    """Decompress gzip piece by piece, as far as there is room; it is one member and nothing after it."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(GZIP_WINDOW)

    def feed(self, piece: bytes, *, room: int) -> bytes:
        """Decompress the next piece; raises Refusal for broken gzip, and for more than there is room for."""
        if self._inflate.eof:
            raise _bad_gzip("there is something after its end")
        try:
            # One byte more than there is room for: else a body that just fits could not be told from a longer one.
            found = self._inflate.decompress(piece, room + 1)
        except zlib.error:
            raise _bad_gzip("it cannot be decompressed") from None
        if len(found) > room:
            raise _too_large()
        if self._inflate.unused_data:
            raise _bad_gzip("there is something after its end")
        return found

    def finish(self) -> None:
        """Raise Refusal for gzip that was cut off."""
        if not self._inflate.eof:
            raise _bad_gzip("it is cut off")


def _too_large() -> Refusal:
    return Refusal("too_large", "the body is over 2 MiB, before or after decompression", status=413)


def _bad_gzip(reason: str) -> Refusal:
    return Refusal("bad_gzip", f"the body is no gzip: {reason}", status=400)
