"""One account's file is read whole or not at all, with its backup behind it, and never hindered."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from muster_companion import reading
from muster_companion.reading import Reading, UnreadableError, read_account, read_file
from tests.companion.large import large_file
from tests.companion.rights import few_rights
from tests.support.saved_variables import written


def saved(export_id: str, **changed: Any) -> bytes:
    """Write SavedVariables with one export of this id."""
    export = {
        "format": 1,
        "export_id": export_id,
        "exported_at": 1767225600,
        "addon_version": "1.0.0",
        "guild": {"name": "Night Watch", "realm": "Argent Dawn", "region": "eu"},
        "exporter": {"name": "Bob", "realm": "ArgentDawn", "officer_notes": True},
        "ranks": ["Guild Master"],
        "rows": [{"name": "Bob", "note": "Main"}],
    }
    return written("MusterDB", {"schema": 1, "exports": {"eu/Argent Dawn/Night Watch": export | changed}})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give where the addon's file is in a folder that is there."""
    return tmp_path / "Muster.lua"


@pytest.fixture
def backup(file: Path) -> Path:
    """Put a whole backup beside a file that may not be there."""
    backup = file.with_name("Muster.lua.bak")
    backup.write_bytes(saved("backup-1"))
    return backup


def ids(found: Reading) -> list[str]:
    """Give the ids of the exports found."""
    return [export.export_id for export in found.exports]


def test_a_whole_file_is_read_and_its_backup_is_not(file: Path, backup: Path) -> None:
    file.write_bytes(saved("newer-01"))
    found = read_account(file)
    assert (found.source, ids(found), found.problems) == (file, ["newer-01"], ())


def test_a_whole_file_that_holds_less_is_still_newer_than_its_backup(file: Path, backup: Path) -> None:
    file.write_bytes(written("MusterDB", {"schema": 1, "exports": {}}))
    assert read_account(file) == Reading(file)


DAMAGED = {
    "truncated": (saved("newer-01")[:200], "as if it were cut off."),
    "empty": (b"", "is empty."),
    "blank": (b"\r\n\t \n", "is empty."),
    "zero bytes": (b"\0" * 4096, "is empty."),
    "binary": (b"\x1bLuaQ\0\1\4\4\4\10", "found the byte 0x1b."),
    "a program": (b"MusterDB = os.execute('rm')", "line 1, column 12: "),
}


