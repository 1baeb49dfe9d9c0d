"""Read what one account of the game has for upload, without ever standing in the game's way."""

import os
import re
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import CompanionError
from .exports import Export, read_exports
from .lua_data import MAX_BYTES, LuaSyntaxError

BACKUP = ".bak"
"""What the game appends to the name of the file before; an end of its own, "Muster.lua.bak"."""

# After a power failure a file can be all zero bytes.
_SOMETHING = re.compile(rb"[^\s\0]")


class UnreadableError(CompanionError):
    """Say why a file can't be read, or not now."""


class BusyError(UnreadableError):
    """Say why a file can't be read now; that it can be later, nothing about the file itself will tell."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold what an account has.

    `source` is the file it was taken from, None where there is none that can be read; `busy` is whether another try
    may find more, though the files be the same.
    """

    source: Path | None
    exports: tuple[Export, ...] = ()
    problems: tuple[str, ...] = ()
    busy: bool = False


def backup_of(file: Path) -> Path:
    """Give where the game keeps the file that was there before."""
    return file.with_name(file.name + BACKUP)


def read_account(file: Path) -> Reading:
    """Read an account's Muster.lua, or its backup where that is missing or damaged; raises nothing.

    A file that is whole is by its nature newer than its backup, even where it holds less.
    """
    backup = backup_of(file)
    busy = False
    try:
        return _read(file)
    except FileNotFoundError:
        problem = f"{file} is missing."
    except UnreadableError as error:
        problem, busy = str(error), isinstance(error, BusyError)
    try:
        reading = _read(backup)
    except FileNotFoundError:
        # Neither file: the addon did not run on this account yet, which is nothing to complain of.
        return Reading(None, problems=(problem,) if os.path.lexists(file) else (), busy=busy)
    except UnreadableError as error:
        return Reading(None, problems=(problem, str(error)), busy=busy or isinstance(error, BusyError))
    problems = (f"{problem} The backup beside it is used instead.", *reading.problems)
    return Reading(backup, reading.exports, problems, busy)


def _read(file: Path) -> Reading:
    """Read one file. Raises FileNotFoundError, UnreadableError."""
    data = read_file(file)
    if not _SOMETHING.search(data):
        raise UnreadableError(f"{file} is empty.")
    try:
        contents = read_exports(data)
    except LuaSyntaxError as error:
        raise UnreadableError(f"{file} is damaged: {error}.") from error
    return Reading(file, contents.exports, tuple(f"{file}: {problem}" for problem in contents.problems))


def read_file(file: Path) -> bytes:
    """Read a file of the game's whole. Raises FileNotFoundError, UnreadableError and of these BusyError."""
    try:
        # Before it is opened: to open a pipe waits for whoever writes into it.
        if not stat.S_ISREG(os.stat(file).st_mode):
            raise UnreadableError(f"{file} is no file but a folder or a device.")
        with open(file, "rb", opener=OPENER) as stream:
            before = os.fstat(stream.fileno())
            if before.st_size > MAX_BYTES:
                raise UnreadableError(f"{file} is larger than {MAX_BYTES // 2**20} MB: the addon never writes so much.")
            data = stream.read(MAX_BYTES)
            after = os.fstat(stream.fileno())
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise BusyError(f"{file} can't be read: {getattr(error, 'strerror', None) or error}.") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size:
        raise BusyError(f"{file} is being written right now.")
    return data


OPENER: Callable[[str, int], int] | None = None
"""How to open a file so that the game can delete or rename it meanwhile; None where that is always so."""

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _GENERIC_READ = 0x80000000
    _SHARE_READ_WRITE_DELETE = 0x1 | 0x2 | 0x4
    _OPEN_EXISTING = 3
    _INVALID_HANDLE = ctypes.c_void_p(-1).value

    _create_file = ctypes.WinDLL("kernel32", use_last_error=True).CreateFileW
    _create_file.restype = wintypes.HANDLE
    _create_file.argtypes = (
        wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, wintypes.LPVOID,
        wintypes.DWORD, wintypes.DWORD, wintypes.HANDLE,
    )  # fmt: skip

    def _open_shared(path: str, _flags: int) -> int:
        """Open for reading, and share the file for everything; Python's own way keeps others from deleting it."""
        handle = _create_file(path, _GENERIC_READ, _SHARE_READ_WRITE_DELETE, None, _OPEN_EXISTING, 0, None)
        if handle == _INVALID_HANDLE:
            raise ctypes.WinError(ctypes.get_last_error())
        return msvcrt.open_osfhandle(handle, os.O_RDONLY)

    OPENER = _open_shared
