"""What the server acknowledged, kept on disk so that a restart uploads nothing again."""

import json
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .files import locked, write_atomically

VERSION = 1
KEPT = 20
"""So many acknowledged exports of a target: the newest of its guild from each account, and some to spare."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """Hold one acknowledged export; `at` is when, in seconds since 1970."""

    export_id: str
    upload: str
    guild: str
    rows: int
    at: float


@dataclass(frozen=True, slots=True)
class Problem:
    """Hold what last went wrong, in words for the player, and when."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class TargetState:
    """Hold what is known of a target: acknowledged exports, newest last, and what went wrong since."""

    sent: tuple[Sent, ...] = ()
    problem: Problem | None = None

    def has(self, export_id: str) -> bool:
        """Tell whether the server acknowledged an export."""
        return any(one.export_id == export_id for one in self.sent)


State = dict[str, TargetState]


class Store:
    """The state file; losing it costs an upload that the server recognises.

    Where the disk takes nothing, what happened is remembered until the process ends.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = file.with_name(f"{file.name}.lock")
        self._unwritten: State = {}
        self._writable = True

    def of(self, ref: str) -> TargetState:
        """Give what is known of a target."""
        return self._unwritten.get(ref) or self._load().get(ref, TargetState())

    def acknowledge(self, ref: str, sent: Sent) -> None:
        """Remember an export, which ends the target's problem."""

        def change(old: TargetState) -> TargetState:
            others = tuple(one for one in old.sent if one.export_id != sent.export_id)
            return TargetState((*others, sent)[-KEPT:])

        self._change(ref, change)

    def problem(self, ref: str, problem: Problem | None) -> None:
        """Remember what went wrong, or that nothing does."""

        def change(old: TargetState) -> TargetState:
            if old.problem and problem and old.problem.text == problem.text:
                return old
            return replace(old, problem=problem)

        self._change(ref, change)

    def forget(self, ref: str) -> None:
        """Drop a target."""
        self._change(ref, lambda _: None)

    def _change(self, ref: str, change: Callable[[TargetState], TargetState | None]) -> None:
        """Change one target's part of what the file holds now: `--once` may run beside."""
        try:
            with locked(self._lock, wait=True):
                state = self._load() | self._unwritten
                old = state.get(ref, TargetState())
                new = change(old)
                if new is None:
                    state.pop(ref, None)
                else:
                    state[ref] = new
                if new != old or self._unwritten:
                    write_atomically(self._file, _dump(state))
        except OSError as error:
            new = change(self.of(ref))
            if new is None:
                self._unwritten.pop(ref, None)
            else:
                self._unwritten[ref] = new
            if self._writable:
                log.warning(
                    "What was uploaded can't be noted in %s (%s): it is uploaded once more after a restart.",
                    self._file, error.strerror,
                )  # fmt: skip
            self._writable = False
        else:
            self._unwritten.clear()
            self._writable = True

    def _load(self) -> State:
        """Read the file; a damaged one is set aside."""
        try:
            content = self._file.read_bytes()
        except OSError:
            return {}
        try:
            return _parse(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError):
            aside = self._file.with_name(f"{self._file.name}.damaged")
            log.warning("%s is damaged; it is kept as %s, and begun anew.", self._file, aside.name)
            with suppress(OSError):
                os.replace(self._file, aside)
            return {}


def _dump(state: State) -> bytes:
    data = {"version": VERSION, "targets": {ref: asdict(target) for ref, target in state.items()}}
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()


def _parse(data: Any) -> State:
    if data["version"] != VERSION:
        raise ValueError(data["version"])
    return {ref: _target(row) for ref, row in data["targets"].items()}


def _target(row: Any) -> TargetState:
    sent = tuple(
        Sent(str(one["export_id"]), str(one["upload"]), str(one["guild"]), int(one["rows"]), float(one["at"]))
        for one in row["sent"]
    )
    problem = row["problem"]
    return TargetState(sent, Problem(str(problem["text"]), float(problem["at"])) if problem else None)
