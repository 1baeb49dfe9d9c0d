"""The stand-in as one thing: starts the sockets, and holds the world, the users' acts and the faults."""

from collections import deque
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from simcord.backend import Backend

from sandbox.discord.acts import Acts
from sandbox.discord.gateway import Gateway
from sandbox.discord.history import History
from sandbox.discord.portal import Portal
from sandbox.discord.records import Fault, Recorder
from sandbox.discord.rest import PREFIX, Rest
from sandbox.discord.waiting import PATIENCE, Changes
from sandbox.discord.wire import Wire
from sandbox.discord.world import WallClock, World

HOST = "127.0.0.1"
MAX_BODY = 30 * 1024 * 1024
LOG_KEPT = 1_000


class DiscordStandIn(Acts):
    """Discord over loopback sockets, for one bot.

    token: what the bot must show. port 0 takes a free one. exchanges: called with every REST exchange and gateway
    frame. portal.intents may be narrowed to switch privileged intents off.
    """

    def __init__(
        self, token: str, port: int = 0, *, bot_name: str = "Muster", exchanges: Recorder | None = None
    ) -> None:
        backend = Backend(clock=WallClock())
        # SimCord keeps both for ever; a demo that stays up must not grow.
        backend.http_requests = deque(maxlen=LOG_KEPT)  # type: ignore[assignment]
        backend.transcript = deque(maxlen=LOG_KEPT)  # type: ignore[assignment]
        backend.bot_user.name = bot_name
        changes, history, wire = Changes(), History(), Wire(backend)
        super().__init__(backend, World(backend), changes, history, wire)
        self.portal = Portal(token)
        self.sockets = Gateway(backend, self.portal, changes, history, wire, recorder=exchanges)
        self._rest = Rest(backend, self.portal, changes, history, wire, recorder=exchanges)
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def api(self) -> str:
        """The address of the REST API."""
        return f"http://{HOST}:{self._port}{PREFIX}"

    @property
    def gateway(self) -> str:
        """The address of the gateway."""
        return f"ws://{HOST}:{self._port}/gateway"

    @property
    def faults(self) -> list[Fault]:
        """The faults that wait for their request, first match first."""
        return self._rest.faults

    @property
    def gaps(self) -> list[str]:
        """What the bot asked for that the stand-in cannot do; each was answered 501."""
        return self._rest.gaps

    def fault(self, method: str, path: str, status: int | None, **details: Any) -> Fault:
        """Ask for a fault, by default once: fault("POST", "/channels/*/messages", 429). Details as in Fault."""
        fault = Fault(method, path, status, **details)
        self.faults.append(fault)
        return fault

    def allow_intents(self, **switched: bool) -> None:
        """Switch privileged intents in the portal: members, presences, message_content."""
        for name, on in switched.items():
            setattr(self.portal.intents, name, on)

    async def wait_connected(self, within: float = PATIENCE) -> None:
        """Wait until the bot is identified and on the line; raise TimeoutError."""
        await self.until(lambda: self.sockets.connected, "the bot on the gateway", within)

    async def __aenter__(self) -> Self:
        """Start to listen."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_get("/gateway", self.sockets.handle)
        app.router.add_route("*", PREFIX + "/{path:.*}", self._rest.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port).start()
        self._port = self._runner.addresses[0][1]
        self.sockets.url = self._rest.gateway_url = self.gateway
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut every line and stop."""
        self.sockets.drop()
        if self._runner is not None:
            await self._runner.cleanup()
