"""Names as people write them, folded to the key by which characters, members and realms are looked up and compared."""

import re
import unicodedata
from typing import Final

from anyascii import anyascii

# Letters that Unicode does not decompose, so that dropping accents leaves them as they are.
_LATIN_LETTERS: Final = {
    "ø": "o",
    "æ": "ae",
    "œ": "oe",
    "ß": "ss",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ı": "i",
}
# Marks that make another letter instead of an accented one; ё is left out, since people write е for it.
_MARKED_LETTERS: Final = frozenset("йїўѓќ")
_LETTER_MARKS: Final = "\N{COMBINING ACUTE ACCENT}\N{COMBINING BREVE}\N{COMBINING DIAERESIS}"
_KANA_MARKS: Final = (
    "\N{COMBINING KATAKANA-HIRAGANA VOICED SOUND MARK}\N{COMBINING KATAKANA-HIRAGANA SEMI-VOICED SOUND MARK}"
)
_KEPT_MARKS: Final = frozenset(_LETTER_MARKS + _KANA_MARKS)
_MARKED: Final = re.compile(rf"(\w)([{_LETTER_MARKS}{_KANA_MARKS}]+)")
_LEFTOVER: Final = re.compile(rf"[ {_LETTER_MARKS}{_KANA_MARKS}]+")
# Letters by category that show nothing or only stretch a word; the other fillers decompose to the first two.
_BLANK_LETTERS: Final = frozenset("\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}\N{ARABIC TATWEEL}")
# Circled, squared and bracketed letters are symbols to Unicode; the filled ones do not even decompose.
_ENCLOSED_LETTER: Final = re.compile(r"LATIN (?:CAPITAL|SMALL) LETTER ([A-Z])$")
_NOTHING: Final = ""
_GAP: Final = " "


def fold(text: str | None) -> str:
    """Fold a name to its key; "" when no letter or digit remains, and "" matches nothing.

    Case, accents, fancy forms of Latin letters, and everything that is neither letter nor digit make no difference.
    Cyrillic, Hangul, Han and Kana are never transliterated; their names of any length remain. Vowel signs of scripts in
    which the game knows no names (Thai, Devanagari, ...) are dropped like other marks.
    """
    if not text:
        return ""
    pieces = text.translate(_PIECES)
    if pieces.isascii():
        return pieces.replace(_GAP, _NOTHING)
    lettered = _LEFTOVER.sub(_NOTHING, _MARKED.sub(_with_mark, pieces))
    return unicodedata.normalize("NFC", lettered)


class _Pieces(dict[int, str]):
    """Map a code point to what it adds to a key, found at first use: letters, a mark that may count, gap or nothing."""

    def __missing__(self, code_point: int) -> str:
        piece = self[code_point] = _piece(chr(code_point))
        return piece


_PIECES: Final = _Pieces()


def _piece(character: str) -> str:
    if unicodedata.category(character).startswith("S"):
        # Before any decomposition: a trade mark sign is decoration, not "tm".
        enclosed = _ENCLOSED_LETTER.search(unicodedata.name(character, ""))
        return enclosed[1].lower() if enclosed else _GAP
    return "".join(map(_plain_piece, unicodedata.normalize("NFKD", character)))


def _plain_piece(character: str) -> str:
    """Judge one decomposed character."""
    category = unicodedata.category(character)
    if character in _KEPT_MARKS or category == "Nl":  # a letter number such as the Han zero is part of names
        return character
    if category.startswith("M") or category == "Cf" or character in _BLANK_LETTERS:
        return _NOTHING
    if category.startswith("L"):
        return "".join(map(_letter, character.casefold()))
    digit = unicodedata.digit(character, None)
    return _GAP if digit is None else str(digit)


def _letter(character: str) -> str:
    """Give a casefolded letter as it stands in a key."""
    name = unicodedata.name(character, "")
    if name.startswith("MODIFIER LETTER"):  # those left after decomposition are apostrophes, primes and tone bars
        return _GAP
    if name.startswith("LATIN"):
        return _LATIN_LETTERS.get(character) or _ascii_letters(character)
    return character


def _ascii_letters(character: str) -> str:
    return "".join(filter(str.isalnum, anyascii(character).lower()))


def _with_mark(match: re.Match[str]) -> str:
    """Put the mark back that makes another letter of its base; sorted, so that the order of marks tells nothing."""
    base, marks = match.groups()
    for mark in sorted(marks):
        composed = unicodedata.normalize("NFC", base + mark)
        if composed in _MARKED_LETTERS or (mark in _KANA_MARKS and len(composed) == 1):
            return composed
    return base
