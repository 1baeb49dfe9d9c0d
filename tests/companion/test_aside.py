"""Work in a process of its own, and all the ways in which that can end."""

import os
import signal
import sys
import time

import pytest

from muster_companion import aside
from muster_companion.errors import CompanionError
from muster_companion.folders import flavours_in


def test_it_is_another_process() -> None:
    assert aside.call(os.getpid) != os.getpid()


def test_arguments_and_result_go_there_and_back() -> None:
    assert aside.call(sorted, ["b", "a"], reverse=False) == ["a", "b"]


def test_what_it_prints_does_not_disturb_the_result() -> None:
    assert aside.call(print, "words") is None


def test_a_foreseen_error_comes_back_with_its_words() -> None:
    with pytest.raises(CompanionError, match="There is no folder /no/such"):
        aside.call(flavours_in, "/no/such")


def test_a_mistake_comes_back_as_one_line() -> None:
    with pytest.raises(aside.AsideError, match=r"^ValueError: invalid literal"):
        aside.call(int, "x")


def test_a_process_that_dies_is_noticed() -> None:
    with pytest.raises(aside.AsideError, match="it ended with -9"):
        aside.call(signal.raise_signal, signal.SIGKILL)


def test_a_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "PATIENCE", 0.5)
    with pytest.raises(aside.AsideError, match="no answer"):
        aside.call(time.sleep, 60)


def test_a_process_that_cannot_be_started_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(aside.AsideError, match="no process could be started"):
        aside.call(os.getpid)
