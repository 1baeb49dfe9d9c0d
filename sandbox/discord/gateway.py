"""The gateway: sessions that outlive their sockets, chunks of members, and faults on demand."""

import asyncio
import contextlib
import copy
import json
import secrets
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import discord
from aiohttp import WSCloseCode, WSMsgType, web
from simcord import intents as intent_rules
from simcord.backend import Backend, serializers
from simcord.backend.models import Guild

from sandbox.discord.history import History
from sandbox.discord.portal import Portal
from sandbox.discord.records import Frame, Recorder
from sandbox.discord.waiting import Changes
from sandbox.discord.wire import Wire

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, REQUEST_MEMBERS = 0, 1, 2, 6, 7, 8
INVALID_SESSION, HELLO, HEARTBEAT_ACK = 9, 10, 11
NOT_AUTHENTICATED, AUTHENTICATION_FAILED, DISALLOWED_INTENTS = 4003, 4004, 4014

HEARTBEAT_INTERVAL_MS = 41_250
ACK_SECONDS = 0.05
"""A heartbeat's way there and back: discord.py notes that it sent one only after the send returned."""
CHUNK_SIZE = 1_000
REPLAY_LIMIT = 10_000


class Connection:
    """One socket: frames go out in order, compressed as the client asked."""

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, *, zlib_stream: bool
    ) -> None:
        self.socket = socket
        self._transport = transport
        self._deflate = zlib.compressobj() if zlib_stream else None
        self._queue: asyncio.Queue[str] = asyncio.Queue()

    def send(self, text: str) -> None:
        """Queue one frame."""
        self._queue.put_nowait(text)

    def abort(self) -> None:
        """Cut the line, as a lost network does."""
        if self._transport is not None:
            self._transport.abort()

    async def pump(self) -> None:
        """Send queued frames until the socket is gone."""
        with contextlib.suppress(ConnectionError):
            while True:
                text = await self._queue.get()
                if self._deflate is None:
                    await self.socket.send_str(text)
                else:
                    data = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                    await self.socket.send_bytes(data)


