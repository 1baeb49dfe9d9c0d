"""The real observer over real files, and what happens where it does not work."""

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from watchdog.observers.api import BaseObserver

from muster_companion.watch import BETWEEN_LOOKS, MOST_LOOKS, POLL, RESCAN, Watcher, look, settle
from tests.companion.game import Game, export

NAMES = ("Muster.lua", "Muster.lua.bak")


class Changes:
    """Count what the watcher told."""

    def __init__(self) -> None:
        self.told = threading.Event()

    def __call__(self) -> None:
        self.told.set()

    def after(self, act: Callable[[], object]) -> bool:
        """Tell whether an act is noticed."""
        time.sleep(0.1)  # what an earlier act set off
        self.told.clear()
        act()
        return self.told.wait(5)

    def not_after(self, act: Callable[[], object]) -> bool:
        """Tell whether an act is left alone; a second one that counts shows that the observer is through with it."""
        time.sleep(0.1)
        self.told.clear()
        act()
        return not self.told.wait(0.3)


def append(file: Path) -> None:
    with file.open("a") as stream:
        stream.write("-- more\n")


@pytest.fixture
def game(tmp_path: Path) -> Game:
    return Game(tmp_path)


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def watcher(changes: Changes) -> Iterator[Watcher]:
    made = Watcher(NAMES, changes)
    yield made
    made.close()


def test_delete_and_create_is_noticed_as_the_game_writes(game: Game, changes: Changes, watcher: Watcher) -> None:
    """A watcher for "modified" saw nothing."""
    file = game.write(export(1))
    assert watcher.cover([file.parent])
    content = file.read_bytes()
    assert changes.after(file.unlink)
    assert changes.after(lambda: file.write_bytes(content))


def test_a_rename_onto_the_file_is_noticed(game: Game, changes: Changes, watcher: Watcher) -> None:
    file = game.write(export(1))
    (file.parent / "other.tmp").write_bytes(file.read_bytes())
    watcher.cover([file.parent])
    assert changes.after(lambda: os.replace(file.parent / "other.tmp", file))


def test_a_change_in_place_and_the_backup_are_noticed(game: Game, changes: Changes, watcher: Watcher) -> None:
    file = game.write(export(1))
    watcher.cover([file.parent])
    assert changes.after(lambda: append(file))
    assert changes.after(lambda: os.replace(file, file.with_name("Muster.lua.bak")))


def test_other_addons_files_and_our_own_reading_wake_nobody(game: Game, changes: Changes, watcher: Watcher) -> None:
    file = game.write(export(1))
    watcher.cover([file.parent])
    assert changes.not_after(lambda: (file.parent / "Details.lua").write_text("x = 1"))
    assert changes.not_after(file.read_bytes)


def test_a_folder_that_appears_later_is_noticed_and_then_watched(
    game: Game, changes: Changes, watcher: Watcher
) -> None:
    saved_variables = game.file().parent
    saved_variables.parent.mkdir()
    watcher.cover([saved_variables])
    assert changes.after(saved_variables.mkdir)
    assert watcher.cover([saved_variables])
    assert changes.after(lambda: game.write(export(1)))


def test_a_new_account_is_noticed(game: Game, changes: Changes, watcher: Watcher) -> None:
    accounts = game.file().parent.parent.parent
    watcher.cover([accounts])
    assert changes.after((accounts / "200#1").mkdir)


def test_a_folder_that_was_deleted_and_made_again_is_watched_again(
    game: Game, changes: Changes, watcher: Watcher
) -> None:
    folder = game.write(export(1)).parent
    watcher.cover([folder])
    assert changes.after(lambda: shutil.rmtree(folder))
    deadline = time.monotonic() + 5
    while not watcher.cover([folder]):  # the observer lets go of it in a thread of its own
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert changes.after(lambda: game.write(export(2)))
    watcher.cover([folder])
    assert changes.after(lambda: game.write(export(3)))


def test_a_folder_that_was_moved_away_and_made_again_is_watched_again(
    game: Game, changes: Changes, watcher: Watcher
) -> None:
    folder = game.write(export(1)).parent
    watcher.cover([folder])
    os.rename(folder, folder.with_name("old"))
    folder.mkdir()
    assert watcher.cover([folder])
    assert changes.after(lambda: game.write(export(2)))


def test_what_is_watched_already_is_not_watched_twice(game: Game, watcher: Watcher) -> None:
    folder = game.write(export(1)).parent
    assert watcher.cover([folder, folder])
    assert not watcher.cover([folder])


def test_a_folder_that_nobody_has_is_no_failure(tmp_path: Path, watcher: Watcher) -> None:
    assert not watcher.cover([tmp_path / "no" / "such" / "folder"])
    assert not watcher.polling


def test_where_the_observer_fails_it_looks_now_and_then_and_says_so_once(
    game: Game, changes: Changes, caplog: pytest.LogCaptureFixture
) -> None:
    def no_more() -> BaseObserver:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    watcher = Watcher(NAMES, changes, observer=no_more)
    assert watcher.interval == RESCAN
    for _ in range(3):
        watcher.cover([game.write(export(1)).parent])
    assert watcher.polling
    assert watcher.interval == POLL
    assert caplog.text.count("inotify watch limit reached") == 1
    watcher.close()


def test_an_observer_that_works_again_is_used_again(game: Game, changes: Changes) -> None:
    from watchdog.observers import Observer

    broken = [True]

    def sometimes() -> BaseObserver:
        if broken.pop():
            raise OSError(errno.EMFILE, "too many open files")
        return Observer()

    watcher = Watcher(NAMES, changes, observer=sometimes)
    folder = game.write(export(1)).parent
    watcher.cover([folder])
    broken.append(False)
    watcher.cover([folder])
    assert not watcher.polling
    assert changes.after(lambda: game.write(export(2)))
    watcher.close()


def test_a_look_tells_a_new_file_of_the_same_size_apart(tmp_path: Path) -> None:
    file = tmp_path / "Muster.lua"
    file.write_text("one")
    before = look([file, tmp_path / "missing"])
    assert list(before) == [file]
    file.write_text("two")
    os.utime(file, ns=(1, 1))
    assert look([file]) != before


def test_a_file_is_stable_when_two_looks_are_equal(tmp_path: Path) -> None:
    file = tmp_path / "Muster.lua"
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) < 4:
            file.write_text("x" * len(pauses))

    looks = settle(lambda: [file], pause)
    assert pauses == [BETWEEN_LOOKS] * 4
    assert looks[file][0] == 3


def test_a_file_that_never_rests_is_read_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "Muster.lua"
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        file.write_text("x" * len(pauses))

    settle(lambda: [file], pause)
    assert len(pauses) == MOST_LOOKS
