"""What stands for Muster in the companion's tests: a real HTTP server with the answers of docs/upload-format.md."""

import gzip
import json
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

UPLOAD = "/api/guild-sync/addon-upload"
STATUS = f"{UPLOAD}/status"
RESULT = "/api/guild-sync/uploads/"
KEY = "a-key-that-no-log-may-hold"
GUILD = {"name": "Night Watch", "realm": "Argent Dawn", "region": "eu"}

Fault = Callable[["Handler"], None]


@dataclass
class Request:
    """Hold one request as it came."""

    method: str
    path: str
    headers: Message
    body: bytes

    @property
    def upload(self) -> dict[str, Any]:
        """Give the upload in it."""
        return json.loads(gzip.decompress(self.body))


class Handler(BaseHTTPRequestHandler):
    """Answer by the next fault, else by the contract."""

    protocol_version = "HTTP/1.1"
    server: "Muster"

    def do_GET(self) -> None:
        """Answer GET."""
        self._serve()

    def do_POST(self) -> None:
        """Answer POST."""
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        muster = self.server
        request = Request(self.command, self.path, self.headers, body)
        with muster.news:
            muster.requests.append(request)
            faults = muster.faults.get("POST" if self.command == "POST" else self.path)
            fault = faults.popleft() if faults else None
            muster.news.notify_all()
        if fault is not None:
            fault(self)
        elif self.headers.get("X-API-Key") != muster.key:
            self.refuse(401, "unauthorized", "The key is wrong or revoked.")
        elif self.path == STATUS:
            self.answer(200, {"guild": muster.guild, "uploader": "Bob's PC", "newest": None, "formats": [0, 1]})
        elif self.path == UPLOAD:
            self._store(request)
        elif self.path.startswith(RESULT):
            upload = muster.stored[int(self.path.removeprefix(RESULT)) - 1]
            self.answer(200, {"upload": 1, "state": muster.state, "rows": len(upload["rows"]), "result": muster.result})
        else:
            self.refuse(404, "not_found", "No such page.")

    def _store(self, request: Request) -> None:
        muster = self.server
        with muster.news:
            muster.stored.append(request.upload)
            muster.news.notify_all()
        rows = len(request.upload["rows"])
        self.answer(202, {"upload": len(muster.stored), "state": "received", "rows": rows})

    def answer(self, status: int, data: dict[str, Any], **headers: str) -> None:
        """Answer in Muster's envelope."""
        self.plain(status, json.dumps({"ok": True, "data": data}).encode(), "application/json", **headers)

    def refuse(self, status: int, code: str, message: str, field: str | None = None, **headers: str) -> None:
        """Refuse in Muster's envelope."""
        error = {"code": code, "message": message} | ({"field": field} if field else {})
        self.plain(status, json.dumps({"ok": False, "error": error}).encode(), "application/json", **headers)

    def plain(self, status: int, body: bytes, kind: str = "text/html", **headers: str) -> None:
        """Answer anything."""
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


class Muster(ThreadingHTTPServer):
    """Hold what came and what is answered."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.key = KEY
        self.guild = dict(GUILD)
        self.requests: list[Request] = []
        self.stored: list[dict[str, Any]] = []
        self.faults: dict[str, deque[Fault]] = {}
        """By `POST` or the path of a GET: what the next requests get."""
        self.state = "applied"
        self.result: dict[str, Any] = {"applied": 1, "unchanged": 0, "unknown": [], "ambiguous": [], "invalid": []}
        self.news = threading.Condition()
        self.released = threading.Event()
        """Set when hanging requests may go on."""

    @property
    def address(self) -> str:
        """Give the address to set up."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def posts(self) -> list[Request]:
        """Give the uploads that came, stored or not."""
        return [request for request in self.requests if request.method == "POST"]

    def fail_next(self, *faults: Fault, on: str = "POST") -> None:
        """Let the next requests meet these faults."""
        self.faults.setdefault(on, deque()).extend(faults)

    def wait_for(self, condition: Callable[[], object], within: float = 20) -> None:
        """Wait until requests made something true."""
        with self.news:
            if not self.news.wait_for(condition, within):
                raise TimeoutError(f"it did not come: {[(one.method, one.path) for one in self.requests]}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went."""

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()


def refuses(status: int, code: str, message: str, field: str | None = None, **headers: str) -> Fault:
    """Make a refusal in Muster's envelope."""
    return lambda handler: handler.refuse(status, code, message, field, **headers)


def says(status: int, body: bytes, kind: str = "text/html", **headers: str) -> Fault:
    """Make an answer of anything."""
    return lambda handler: handler.plain(status, body, kind, **headers)


def drops(handler: Handler) -> None:
    """Break the connection without an answer."""
    with suppress(OSError):
        handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def hangs(handler: Handler) -> None:
    """Answer nothing until the test ends."""
    handler.server.released.wait()
    drops(handler)


def drips(handler: Handler) -> None:
    """Answer a byte at a time, for ever."""
    handler.send_response(202)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    with suppress(OSError):
        while not handler.server.released.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()


def stores_and_drops(handler: Handler) -> None:
    """Store the upload, and break the connection before the answer."""
    request = handler.server.requests[-1]
    with handler.server.news:
        handler.server.stored.append(request.upload)
        handler.server.news.notify_all()
    drops(handler)
