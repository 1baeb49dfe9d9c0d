"""Files that are whole at every moment, and locks that end with their process."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCKED_BYTE = 2**30
"""Far behind what the file holds: Windows lets nobody read a locked byte, and the file names the process."""


BUSY_TRIES, BUSY_PAUSE = 10, 0.05


class LockedError(Exception):
    """Say that another process holds the lock; the text is what it wrote there."""


def write_atomically(file: Path, content: bytes) -> None:
    """Replace a file, readable by its owner only, so that a crash leaves the old one or the new one.

    Raises OSError.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # mkstemp opens with O_EXCL and mode 0600.
    handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".new", dir=file.parent)
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        _replace(temporary, file)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(file.parent)


def _replace(temporary: str, file: Path) -> None:
    """Rename, and try for half a second: Windows refuses while somebody reads the old file."""
    for _ in range(BUSY_TRIES if sys.platform == "win32" else 0):
        with suppress(PermissionError):
            os.replace(temporary, file)
            return
        time.sleep(BUSY_PAUSE)
    os.replace(temporary, file)


def _sync_folder(folder: Path) -> None:
    """Bring a rename to the disk where the platform can; Windows opens no folders."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def locked(file: Path, *, wait: bool) -> Iterator[None]:
    """Hold a lock that the system itself ends with the process, however that ends.

    The file stays behind and means nothing by itself. Raises LockedError when not waiting, OSError.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(handle, wait=wait)
        except (BlockingIOError, PermissionError) as error:  # as flock says it, and as Windows does
            if wait:
                raise
            holder = os.read(handle, 80)
            raise LockedError(holder.decode(errors="replace").strip()) from error
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, f"process {os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":

    def _lock(handle: int, *, wait: bool) -> None:
        os.lseek(handle, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(handle, 0, os.SEEK_SET)

else:

    def _lock(handle: int, *, wait: bool) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
