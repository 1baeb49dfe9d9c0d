"""Where the game is on this computer: its folders, flavours and accounts. Everything here only looks."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .errors import CompanionError

ADDON_FILE = "Muster.lua"
GAME = "World of Warcraft"

# What holds copies of characters, under their own names, on realms that are no guild's.
_TEST_FLAVOURS = frozenset({"ptr", "ptr2", "xptr", "beta", "alpha"})
_FLAVOUR = re.compile(r"_[^\W_](?:\w*[^\W_])?_").fullmatch

_ON_A_DRIVE = tuple(
    (*above, GAME)
    for above in (("Program Files (x86)",), ("Program Files",), (), ("Games",), ("Battle.net",), ("Blizzard",))
)
# Folders, below home, that are a Windows of their own: Wine, Lutris, Bottles, PlayOnLinux, Steam, CrossOver.
_PREFIXES = (
    ".wine",
    "Games/*",
    "Games/Heroic/Prefixes/*",
    "Games/Heroic/Prefixes/default/*",
    "Faugus/*",
    ".local/share/wineprefixes/*",
    ".local/share/bottles/bottles/*",
    ".var/app/com.usebottles.bottles/data/bottles/bottles/*",
    ".var/app/net.lutris.Lutris/data/wineprefixes/*",
    ".PlayOnLinux/wineprefix/*",
    ".cxoffice/*",
    "Library/Application Support/CrossOver/Bottles/*",
    *(
        f"{steam}/steamapps/compatdata/*/pfx"
        for steam in (
            ".steam/steam",
            ".local/share/Steam",
            ".var/app/com.valvesoftware.Steam/.local/share/Steam",
            "snap/steam/common/.local/share/Steam",
        )
    ),
)


class FolderError(CompanionError):
    """Say why a folder is not one of the game's, and which to give instead."""


@dataclass(frozen=True, slots=True)
class Account:
    """Hold an account of the game under one flavour; its file may not be there yet, nor the folder of that."""

    flavour: Path
    name: str
    file: Path


@dataclass(frozen=True, slots=True)
class Machine:
    """Hold what the search starts from, so that any computer can be searched in a test.

    `system` is as sys.platform; `installed` is what the Windows registry tells; `drives` and `applications` are roots.
    """

    system: str
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    drives: tuple[Path, ...] = ()
    applications: tuple[Path, ...] = ()
    installed: tuple[str, ...] = ()

    @classmethod
    def here(cls) -> "Machine":
        """Describe this computer."""
        home = Path.home()
        drives = tuple(Path(f"{letter}:/") for letter in "CDEFGHIJKLMNOPQRSTUVWXYZ") if sys.platform == "win32" else ()
        applications = (Path("/Applications"), home / "Applications") if sys.platform == "darwin" else ()
        return cls(sys.platform, home, os.environ, drives, applications, tuple(_registered()))


def find_flavours(machine: Machine) -> tuple[Path, ...]:
    """Find the flavours of the game in all places where installers put it, such as `…/World of Warcraft/_retail_`."""
    found: list[Path] = []
    for place in _places(machine):
        with suppress(FolderError):
            found += flavours_in(place)
    return unique(found)


def given_folder(given: Path | str) -> Path:
    """Give the folder that a player means, whole. Raises FolderError."""
    text = str(given).strip().strip('"').strip()
    if not text:
        raise FolderError(f"No folder is given. Give the one of {GAME}, which holds _retail_.")
    return Path(os.path.abspath(os.path.expanduser(text)))


