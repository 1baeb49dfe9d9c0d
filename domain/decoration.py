"""What people put around a name where the name itself is taken, and names written in another script."""

import re
from functools import lru_cache
from typing import Final

from anyascii import anyascii

SHORTEST: Final = 3
"""Letters that must remain of a name without its decoration."""

_BEFORE: Final = """
    its im iam i am the real thereal mr mrs ms dr sir lord lady king queen not just only official el le la der die
    x xx xxx
"""
_BEHIND: Final = "tv ttv yt gaming games gamer plays live official wow btw irl qt x xx xxx"
AFFIXES: Final = frozenset([*_BEFORE.split(), *_BEHIND.split()])
"""The usual words around a name that is taken."""
_PREFIX: Final = re.compile(f"^(?:{'|'.join(sorted(_BEFORE.split(), key=len, reverse=True))})(?=.{{{SHORTEST}}})")
_SUFFIX: Final = re.compile(f"(?<=.{{{SHORTEST}}})(?:{'|'.join(sorted(_BEHIND.split(), key=len, reverse=True))})$")
_DIGITS: Final = re.compile(rf"(?<=.{{{SHORTEST}}})(?<!\d)\d+$")
_NOT_PLAIN: Final = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=65_536)
def romanised(key: str) -> str:
    """Give a folded name in Latin letters, as people write it in a username; itself where it is Latin."""
    return key if key.isascii() else _NOT_PLAIN.sub("", anyascii(key).lower())


# What people romanise in several ways becomes one spelling: Щ is shch or sch, Х kh or h, Ц ts or tz; Korean ㄱ ㄷ ㅂ
# are g d b or k t p, ㅓ is eo or o; Korean and Japanese have one sound for l and r. In this order: each pattern sees
# what those before it left. It makes different names alike too, and so compares only names of different scripts.
_SPELLINGS: Final = (
    (re.compile("shch|sch"), "sh"),
    (re.compile("kh"), "h"),
    (re.compile("ch(?![aeiou])"), "t"),
    (re.compile("ck|c(?!h)|q"), "k"),
    (re.compile("ts|tz|z"), "s"),
    (re.compile("[iyj]+(?=[aeou])|[yj]"), "i"),
    (re.compile("w"), "v"),
    (re.compile("l"), "r"),
    (re.compile("eo|eu|yo"), "o"),
    (re.compile("g"), "k"),
    (re.compile("d"), "t"),
    (re.compile("b"), "p"),
    (re.compile(r"(.)\1+"), r"\1"),
)


@lru_cache(maxsize=65_536)
def sounded(roman: str) -> str:
    """Give a romanised name without what people romanise in several ways."""
    for pattern, spelling in _SPELLINGS:
        roman = pattern.sub(spelling, roman)
    return roman


def undecorated(key: str) -> frozenset[str]:
    """Give what a romanised name may be without digits behind it and the usual words around it, never itself."""
    found = {key}
    for pattern in (_DIGITS, _SUFFIX, _PREFIX, _SUFFIX):
        found |= {pattern.sub("", one) for one in found}
    return frozenset(found) - {key}
