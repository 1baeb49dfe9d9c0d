"""The command `muster-companion`."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from . import __version__, aside
from .config import load_config
from .courier import Courier, Delivery
from .errors import CompanionError
from .files import LockedError, locked
from .gather import Gathered, gather
from .logs import start_logging
from .places import Places, find_places
from .report import NO_EXPORT, became, describe, rows, status, strangers
from .run import Companion
from .setup import KEY, forget, known_folder, remember, say, set_up
from .state import Store
from .upload import Acknowledged, Report
from .words import printable

DONE, FAILED = 0, 1
WITHIN = 15.0
EVERY = 0.5
"""Seconds in which `--once` waits for what became of an upload, and between two questions."""
END_WITHIN = 1.5
WAKE = 1.0 if sys.platform == "win32" else 3600.0
"""Seconds: Windows delivers Ctrl-C only between two waits."""

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and give its exit code."""
    asked = _parser().parse_args(arguments)
    places = find_places()
    os.umask(0o077)  # what we write is for its owner alone
    # Consoles know few letters; a realm's name must not end the program.
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    start_logging(places, quiet=asked.command in {"status", "forget"} or asked.dry_run)
    try:
        return _dispatch(asked, places)
    except CompanionError as error:
        log.error("%s", error)
        return FAILED
    except KeyboardInterrupt:
        return DONE
    except BrokenPipeError:  # `| head`
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muster-companion", description="Uploads what the Muster addon wrote, whenever the game writes it."
    )
    parser.add_argument("command", nargs="?", choices=("run", "setup", "status", "forget"), default="run",
        help="setup: add a guild or a new key; status: how things stand; forget: remove a guild and its key",
    )  # fmt: skip
    parser.add_argument("name", nargs="?", help="with forget: the guild's name or the address")
    parser.add_argument("--once", action="store_true", help="upload what is new, say what became of it, and end")
    parser.add_argument("--dry-run", action="store_true", help="say what would be uploaded, send nothing, and end")
    parser.add_argument("-v", "--verbose", action="store_true", help="with --dry-run: print the JSON too")
    parser.add_argument("--folder", type=Path, action="append", default=[], metavar="PATH",
        help="look for World of Warcraft there too (may be given several times; setup remembers it)",
    )  # fmt: skip
    parser.add_argument("--address", help="with setup: the address, instead of asking for it")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _dispatch(asked: argparse.Namespace, places: Places) -> int:
    folders = tuple(known_folder(folder) for folder in asked.folder)
    if asked.name is not None and asked.command != "forget":
        raise CompanionError(f"{asked.command} takes no name.")
    if asked.command == "setup":
        # Who names a folder later has no key at hand: it was shown once.
        if folders and asked.address is None and KEY not in os.environ and load_config(places.config).targets:
            remember(places, folders)
        else:
            set_up(places, asked.address, folders)
        _say_what_is_found(places, folders)
        return DONE
    if asked.command == "forget":
        target = forget(places, asked.name)
        say(f"{target.guild} at {target.address} is forgotten, and its key removed here. /addon key revokes it.")
        return DONE
    if asked.command == "status":
        return _status(places, folders)
    if asked.dry_run:
        return _dry_run(places, folders, verbose=asked.verbose)
    if asked.once:
        return _once(places, folders)
    return _run(places, asked.address, folders)


def _read(places: Places, folders: tuple[Path, ...]) -> Gathered:
    config = load_config(places.config)
    try:
        return aside.call(gather, tuple(dict.fromkeys((*config.folders, *folders))))
    except aside.AsideError as error:
        raise CompanionError(f"The files can't be read: {error}") from error


def _say_what_is_found(places: Places, folders: tuple[Path, ...]) -> None:
    gathered = _read(places, folders)
    for problem in gathered.problems:
        say(problem)
    for found in gathered.newest:
        say(f"Found {describe(found)}.")
    if not gathered.newest:
        say(NO_EXPORT)


def _status(places: Places, folders: tuple[Path, ...]) -> int:
    gathered = _read(places, folders)
    for line in status(places, load_config(places.config), gathered, Store(places.state), running=_is_running(places)):
        print(printable(line))
    return DONE


