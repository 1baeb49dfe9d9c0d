"""Notice that the game wrote; the system tells, so that an idle companion does nothing at all."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

RESCAN = 300.0
"""Seconds between two looks for folders that no event told of: a new account, another WoW folder."""
POLL = 60.0
"""Seconds between two looks where the system does not tell."""
BETWEEN_LOOKS = 1.0
MOST_LOOKS = 60
"""A file that something writes to all the time is read in spite of it: what it holds is checked anyway."""

# Not `opened` and `closed_no_write`: our own reading would wake us.
EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent, FileModifiedEvent, FileMovedEvent, FileDeletedEvent,
    DirCreatedEvent, DirMovedEvent, DirDeletedEvent,
]  # fmt: skip

Look = tuple[int, int, int]
Looks = Mapping[Path, Look]

log = logging.getLogger(__name__)


def look(files: Iterable[Path]) -> Looks:
    """Give size, time of change (ns) and inode of each file that is there."""
    found = {}
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        found[file] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return found


def settle(files: Callable[[], Iterable[Path]], pause: Callable[[float], object]) -> Looks:
    """Wait until two looks a second apart are equal, and give the last."""
    before = look(files())
    for _ in range(MOST_LOOKS):
        pause(BETWEEN_LOOKS)
        after = look(files())
        if after == before:
            break
        before = after
    return before


class _Handler(FileSystemEventHandler):
    def __init__(self, names: frozenset[str], changed: Callable[[], None]) -> None:
        self._names = names
        self._changed = changed

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Tell of a file that counts by its name, and of any new folder."""
        if event.is_directory or {_name(event.src_path), _name(event.dest_path)} & self._names:
            self._changed()


def _name(path: bytes | str) -> str:
    return os.path.basename(os.fsdecode(path))


class Watcher:
    """Call back whenever a file of these names changes in a folder that is watched.

    `cover` says which folders, again and again; it is called by one thread.
    """

    def __init__(
        self, names: Iterable[str], changed: Callable[[], None], *, observer: Callable[[], BaseObserver] = Observer
    ) -> None:
        self._handler = _Handler(frozenset(names), changed)
        self._make_observer = observer
        self._observer: BaseObserver | None = None
        self._watches: dict[Path, tuple[ObservedWatch, int]] = {}
        self.polling = False

    @property
    def interval(self) -> float:
        """Give how many seconds may pass until the next look that no event asks for."""
        return POLL if self.polling else RESCAN

    def cover(self, folders: Iterable[Path]) -> bool:
        """Watch these folders, and no others; instead of one that is not there, its parent.

        Tells whether one came to be watched by this call, so that what was read before it may be old.
        """
        wanted = {place: _inode(place) for place in map(_standing, folders) if place is not None}
        try:
            added = self._cover(wanted)
        except OSError as error:
            if not self.polling:
                log.warning(
                    "The system does not tell of changes here (%s): looking every %.0f s instead.",
                    error.strerror or error, POLL,
                )  # fmt: skip
            self.polling = True
            return False
        self.polling = False
        return added

    def _cover(self, wanted: Mapping[Path, int]) -> bool:
        if self._observer is None:
            observer = self._make_observer()
            observer.start()
            self._observer = observer
        alive = {emitter.watch for emitter in self._observer.emitters if emitter.is_alive()}
        # A folder that was deleted or moved, and made again, is another one under the same name.
        for folder, (watch, inode) in list(self._watches.items()):
            if wanted.get(folder) != inode or watch not in alive:
                del self._watches[folder]
                self._observer.unschedule(watch)
        added = False
        for folder, inode in wanted.items():
            if folder in self._watches:
                continue
            with suppress(FileNotFoundError):  # gone since we looked
                watch = self._observer.schedule(self._handler, str(folder), event_filter=EVENTS)
                self._watches[folder] = (watch, inode)
                added = True
        return added

    def close(self) -> None:
        """Watch no longer."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(timeout=1)
            self._observer = None
        self._watches.clear()


def _standing(folder: Path) -> Path | None:
    """Give a folder, its parent where it is not there, None where that is not either.

    No higher: some systems tell of a folder only together with all below it.
    """
    return next((place for place in (folder, folder.parent) if place.is_dir()), None)


def _inode(folder: Path) -> int:
    try:
        return folder.stat().st_ino
    except OSError:
        return 0
