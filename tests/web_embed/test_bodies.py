"""Bodies over real sockets: too large, packed to deceive, slow, broken off, and refused before they are read."""

import asyncio
import gzip
import http.client
import logging
import socket
import zlib
from contextlib import suppress

import pytest

from bot.services import upload_keys
from tests.support.people import OFFICER, SERVER
from tests.support.site import UPLOAD, Site, an_export, chunked, error_of, packed, read_answer
from tests.support.uploads import body, load_uploads
from web_embed import bodies
from web_embed.bodies import MAX_BODY

HUNDRED_MB = 100 * 2**20
PIECE = b" " * 2**16
BUFFERS = 24 * 2**20
"""What the two kernels' buffers of a loopback connection can hold beside what the server reads."""


def padded(size: int) -> bytes:
    """Give an upload of so many bytes."""
    content = body(an_export())
    return content + b" " * (size - len(content))


# How large


@pytest.mark.parametrize("as_gzip", [False, True])
async def test_two_mebibytes_are_taken_and_one_byte_more_is_not(site: Site, as_gzip: bool) -> None:
    for size, status in ((MAX_BODY, 202), (MAX_BODY + 1, 413)):
        content = gzip.compress(padded(size)) if as_gzip else padded(size)
        headers = site.headers(Content_Encoding="gzip") if as_gzip else site.headers()
        assert (await site.post(content, headers)).status_code == status
    assert len(await load_uploads(site.ctx)) == 1


async def test_packed_bytes_over_the_limit_are_refused_whatever_they_hold(site: Site) -> None:
    content = gzip.compress(b"", 0) + b"\x00" * MAX_BODY
    assert error_of(await site.post(content, site.headers(Content_Encoding="gzip"))) == (413, "too_large")


@pytest.mark.parametrize("headers", [{"Content_Encoding": "gzip"}, {"Content_Type": "application/gzip"}])
async def test_a_gzip_bomb_is_413(site: Site, headers: dict[str, str]) -> None:
    bomb = gzip.compress(b"\x00" * 2**26)
    assert len(bomb) < 2**17
    assert error_of(await site.post(bomb, site.headers(**headers))) == (413, "too_large")


async def test_of_a_gzip_bomb_no_more_is_unpacked_than_the_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    feed = bodies._Unpacker.feed

    def watched(self: bodies._Unpacker, piece: bytes, *, room: int) -> bytes:
        assert room <= MAX_BODY
        try:
            return feed(self, piece, room=room)
        finally:
            made.append(len(self._inflate.unconsumed_tail))

    monkeypatch.setattr(bodies._Unpacker, "feed", watched)
    await site.post(gzip.compress(b"\x00" * 2**26), site.headers(Content_Encoding="gzip"))
    assert made[-1] > 0  # what was left packed


async def test_a_declared_length_over_the_limit_is_refused_without_waiting_for_the_body(site: Site) -> None:
    async with site.connected() as (reader, writer):
        writer.write(site.head(Content_Length=str(HUNDRED_MB)))
        status, headers, content = read_answer(await reader.read())
    assert (status, content["error"]["code"]) == (413, "too_large")
    assert headers["Connection"] == "close"


