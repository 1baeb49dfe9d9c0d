"""The settings: where to upload, for which guild, and where else the game is."""

import json
import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .errors import CompanionError
from .files import locked, write_atomically

VERSION = 1


@dataclass(frozen=True, slots=True)
class Guild:
    """Name a guild; the realm is None where nobody told."""

    region: str
    realm: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.realm}, {self.region})" if self.realm else f"{self.name} ({self.region})"

    def may_be(self, other: "Guild") -> bool:
        """Tell whether region and name agree; realms have several spellings, the server alone compares them."""
        return (fold(self.region), fold(self.name)) == (fold(other.region), fold(other.name))


def fold(name: str) -> str:
    """Give a name as it is compared: letters and digits, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())


@dataclass(frozen=True, slots=True)
class Target:
    """Hold one place to upload to; `ref` names its key and its part of the state, and never changes."""

    ref: str
    address: str
    guild: Guild
    in_keyring: bool


@dataclass(frozen=True, slots=True)
class Config:
    """Hold all settings."""

    targets: tuple[Target, ...] = ()
    folders: tuple[Path, ...] = ()

    def with_target(self, target: Target) -> "Config":
        """Add a target, or change the one of its `ref`."""
        others = tuple(known for known in self.targets if known.ref != target.ref)
        return replace(self, targets=(*others, target))

    def with_guild(self, ref: str, guild: Guild) -> "Config":
        """Name the guild of a target anew, if that is still there."""
        targets = (replace(known, guild=guild) if known.ref == ref else known for known in self.targets)
        return replace(self, targets=tuple(targets))

    def without_target(self, ref: str) -> "Config":
        """Leave a target out."""
        return replace(self, targets=tuple(known for known in self.targets if known.ref != ref))

    def with_folders(self, folders: tuple[Path, ...]) -> "Config":
        """Add folders, each once."""
        return replace(self, folders=tuple(dict.fromkeys((*self.folders, *folders))))

    def target_for(self, address: str, guild: Guild) -> Target | None:
        """Find the target that a key of this address and guild belongs to."""
        return next((known for known in self.targets if (known.address, known.guild) == (address, guild)), None)


def new_ref() -> str:
    """Make up the name of a new target."""
    return secrets.token_hex(8)


def load_config(file: Path) -> Config:
    """Read the settings; without a file there are none yet. Raises CompanionError."""
    try:
        text = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return Config()
    except OSError as error:
        raise CompanionError(f"The settings {file} can't be read: {error.strerror}.") from error
    try:
        return _config(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise CompanionError(
            f"The settings {file} are damaged. Delete that file and run `muster-companion setup`."
        ) from error


def _config(data: Any) -> Config:
    if data["version"] != VERSION:
        raise ValueError(data["version"])
    targets = tuple(
        Target(_ref(row["ref"]), _text(row["address"]), _guild(row["guild"]), bool(row["in_keyring"]))
        for row in data["targets"]
    )
    return Config(targets, tuple(Path(_text(folder)) for folder in data["folders"]))


def _guild(data: Any) -> Guild:
    realm = data["realm"]
    return Guild(_text(data["region"]), None if realm is None else _text(realm), _text(data["name"]))


def _ref(value: Any) -> str:
    if not re.fullmatch(r"[0-9a-f]{16}", _text(value)):  # it names a file
        raise ValueError(value)
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(value)
    return value


def change_config(file: Path, change: Callable[[Config], Config]) -> Config:
    """Change what the settings are now, whole or not at all, and give them; others may do so at the same time.

    Raises CompanionError.
    """
    try:
        with locked(file.with_name(f"{file.name}.lock"), wait=True):
            new = change(load_config(file))
            # Even where nothing differs: who runs takes over a new key when this file changes.
            write_atomically(file, _dump(new))
    except OSError as error:
        raise CompanionError(f"The settings can't be written to {file}: {error.strerror}.") from error
    return new


def _dump(config: Config) -> bytes:
    data = {
        "version": VERSION,
        "targets": [asdict(target) for target in config.targets],
        "folders": [str(folder) for folder in config.folders],
    }
    # A folder's name may be no text at all; what reads JSON takes it so.
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode(errors="surrogatepass")
