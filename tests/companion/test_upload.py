"""Requests and answers: only Muster's own word counts, all else is tried again."""

import gzip
import json
import os
import random
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from muster_companion import __version__, upload
from muster_companion.config import Guild
from muster_companion.errors import CompanionError
from muster_companion.upload import (
    MOST_BYTES,
    Acknowledged,
    Client,
    KeyInfo,
    KeyRefused,
    Refused,
    Report,
    RetryLater,
    normalise_address,
)
from tests.companion.game import export
from tests.companion.server import KEY, RESULT, STATUS, Fault, Muster, drips, drops, hangs, refuses, says
from tests.support.need import require

BODY = json.dumps(export(1)).encode()
ENVELOPE = b'{"ok": true, "data": {"upload": 1, "state": "received", "rows": 2}}'
PORTAL = b"<!doctype html><title>Welcome to the hotel</title>"


def client(muster: Muster, key: str = KEY, timeout: float = 5) -> Client:
    return Client(muster.address, key, timeout=timeout)


def test_an_upload_is_acknowledged_with_its_id(muster: Muster) -> None:
    assert client(muster).send(BODY) == Acknowledged("1", "received", 2)
    assert muster.stored == [export(1)]


def test_a_request_is_as_the_format_says(muster: Muster) -> None:
    client(muster).send(BODY)
    (request,) = muster.requests
    assert (request.method, request.path) == ("POST", "/api/guild-sync/addon-upload")
    assert request.headers["X-API-Key"] == KEY
    assert request.headers["User-Agent"] == f"muster-companion/{__version__}"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(request.body) == BODY


def test_the_status_tells_which_guild_the_key_is_for(muster: Muster) -> None:
    assert client(muster).status() == KeyInfo(Guild("eu", "Argent Dawn", "Night Watch"), "Bob's PC")


def test_the_result_tells_what_became_of_an_upload(muster: Muster) -> None:
    client(muster).send(BODY)
    assert client(muster).result("1") == Report("applied", 2, muster.result)


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "bad_gzip"), (400, "bad_json"), (405, "method_not_allowed"), (409, "other_guild"), (413, "too_large"),
     (415, "unsupported_media_type")],
)  # fmt: skip
def test_what_is_refused_for_good_comes_with_the_servers_words(muster: Muster, status: int, code: str) -> None:
    muster.fail_next(refuses(status, code, "Because."))
    assert client(muster).send(BODY) == Refused(code, "Because.")


def test_a_wrong_value_is_refused_with_its_field(muster: Muster) -> None:
    muster.fail_next(refuses(422, "invalid", "A whole number is expected.", "rows[3].level"))
    assert client(muster).send(BODY) == Refused("invalid", "A whole number is expected. (rows[3].level)")


def test_a_wrong_key_is_told_apart(muster: Muster) -> None:
    assert client(muster, "another").send(BODY) == KeyRefused("The key is wrong or revoked.")
    assert client(muster, "another").status() == KeyRefused("The key is wrong or revoked.")


@pytest.mark.parametrize("status", [429, 503, 500])
def test_a_server_that_asks_to_wait_is_waited_for(muster: Muster, status: int) -> None:
    muster.fail_next(refuses(status, "later", "Later, please.", Retry_After="17"))
    assert client(muster).send(BODY) == RetryLater("Later, please.", 17)


@pytest.mark.parametrize(("status", "code"), [(400, "bad_request"), (408, "request_timeout")])
def test_what_came_broken_on_the_way_is_sent_again(muster: Muster, status: int, code: str) -> None:
    muster.fail_next(refuses(status, code, "The body came broken."))
    assert client(muster).send(BODY) == RetryLater("The body came broken.", None)


def test_retry_after_may_be_a_date(muster: Muster) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    muster.fail_next(refuses(503, "unavailable", "Away.", Retry_After=when))
    answer = client(muster).send(BODY)
    assert isinstance(answer, RetryLater)
    assert answer.after is not None
    assert 90 < answer.after <= 100