async def test_chunks_over_the_limit_are_refused_while_they_come(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LINGER_SECONDS", 0.05)
    async with site.connected() as (reader, writer):
        writer.write(site.head(Transfer_Encoding="chunked"))
        writer.write(chunked([PIECE] * 40).removesuffix(b"0\r\n\r\n"))
        status, headers, content = read_answer(await reader.read())
    assert (status, content["error"]["code"], headers["Connection"]) == (413, "too_large", "close")


async def test_chunks_within_the_limit_are_taken(site: Site) -> None:
    content = body(an_export())
    async with site.connected() as (reader, writer):
        writer.write(site.head(Transfer_Encoding="chunked", Connection="close"))
        writer.write(chunked([content[:7], content[7:90], content[90:]]))
        assert read_answer(await reader.read())[0] == 202


@pytest.mark.parametrize("key", ["right", "wrong"])
@pytest.mark.parametrize("length", ["declared", "chunked"])
async def test_who_goes_on_sending_gets_the_answer_and_is_read_no_further(
    site: Site, key: str, length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "LINGER_SECONDS", 0.2)
    given = {"Content_Length": str(HUNDRED_MB)} if length == "declared" else {"Transfer_Encoding": "chunked"}
    piece = PIECE if length == "declared" else chunked([PIECE]).removesuffix(b"0\r\n\r\n")
    sent = 0

    async def send(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with suppress(OSError):
            while sent < HUNDRED_MB:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)

    async with site.connected() as (reader, writer):
        writer.write(site.head(**given | ({"X_API_Key": "wrong"} if key == "wrong" else {})))
        sending = asyncio.create_task(send(writer))
        head = await reader.readuntil(b"\r\n\r\n")
        await sending
    assert head.startswith(b"HTTP/1.1 413 " if key == "right" else b"HTTP/1.1 401 ")
    assert b"Connection: close" in head
    assert sent < MAX_BODY + BUFFERS
    assert (await site.upload()).status_code == 202


async def test_a_client_that_reads_only_after_it_has_sent_all_gets_the_answer(site: Site) -> None:
    def send() -> tuple[int, str | None]:
        connection = http.client.HTTPConnection(site.host, site.port, timeout=20)
        connection.request("POST", UPLOAD, body=b" " * (MAX_BODY - 1), headers={"X-API-Key": "wrong"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Connection")

    assert await asyncio.to_thread(send) == (401, "close")


async def test_a_body_for_a_page_that_takes_none_is_not_read_either(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "LINGER_SECONDS", 0.05)
    for path in ("/healthz", "/nowhere"):
        async with site.connected() as (reader, writer):
            writer.write(site.head("PUT", path, Content_Length=str(HUNDRED_MB)))
            status, headers, _ = read_answer(await reader.read())
        assert (status, headers["Connection"]) == (405 if path == "/healthz" else 404, "close")


# The key first


@pytest.mark.parametrize("sent", [b"", b"{"])
async def test_a_wrong_key_is_told_before_a_byte_of_the_body_is_asked_for(site: Site, sent: bytes) -> None:
    async with site.connected() as (reader, writer):
        writer.write(site.head(X_API_Key="wrong", Content_Length="1000") + sent)
        status, headers, content = read_answer(await reader.read())
    assert (status, content["error"]["code"]) == (401, "unauthorized")
    assert headers["Connection"] == "close"


async def test_who_asks_for_leave_to_send_gets_it_only_with_a_right_key(site: Site) -> None:
    content = body(an_export())
    async with site.connected() as (reader, writer):
        length = str(len(content))
        writer.write(site.head(Content_Length=length, Expect="100-continue", Connection="close"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(content)
        assert read_answer(await reader.read())[0] == 202
    async with site.connected() as (reader, writer):
        writer.write(site.head(X_API_Key="wrong", Content_Length=length, Expect="100-continue"))
        assert read_answer(await reader.read())[0] == 401


async def test_an_unknown_expectation_is_no_reason_to_fail(site: Site) -> None:
    assert (await site.upload(Expect="the-unexpected")).status_code == 202


async def test_a_key_that_was_rotated_while_the_body_came_stores_nothing(site: Site) -> None:
    content = body(an_export())
    async with site.connected() as (reader, writer):
        head = site.head(Content_Length=str(len(content)), Expect="100-continue", Connection="close")
        writer.write(head)
        await reader.readuntil(b"\r\n\r\n")  # the key was right
        await upload_keys.rotate(site.ctx, SERVER, site.key.key.public_id, version=0, actor_id=OFFICER)
        writer.write(content)
        assert read_answer(await reader.read())[0] == 401
    assert await load_uploads(site.ctx) == []


async def test_after_an_upload_the_connection_serves_the_next_request(site: Site) -> None:
    content = body(an_export())
    async with site.connected() as (reader, writer):
        for last in (False, True):
            more = {"Connection": "close"} if last else {}
            writer.write(site.head(Content_Length=str(len(content)), **more) + content)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 202 ")
            await reader.readuntil(b"}}")


# Packed


BROKEN_GZIP = {
    "nothing": b"",
    "something else": b"no gzip at all",
    "zlib": zlib.compress(body(an_export())),
    "plain": body(an_export()),
    "a byte short": packed(an_export())[:-1],
    "no checksum": packed(an_export())[:-8],
    "half": packed(an_export())[:30],
    "a wrong checksum": packed(an_export())[:-8] + b"\x00" * 8,
    "a byte more": packed(an_export()) + b"\x00",
    "words more": packed(an_export()) + b"more",
    "two exports": packed(an_export()) + packed(an_export()),
    "two members": packed(an_export()) + gzip.compress(b""),
}


@pytest.mark.parametrize("content", BROKEN_GZIP.values(), ids=BROKEN_GZIP)
@pytest.mark.parametrize("headers", [{"Content_Encoding": "gzip"}, {"Content_Type": "application/gzip"}])
async def test_broken_gzip_is_400(site: Site, content: bytes, headers: dict[str, str]) -> None:
    assert error_of(await site.post(content, site.headers(**headers))) == (400, "bad_gzip")
    assert await load_uploads(site.ctx) == []


async def test_gzip_that_comes_byte_by_byte_is_unpacked(site: Site) -> None:
    content = packed(an_export())
    async with site.connected() as (reader, writer):
        writer.write(site.head(Transfer_Encoding="chunked", Content_Encoding="gzip", Connection="close"))
        writer.write(chunked([content[place : place + 1] for place in range(len(content))]))
        assert read_answer(await reader.read())[0] == 202


@pytest.mark.parametrize("end", [b"", b"\x00"])
async def test_what_follows_gzip_in_a_later_piece_is_noticed(site: Site, end: bytes) -> None:
    async with site.connected() as (reader, writer):
        writer.write(site.head(Transfer_Encoding="chunked", Content_Encoding="gzip", Connection="close"))
        writer.write(chunked([packed(an_export())]).removesuffix(b"0\r\n\r\n"))
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(chunked([end] if end else []))
        status, _, content = read_answer(await reader.read())
    assert (status, content.get("error", {}).get("code")) == ((400, "bad_gzip") if end else (202, None))


async def test_packed_json_that_is_none_is_400(site: Site) -> None:
    answer = await site.post(gzip.compress(b"{"), site.headers(Content_Encoding="gzip"))
    assert error_of(answer) == (400, "bad_json")


# Slow and broken off


async def test_a_body_that_dribbles_is_ended(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(bodies, "LINGER_SECONDS", 0.1)

    async def dribble(writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)

    async with site.connected() as (reader, writer):
        writer.write(site.head(Content_Length="1000000"))
        dribbling = asyncio.create_task(dribble(writer))
        status, headers, content = read_answer(await reader.read())
        await dribbling
    assert (status, content["error"]["code"], headers["Connection"]) == (408, "request_timeout", "close")


def test_a_body_has_half_a_minute() -> None:
    assert bodies.BODY_SECONDS == 30


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"Content_Length": "1000"}, b'{"format": 1'),
        ({"Transfer_Encoding": "chunked"}, b"5\r\nhel"),
        ({"Transfer_Encoding": "chunked"}, b"5\r\nhello\r\n"),
    ],
)
async def test_a_client_that_goes_away_in_the_middle_leaves_nothing_behind(
    site: Site, headers: dict[str, str], sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with site.connected() as (_, writer):
        writer.write(site.head(**headers) + sent)
        await writer.drain()
        await asyncio.sleep(0.02)
        _reset(writer)
    assert (await site.upload()).status_code == 202
    assert len(await load_uploads(site.ctx)) == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("sent", [b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhello world\r\n0\r\n\r\n", b"-5\r\nhello\r\n"])
async def test_a_transfer_that_contradicts_itself_is_400(
    site: Site, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with site.connected() as (reader, writer):
        writer.write(site.head(Transfer_Encoding="chunked") + sent)
        assert b" 400 " in (await reader.read()).partition(b"\r\n")[0]
    assert await load_uploads(site.ctx) == []
    assert "hello" not in caplog.text


@pytest.mark.parametrize("line", ["X-API-Key: {key}\x00", "X-API-Key {key}", "{key}"])
async def test_a_broken_head_is_400_and_the_key_in_it_is_in_no_line_of_the_log(
    site: Site, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with site.connected() as (reader, writer):
        writer.write(f"POST {UPLOAD} HTTP/1.1\r\n{line.format(key=site.key.text)}\r\n\r\n".encode())
        assert b" 400 " in (await reader.read()).partition(b"\r\n")[0]
    assert site.key.text[-20:] not in caplog.text


async def test_a_client_that_does_not_wait_for_the_answer_may_send_the_same_again(scratch_site: Site) -> None:
    sent = an_export()
    content = body(sent)
    async with scratch_site.connected() as (_, writer):
        writer.write(scratch_site.head(Content_Length=str(len(content))) + content)
        await writer.drain()
        _reset(writer)
    assert (await scratch_site.upload(sent)).status_code == 202
    assert len(await load_uploads(scratch_site.ctx)) == 1


def _reset(writer: asyncio.StreamWriter) -> None:
    """Go away without a word."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()