@pytest.mark.parametrize(("content", "words"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_gives_way_to_its_backup_and_it_is_said(
    file: Path, backup: Path, content: bytes, words: str
) -> None:
    file.write_bytes(content)
    found = read_account(file)
    assert (found.source, ids(found)) == (backup, ["backup-1"])
    (problem,) = found.problems
    assert problem.startswith(str(file))
    assert words in problem
    assert problem.endswith("The backup beside it is used instead.")


@pytest.mark.parametrize(("content", "words"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_without_a_whole_backup_gives_nothing_and_says_why(
    file: Path, content: bytes, words: str
) -> None:
    file.write_bytes(content)
    found = read_account(file)
    assert (found.source, found.exports) == (None, ())
    assert [words in problem for problem in found.problems] == [True]
    file.with_name("Muster.lua.bak").write_bytes(content)
    assert len(read_account(file).problems) == 2


def test_a_missing_file_gives_way_to_its_backup_and_it_is_said(file: Path, backup: Path) -> None:
    found = read_account(file)
    assert (found.source, ids(found)) == (backup, ["backup-1"])
    assert found.problems == (f"{file} is missing. The backup beside it is used instead.",)


def test_an_account_that_never_ran_the_addon_is_no_problem(file: Path) -> None:
    assert read_account(file) == Reading(None)
    assert read_account(file.parent / "gone" / "Muster.lua") == Reading(None)


def test_what_is_wrong_within_a_whole_file_is_said_with_the_files_name_and_needs_no_backup(
    file: Path, backup: Path
) -> None:
    file.write_bytes(saved("newer-01", format=2))
    found = read_account(file)
    assert (found.source, found.exports) == (file, ())
    (problem,) = found.problems
    assert problem.startswith(f"{file}: ")
    assert "update the companion" in problem


def test_only_a_file_that_another_try_may_find_open_is_busy(file: Path, backup: Path) -> None:
    file.write_bytes(saved("newer-01"))
    assert not read_account(file).busy
    file.chmod(0)
    with few_rights():
        assert read_account(file).busy
    file.chmod(0o600)
    file.write_bytes(b"")
    assert not read_account(file).busy


def test_a_folder_in_the_files_place_is_said(file: Path) -> None:
    file.mkdir()
    assert read_account(file).problems == (f"{file} is no file but a folder or a device.",)


def test_a_pipe_in_the_files_place_is_said_and_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    assert read_account(file).problems == (f"{file} is no file but a folder or a device.",)


def test_a_link_to_itself_is_said(file: Path) -> None:
    file.symlink_to(file)
    (problem,) = read_account(file).problems
    assert problem.startswith(f"{file} can't be read: ")


def test_a_link_to_nothing_is_said(file: Path) -> None:
    file.symlink_to(file.with_name("gone.lua"))
    assert read_account(file).problems == (f"{file} is missing.",)


def test_a_link_to_the_file_is_followed(file: Path) -> None:
    elsewhere = file.with_name("elsewhere.lua")
    elsewhere.write_bytes(saved("linked-1"))
    file.symlink_to(elsewhere)
    assert ids(read_account(file)) == ["linked-1"]


def test_a_file_that_may_not_be_read_is_said(file: Path, backup: Path) -> None:
    file.write_bytes(saved("newer-01"))
    file.chmod(0)
    backup.chmod(0)
    with few_rights():
        found = read_account(file)
    assert found == Reading(
        None,
        problems=(f"{file} can't be read: Permission denied.", f"{backup} can't be read: Permission denied."),
        busy=True,
    )


def test_a_path_that_no_system_has_is_said(file: Path) -> None:
    (problem, _) = read_account(file.with_name("Mus\0ter.lua")).problems
    assert "can't be read: embedded null byte." in problem


def test_a_file_over_the_limit_is_refused_unread(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(reading.MAX_BYTES + 1)
    assert read_account(file).problems == (f"{file} is larger than 64 MB: the addon never writes so much.",)


class Growing:
    """Stand between the reader and a file that the game is writing: it grows whenever it was read."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.real = os.fstat

    def fstat(self, handle: int) -> os.stat_result:
        """Tell what the file is like, and write on."""
        status = self.real(handle)
        with self.file.open("ab") as stream:
            stream.write(b"-- more\n")
        return status


def test_a_file_that_is_being_written_is_not_taken_for_whole(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(saved("newer-01"))
    monkeypatch.setattr("muster_companion.reading.os.fstat", Growing(file).fstat)
    with pytest.raises(UnreadableError, match="is being written right now"):
        read_file(file)


def test_a_file_can_be_replaced_and_deleted_while_it_is_open_here(file: Path, backup: Path) -> None:
    file.write_bytes(saved("newer-01"))
    with open(file, "rb", opener=reading.OPENER) as stream:
        os.replace(file, backup)
        file.write_bytes(saved("newer-02"))
        file.unlink()
        assert b"newer-01" in stream.read()


def test_nothing_in_the_games_folder_changes_by_being_read(file: Path, backup: Path) -> None:
    file.write_bytes(b"damaged")
    for place in (file, backup):
        os.utime(place, (0, 1_700_000_000))
    os.utime(file.parent, (0, 1_700_000_000))
    read_account(file)
    assert sorted(os.listdir(file.parent)) == ["Muster.lua", "Muster.lua.bak", "user"]
    assert [place.stat().st_mtime for place in (file, backup, file.parent)] == [1_700_000_000] * 3


def test_no_exception_escapes_while_the_game_replaces_the_file(file: Path, backup: Path) -> None:
    def play() -> None:
        for _ in range(200):
            if file.exists():
                os.replace(file, backup)
            file.write_bytes(saved("newer-01"))

    game = threading.Thread(target=play)
    game.start()
    while game.is_alive():
        read_account(file)
    game.join()
    assert ids(read_account(file)) == ["newer-01"]


READ_ASIDE = """
import sys
from pathlib import Path
from muster_companion.reading import read_account
found = read_account(Path(sys.argv[1]))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(len(found.exports), len(found.problems), status["VmHWM"].split()[0])
"""


def test_a_file_of_five_megabytes_is_read_in_less_than_40_mb(file: Path) -> None:
    file.write_bytes(large_file())
    packages = str(Path(reading.__file__).parents[1])
    command = [sys.executable, "-c", READ_ASIDE, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": packages})
    exports, problems, peak_kb = map(int, done.stdout.split())
    assert (exports > 10, problems) == (True, 0)
    assert peak_kb < 40 * 1024