@pytest.mark.parametrize("value", ["soon", "-5", "", "1e9", "٣"])
def test_a_retry_after_that_means_nothing_is_none(muster: Muster, value: str) -> None:
    muster.fail_next(says(503, PORTAL, Retry_After=value.encode().decode("latin-1")))
    answer = client(muster).send(BODY)
    assert isinstance(answer, RetryLater)
    assert answer.after is None


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(says(200, PORTAL), id="captive portal"),
        pytest.param(says(202, PORTAL), id="202 by somebody else"),
        pytest.param(says(502, PORTAL), id="proxy without a server"),
        pytest.param(says(401, PORTAL), id="a proxy's 401"),
        pytest.param(says(413, PORTAL), id="a proxy's 413"),
        pytest.param(says(200, b""), id="nothing"),
        pytest.param(says(204, b""), id="no content"),
        pytest.param(says(202, b"[]"), id="a list"),
        pytest.param(says(202, b'{"ok": true}'), id="no data"),
        pytest.param(says(202, b'{"ok": "true", "data": {"upload": 1}}'), id="ok is a text"),
        pytest.param(says(202, b'{"ok": true, "data": []}'), id="data is a list"),
        pytest.param(says(202, b'{"ok": true, "data": {"upload": null}}'), id="no upload"),
        pytest.param(says(202, b'{"ok": true, "data": {"upload": ""}}'), id="an empty upload"),
        pytest.param(says(202, b'{"ok": true, "data": {"upload": true}}'), id="an upload that is true"),
        pytest.param(says(201, ENVELOPE), id="another status"),
        pytest.param(says(500, ENVELOPE), id="an error that says ok"),
        pytest.param(says(202, ENVELOPE[:20]), id="cut off"),
        pytest.param(says(202, b"[" * 100_000), id="too deep"),
        pytest.param(says(202, b"\xff\xfe\x00"), id="binary"),
        pytest.param(says(202, b" " * (2**20 + 1) + ENVELOPE), id="too long"),
        pytest.param(drops, id="connection dropped"),
    ],
)
def test_what_is_not_musters_word_is_tried_again(muster: Muster, fault: Fault) -> None:
    muster.fail_next(fault)
    assert isinstance(client(muster).send(BODY), RetryLater)


@pytest.mark.parametrize("fault", [hangs, drips])
def test_a_server_that_never_ends_is_left_after_a_while(muster: Muster, fault: Fault) -> None:
    muster.fail_next(fault)
    assert client(muster, timeout=0.5).send(BODY) == RetryLater("no answer in time")


def test_a_server_that_is_away_is_tried_again(muster: Muster) -> None:
    away = client(muster)
    muster.shutdown()
    muster.server_close()
    assert away.send(BODY) == RetryLater("the address can't be reached: Connection refused")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_takes_the_key_elsewhere(muster: Muster, status: int) -> None:
    with Muster() as other:
        muster.fail_next(says(status, b"", Location=f"{other.address}/login"))
        muster.fail_next(says(status, b"", Location=f"{other.address}/login"), on=STATUS)
        answers = client(muster).send(BODY), client(muster).status()
        assert other.requests == []
    for answer in answers:
        assert isinstance(answer, RetryLater)
        assert other.address in answer.reason


@pytest.mark.parametrize(
    "garbage",
    [b"{}", b'{"guild": null}', b'{"guild": {"name": "A"}}', b'{"guild": {"name": 1, "region": "eu"}}',
     b'{"guild": {"name": "", "region": "eu"}}', b'{"guild": {"name": "A", "region": ""}}'],
)  # fmt: skip
def test_a_status_without_a_guild_is_none(muster: Muster, garbage: bytes) -> None:
    muster.fail_next(says(200, b'{"ok": true, "data": ' + garbage + b"}"), on=STATUS)
    assert client(muster).status() == RetryLater("the answer names no guild")


