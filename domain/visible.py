"""What of a text can be seen: free text in one line that hides and reorders nothing around it."""

import unicodedata
from typing import Final

_UNSEEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# Letters and marks by category that draw nothing: Hangul fillers, Khmer inherent vowels, the joiner, blank Braille.
_UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def one_line(text: str) -> str:
    """Give a text in one line without control, format and invisible characters, "" when nothing else is in it."""
    seen = (" " if char.isspace() else char for char in text if char.isspace() or _is_visible(char))
    return " ".join("".join(seen).split())


def _is_visible(char: str) -> bool:
    return unicodedata.category(char) not in _UNSEEN_CATEGORIES and char not in _UNSEEN
