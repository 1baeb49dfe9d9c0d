"""Talk to Muster: one request, one typed answer; what is not plainly Muster's word is tried again later."""

import gzip
import json
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import IO, Any
from urllib.parse import quote, urlsplit

from . import __version__
from .config import Guild
from .errors import CompanionError
from .words import pasted, printable

API = "/api/guild-sync"
UPLOAD = f"{API}/addon-upload"
STATUS = f"{API}/addon-upload/status"
RESULT = f"{API}/uploads/"
TIMEOUT = 30.0
"""Seconds without a byte, and for the body of the answer."""
ANSWER_BYTES = 2**20
MOST_BYTES = 2 * 2**20
"""Of an upload, before and after compression (docs/upload-format.md)."""
WORDS = 300
LONGEST_WAIT = 24 * 3600.0
REFUSED = frozenset({400, 404, 405, 409, 413, 415, 422})
"""With Muster's envelope: this export will not be taken however often it is sent."""
CAME_BROKEN = "bad_request"
"""Code of a 400 that is about the way and not the export."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server has stored it."""

    upload: str
    state: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a key is for, and the name that officers gave it."""

    guild: Guild
    uploader: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of an upload, as the server tells it; `result` is None until it was applied."""

    state: str
    rows: int | None
    result: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Nobody knows whether it arrived; `after` is how many seconds the server asks to wait."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The server takes this export never, and says why."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class KeyRefused:
    """The server knows the key not, or no more."""

    words: str


Failure = RetryLater | Refused | KeyRefused


def normalise_address(text: str) -> str:
    """Give an address as it is stored: scheme, host, port, path without end. Raises CompanionError."""
    text = pasted(text)
    if not text:
        raise CompanionError("No address is given; it looks like https://muster.example.org.")
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise CompanionError(f"{text!r} is no address; it looks like https://muster.example.org.") from error
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment or not text.isascii():
        raise CompanionError(f"{text!r} is no address; it looks like https://muster.example.org.")
    if parts.username is not None or parts.password is not None:
        raise CompanionError("The address must hold no name or password: the key is asked for by itself.")
    if any(letter.isspace() or not letter.isprintable() for letter in text):
        raise CompanionError("The address must hold no spaces.")
    if parts.scheme == "http" and not is_loopback(host):
        raise CompanionError("Over http:// anybody on the way could read the key. Use the https:// address.")
    name = f"[{host}]" if ":" in host else host
    path = parts.path.partition(API)[0].rstrip("/")  # some paste where uploads go, and not where Muster is
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "") + path


