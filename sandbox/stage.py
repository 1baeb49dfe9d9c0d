"""The stage of the demo and of the end-to-end tests: both stand-ins, a server full of people, the shipped bot."""

import asyncio
import os
import secrets
import socket
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import discord

from sandbox.battlenet import BattleNetStandIn
from sandbox.companion import KEY, Applied, Companion, export_of, key_in
from sandbox.discord import DiscordStandIn, Shown
from sandbox.discord.records import Exchange, Frame
from sandbox.people import Member
from sandbox.sample import Sample

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 15.0
LONG = 120.0
TRIES = 240
PAUSE = 0.25
LATER = ("synced right now", "Try again in a minute")
STILL_WORKING = "…"
KEY_MADE = "has a key now"
LOG_LINES = 10_000
"""A database that is away for a minute fills a thousand with tracebacks."""
OWN_PORTS = range(20_000, 32_000)
"""Below those that systems give to connections: from 32,768 on Linux, 49,152 elsewhere."""


class BotStopped(Exception):
    """Say that the bot's process ended before it was told to."""


class BotProcess:
    """The shipped bot, run as `muster run` in a process of its own; `log` keeps the last lines of all its starts."""

    def __init__(self, environment: dict[str, str], folder: str) -> None:
        self._environment = environment
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.log: deque[str] = deque(maxlen=LOG_LINES)

    @property
    def running(self) -> bool:
        """Tell whether the process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The number of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start the process, or start it again."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is the stage's to handle
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def wait(self) -> int:
        """Wait for the end of the process and of its log; give the exit code."""
        assert self._process is not None
        assert self._reader is not None
        code = await self._process.wait()
        await asyncio.shield(self._reader)
        return code

    async def stop(self) -> int | None:
        """Tell the process to stop and give its exit code, None if it never ran; kill it if it does not listen."""
        if self._process is None:
            return None
        if self.running:
            self._process.terminate()
        try:
            return await asyncio.wait_for(self.wait(), STOP_SECONDS)
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """End the process without a word, as a crash would."""
        assert self._process is not None
        if self.running:
            self._process.kill()
        return await self.wait()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.log.append(line.decode(errors="replace").rstrip())


class Stage:
    """Everything that stands around the bot, on this machine alone; `settings` add to the bot's environment.

    exchanges: called with every REST exchange and gateway frame between the bot and Discord.
    """

    def __init__(
        self,
        sample: Sample,
        *,
        settings: dict[str, str] | None = None,
        exchanges: Callable[[Exchange | Frame], None] | None = None,
    ) -> None:
        self.sample = sample
        sample.world.catch_up(datetime.now(UTC))
        # The shape of a token: three parts, so that everything that reads one accepts it.
        self.token = ".".join(("sandbox", secrets.token_hex(3), secrets.token_hex(16)))
        self.battlenet = BattleNetStandIn(sample.world)
        self.discord = DiscordStandIn(self.token, exchanges=exchanges)
        self.web_port = _free_port()
        self.web_address = f"http://127.0.0.1:{self.web_port}"
        self._settings = settings or {}
        self._companion: Companion | None = None
        self._stack = AsyncExitStack()
        self.bot: BotProcess

    async def __aenter__(self) -> Self:
        # Not in the checkout: its .env may name the database of a real guild.
        self._folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-"))
        await self._stack.enter_async_context(self.battlenet)
        await self._stack.enter_async_context(self.discord)
        self._populate()
        self.bot = self.process()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def process(self, **settings: str) -> BotProcess:
        """Make a process of the bot, not started yet; the end of the stage is its end."""
        bot = BotProcess(self._environment() | settings, self._folder)
        self._stack.push_async_callback(bot.stop)
        return bot

    async def raise_curtain(self, within: float = 30.0) -> None:
        """Start the bot, or start it again, and wait until it is connected; raises BotStopped or TimeoutError."""
        sockets = self.discord.sockets
        before = sockets.identified
        await self.bot.start()
        await self.meanwhile(self.discord.until(lambda: sockets.identified > before, "the bot on the gateway", within))

    async def command(self, name: str, options: Mapping[str, Any] | None = None, *, until: str | None = None) -> Shown:
        """Run a command as the server's owner, in the tavern, and wait for its whole answer.

        Run it again while the bot asks for patience or, with `until`, as long as the answer does not say that.
        """
        for _ in range(TRIES):
            shown = await self.begin(name, options)
            await shown.finished(lambda answer: not answer.text.endswith(STILL_WORKING), within=LONG)
            if until in shown.text if until else not any(word in shown.text for word in LATER):
                break
            await asyncio.sleep(PAUSE)
        return shown

    async def begin(self, name: str, options: Mapping[str, Any] | None = None) -> Shown:
        """Run a command as the server's owner, in the tavern, and give its first answer."""
        return await self.discord.slash(self.owner_id, self.server_id, self.lounge, name, options, within=LONG)

    async def make_key(self, name: str) -> Shown:
        """Make an uploader's key with `/addon key`, as the server's owner; give the answer that shows it."""
        panel = await self.command("addon key")
        form = await self.discord.click(self.owner_id, panel, label="Create…", within=LONG)
        answer = await self.discord.submit_modal(form, {"name": name}, within=LONG)
        return await answer.finished(lambda now: bool(KEY.search(now.text)) and KEY_MADE in now.text, within=LONG)

    async def companion(self, name: str) -> Companion:
        """Give somebody a key and a companion that uses it."""
        return Companion(self.web_address, key_in((await self.make_key(name)).text))

    async def upload_notes(self) -> Applied:
        """Upload the sample's notes, always by the same companion, and wait until they are applied.

        Matching and audit follow by themselves, soon.
        """
        if self._companion is None:
            self._companion = await self.companion("The stage's own PC")
        return await self._companion.deliver(export_of(self.sample))

    async def meanwhile(self, act: Coroutine[Any, Any, T]) -> T:
        """Do something that needs the bot; raises BotStopped as soon as its process ends."""
        acting, ending = asyncio.create_task(act), asyncio.create_task(self.bot.wait())
        try:
            await asyncio.wait({acting, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not acting.done():
                stopped = BotStopped(f"the bot ended with code {ending.result()}")
                stopped.add_note("\n".join(self.bot.log))
                raise stopped
            return acting.result()
        finally:
            acting.cancel()
            ending.cancel()
            await asyncio.wait({acting, ending})

    def _populate(self) -> None:
        world, sample = self.discord.world, self.sample
        owner = sample.owner
        server = world.add_server(sample.guild.name, owner=owner.username)
        self.server_id, self.owner_id = server.id, server.owner_id
        self.roles = {
            name: world.add_role(server.id, name, permissions=discord.Permissions(manage_guild=name == "Officer"))
            for name in sample.roles
        }
        self.audit_channel = world.add_channel(server.id, "audit", only_for=[self.roles["Officer"]])
        self.lounge = world.add_channel(server.id, "tavern")
        world.rename_user(self.owner_id, global_name=owner.global_name)
        world.set_nick(server.id, self.owner_id, owner.nick)
        self.user_ids = {owner.id: self.owner_id}
        for member in sample.members:
            if member is not owner:
                self.user_ids[member.id] = self._add(member)

    def _add(self, member: Member) -> int:
        return self.discord.world.add_member(
            self.server_id,
            member.username,
            global_name=member.global_name,
            nick=member.nick,
            roles=[self.roles[name] for name in member.roles if name in self.roles],
            bot=member.bot,
        )

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
        for name in ("DATABASE_URL", "HOST"):
            kept.pop(name, None)
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "MUSTER_ENV": "sandbox",
            "DISCORD_BOT_TOKEN": self.token,
            "BLIZZARD_CLIENT_ID": self.battlenet.client_id,
            "BLIZZARD_CLIENT_SECRET": self.battlenet.client_secret,
            "MUSTER_DISCORD_API": self.discord.api,
            "MUSTER_DISCORD_GATEWAY": self.discord.gateway,
            "MUSTER_BATTLENET_API": self.battlenet.api,
            "MUSTER_BATTLENET_OAUTH": self.battlenet.oauth,
            "HOST": "127.0.0.1",
            "PORT": str(self.web_port),
            "MUSTER_PUBLIC_URL": self.web_address,
            **self._settings,
        }


def _free_port() -> int:
    """Give a port that is free, and that no connection gets by chance while the bot is between two runs."""
    while True:
        port = secrets.choice(OWN_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
