"""The stand-in for a game client that runs the real addon (client.lua), as tests use it."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.support.saved_variables import written
from tests.wow_addon.lua import from_lua, runtime, to_lua

ROOT = Path(__file__).resolve().parents[2]
ADDON = ROOT / "wow_addon" / "Muster"
GOLDEN = ROOT / "tests" / "golden" / "upload"
DEFAULTS: Mapping[str, Any] = {
    "locale": "enUS",
    "region": 3,
    "version": "1.0.0",
    "can_view_officer_note": True,
    "show_offline": False,
    "combat": False,
    "restricted": {},
    "answers": [{"after": 0.5}, {"after": 0.7}],
}


def golden_world(case: str) -> dict[str, Any]:
    """Give what the client of a golden case knows."""
    world: dict[str, Any] = json.loads((GOLDEN / case / "client.json").read_text("utf-8"))
    return world


def toc_lines() -> list[str]:
    """Give the lines of the addon's .toc."""
    return (ADDON / "Muster.toc").read_text("utf-8").splitlines()


def addon_files() -> list[Path]:
    """Give the addon's Lua files in the order in which the game runs them."""
    return [ADDON / line.strip().replace("\\", "/") for line in toc_lines() if line.strip() and line[0] != "#"]


class Client:
    """One session of the game, from the login to the logout, with the addon in it."""

    def __init__(self, world: Mapping[str, Any], saved: bytes = b"", without: Iterable[str] = ()) -> None:
        """Start the game; `without` names globals that this version of it lacks."""
        self.lua = runtime()
        stub = (Path(__file__).parent / "client.lua").read_bytes()
        self._stub = self.lua.execute(stub, to_lua(self.lua, {**DEFAULTS, **world}), b"Muster")
        self._globals = self.lua.globals()
        for name in without:
            self._globals[name.encode()] = None
        self.globals_before = self.global_names()
        self.expected_errors: list[str] = []
        self._saved = saved
        self._on_load = b""

    def login(self, *, reload: bool = False) -> "Client":
        """Load the addon and its saved variables, and come into the world, by a login or a /reload."""
        files = [{"name": file.name, "text": file.read_text("utf-8")} for file in addon_files()]
        self._stub[b"load"](to_lua(self.lua, files))
        self.lua.execute(self._on_load, self._stub[b"namespace"])
        self.lua.execute(self._saved)
        self.fire("ADDON_LOADED", "Muster")
        self.fire("PLAYER_LOGIN")
        self.fire("PLAYER_ENTERING_WORLD", not reload, reload)
        return self

    def on_load(self, code: bytes) -> None:
        """Run code when the addon's files have run, with its namespace as argument."""
        self._on_load = code

    def logout(self, *, bare: bool = False) -> bytes:
        """Leave the world, and give the file that the game writes."""
        self.fire("PLAYER_LOGOUT")
        return written("MusterDB", self.database(), bare=bare)

    def database(self) -> Any:
        """Give what MusterDB holds now."""
        return from_lua(self._globals[b"MusterDB"])

    def exports(self) -> dict[str, Any]:
        """Give the exports that MusterDB holds now, by their key."""
        exports: dict[str, Any] = self.database()["exports"]
        return exports

    def export(self) -> dict[str, Any]:
        """Give the only export."""
        (export,) = self.exports().values()
        return dict(export)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._stub[b"advance"](seconds)

    def time(self) -> float:
        """Give how many seconds have passed."""
        return float(self._stub[b"now"])

    def fire(self, event: str, *values: Any) -> None:
        """Send an event to the addon."""
        self._stub[b"fire"](event.encode(), *(to_lua(self.lua, value) for value in values))

    def type(self, line: str) -> list[str]:
        """Type a line into the chat, and give what the addon says to it at once."""
        before = len(self.chat())
        self._stub[b"type"](line.encode())
        return self.chat()[before:]

    def chat(self) -> list[str]:
        """Give all that the addon has said, without its name and colours."""
        said = from_lua(self._stub[b"chat"]) or []
        return [line.removeprefix("|cffd4a84bMuster|r: ") for line in said]

    def errors(self) -> list[str]:
        """Give the errors of the addon that reached the game's error handler."""
        return list(from_lua(self._stub[b"errors"]) or [])

    def calls(self, function: str) -> int:
        """Give how often a function of the game was called."""
        return int(self._stub[b"calls"][function.encode()] or 0)

    def change(self, name: str, value: Any) -> None:
        """Change something in the world."""
        self._stub[b"world"][name.encode()] = to_lua(self.lua, value)

    def get(self, name: str) -> Any:
        """Give something of the world."""
        return from_lua(self._stub[b"world"][name.encode()])

    def change_member(self, number: int, **values: Any) -> None:
        """Change a member of the roster, counted from 0."""
        member = self._stub[b"world"][b"roster"][number + 1]
        for name, value in values.items():
            member[name.encode()] = to_lua(self.lua, value)

    def make_secret(self, function: str, position: int | None) -> None:
        """Make one value of a function secret, or none any more."""
        self._stub[b"secrets"][function.encode()] = position

    def make_broken(self, function: str, error: str | None) -> None:
        """Make a function raise an error, or no longer."""
        self._stub[b"broken"][function.encode()] = error.encode() if error else None

    def before(self, function: str, happens: Callable[..., None] | None) -> None:
        """Let something happen just before each call of a function."""
        self._stub[b"before"][function.encode()] = happens

    def echo(self, when: str) -> None:
        """Say when the update that the setter causes comes: `now`, `later` or `never`."""
        self._stub[b"echo"] = when.encode()

    def forget_event(self, event: str) -> None:
        """Take an event out of this version of the game."""
        self._stub[b"known_events"][event.encode()] = None

    def setting(self, variable: str) -> Any:
        """Give a setting of the addon's page, a Lua object."""
        return self._stub[b"settings"][variable.encode()]

    def page(self) -> str | None:
        """Give the name of the addon's page in the settings, if it has one."""
        category = self._stub[b"category"]
        return from_lua(category[b"name"]) if category else None

    def boxes(self) -> dict[str, str]:
        """Give the labels and hints of the boxes on the addon's page."""
        return dict(from_lua(self._stub[b"category"][b"boxes"]))

    def opened(self) -> str | None:
        """Give the settings page that was opened."""
        page: str | None = from_lua(self._stub[b"opened"])
        return page

    def global_names(self) -> set[str]:
        """Give the names of all globals."""
        return set(from_lua(self._stub[b"globals"]()))


def settled(client: Client) -> Client:
    """Log in and wait for the first export."""
    client.login()
    client.advance(20)
    assert client.exports()
    return client