def is_loopback(host: str) -> bool:
    """Tell whether a host is this very computer."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follow no redirect: the key is for the address that its owner entered, and for no other."""

    def redirect_request(  # noqa: PLR0917 (urllib's)
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Follow nothing."""


@cache
def _opener(*, secure: bool) -> urllib.request.OpenerDirector:
    if not secure:  # loopback, which no proxy reaches
        return urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))
    context = ssl.create_default_context()
    return urllib.request.build_opener(_Stay, urllib.request.HTTPSHandler(context=context))


class Client:
    """Speak for one key to one address, as `docs/upload-format.md` says; blocks, and raises nothing foreseeable."""

    def __init__(self, address: str, key: str, *, timeout: float = TIMEOUT) -> None:
        self._address = normalise_address(address)
        self._key = key
        self._timeout = timeout

    def send(self, body: bytes) -> Acknowledged | Failure:
        """Send an upload (JSON)."""
        packed = gzip.compress(body, mtime=0)
        # The server reads no further and closes, which looks like a broken connection: say it before.
        if max(len(body), len(packed)) > MOST_BYTES:
            return Refused("too_large", f"the export has {len(body):,} bytes, the server takes {MOST_BYTES:,}")
        answer = self._ask(UPLOAD, packed)
        if not isinstance(answer, dict):
            return answer
        upload = answer.get("upload")
        if isinstance(upload, bool) or not isinstance(upload, str | int) or upload == "":
            return RetryLater("the answer names no upload")
        return Acknowledged(str(upload), str(answer.get("state", "")), _count(answer.get("rows")))

    def status(self) -> KeyInfo | Failure:
        """Ask what the key is for."""
        answer = self._ask(STATUS)
        if not isinstance(answer, dict):
            return answer
        try:
            guild, uploader = answer["guild"], answer.get("uploader")
            region, realm, name = guild["region"], guild.get("realm"), guild["name"]
        except (KeyError, TypeError, AttributeError):
            return RetryLater("the answer names no guild")
        if not (
            isinstance(region, str) and isinstance(name, str) and isinstance(realm, str | None) and region and name
        ):
            return RetryLater("the answer names no guild")
        return KeyInfo(Guild(region, realm or None, name), uploader if isinstance(uploader, str) else "")

    def result(self, upload: str) -> Report | Failure:
        """Ask what became of an upload."""
        answer = self._ask(RESULT + quote(upload, safe=""))
        if not isinstance(answer, dict):
            return answer
        result = answer.get("result")
        return Report(
            str(answer.get("state", "")), _count(answer.get("rows")), result if isinstance(result, dict) else None
        )

    def _ask(self, path: str, body: bytes | None = None) -> dict[str, Any] | Failure:
        """Give `data` of the answer, or what failed."""
        headers = {
            "X-API-Key": self._key,
            "User-Agent": f"muster-companion/{__version__}",
            "Accept": "application/json",
        }
        if body is not None:
            headers |= {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        # normalise_address let only http and https through.
        request = urllib.request.Request(self._address + path, body, headers)  # noqa: S310
        try:
            opener = _opener(secure=self._address.startswith("https:"))
            try:
                with opener.open(request, timeout=self._timeout) as response:
                    return _understand(response.status, response.headers, _read(response, self._timeout))
            except urllib.error.HTTPError as error:
                with error:
                    return _understand(error.code, error.headers, _read(error, self._timeout))
        except (OSError, HTTPException, ValueError) as error:
            return RetryLater(_why(error))


def _read(response: "HTTPResponse | urllib.error.HTTPError", timeout: float) -> bytes:
    """Read an answer, up to a size and a time: a server may drip for ever. Raises OSError."""
    deadline = time.monotonic() + timeout
    content = b""
    while len(content) <= ANSWER_BYTES:
        if time.monotonic() > deadline:
            raise TimeoutError("timed out")
        # At most what is there already, so that the deadline is looked at.
        part = response.read1(2**16) if isinstance(response, HTTPResponse) else response.read(2**16)
        if not part:
            return content
        content += part
    raise OSError("the answer is too long")


def _understand(status: int, headers: Message, content: bytes) -> dict[str, Any] | Failure:
    """Make an answer of status and body; without Muster's envelope no status is believed: any proxy can send one."""
    envelope = _envelope(content)
    if envelope is None:
        return _stranger(status, headers)
    if not envelope["ok"]:
        return _failure(status, headers, envelope.get("error"))
    data = envelope.get("data")
    if status in {HTTPStatus.OK, HTTPStatus.ACCEPTED} and isinstance(data, dict):
        return data
    return RetryLater(f"the answer ({status}) makes no sense")


def _stranger(status: int, headers: Message) -> RetryLater:
    """Say what answered instead of Muster: a proxy, a hotel's portal, another address."""
    where = headers.get("Location")
    if where and HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return RetryLater(f"the address leads on to {plain(where)}; if that is Muster, set it up as the address")
    return RetryLater(f"the answer ({status}) is not Muster's", _retry_after(headers))


def _failure(status: int, headers: Message, error: Any) -> Failure:
    """Tell what Muster's own refusal means."""
    error = error if isinstance(error, dict) else {}
    words = plain(error.get("message")) or f"answer {status}"
    if field := plain(error.get("field")):
        words = f"{words} ({field})"
    if status == HTTPStatus.UNAUTHORIZED:
        return KeyRefused(words)
    code = plain(error.get("code"))
    if status in REFUSED and code != CAME_BROKEN:
        return Refused(code, words)
    return RetryLater(words, _retry_after(headers))


def _envelope(content: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(content)
        json.dumps(answer, ensure_ascii=False).encode()  # half a letter could be written nowhere
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) and isinstance(answer.get("ok"), bool) else None


def plain(words: Any) -> str:
    """Give a server's words as one short line, "" where it said none."""
    return printable(words).strip()[:WORDS] if isinstance(words, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _retry_after(headers: Message) -> float | None:
    """Read Retry-After: seconds, or a date (RFC 9110, 10.2.3)."""
    value = str(headers.get("Retry-After", "")).strip()
    if value.isascii() and value.isdigit():
        seconds = float(value)
    else:
        try:
            when = parsedate_to_datetime(value)
        except ValueError:
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        seconds = (when - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _why(error: Exception) -> str:
    """Say in a few words why nobody answered; never what was sent."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"the certificate of the address is not valid: {reason.verify_message}"
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return f"the address can't be reached: {reason.strerror}"
    return f"the connection broke ({type(reason).__name__})"
