"""Ask for address and key, try them, and store what they are for."""

import getpass
import os
import sys
from pathlib import Path

from .config import Target, change_config, load_config, new_ref
from .errors import CompanionError
from .folders import flavours_in, given_folder
from .keys import forget_key, is_key, store_key
from .places import Places
from .state import Store
from .upload import Client, KeyInfo, KeyRefused, RetryLater, normalise_address
from .words import pasted, printable

KEY = "MUSTER_COMPANION_KEY"
"""The variable that gives the key where there is no terminal."""


def say(text: str) -> None:
    """Tell the player."""
    print(printable(text), file=sys.stderr, flush=True)


def set_up(places: Places, address: str | None, folders: tuple[Path, ...]) -> None:
    """Add a target, or give a known one a new key. Raises CompanionError, and stores nothing then."""
    load_config(places.config)  # one that is damaged is told before anything is asked
    address = normalise_address(address or _ask_address())
    key = _ask_key()
    info = _try(address, key)
    say(f"The key works: it is for {info.guild}" + (f", and is named {info.uploader}." if info.uploader else "."))
    config = load_config(places.config)
    known = config.target_for(address, info.guild)
    ref = known.ref if known else new_ref()
    target = Target(ref, address, info.guild, store_key(places, ref, key))
    # The settings change last: who runs already takes the new key over when they do.
    change_config(places.config, lambda now: now.with_target(target).with_folders(folders))
    Store(places.state).problem(ref, None)
    say("The key is kept in " + ("the system's keyring." if target.in_keyring else f"{places.keys}, for you alone."))


def remember(places: Places, folders: tuple[Path, ...]) -> None:
    """Keep folders to look into, beside what is set up. Raises CompanionError."""
    change_config(places.config, lambda now: now.with_folders(folders))
    say("The folder is remembered." if len(folders) == 1 else "The folders are remembered.")


def forget(places: Places, which: str | None) -> Target:
    """Remove a target, its key and what is known of it; `which` names guild or address. Raises CompanionError."""
    targets = load_config(places.config).targets
    if not targets:
        raise CompanionError("Nothing is set up.")
    found = [
        target
        for target in targets
        if which is None
        or which.casefold() in {target.guild.name.casefold(), target.address, str(target.guild).casefold()}
    ]
    if len(found) != 1:
        names = "; ".join(f"{target.guild} at {target.address}" for target in targets)
        raise CompanionError(
            f"Say which, by the guild's name or the address: muster-companion forget NAME. There are: {names}."
        )
    (target,) = found
    forget_key(places, target)
    change_config(places.config, lambda now: now.without_target(target.ref))
    Store(places.state).forget(target.ref)
    return target


def known_folder(folder: Path) -> Path:
    """Give a folder as it is stored. Raises CompanionError where the game is not there."""
    flavours_in(folder)
    return given_folder(folder)


def _can_ask() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()  # pythonw has none


def _ask_address() -> str:
    if not _can_ask():
        raise CompanionError(
            "There is no terminal to ask for the address: run `muster-companion setup` in one, or give it by --address."
        )
    say("Where is your guild's Muster? Officers know its address, and make keys by /addon key in Discord.")
    sys.stderr.write("Address: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _ask_key() -> str:
    # Taken out of the environment, which the processes we start would inherit.
    key = os.environ.pop(KEY, None)
    if key is None:
        if not _can_ask():
            raise CompanionError(f"There is no terminal to ask for the key: give it in {KEY}.")
        key = getpass.getpass("Key (it is not shown): ", sys.stderr)
    key = pasted(key)
    if not is_key(key):
        raise CompanionError("A key is one word of letters, digits and signs. Copy it as /addon key showed it.")
    return key


def _try(address: str, key: str) -> KeyInfo:
    answer = Client(address, key).status()
    if isinstance(answer, KeyInfo):
        return answer
    if isinstance(answer, KeyRefused):
        raise CompanionError(f"The key is refused: {answer.words} Nothing is stored.")
    reason = answer.reason if isinstance(answer, RetryLater) else answer.words
    raise CompanionError(f"The key could not be tried at {address}: {reason.removesuffix('.')}. Nothing is stored.")
