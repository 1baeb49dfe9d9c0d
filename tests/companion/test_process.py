"""The companion at work as a real process: while the game writes, through kills, without a network."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.companion.game import Game, export
from tests.companion.process import resident, run, running, set_up
from tests.companion.server import KEY, Muster, hangs, stores_and_drops

MEGABYTE = 2**20
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def game(tmp_path: Path) -> Game:
    return Game(tmp_path)


def ids(muster: Muster) -> list[str]:
    return [upload["export_id"] for upload in muster.stored]


def until(process: subprocess.Popen[str], words: str) -> str:
    """Read what a process says until it says these words."""
    assert process.stderr is not None
    said = ""
    while words not in said:
        line = process.stderr.readline()
        assert line, f"it ended: {said}"
        said += line
    return said


def test_it_uploads_at_the_start_and_at_each_reload(muster: Muster, game: Game) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    with running():
        muster.wait_for(lambda: len(muster.stored) == 1)
        for number in (2, 3):
            file = game.file()
            file.unlink()  # as the game does: delete, then create
            game.write(export(number))
            muster.wait_for(lambda number=number: len(muster.stored) == number)
    assert ids(muster) == [export(number)["export_id"] for number in (1, 2, 3)]


def test_a_file_that_is_still_being_written_is_waited_for(muster: Muster, game: Game) -> None:
    game.file().parent.mkdir(parents=True)
    set_up(muster, game.folder)
    with running() as process:
        until(process, "The companion is running")
        game.write_slowly(export(1, rows=50))
        muster.wait_for(lambda: muster.stored)
        game.write(export(2))
        muster.wait_for(lambda: len(muster.stored) == 2)
    assert muster.stored == [export(1, rows=50), export(2)]


def test_a_new_account_is_found_while_it_runs(muster: Muster, game: Game) -> None:
    set_up(muster, game.folder)
    with running() as process:
        until(process, "The companion is running")
        game.write(export(1), account="300#1")
        muster.wait_for(lambda: muster.stored)
    assert ids(muster) == [export(1)["export_id"]]


def test_a_kill_in_the_middle_of_an_upload_loses_nothing(muster: Muster, game: Game) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    muster.fail_next(hangs)
    with running() as process:
        muster.wait_for(lambda: muster.posts)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert muster.stored == []
    with running():
        muster.wait_for(lambda: muster.stored)
    assert ids(muster) == [export(1)["export_id"]]


def test_a_kill_before_the_acknowledgement_uploads_once_more_at_most(muster: Muster, game: Game) -> None:
    """Acknowledged before they were stored; a restart uploaded all again."""
    game.write(export(1))
    set_up(muster, game.folder)
    muster.fail_next(stores_and_drops)
    with running() as process:
        muster.wait_for(lambda: muster.stored)
        process.send_signal(signal.SIGKILL)
        process.wait()
    for _ in range(2):
        with running() as process:
            until(process, "The companion is running")
            muster.wait_for(lambda: len(muster.stored) == 2)
            process.terminate()
            process.wait()
    game.write(export(2))
    with running():
        muster.wait_for(lambda: export(2)["export_id"] in ids(muster))
    assert ids(muster) == [export(1)["export_id"]] * 2 + [export(2)["export_id"]]


def test_offline_it_waits_and_catches_up_with_the_newest(game: Game) -> None:
    with Muster() as muster:
        port = muster.server_address[1]
        set_up(muster, game.folder)
    game.write(export(1))
    with running() as process:
        until(process, "can't be reached")
        game.write(export(2))
        with Muster(port) as muster:
            muster.wait_for(lambda: muster.stored)
            assert ids(muster) == [export(2)["export_id"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_at_a_signal_though_a_request_hangs(muster: Muster, game: Game, number: signal.Signals) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    muster.fail_next(hangs)
    with running() as process:
        muster.wait_for(lambda: muster.posts)
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read().splitlines()[-1] == "The companion ends."


def test_a_second_one_ends_at_once_and_once_works_beside_the_first(muster: Muster, game: Game) -> None:
    set_up(muster, game.folder)
    with running() as first:
        until(first, "The companion is running")
        second = run()
        assert second.returncode == 1
        assert f"runs already (process {first.pid})" in second.stderr
        assert "The companion is running." in run("status").stdout
        game.write(export(1))
        muster.wait_for(lambda: muster.stored)
        assert run("--once").returncode == 0
        first.send_signal(signal.SIGKILL)
        first.wait()
    with running() as third:
        until(third, "The companion is running")


def test_a_second_guild_is_served_as_soon_as_it_is_set_up(muster: Muster, game: Game) -> None:
    set_up(muster, game.folder)
    with Muster() as other, running() as process:
        until(process, "The companion is running")
        other.guild["name"] = "Day Watch"
        game.write(export(1), export(2, guild="Day Watch"))
        muster.wait_for(lambda: muster.stored)
        set_up(other)
        other.wait_for(lambda: other.stored)
        assert ids(other) == [export(2)["export_id"]]
    assert ids(muster) == [export(1)["export_id"]]


@linux
def test_no_process_carries_the_key_in_its_arguments_or_environment(muster: Muster, game: Game, home: Path) -> None:
    seen: set[str] = set()
    ours: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                    arguments = (process / "cmdline").read_bytes()
                    if ours and ours[0] in {int(process.name), parent}:
                        seen.add((arguments + (process / "environ").read_bytes()).decode(errors="replace"))
                except OSError:
                    continue
            time.sleep(0.01)

    game.write(export(1))
    set_up(muster, game.folder)
    looker = threading.Thread(target=look)
    looker.start()
    try:
        with running() as process:
            ours.append(process.pid)
            muster.wait_for(lambda: muster.stored)
            process.terminate()
            assert process.stderr is not None
            assert KEY not in process.stderr.read()
    finally:
        done.set()
        looker.join()
    assert any("serve()" in arguments for arguments in seen)  # those that it starts were seen too
    assert not [arguments for arguments in seen if KEY in arguments]
    assert KEY not in (home / "muster-companion.log").read_text()


@linux
def test_it_stays_under_40_mb_though_it_read_a_large_file(muster: Muster, game: Game) -> None:
    game.write(export(1, rows=1000))
    set_up(muster, game.folder)
    others = [export(2, guild=f"Guild {number}", rows=1000) for number in range(20)]
    with running() as process:
        muster.wait_for(lambda: muster.stored)
        file = game.write(export(2, rows=1000), *others)
        assert file.stat().st_size > 3 * MEGABYTE
        muster.wait_for(lambda: len(muster.stored) == 2)
        assert resident(process.pid) < 40 * MEGABYTE


def test_the_loop_survives_a_home_that_became_read_only(muster: Muster, game: Game, home: Path) -> None:
    set_up(muster, game.folder)
    (home / "state.json").mkdir()
    (home / "muster-companion.log").mkdir()
    game.write(export(1))
    with running() as process:
        muster.wait_for(lambda: muster.stored)
        game.write(export(2))
        muster.wait_for(lambda: len(muster.stored) == 2)
        process.terminate()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert len(muster.posts) == 2