def test_half_a_letter_is_not_musters_word_since_no_file_could_keep_it(muster: Muster) -> None:
    muster.fail_next(says(202, b'{"ok": true, "data": {"upload": "\\ud800", "rows": 1}}'))
    muster.fail_next(says(200, b'{"ok": true, "data": {"guild": {"name": "\\ud800", "region": "eu"}}}'), on=STATUS)
    assert isinstance(client(muster).send(BODY), RetryLater)
    assert isinstance(client(muster).status(), RetryLater)


def test_the_servers_words_control_no_terminal(muster: Muster) -> None:
    muster.fail_next(refuses(422, "invalid", "\x1b[2J\x07Line\nline" + "x" * 1000))
    answer = client(muster).send(BODY)
    assert isinstance(answer, Refused)
    assert answer.words.isprintable()
    assert len(answer.words) <= 300


def test_an_export_beyond_the_limit_is_refused_here_since_the_server_would_hang_up(muster: Muster) -> None:
    answer = client(muster).send(b'"' + b"x" * MOST_BYTES + b'"')
    assert isinstance(answer, Refused)
    assert muster.requests == []
    noise = random.Random(1).randbytes(MOST_BYTES)
    assert isinstance(client(muster).send(noise), Refused)


def test_an_upload_id_cannot_lead_elsewhere(muster: Muster) -> None:
    client(muster).result("../../x?y=1#z")
    assert muster.requests[0].path == RESULT + "..%2F..%2Fx%3Fy%3D1%23z"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://muster.example.org", "https://muster.example.org"),
        (" muster.example.org/ ", "https://muster.example.org"),
        ("HTTPS://Muster.Example.org:8443/", "https://muster.example.org:8443"),
        ("https://example.org/muster/", "https://example.org/muster"),
        ("https://example.org/api/guild-sync/addon-upload", "https://example.org"),
        ("example.org/muster/api/guild-sync/", "https://example.org/muster"),
        ("https://example.org/api/guild-sync/addon-upload/status", "https://example.org"),
        ('"https://example.org/"', "https://example.org"),
        (" <https://example.org>\n", "https://example.org"),
        ("`muster.example.org`\u200b", "https://muster.example.org"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_addresses_are_taken_as_people_write_them(given: str, address: str) -> None:
    assert normalise_address(given) == address


@pytest.mark.parametrize(
    "given",
    ["", "ftp://example.org", "https://", "https://user:secret@example.org", "https://example.org?key=1", "https://a b",
     "https://example.org:port", "https://exämple.org", "https://[::1", "https://example.org/\n"[:-1] + "#x",
     "https://example.org\r\nX-Evil: 1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(CompanionError):
        normalise_address(given)


@pytest.mark.parametrize(
    "given", ["http://muster.example.org", "http://192.168.1.2:8080", "http://127.0.0.1.example.org"]
)
def test_http_is_refused_off_loopback(given: str) -> None:
    with pytest.raises(CompanionError, match="https://"):
        normalise_address(given)
    with pytest.raises(CompanionError):
        Client(given, KEY)


def test_the_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(CompanionError) as refused:
        normalise_address("https://user:secret@example.org")
    assert "secret" not in str(refused.value)


def test_a_proxy_never_sees_what_goes_to_loopback(muster: Muster, monkeypatch: pytest.MonkeyPatch) -> None:
    with Muster() as proxy:
        monkeypatch.setenv("http_proxy", proxy.address)
        monkeypatch.delenv("no_proxy", raising=False)
        upload._opener.cache_clear()
        assert isinstance(client(muster).send(BODY), Acknowledged)
        assert proxy.requests == []


@pytest.fixture
def self_signed(tmp_path: Path) -> Iterator[Muster]:
    """Give a server with a certificate that nobody vouches for."""
    openssl = require("openssl", "apt-get install openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True, env=dict(os.environ),
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Muster() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server


def test_a_certificate_that_nobody_vouches_for_gets_no_key(self_signed: Muster) -> None:
    secure = Client(self_signed.address.replace("http://", "https://"), KEY)
    answer = secure.status()
    assert isinstance(answer, RetryLater)
    assert "certificate" in answer.reason
    assert self_signed.requests == []
