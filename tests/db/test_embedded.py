"""The embedded PostgreSQL: whose folder, which version, and what is left when its owner is killed."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from db.embedded import SOCKET_NAME, SOCKET_PATH_BYTES, EmbeddedError, EmbeddedPostgres
from db.engine import create_engine

ROOT = Path(__file__).resolve().parents[2]
OWNER = """
import sys, time
from pathlib import Path
from db.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that PostgreSQL's own user reaches; pytest's are closed to other users."""
    with tempfile.TemporaryDirectory(prefix="muster-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def kill_owner(folder: Path) -> int:
    """Start a process that owns a server, kill it, and give the server's process id."""
    command = [sys.executable, "-c", OWNER, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert alive(pid)
        os.kill(owner.pid, signal.SIGKILL)
    return pid


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """Give a process that has nothing to do with PostgreSQL."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


async def ask(url: str, question: str) -> object:
    engine = create_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            result = await connection.execute(sa.text(question))
            return result.scalar_one() if result.returns_rows else None
    finally:
        await engine.dispose()


@pytest.mark.parametrize("version", [16, 18])
async def test_a_new_folder_becomes_a_database_that_keeps_its_data(folder: Path, version: int) -> None:
    with EmbeddedPostgres(folder, version=version) as server:
        url = server.url()
        assert str(await ask(url, "SHOW server_version")).startswith(str(version))
        assert await ask(url, "SHOW server_encoding") == "UTF8"
        assert await ask(url, "SHOW timezone") == "UTC"
        assert await ask(url, "SHOW listen_addresses") == ""
        assert await ask(url, "SHOW fsync") == "on"
        await ask(url, "CREATE TABLE kept (x int)")
    with EmbeddedPostgres(folder, version=version) as server:
        assert await ask(server.url(), "SELECT count(*) FROM kept") == 0


async def test_another_database_can_be_made_twice(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.create_database("other") == server.create_database("other")
        assert await ask(server.url("other"), "SELECT current_database()") == "other"


def test_a_folder_of_another_version_is_refused(folder: Path) -> None:
    with EmbeddedPostgres(folder, version=16, durable=False):
        pass
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 16, this is 18"):
        EmbeddedPostgres(folder, version=18).start()


def test_an_unknown_version_is_refused(folder: Path) -> None:
    with pytest.raises(EmbeddedError, match="17 is not available"):
        EmbeddedPostgres(folder, version=17)


async def test_a_second_starter_is_refused_and_harms_nothing(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as first:
        with pytest.raises(EmbeddedError, match="in use by another Muster"):
            EmbeddedPostgres(folder, durable=False).start()
        assert await ask(first.url(), "SELECT 1") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
async def test_a_killed_owner_takes_the_server_along_and_the_next_start_works_at_once(folder: Path) -> None:
    pid = kill_owner(folder)
    with EmbeddedPostgres(folder, durable=False) as server:
        assert not alive(pid)
        assert await ask(server.url(), "SELECT 1") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_killed_owner_leaves_no_server_behind(folder: Path) -> None:
    pid = kill_owner(folder)
    assert gone_within(pid, 10)
    assert not (folder / "cluster" / "postmaster.pid").exists()


async def test_a_pid_file_that_names_a_strangers_process_is_not_believed(
    folder: Path, stranger: "subprocess.Popen[bytes]"
) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass
    (folder / "cluster" / "postmaster.pid").write_text(f"{stranger.pid}\n{folder}\n")
    with EmbeddedPostgres(folder, durable=False) as server:
        assert await ask(server.url(), "SELECT 1") == 1
    assert stranger.poll() is None


async def test_a_start_killed_while_it_made_the_data_is_begun_again(folder: Path) -> None:
    half = folder / "cluster.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(folder, durable=False) as server:
        assert await ask(server.url(), "SELECT 1") == 1


async def test_a_deep_folder_gets_its_socket_elsewhere(folder: Path) -> None:
    deep = folder / ("d" * 100)
    with EmbeddedPostgres(deep, durable=False) as server:
        place = Path(server.url().rpartition("host=")[2])
        assert len(str(place / SOCKET_NAME)) <= SOCKET_PATH_BYTES
        assert place.stat().st_mode & 0o077 == 0
        assert await ask(server.url(), "SELECT 1") == 1
    assert not place.exists()


def test_a_broken_configuration_is_told_in_one_line(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False):
        pass
    (folder / "cluster" / "postgresql.conf").write_text("shared_buffers = 'nonsense'\n")
    with pytest.raises(EmbeddedError, match="did not start") as caught:
        EmbeddedPostgres(folder, durable=False).start()
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_told_in_one_line(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(EmbeddedError, match="cannot be used"):
        EmbeddedPostgres(folder / "file" / "data").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as another user")
def test_a_folder_closed_to_the_servers_user_is_refused(folder: Path) -> None:
    folder.chmod(0o700)
    with pytest.raises(EmbeddedError, match="cannot reach"):
        EmbeddedPostgres(folder / "data").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as another user")
async def test_a_program_closed_to_the_servers_user_is_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reachable = EmbeddedPostgres._reachable
    monkeypatch.setattr(
        EmbeddedPostgres, "_reachable", lambda self, path: "site-packages" not in str(path) and reachable(self, path)
    )
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.pid is not None
        assert str(folder / "program") in Path(f"/proc/{server.pid}/cmdline").read_text()
        assert await ask(server.url(), "SELECT 1") == 1


def test_starting_from_a_thread_that_may_end_is_a_mistake(folder: Path) -> None:
    raised: list[BaseException] = []

    def start() -> None:
        try:
            EmbeddedPostgres(folder).start()
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(raised[0])