class Session:
    """What one IDENTIFY opened; it keeps events for a RESUME while no socket is there."""

    def __init__(self, intents: discord.Intents, connection: Connection, *, large_threshold: int) -> None:
        self.id = secrets.token_hex(16)
        self.intents = intents
        self.large_threshold = large_threshold
        self.connection: Connection | None = connection
        self.sequence = 0
        self._sent: deque[tuple[int, str]] = deque(maxlen=REPLAY_LIMIT)

    def dispatch(self, event: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Send an event, or keep it for the next RESUME."""
        self.sequence += 1
        frame = {"op": DISPATCH, "t": event, "s": self.sequence, "d": data}
        text = json.dumps(frame)
        self._sent.append((self.sequence, text))
        if self.connection is not None:
            self.connection.send(text)
        return frame

    def replay(self, connection: Connection, after: int) -> None:
        """Take a new socket and send what came after a sequence number."""
        self.connection = connection
        for number, text in self._sent:
            if number > after:
                connection.send(text)


class Gateway:
    """Discord's side of the websocket."""

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
        self._sessions: dict[str, Session] = {}
        self._connections: set[Connection] = set()
        self._away: set[int] = set()
        self.url = ""
        self.identified = 0
        self.resumed = 0
        backend.subscribers.append(self._publish)

    @property
    def connected(self) -> bool:
        """Whether a bot is identified and on the line."""
        return any(session.connection is not None for session in self._sessions.values())

    # ---------------------------------------------------------------- faults

    def ask_to_reconnect(self) -> None:
        """Send op 7: close and resume, please."""
        for connection in self._connections:
            self._send(connection, {"op": RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool = False) -> None:
        """Send op 9; a session that is not resumable is forgotten."""
        if not resumable:
            self._sessions.clear()
        for connection in self._connections:
            self._send(connection, {"op": INVALID_SESSION, "d": resumable})

    def forget_sessions(self) -> None:
        """Forget every session without a word, so that a RESUME is answered with op 9."""
        self._sessions.clear()

    def drop(self) -> None:
        """Cut every line without a close frame; the sessions can be resumed."""
        for connection in list(self._connections):
            self._detach(connection)
            connection.abort()

    def start_outage(self, server_id: int) -> None:
        """Make a server unavailable: what happens in it is lost, and an IDENTIFY does not get to see it."""
        self._publish("GUILD_DELETE", {"id": str(server_id), "unavailable": True})
        self._away.add(server_id)

    def end_outage(self, server_id: int) -> None:
        """Make a server available again, as it is now."""
        self._away.discard(server_id)
        for session in self._sessions.values():
            self._introduce(session, self._backend.get_guild(server_id))
        self._changes.notify()

    async def close(self, code: int) -> None:
        """Close every socket with a code, say 4000 or 4014; the sessions can be resumed."""
        for connection in list(self._connections):
            self._detach(connection)
            await connection.socket.close(code=code)

    # ------------------------------------------------------------ the socket

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one websocket."""
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        # discord.py takes plain text frames too, whatever compression it has asked for.
        zlib_stream = request.query.get("compress") == "zlib-stream"
        connection = Connection(socket, request.transport, zlib_stream=zlib_stream)
        self._connections.add(connection)
        pump = asyncio.create_task(connection.pump())
        self._send(connection, {"op": HELLO, "d": {"heartbeat_interval": HEARTBEAT_INTERVAL_MS}})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._receive(connection, json.loads(message.data))
        finally:
            self._leave(connection)
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump
        return socket

    def _leave(self, connection: Connection) -> None:
        if connection.socket.close_code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY):
            self._sessions = {k: s for k, s in self._sessions.items() if s.connection is not connection}
        self._detach(connection)

    def _detach(self, connection: Connection) -> None:
        self._connections.discard(connection)
        for session in self._sessions.values():
            if session.connection is connection:
                session.connection = None
        self._changes.notify()

    async def _receive(self, connection: Connection, frame: dict[str, Any]) -> None:
        op: int = frame["op"]
        data: Any = frame.get("d")
        self._record("in", {**frame, "d": {**data, "token": "…"}} if op in (IDENTIFY, RESUME) else frame)
        if op == HEARTBEAT:
            asyncio.get_running_loop().call_later(ACK_SECONDS, self._send, connection, {"op": HEARTBEAT_ACK})
        elif op == IDENTIFY:
            await self._identify(connection, data)
        elif op == RESUME:
            await self._resume(connection, data)
        elif op == REQUEST_MEMBERS:
            session = self._session_of(connection)
            if session is None:
                await connection.socket.close(code=NOT_AUTHENTICATED)
            else:
                self._send_members(session, data)

    async def _identify(self, connection: Connection, data: dict[str, Any]) -> None:
        intents = discord.Intents._from_value(data["intents"])
        if data["token"] != self._portal.token:
            await connection.socket.close(code=AUTHENTICATION_FAILED)
            return
        if self._portal.refuses(intents):
            await connection.socket.close(code=DISALLOWED_INTENTS)
            return
        # Whoever identifies does not come back for a session that nobody holds.
        self._sessions = {key: held for key, held in self._sessions.items() if held.connection is not None}
        session = Session(intents, connection, large_threshold=data.get("large_threshold", 50))
        self._sessions[session.id] = session
        self.identified += 1
        servers = list(self._backend.guilds.values())
        ready = {
            "v": 10,
            "user": serializers.user_payload(self._backend.bot_user),
            "guilds": [{"id": str(server.id), "unavailable": True} for server in servers],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "shard": data.get("shard", [0, 1]),
            "application": self._portal.application(self._backend.application_id),
        }
        self._dispatch(session, "READY", ready)
        for server in servers:
            if server.id not in self._away:
                self._introduce(session, server)
        self._changes.notify()

    def _introduce(self, session: Session, server: Guild) -> None:
        payload = dict(serializers.guild_create_payload(self._backend, server))
        payload["large"] = len(server.members) > session.large_threshold
        self._dispatch(session, "GUILD_CREATE", payload)

    async def _resume(self, connection: Connection, data: dict[str, Any]) -> None:
        session = self._sessions.get(data["session_id"] or "")
        if data["token"] != self._portal.token:
            await connection.socket.close(code=AUTHENTICATION_FAILED)
        elif session is None:
            self._send(connection, {"op": INVALID_SESSION, "d": False})
        else:
            session.replay(connection, after=data["seq"] or 0)
            self.resumed += 1
            self._dispatch(session, "RESUMED", {})
            self._changes.notify()

    def _session_of(self, connection: Connection) -> Session | None:
        return next((s for s in self._sessions.values() if s.connection is connection), None)

    # ---------------------------------------------------------------- events

    def _publish(self, event: str, payload: Mapping[str, Any]) -> None:
        if int(payload.get("guild_id") or 0) in self._away:
            return
        if event == "MESSAGE_CREATE":
            payload = {**payload, "nonce": self._history.current_nonce}
        for session in self._sessions.values():
            self._dispatch(session, event, payload)
        self._changes.notify()

    def _dispatch(self, session: Session, event: str, payload: Mapping[str, Any]) -> None:
        needed = intent_rules.required_intent(event, payload)
        if needed is not None and not getattr(session.intents, needed):
            return
        bot_id = self._backend.bot_user.id
        data = dict(payload)
        if event == "GUILD_CREATE":
            intent_rules.prune_guild_create(data, session.intents, bot_id)
        elif event in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and not session.intents.message_content:
            data = copy.deepcopy(data)
            intent_rules.censor_message(data, bot_id, backend=self._backend)
        self._record("out", session.dispatch(event, self._wire.completed(data)))

    def _send_members(self, session: Session, wanted: dict[str, Any]) -> None:
        for chunk in _member_chunks(self._backend, wanted):
            self._dispatch(session, "GUILD_MEMBERS_CHUNK", chunk)

    def _send(self, connection: Connection, frame: dict[str, Any]) -> None:
        connection.send(json.dumps(frame))
        self._record("out", frame)

    def _record(self, direction: Any, frame: Mapping[str, Any]) -> None:
        if self._recorder is not None:
            self._recorder(Frame(direction, frame))


def _member_chunks(backend: Backend, wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Answer op 8: by user ids, by the start of a name, or all; at most 1,000 members a chunk."""
    server = backend.guilds.get(int(wanted["guild_id"]))
    if server is None:
        return
    members = list(server.members.values())
    missing: list[str] = []
    if wanted.get("user_ids"):
        ids = wanted["user_ids"] if isinstance(wanted["user_ids"], list) else [wanted["user_ids"]]
        missing = [str(user_id) for user_id in ids if int(user_id) not in server.members]
        members = [server.members[int(user_id)] for user_id in ids if int(user_id) in server.members]
    elif wanted.get("query"):
        prefix = wanted["query"].lower()
        members = [
            member
            for member in members
            if any(
                (name or "").lower().startswith(prefix) for name in (backend.users[member.user_id].name, member.nick)
            )
        ]
    if wanted.get("limit"):
        members = members[: wanted["limit"]]
    parts = [members[start : start + CHUNK_SIZE] for start in range(0, len(members), CHUNK_SIZE)] or [[]]
    for index, part in enumerate(parts):
        chunk: dict[str, Any] = {
            "guild_id": str(server.id),
            "members": [serializers.member_payload(backend, server, member) for member in part],
            "chunk_index": index,
            "chunk_count": len(parts),
        }
        if missing:
            chunk["not_found"] = missing
        if wanted.get("presences"):
            chunk["presences"] = []
        if wanted.get("nonce"):
            chunk["nonce"] = wanted["nonce"]
        yield chunk
