"""What the server acknowledged: on disk, whole, and no drama when it is lost. And the locks."""

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from muster_companion.files import LockedError, locked, write_atomically
from muster_companion.state import KEPT, Problem, Sent, Store, TargetState

REF = "0123456789abcdef"


def sent(number: int) -> Sent:
    return Sent(f"export-{number}", str(number), "Night Watch (eu)", 300, 1_760_000_000.0 + number)


@pytest.fixture
def file(home: Path) -> Path:
    return home / "state.json"


def test_what_was_acknowledged_is_known_after_a_restart(file: Path) -> None:
    Store(file).acknowledge(REF, sent(1))
    assert Store(file).of(REF) == TargetState((sent(1),))
    assert Store(file).of(REF).has("export-1")
    assert not Store(file).of(REF).has("export-2")
    assert not Store(file).of("another").has("export-1")


def test_an_acknowledgement_ends_the_problem(file: Path) -> None:
    store = Store(file)
    store.problem(REF, Problem("The key is refused.", 1.0))
    assert store.of(REF).problem == Problem("The key is refused.", 1.0)
    store.acknowledge(REF, sent(1))
    assert store.of(REF).problem is None


def test_the_same_problem_again_writes_nothing(file: Path) -> None:
    store = Store(file)
    store.problem(REF, Problem("It is away.", 1.0))
    before = file.stat().st_mtime_ns, file.stat().st_ino
    store.problem(REF, Problem("It is away.", 2.0))
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before


def test_the_newest_are_kept_and_the_file_does_not_grow(file: Path) -> None:
    store = Store(file)
    for number in range(KEPT + 5):
        store.acknowledge(REF, sent(number))
    store.acknowledge(REF, sent(KEPT))
    kept = [one.export_id for one in Store(file).of(REF).sent]
    assert len(kept) == KEPT
    assert kept[-1] == f"export-{KEPT}"
    assert kept.count(f"export-{KEPT}") == 1


def test_a_forgotten_target_leaves_nothing(file: Path) -> None:
    store = Store(file)
    store.acknowledge(REF, sent(1))
    store.acknowledge("other", sent(2))
    store.forget(REF)
    assert REF not in file.read_text()
    assert Store(file).of("other").has("export-2")


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 500, b'{"version": 1, "targets": {"a', b"[]", b'{"version": 2, "targets": {}}',
     b'{"version": 1, "targets": {"a": {"sent": [{}], "problem": null}}}', b'{"version": 1, "targets": []}', b"\xff"],
)  # fmt: skip
def test_a_damaged_file_is_set_aside_with_a_word_and_begun_anew(
    file: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    store = Store(file)
    assert store.of(REF) == TargetState()
    assert file.with_name("state.json.damaged").read_bytes() == content
    assert "is damaged" in caplog.text
    store.acknowledge(REF, sent(1))
    assert Store(file).of(REF).has("export-1")


def test_where_nothing_can_be_written_it_is_remembered_until_the_end_and_said_once(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.mkdir(parents=True)
    store = Store(file)
    store.acknowledge(REF, sent(1))
    store.acknowledge(REF, sent(2))
    assert store.of(REF).has("export-1")
    assert store.of(REF).has("export-2")
    assert caplog.text.count("can't be noted") == 1
    file.rmdir()
    store.acknowledge(REF, sent(3))
    assert [one.export_id for one in Store(file).of(REF).sent] == ["export-1", "export-2", "export-3"]


def test_two_processes_lose_nothing_of_each_other(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from muster_companion.state import Sent, Store\n"
        "for n in range(5):\n"
        "    Store(Path(sys.argv[1])).acknowledge('target', Sent(f'{sys.argv[2]}-{n}', '1', 'G', 1, 1.0))"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(file), name]) for name in "abc"]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert len(Store(file).of("target").sent) == 15


def test_a_kill_while_writing_leaves_a_whole_file(file: Path) -> None:
    """Kill a process that writes all the time, many times, and find a whole file each time."""
    code = (
        "import sys; from pathlib import Path; from muster_companion.state import Sent, Store\n"
        "n = 0\n"
        "while True:\n"
        "    Store(Path(sys.argv[1])).acknowledge('target', Sent(f'{sys.argv[2]}-{n}', '1', 'G', 1, 1.0)); n += 1\n"
        "    print(n, flush=True)"
    )
    for turn in range(6):
        process = subprocess.Popen([sys.executable, "-c", code, str(file), str(turn)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(3 + turn):
            last = int(process.stdout.readline())
        process.kill()
        process.communicate()
        known = json.loads(file.read_bytes())["targets"]["target"]["sent"]
        assert f"{turn}-{last - 1}" in {one["export_id"] for one in known}


def test_a_failed_write_leaves_the_old_file_and_no_rest(home: Path) -> None:
    target = home / "folder"
    target.mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_atomically(target, b"content")
    assert [file.name for file in home.iterdir()] == ["folder"]


def test_a_lock_is_held_once_and_names_its_process(home: Path) -> None:
    with (
        locked(home / "lock", wait=False),
        pytest.raises(LockedError, match=f"process {os.getpid()}"),
        locked(home / "lock", wait=False),
    ):
        pass
    with locked(home / "lock", wait=False):
        pass


def test_a_lock_ends_with_a_process_that_is_killed(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    code = (
        "import sys, time; from pathlib import Path; from muster_companion.files import locked\n"
        "with locked(Path(sys.argv[1]), wait=False): print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(home / "lock")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(LockedError, match=f"process {process.pid}"), locked(home / "lock", wait=False):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with locked(home / "lock", wait=False):
        assert (home / "lock").read_text() == f"process {os.getpid()}\n"
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
