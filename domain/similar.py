"""Names that resemble each other: a slip of the hand, or a beginning that stands for the whole."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Final

SLIP_LENGTH: Final = 4
"""Letters from which on one wrong, missing, doubled or swapped letter is a slip and not another name."""
TWO_SLIPS_LENGTH: Final = 9
BEGINNING_LENGTH: Final = 4
"""Letters that a beginning needs to stand for a whole name."""
SYLLABIC: Final = "\N{HANGUL CHOSEONG KIYEOK}"
"""From here on a letter is a syllable or a word: half as many do, and one may be a whole name."""
CROWDED_END: Final = 50
"""Long names with one beginning or end that are compared with another."""
TOO_MANY: Final = 6
"""Names that a beginning may stand for before it stands for none."""


@dataclass(frozen=True, slots=True)
class Resemblance:
    """A known key that resembles the one asked for; `likeness` from 0 to 1."""

    key: str
    likeness: float


class Similar:
    """Find the keys of a fixed set that resemble a key, in time that does not grow with the set."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = sorted({key for key in keys if len(key) >= _least(key)})
        self._known = frozenset(self._keys)
        self._ends: defaultdict[str, list[str]] = defaultdict(list)
        self._shortened: defaultdict[str, list[str]] = defaultdict(list)
        for key in self._keys:
            if _length(key) >= SLIP_LENGTH:
                for form in _with_one_less(key):
                    self._shortened[form].append(key)
            if len(key) >= TWO_SLIPS_LENGTH:
                for end in _ends(key):
                    self._ends[end].append(key)

    def find(self, key: str, *, beginning: int = BEGINNING_LENGTH) -> tuple[Resemblance, ...]:
        """Give the keys that resemble one, the likeliest first; the key itself is not among them."""
        found = {near: _likeness(key, near) for near in self._slips(key)}
        for near in self._beginnings(key, beginning):
            found.setdefault(near, 0.5 + min(len(key), len(near)) / max(len(key), len(near)) / 4)
        found.pop(key, None)
        return tuple(Resemblance(near, found[near]) for near in sorted(found, key=lambda near: (-found[near], near)))

    def _slips(self, key: str) -> Iterator[str]:
        if _length(key) < SLIP_LENGTH:
            return
        near = {known for form in _with_one_less(key) for known in self._shortened.get(form, ())}
        allowed = 1
        if len(key) >= TWO_SLIPS_LENGTH:
            allowed = 2
            for end in _ends(key):
                several = self._ends.get(end, ())
                near.update(several if len(several) <= CROWDED_END else ())
        yield from (known for known in near if _osa().distance(key, known, score_cutoff=allowed) <= allowed)

    def _beginnings(self, key: str, letters: int) -> list[str]:
        least = letters // 2 if key >= SYLLABIC else letters
        if len(key) < least:
            return []
        shorter = [key[:length] for length in range(least, len(key)) if key[:length] in self._known]
        at = bisect_left(self._keys, key)
        longer = self._keys[at : at + TOO_MANY + 1]
        longer = [near for near in longer if near.startswith(key) and near != key]
        return [*shorter[-2:], *(longer if len(longer) <= TOO_MANY else ())]


@cache
def _osa() -> ModuleType:
    """Load the measure when names are compared: the bot's process, which leaves that to the worker, is 4 MB less."""
    return import_module("rapidfuzz.distance.OSA")


def _ends(key: str) -> tuple[str, str]:
    """Give the beginning and the end, of which two slips in a long name leave one as it is, mostly."""
    return "^" + key[:4], key[-4:] + "$"


def _length(key: str) -> int:
    return len(key) * 2 if key >= SYLLABIC else len(key)


def _least(key: str) -> int:
    return BEGINNING_LENGTH // 2 if key >= SYLLABIC else BEGINNING_LENGTH


def _with_one_less(key: str) -> Iterator[str]:
    yield key
    for at in range(len(key)):
        yield key[:at] + key[at + 1 :]


def _likeness(key: str, near: str) -> float:
    # The first letter is the last that people get wrong.
    first = 0.0 if key[:1] == near[:1] else 0.1
    likeness: float = _osa().normalized_similarity(key, near)
    return likeness - first