def flavours_in(given: Path | str) -> tuple[Path, ...]:
    """Give the flavours that a folder stands for: the game's own, a flavour's, or any within a flavour such as WTF.

    Raises FolderError.
    """
    folder = given_folder(given)
    try:
        os.listdir(folder)
    except FileNotFoundError as error:
        raise FolderError(f"There is no folder {folder}.") from error
    except NotADirectoryError:
        pass  # a file within a flavour leads to it as well
    except (OSError, ValueError) as error:
        raise FolderError(f"{folder} can't be opened: {getattr(error, 'strerror', None) or error}.") from error
    flavours = [sub for game in (folder, child(folder, GAME)) for sub in _subfolders(game) if _FLAVOUR(sub.name)]
    real = [flavour for flavour in flavours if not _is_test(flavour)]
    if found := tuple(flavour for flavour in real if _is_played(flavour)):
        return found
    around = next((place for place in (folder, *folder.parents) if _is_played(place)), None)
    if around and not _is_test(around):
        return (around,)
    if around or (flavours and not real):
        raise FolderError(
            f"{folder} is of test realms, whose characters are copies. Give the folder that holds _retail_."
        )
    if real or _FLAVOUR(folder.name):
        raise FolderError(f"Nobody has played the game in {folder} yet. Log in with any character first.")
    raise FolderError(f"{folder} is not a folder of {GAME}. Give the one that holds _retail_.")


def accounts_folder(flavour: Path) -> Path:
    """Give the folder that holds a flavour's accounts; it may not be there yet."""
    return child(child(flavour, "WTF"), "Account")


def accounts(flavour: Path) -> tuple[Account, ...]:
    """Give all accounts that played a flavour, by name."""
    folders = _subfolders(accounts_folder(flavour))
    # Beside the accounts stands a folder of what they share.
    return tuple(
        Account(flavour, folder.name, child(child(folder, "SavedVariables"), ADDON_FILE))
        for folder in folders
        if folder.name.casefold() != "savedvariables"
    )


def unique(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Give each folder once, also where links lead to it by several ways; the first spelling stays."""
    known: dict[str, Path] = {}
    for folder in folders:
        known.setdefault(os.path.normcase(os.path.realpath(folder)), folder)
    return tuple(known.values())


def child(folder: Path, name: str) -> Path:
    """Give what is called so in a folder; in other letter case where there is no other: Wine keeps to no case."""
    exact = folder / name
    if os.path.lexists(exact):
        return exact
    with suppress(OSError):
        for entry in sorted(os.listdir(folder)):
            if entry.casefold() == name.casefold():
                return folder / entry
    return exact


def _places(machine: Machine) -> Iterator[Path]:
    for path in machine.installed:
        yield Path(path)
    for folder in machine.applications:
        yield folder / GAME
    for drive in machine.drives:
        yield from _on_drive(drive)
    if machine.system == "win32":
        return
    if given := machine.environment.get("WINEPREFIX"):
        yield from _on_drive(child(Path(given), "drive_c"))
    for pattern in _PREFIXES:
        with suppress(OSError):  # not every home can be entered
            for prefix in sorted(machine.home.glob(pattern)):
                yield from _on_drive(child(prefix, "drive_c"))


def _on_drive(drive: Path) -> Iterator[Path]:
    for names in _ON_A_DRIVE:
        place = drive
        for name in names:
            place = child(place, name)
        yield place


def _is_played(folder: Path) -> bool:
    return os.path.isdir(accounts_folder(folder))


def _is_test(flavour: Path) -> bool:
    return not _TEST_FLAVOURS.isdisjoint(flavour.name.casefold().split("_"))


def _subfolders(folder: Path) -> list[Path]:
    """Give the folders in one, by name; none where it can't be listed."""
    with suppress(OSError):
        return [folder / name for name in sorted(os.listdir(folder)) if os.path.isdir(folder / name)]
    return []


if sys.platform == "win32":
    import winreg

    def _registered() -> Iterator[str]:
        """Read where the game's installer says it put the game."""
        for software in (r"SOFTWARE\WOW6432Node", r"SOFTWARE"):
            with (
                suppress(OSError),
                winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, rf"{software}\Blizzard Entertainment\{GAME}") as key,
            ):
                path, kind = winreg.QueryValueEx(key, "InstallPath")
                if kind == winreg.REG_SZ:
                    yield str(path)

else:

    def _registered() -> Iterator[str]:
        """Give nothing: only Windows has a registry."""
        yield from ()
