"""The command as players meet it: real processes, real files, a real server."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from muster_companion.report import age, became
from muster_companion.upload import Report
from tests.companion.game import Game, export
from tests.companion.process import COMMAND, run, set_up
from tests.companion.server import KEY, RESULT, STATUS, Fault, Muster, drops, refuses, says

DAY = 86400


@pytest.fixture
def game(tmp_path: Path) -> Game:
    return Game(tmp_path)


def kept(home: Path) -> str:
    """Give all that lies in the home but the keys, and check that nothing of it holds the key."""
    files = [file for file in home.rglob("*") if file.is_file() and file.parent.name != "keys"]
    text = "\n".join(file.read_text() for file in files)
    assert KEY not in text
    return text


def test_setup_tries_the_key_and_says_which_guild_it_is_for(muster: Muster, game: Game, home: Path) -> None:
    game.write(export(1, rows=312))
    done = run("setup", "--address", muster.address, "--folder", str(game.folder), MUSTER_COMPANION_KEY=KEY)
    assert done.returncode == 0
    assert "it is for Night Watch (Argent Dawn, eu), and is named Bob's PC" in done.stderr
    assert "Found Night Watch (Argent Dawn, eu): 312 rows" in done.stderr
    assert [request.path for request in muster.requests] == [STATUS]
    assert KEY not in done.stdout + done.stderr
    assert str(game.folder) in kept(home)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (refuses(401, "unauthorized", "It is revoked."), "The key is refused: It is revoked."),
        (says(200, b"<html>Welcome to the hotel</html>"), "is not Muster's"),
        (says(302, b"", Location="https://elsewhere.example.org/"), "leads on to https://elsewhere.example.org/"),
        (drops, "could not be tried"),
    ],
)  # fmt: skip
def test_a_setup_that_fails_stores_nothing(muster: Muster, home: Path, fault: Fault, words: str) -> None:
    muster.fail_next(fault, on=STATUS)
    done = run("setup", "--address", muster.address, MUSTER_COMPANION_KEY=KEY)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Nothing is stored" in done.stderr
    assert {file.name for file in home.iterdir()} == {"muster-companion.log"}
    kept(home)


@pytest.mark.parametrize(
    ("arguments", "key", "words"),
    [
        (["--address", "http://muster.example.org"], KEY, "Use the https:// address"),
        (["--address", "nonsense://"], KEY, "is no address"),
        (["--address", " "], KEY, "No address is given"),
        (["--address", "http://127.0.0.1:9"], "two words", "A key is one word"),
        (["--address", "http://127.0.0.1:9"], "", "A key is one word"),
        (["--address", "http://127.0.0.1:9", "--folder", "/no/such/folder"], KEY, "There is no folder"),
        ([], KEY, "give it by --address"),
    ],
)
def test_wrong_entries_are_told_in_words(home: Path, arguments: list[str], key: str, words: str) -> None:
    done = run("setup", *arguments, MUSTER_COMPANION_KEY=key)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("around", ['"{}"', " {}\n", "`{}`"])
def test_what_is_copied_along_with_a_key_is_left_out(muster: Muster, home: Path, around: str) -> None:
    assert run("setup", "--address", muster.address, MUSTER_COMPANION_KEY=around.format(KEY)).returncode == 0
    assert [file.read_text() for file in (home / "keys").iterdir()] == [KEY]


@pytest.mark.parametrize("around", ['"{}"', '{}"', " {} "])
def test_a_folder_in_quotes_is_remembered_without_them(muster: Muster, game: Game, home: Path, around: str) -> None:
    folder = around.format(game.folder)
    done = run("setup", "--address", muster.address, "--folder", folder, MUSTER_COMPANION_KEY=KEY)
    assert done.returncode == 0
    assert json.loads((home / "config.json").read_text())["folders"] == [str(game.folder)]


def test_a_folder_named_later_is_remembered_without_asking_for_the_key_again(
    muster: Muster, game: Game, home: Path
) -> None:
    game.write(export(1))
    set_up(muster)
    done = run("setup", "--folder", str(game.folder))
    assert done.returncode == 0
    assert "The folder is remembered." in done.stderr
    assert "Found Night Watch" in done.stderr
    assert muster.requests == []
    assert run("--once").returncode == 0


def test_without_any_input_it_ends_in_words(home: Path) -> None:
    """As pythonw starts it with the computer, before anything was set up."""
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *COMMAND], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "muster-companion setup" in done.stderr
    assert "Traceback" not in done.stderr
    assert "muster-companion setup" in kept(home)


def test_without_a_terminal_the_key_comes_from_the_environment_or_not_at_all(muster: Muster) -> None:
    done = run("setup", "--address", muster.address)
    assert done.returncode == 1
    assert "give it in MUSTER_COMPANION_KEY" in done.stderr


def test_a_new_key_for_the_same_guild_takes_the_old_ones_place(muster: Muster, home: Path) -> None:
    for key in (KEY, "the-rotated-key"):
        muster.key = key
        assert run("setup", "--address", muster.address, MUSTER_COMPANION_KEY=key).returncode == 0
    assert [file.read_text() for file in (home / "keys").iterdir()] == ["the-rotated-key"]
    assert len(json.loads((home / "config.json").read_text())["targets"]) == 1


def test_the_first_run_asks_on_the_terminal_and_shows_no_key(muster: Muster, game: Game) -> None:
    game.write(export(1))
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "--folder", str(game.folder)],
        env=dict(os.environ),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""

    def until(words: bytes) -> None:
        nonlocal shown
        while words not in shown:
            shown += os.read(controller, 4096)

    try:
        until(b"Address: ")
        os.write(controller, f"{muster.address}/\n".encode())
        until(b"Key (it is not shown): ")
        os.write(controller, f"{KEY}\n".encode())
        until(b"it is for Night Watch")
        until(b"Sent 2 rows of Night Watch")
        process.terminate()
        until(b"The companion ends.")
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(controller)
    assert KEY.encode() not in shown
    assert muster.stored == [export(1)]


def test_once_sends_and_says_what_became_of_it(muster: Muster, game: Game, home: Path) -> None:
    game.write(export(1, rows=312))
    set_up(muster, game.folder)
    muster.result = {
        "applied": 40, "unchanged": 270, "unknown": ["Bobc-ArgentDawn", "Bobd-ArgentDawn"], "ambiguous": [],
        "invalid": [{"row": 3, "field": "level", "problem": "a whole number is expected"}], "joined_by": "guid",
        "ranks": ["Officer"],
    }  # fmt: skip
    done = run("--once")
    assert done.returncode == 0
    assert "Sent 312 rows of Night Watch (Argent Dawn, eu)." in done.stderr
    assert "40 notes are news" in done.stderr
    assert "2 rows fit no character: Bobc-ArgentDawn, Bobd-ArgentDawn" in done.stderr
    assert "1 row left out: row 3 (level: a whole number is expected)" in done.stderr
    assert "Sent 312 rows" in kept(home)


def test_once_waits_for_what_became_of_it(muster: Muster, game: Game) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    muster.fail_next(
        lambda handler: handler.answer(200, {"state": "received", "rows": 2, "result": None}), on=f"{RESULT}1"
    )
    done = run("--once")
    assert "1 note is news" in done.stderr
    assert [request.path for request in muster.requests].count(f"{RESULT}1") == 2


def test_once_again_sends_nothing_again(muster: Muster, game: Game) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    run("--once")
    done = run("--once")
    assert done.returncode == 0
    assert "Nothing is new" in done.stderr
    assert len(muster.posts) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (refuses(422, "invalid", "All rows are wrong.", "rows[0].name"), "All rows are wrong. (rows[0].name)"),
        (refuses(409, "other_guild", "The key is for Day Watch."), "The key is for Day Watch."),
        (refuses(413, "too_large", "Over 2 MiB."), "Over 2 MiB."),
        (refuses(429, "rate_limited", "Too many uploads.", Retry_After="30"), "Too many uploads."),
        (refuses(503, "unavailable", "The database is away.", Retry_After="30"), "The database is away."),
        (says(200, b"<html>Welcome</html>"), "is not Muster's"),
        (drops, "the connection broke"),
    ],
)
def test_once_says_what_went_wrong_and_exits_with_it(muster: Muster, game: Game, fault: Fault, words: str) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    muster.fail_next(fault)
    done = run("--once")
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert words in run("status").stdout


def test_once_with_a_revoked_key_asks_for_a_new_one(muster: Muster, game: Game) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    muster.key = "another"
    done = run("--once")
    assert done.returncode == 1
    assert "Run `muster-companion setup` with a new one" in done.stderr
    assert muster.posts == []


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 4096, b"MusterDB = {", b"MusterDB = os.exit()", b"MusterDB = nil\n", os.urandom(500)]
)
def test_once_with_nothing_that_can_be_read_says_so(muster: Muster, game: Game, content: bytes) -> None:
    file = game.write(export(1))
    file.write_bytes(content)
    set_up(muster, game.folder)
    done = run("--once")
    assert done.returncode == 1
    assert str(file) in done.stderr
    assert "Traceback" not in done.stderr
    assert muster.posts == []


def test_once_without_any_game_says_how_to_name_its_folder(muster: Muster) -> None:
    set_up(muster)
    done = run("--once")
    assert done.returncode == 1
    assert "World of Warcraft was not found" in done.stderr
    assert "--folder" in done.stderr


def test_once_keeps_another_guilds_export_at_home(muster: Muster, game: Game) -> None:
    game.write(export(1, guild="Day Watch"))
    set_up(muster, game.folder)
    done = run("--once")
    assert done.returncode == 1
    assert "There is no key for Day Watch (Argent Dawn, eu)" in done.stderr
    assert muster.posts == []


def test_once_before_setup_says_so(game: Game) -> None:
    game.write(export(1))
    done = run("--once", "--folder", str(game.folder))
    assert done.returncode == 1
    assert "muster-companion setup" in done.stderr


def test_a_dry_run_sends_nothing_and_shows_what_would_be_sent(muster: Muster, game: Game) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    muster.requests.clear()
    done = run("--dry-run", "-v")
    assert done.returncode == 0
    assert f"Would upload to {muster.address}: Night Watch" in done.stderr
    assert json.loads(done.stdout) == export(1)
    assert muster.requests == []
    run("--once")
    assert "Already uploaded" in run("--dry-run").stderr
    assert run("--dry-run").stdout == ""


def test_a_dry_run_needs_no_setup(game: Game) -> None:
    game.write(export(1))
    done = run("--dry-run", "-v", "--folder", str(game.folder))
    assert done.returncode == 0
    assert json.loads(done.stdout) == export(1)


def test_status_tells_how_things_stand_without_the_network(muster: Muster, game: Game, home: Path) -> None:
    game.write(export(1, rows=312))
    set_up(muster, game.folder)
    before = run("status").stdout
    assert "The companion is not running" in before
    assert "nothing was uploaded yet" in before
    assert "Newest export of Night Watch (Argent Dawn, eu): 312 rows" in before
    run("--once")
    muster.requests.clear()
    after = run("status").stdout
    assert f"export {export(1)['export_id']}, upload 1" in after
    assert "last uploaded just now: 312 rows" in after
    assert f"Account 100#1: {game.folder / '_retail_'}" in after
    assert muster.requests == []
    assert KEY not in after


def test_forget_removes_the_guild_its_key_and_what_was_sent(muster: Muster, game: Game, home: Path) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    run("--once")
    done = run("forget")
    assert done.returncode == 0
    assert "Night Watch (Argent Dawn, eu)" in done.stderr
    assert list((home / "keys").iterdir()) == []
    assert json.loads((home / "config.json").read_text())["targets"] == []
    assert json.loads((home / "state.json").read_text())["targets"] == {}
    assert run("forget").returncode == 1


def test_forget_asks_which_of_several(muster: Muster) -> None:
    set_up(muster)
    with Muster() as other:
        other.guild["name"] = "Day Watch"
        set_up(other)
    done = run("forget")
    assert done.returncode == 1
    assert "Night Watch" in done.stderr
    assert "Day Watch" in done.stderr
    assert run("forget", "day watch").returncode == 0
    assert "Day Watch" not in run("status").stdout


@pytest.mark.parametrize(
    "arguments", [["status"], ["--once"], ["--dry-run"], ["forget"], ["setup", "--address", "a"], []]
)
def test_damaged_settings_are_told_without_a_traceback(home: Path, arguments: list[str]) -> None:
    home.mkdir()
    (home / "config.json").write_text('{"version": 1')
    done = run(*arguments, MUSTER_COMPANION_KEY=KEY)
    assert done.returncode == 1
    assert "are damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_that_cannot_be_written_is_told_without_a_traceback(muster: Muster, game: Game, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    where = str(tmp_path / "file" / "home")
    game.write(export(1))
    done = run("--dry-run", "--folder", str(game.folder), MUSTER_COMPANION_HOME=where)
    assert done.returncode == 0
    assert done.stderr.count("There is no log file") == 1
    done = run("setup", "--address", muster.address, MUSTER_COMPANION_HOME=where, MUSTER_COMPANION_KEY=KEY)
    assert done.returncode == 1
    assert "can't be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_that_became_read_only_still_uploads(muster: Muster, game: Game, home: Path) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    (home / "state.json").mkdir()
    done = run("--once")
    assert done.returncode == 0
    assert "can't be noted" in done.stderr
    assert len(muster.stored) == 1


def test_a_corrupt_state_uploads_once_more_and_is_set_aside(muster: Muster, game: Game, home: Path) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    run("--once")
    (home / "state.json").write_bytes(b"\x00" * 100)
    done = run("--once")
    assert done.returncode == 0
    assert "begun anew" in done.stderr
    assert (home / "state.json.damaged").exists()
    assert [upload["export_id"] for upload in muster.stored] == [export(1)["export_id"]] * 2


@pytest.mark.parametrize("arguments", [["--nonsense"], ["dance"]])
def test_unknown_arguments_exit_with_2(arguments: list[str]) -> None:
    assert run(*arguments).returncode == 2


def test_a_name_belongs_to_forget_only() -> None:
    assert run("status", "x").returncode == 1


def test_names_of_the_whole_world_end_no_program(muster: Muster, game: Game) -> None:
    muster.guild |= {"name": "Стража", "realm": "Гордунни"}
    game.write(export(1, guild="Стража", realm="Гордунни"))
    set_up(muster, game.folder)
    assert run("--once", PYTHONIOENCODING="ascii").returncode == 0
    assert run("status", PYTHONIOENCODING="ascii").returncode == 0


def test_a_name_with_control_characters_controls_no_terminal_and_forges_no_line(
    muster: Muster, game: Game, home: Path
) -> None:
    hostile = "Night\x1b[2J\nSent 1 row of Watch"
    muster.guild["name"] = hostile
    game.write(export(1, guild=hostile))
    set_up(muster, game.folder)
    for arguments in (["--once"], ["status"], ["--dry-run"]):
        done = run(*arguments)
        shown = done.stdout + done.stderr
        assert "Night" in shown
        assert "\x1b" not in shown
        assert not [line for line in shown.splitlines() if line.startswith("Sent 1 row")]
    assert "\x1b" not in (home / "muster-companion.log").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_nothing_of_ours_can_be_read_by_others(muster: Muster, game: Game, home: Path) -> None:
    game.write(export(1))
    set_up(muster, game.folder)
    run("--once")
    modes = {file.name: file.stat().st_mode & 0o077 for file in home.rglob("*")}
    assert not {name for name, mode in modes.items() if mode}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "just now"), (59, "just now"), (60, "1 minute ago"), (7200, "2 hours ago"), (DAY, "1 day ago"),
     (9 * DAY, "9 days ago")],
)  # fmt: skip
def test_ages_are_rough(seconds: float, words: str) -> None:
    assert age(1000, 1000 + seconds) == words


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (Report("older", 2, None), "A newer export"),
        (Report("failed", 2, None), "could not apply"),
        (Report("received", 2, None), "applies it soon"),
        (Report("applied", 2, {}), "0 notes are news."),
        (Report("applied", 2, {"applied": "x", "unknown": 3, "ranks": None}), "3 rows fit no character"),
        (Report("applied", 2, {"invalid": ["\x1b[2J"]}), "1 row left out"),
        (Report("applied", 2, {"unknown": [f"A{n}-B" for n in range(30)]}), "A9-B and 20 more"),
    ],
)  # fmt: skip
def test_what_became_of_an_upload_is_said_whatever_the_server_tells(report: Report, words: str) -> None:
    told = became(report)
    assert words in told
    assert told.isprintable()
