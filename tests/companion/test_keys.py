"""Keys: in a keyring that works, else in a file that only its owner reads."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from muster_companion.config import Guild, Target
from muster_companion.errors import CompanionError
from muster_companion.keys import forget_key, is_key, load_key, store_key
from muster_companion.places import Places, find_places
from tests.support.need import ROOT

KEY = "k3y-that-nobody-may-see"
REF = "0123456789abcdef"
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")


@pytest.fixture
def places() -> Places:
    return find_places()


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a keyring of our own work, in processes that we start too, and give its file."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.companion.plain_keyring.Keyring")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]]))
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "keyring.json"))
    return tmp_path / "keyring.json"


def target(*, in_keyring: bool) -> Target:
    return Target(REF, "https://muster.example.org", Guild("eu", None, "Night Watch"), in_keyring)


def test_a_keyring_that_works_has_the_key_and_no_file_has(places: Places, keyring: Path) -> None:
    assert store_key(places, REF, KEY) is True
    assert load_key(places, target(in_keyring=True)) == KEY
    assert json.loads(keyring.read_text()) == {f"muster-companion/{REF}": KEY}
    assert not places.keys.exists()


def test_without_a_keyring_a_file_has_it(places: Places) -> None:
    assert store_key(places, REF, KEY) is False
    assert load_key(places, target(in_keyring=False)) == KEY


@posix
def test_the_file_is_for_its_owner_alone_whatever_the_umask(places: Places) -> None:
    before = os.umask(0)
    try:
        store_key(places, REF, KEY)
    finally:
        os.umask(before)
    assert stat.S_IMODE((places.keys / REF).stat().st_mode) == 0o600
    assert stat.S_IMODE(places.keys.stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_file_that_others_can_read_is_refused_with_what_to_do(places: Places, mode: int) -> None:
    store_key(places, REF, KEY)
    (places.keys / REF).chmod(mode)
    with pytest.raises(CompanionError, match=r"read by others.*chmod 600") as refused:
        load_key(places, target(in_keyring=False))
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("fault", ["locked", "forgets"])
def test_a_keyring_that_does_not_work_is_no_keyring(
    places: Places, keyring: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("TEST_KEYRING_FAULT", fault)
    assert store_key(places, REF, KEY) is False
    assert load_key(places, target(in_keyring=False)) == KEY


def test_a_keyring_that_keeps_plain_text_is_not_used(
    places: Places, keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.companion.plain_keyring.WeakKeyring")
    assert store_key(places, REF, KEY) is False
    assert not keyring.exists()


def test_a_keyring_that_cannot_be_loaded_is_no_keyring(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "no.such.Keyring")
    assert store_key(places, REF, KEY) is False


def test_a_locked_keyring_says_so(places: Places, keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_key(places, REF, KEY)
    monkeypatch.setenv("TEST_KEYRING_FAULT", "locked")
    with pytest.raises(CompanionError, match=r"keyring does not give the key \(KeyringLocked\)"):
        load_key(places, target(in_keyring=True))


def test_a_key_that_is_gone_asks_for_setup(places: Places, keyring: Path) -> None:
    with pytest.raises(CompanionError, match="setup"):
        load_key(places, target(in_keyring=True))
    with pytest.raises(CompanionError, match="setup"):
        load_key(places, target(in_keyring=False))


def test_a_damaged_key_asks_for_setup(places: Places) -> None:
    store_key(places, REF, KEY)
    (places.keys / REF).write_bytes(b"\xffline\r\nX-Evil: 1")
    with pytest.raises(CompanionError, match=r"damaged.*setup"):
        load_key(places, target(in_keyring=False))


def test_a_keyring_that_comes_later_takes_the_key_over(
    places: Places, keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEYRING_FAULT", "locked")
    store_key(places, REF, "old")
    monkeypatch.delenv("TEST_KEYRING_FAULT")
    assert store_key(places, REF, KEY) is True
    assert not (places.keys / REF).exists()


@pytest.mark.parametrize("in_keyring", [True, False])
def test_a_forgotten_key_is_nowhere_and_can_be_forgotten_twice(places: Places, keyring: Path, in_keyring: bool) -> None:
    if in_keyring:
        store_key(places, REF, KEY)
    else:
        places.keys.mkdir(parents=True)
        (places.keys / REF).write_text(KEY)
    for _ in range(2):
        forget_key(places, target(in_keyring=in_keyring))
    with pytest.raises(CompanionError):
        load_key(places, target(in_keyring=in_keyring))
    assert not keyring.exists() or json.loads(keyring.read_text()) == {}


def test_a_key_that_cannot_be_written_is_an_error_without_the_key(places: Places) -> None:
    places.keys.parent.mkdir(parents=True)
    places.keys.write_text("a file where the folder should be")
    with pytest.raises(CompanionError, match="can't be written") as refused:
        store_key(places, REF, KEY)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("text", ["", "two words", "line\nbreak", "schlüssel", "tab\t", "\x00"])
def test_what_no_header_can_carry_is_no_key(text: str) -> None:
    assert not is_key(text)
