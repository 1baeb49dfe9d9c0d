"""A player's PC: the game with the real addon in it, the real companion beside it, and the wire to the bot."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.gamedata import CLASSES, REGIONS
from sandbox.notes import Note
from sandbox.sample import Sample
from sandbox.world import Character
from tests.companion.game import Game
from tests.companion.process import run, running
from tests.support.need import ROOT
from tests.wow_addon.client import Client
from tests.wow_addon.guild import member

WHILE_PLAYING = 60
"""Seconds in the game: longer than the addon waits for a whole roster."""
CHUNK = 2**16


class PlayersPc:
    """A PC whose user has installed the game where its installer puts it, with the addon, and the companion."""

    def __init__(self, folder: Path) -> None:
        user = folder / "user"
        self._home = folder / "companion"
        self._game = Game(user / ".wine" / "drive_c" / "Program Files (x86)")
        self._environment = {
            "HOME": str(user),
            "MUSTER_COMPANION_HOME": str(self._home),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "PYTHONPATH": str(ROOT / "companion_app"),
        }

    def play(
        self, sample: Sample, player: Character, *, at: int, account: str = "100#1", sees_officer_notes: bool = True
    ) -> str:
        """Let somebody play for a minute from this moment (Unix seconds) and log out; give the export's id."""
        file = self._game.file(account)
        known = file.read_bytes() if file.exists() else b""
        client = Client(_seen(sample, player, at=at, sees_officer_notes=sees_officer_notes), known).login()
        client.advance(WHILE_PLAYING)
        export_id = str(client.export()["export_id"])
        left = client.logout()
        assert client.errors() == []
        file.parent.mkdir(parents=True, exist_ok=True)
        # As the game does: the file is not changed, but moved aside and made anew.
        if file.exists():
            os.replace(file, file.with_name(f"{file.name}.bak"))
        file.write_bytes(left)
        return export_id

    async def set_up(self, address: str, key: str) -> str:
        """Answer what the companion asks at first; give what it says."""
        environment = self._environment | {"MUSTER_COMPANION_KEY": key}
        done = await asyncio.to_thread(run, "setup", "--address", address, **environment)
        assert done.returncode == 0, done.stderr
        return done.stderr

    @contextmanager
    def companion(self) -> Iterator[None]:
        """Let the companion run; it ends like in a crash."""
        with running(**self._environment):
            yield

    async def look_once(self) -> str:
        """Let the companion upload what is new and end; give what it says."""
        return (await asyncio.to_thread(run, "--once", **self._environment)).stderr

    def acknowledged(self, export_id: str) -> bool:
        """Tell whether the companion has noted that the server has an export."""
        with suppress(FileNotFoundError):
            return export_id in (self._home / "state.json").read_text("utf-8")
        return False


class Wire:
    """The wire from the PC to the bot, on which the answers to uploads can be lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.loses_answers = False
        self.lost = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def address(self) -> str:
        """Give the address that the companion is told."""
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # the bot is down, or one of the two was killed
            answers, there = await asyncio.open_connection("127.0.0.1", self._port)
            there.write(asked := await reader.read(CHUNK))
            asking = asyncio.create_task(self._ask(reader, there))
            try:
                while chunk := await answers.read(CHUNK):
                    if self.loses_answers and asked.startswith(b"POST "):
                        self.lost.set()
                        continue
                    writer.write(chunk)
                    await writer.drain()
            finally:
                asking.cancel()
                await asyncio.wait({asking})
                there.close()
        writer.close()

    @staticmethod
    async def _ask(reader: asyncio.StreamReader, there: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                there.write(chunk)
                await there.drain()


def _seen(sample: Sample, player: Character, *, at: int, sees_officer_notes: bool) -> dict[str, Any]:
    """Give the guild as the game shows it to somebody."""
    realm = sample.guild.realm
    return {
        "region": REGIONS[realm.region][0],
        "realm": player.realm.name,
        "normalized_realm": _normalized(player),
        "player": {"name": player.name, "guid": _guid(player)},
        "guild": {"name": sample.guild.name},
        "server_time": at,
        "can_view_officer_note": sees_officer_notes,
        "ranks": list(sample.ranks),
        "roster": [
            _listed(sample, number, character, online=character is player)
            for number, character in enumerate(sample.world.members(sample.guild))
        ],
    }


def _listed(sample: Sample, number: int, character: Character, *, online: bool) -> dict[str, Any]:
    note = sample.notes.get(character, Note("", ""))
    return member(
        f"{character.name}-{_normalized(character)}",
        number,
        guid=_guid(character),
        rank_index=character.rank,
        rank_name=sample.ranks[character.rank or 0],
        level=character.level,
        class_file=CLASSES[character.class_id].replace(" ", "").upper(),
        public_note=note.guild or "",
        officer_note=note.officer or "",
        online=online,
        last_online=None if online else [0, 0, 1, 0],
    )


def _normalized(character: Character) -> str:
    return character.realm.name.replace(" ", "")


def _guid(character: Character) -> str:
    return f"Player-{character.realm.id}-{character.id:08X}"