def _is_running(places: Places) -> bool:
    if not places.lock.exists():
        return False
    try:
        with locked(places.lock, wait=False):
            return False
    except LockedError:
        return True
    except OSError:
        return False


def _dry_run(places: Places, folders: tuple[Path, ...], *, verbose: bool) -> int:
    config, store = load_config(places.config), Store(places.state)
    gathered = _read(places, folders)
    for problem in gathered.problems:
        say(problem)
    for line in strangers(config, gathered.newest):
        say(line)
    for found in gathered.newest:
        for target in config.targets:
            if target.guild.may_be(found.guild):
                known = store.of(target.ref).has(found.export_id)
                say(f"{'Already uploaded' if known else 'Would upload'} to {target.address}: {describe(found)}.")
        if verbose:
            print(found.body.decode())
    if not gathered.newest:
        say(NO_EXPORT)
    return DONE if gathered.newest else FAILED


def _once(places: Places, folders: tuple[Path, ...]) -> int:
    if not load_config(places.config).targets:
        raise CompanionError("Nothing is set up: run `muster-companion setup`.")
    companion = Companion(places, folders)
    companion.look()
    newest = companion.gathered.newest
    deliveries = companion.deliver()
    # Afterwards, since the server may just have told another guild for a key.
    served = [one for one in newest if any(courier.target.guild.may_be(one.guild) for courier in companion.couriers)]
    for line in strangers(load_config(places.config), newest):
        log.warning("%s", line)
    if not newest:
        log.error("%s", NO_EXPORT)
    sent = [(courier, delivery) for courier, delivery in deliveries if isinstance(delivery.outcome, Acknowledged)]
    for courier, delivery in sent:
        log.info("%s", _became(companion, courier, delivery))
    if served and not deliveries and not any(courier.words for courier in companion.couriers):
        log.info("Nothing is new: %s.", "; ".join(describe(one) for one in served))
    well = served and len(sent) == len(deliveries) and not any(courier.words for courier in companion.couriers)
    return DONE if well else FAILED


def _became(companion: Companion, courier: Courier, delivery: Delivery) -> str:
    """Wait briefly for what became of an upload."""
    acknowledged = delivery.outcome
    assert isinstance(acknowledged, Acknowledged)
    client = companion.client(courier.target)
    told = "Muster has it, and applies it soon."
    for _ in range(int(WITHIN / EVERY)):
        answer = client.result(acknowledged.upload)
        if not isinstance(answer, Report):
            break
        told = became(answer)
        if answer.state != "received":
            break
        companion.bell.pause(EVERY)
    return f"{rows(delivery.export.rows)} of {delivery.export.guild}: {told}"


def _run(places: Places, address: str | None, folders: tuple[Path, ...]) -> int:
    """Work until somebody ends us; the first time, ask first."""
    if not load_config(places.config).targets:
        set_up(places, address, folders)
        _say_what_is_found(places, folders)
    with ExitStack() as held:
        try:
            held.enter_context(locked(places.lock, wait=False))
        except LockedError as error:
            raise CompanionError(
                f"The companion runs already ({error}). `muster-companion status` tells how it does."
            ) from error
        except OSError as error:
            log.warning("Another companion would go unnoticed: %s can't be written (%s).", places.lock, error.strerror)
        return _work(places, folders)


def _work(places: Places, folders: tuple[Path, ...]) -> int:
    companion = Companion(places, folders)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            companion.run()
        except CompanionError as error:
            failed.append(error)
        except Exception as error:
            log.exception("The companion ends by a mistake of its own; please tell us what stands here.")
            failed.append(error)

    # Not in this thread: a request that hangs must not keep Ctrl-C waiting, which Windows would let it do.
    worker = threading.Thread(target=work, name="companion", daemon=True)
    # Also the one of Ctrl-C: a script that starts us in the background would have us ignore it.
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGBREAK", signal.SIGTERM)):
        signal.signal(number, _interrupt)
    try:
        log.info("The companion is running; Ctrl-C ends it.")
        worker.start()
        while worker.is_alive():
            worker.join(WAKE)
    except KeyboardInterrupt:
        log.info("The companion ends.")
    companion.bell.end()
    worker.join(END_WITHIN)
    if failed and isinstance(failed[0], CompanionError):
        raise failed[0]
    return FAILED if failed else DONE


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
