"""The keys: in the system's keyring where a real one works, else in files that only their owner reads."""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from . import aside
from .config import Target
from .errors import CompanionError
from .files import write_atomically
from .places import APP, Places

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def is_key(text: str) -> bool:
    """Tell whether a text can be a key at all: one line of visible ASCII, as a header carries it."""
    return bool(text) and all("!" <= letter <= "~" for letter in text)


def store_key(places: Places, ref: str, key: str) -> bool:
    """Keep a key, and tell whether the keyring has it; else the file has. Raises CompanionError."""
    file = _file(places, ref)
    try:
        in_keyring = aside.call(_put, ref, key)
    except aside.AsideError:
        in_keyring = False
    try:
        if in_keyring:
            file.unlink(missing_ok=True)
        else:
            write_atomically(file, key.encode())
    except OSError as error:
        raise CompanionError(f"The key can't be written to {file}: {error.strerror}.") from error
    return in_keyring


def load_key(places: Places, target: Target) -> str:
    """Give the key of a target. Raises CompanionError."""
    if not target.in_keyring:
        return _read(_file(places, target.ref))
    try:
        return aside.call(_get, target.ref)
    except aside.AsideError as error:
        raise CompanionError(f"The system's keyring does not answer: {error}.") from error


def forget_key(places: Places, target: Target) -> None:
    """Remove a key from wherever it is; one that is gone already is no problem. Raises CompanionError."""
    try:
        _file(places, target.ref).unlink(missing_ok=True)
        if target.in_keyring:
            aside.call(_delete, target.ref)
    except (OSError, aside.AsideError) as error:
        raise CompanionError(f"The key can't be removed: {error}.") from error


def _file(places: Places, ref: str) -> Path:
    return places.keys / ref


def _read(file: Path) -> str:
    again = "Run `muster-companion setup` and enter it again."
    try:
        with file.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            content = stream.read()
    except FileNotFoundError as error:
        raise CompanionError(f"The key is not at {file}. {again}") from error
    except OSError as error:
        raise CompanionError(f"The key {file} can't be read: {error.strerror}.") from error
    # Windows has no such modes: there the user's folder itself is closed to others.
    if sys.platform != "win32" and mode & OTHERS:
        raise CompanionError(
            f"The key {file} can be read by others (mode {mode:04o}). Run `chmod 600 '{file}'`; "
            "if others use this computer, get a new key by `/addon key` in Discord."
        )
    key = content.decode("ascii", errors="replace").strip()
    if not is_key(key):
        raise CompanionError(f"The key {file} is damaged. {again}")
    return key


# The rest runs in a process of its own: it loads a keyring's libraries, and raises nothing of theirs.


def _put(ref: str, key: str) -> bool:
    """Put a key into the keyring if that is a real one and gives back what it got."""
    import keyring  # noqa: PLC0415
    import keyring.core  # noqa: PLC0415

    # Below are the keyrings that ask at each start or write plain text; our own file does that better.
    if not keyring.core.recommended(keyring.get_keyring()):
        return False
    try:
        keyring.set_password(APP, ref, key)
        return keyring.get_password(APP, ref) == key
    except Exception:  # each keyring raises what it likes
        return False


def _get(ref: str) -> str:
    import keyring  # noqa: PLC0415

    try:
        key = keyring.get_password(APP, ref)
    except Exception as error:
        raise CompanionError(
            f"The system's keyring does not give the key ({type(error).__name__}): unlock it."
        ) from error
    if key is None:
        raise CompanionError(
            "The system's keyring has the key no more. Run `muster-companion setup` and enter it again."
        )
    return key


def _delete(ref: str) -> None:
    import keyring  # noqa: PLC0415

    with suppress(Exception):  # gone already, or locked: then it is of no use to us either
        keyring.delete_password(APP, ref)
