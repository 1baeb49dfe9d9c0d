"""Guild notes, read: which member or character a note names, in whose manner, and what it only remarks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from domain.names import fold
from domain.similar import SYLLABIC
from domain.vocabulary import ARTICLES, CONJUNCTIONS, DENIALS, GLUED, MEANINGS, MONTHS, NO_NAMES, Word

NOTE_LENGTH: Final = 31
"""Letters that the game keeps of a note; what a longer one says at its end may be cut."""


class Form(StrEnum):
    """Name how a note names somebody."""

    DISCORD = "discord"
    """As a Discord member: Discord: X, @X, X#1234."""
    OTHER = "other"
    """As the one whose other character this is: alt of X, X's alt, main: X, X's mage, X (mage)."""
    BARE = "bare"
    """By the name alone."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a note; `keys` are its folded readings, the likelier first.

    `guessed` holds those of the keys that leave out an ending which may belong to the name. `realm` is the folded realm
    behind it, "" for none; `doubtful` tells that the note may have lost its end, or says what is not understood;
    `class_word` is the folded word for a class beside it. `whole` is set where several words make one name, which then
    can only be a member's.
    """

    form: Form
    keys: tuple[str, ...]
    written: str
    realm: str = ""
    doubtful: bool = False
    class_word: str = ""
    whole: bool = False
    guessed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    key: str
    word: Word | None
    owns: bool = False
    """Ends in a possessive."""
    shorter: str = ""
    """The text without a syllable that may be a title or a case, "" for none."""


_CLAUSES: Final = re.compile(r"[,;|\n\r]+|\s/\s|\s/|/\s|\s[-–—]+\s*$|\b(?:aka|alias)\b", re.IGNORECASE)
_HANDLE: Final = re.compile(r"(?:^|[\s(\[:=])@([^\s,;|)\]]{2,})")
_DISCRIMINATED: Final = re.compile(r"([^\s:=@#(\[]{2,32})#(\d{4})\b")
_WORDS: Final = re.compile(r"(?<=\s)[-–—]+(?=\s)|[^\s:=/()\[\]{}<>«»\"!?*+~•·→&\\]+|[:=&]")
_POSSESSIVE: Final = re.compile(r"(?:['’`´]s|['’`´])$", re.IGNORECASE)
_QUOTES: Final = "'’`´"
_EDGES: Final = f".{_QUOTES}-_"
_HYPHENS: Final = re.compile(r"[-–—]+")
_NUMBER: Final = re.compile(r"[\d.,:/'’#%+-]+(?:k|io|ilvl|il|ilevel|st|nd|rd|th|er|e)?", re.IGNORECASE)
_DIGIT: Final = re.compile(r"\d")
_POLITE: Final = re.compile(r"(?<=.)(?:님|씨|의|的|の)$")
_ELISION: Final = re.compile(r"[dl]['’](?=\w{2})", re.IGNORECASE)
_GENITIVE: Final = {"а": ("",), "я": ("й", "ь"), "ы": ("а",), "и": ("а", "я")}
"""What a Russian name ends in whose genitive ends so."""
_PLAIN: Final = str.maketrans("：＝，、；／｜（）＠＃－　", ":=,,;/|()@#- ")
_SEPARATORS: Final = frozenset(":=-–—")
_AND: Final = "&"


@lru_cache(maxsize=65_536)
def read_note(note: str | None) -> tuple[Mention, ...]:
    """Give whom a note names, explicit words about Discord first; () for None, jokes, remarks and professions.

    Never raises, whatever the note holds.
    """
    if not note or not note.strip():
        return ()
    note = note.translate(_PLAIN)
    found: list[Mention] = []
    for pattern in (_HANDLE, _DISCRIMINATED):
        found += (_member(match[1]) for match in pattern.finditer(note))
    if not found:
        clauses = [clause for clause in _CLAUSES.split(note) if clause.strip()]
        for clause in clauses:
            found += _read_clause(clause)
    cut = len(note) >= NOTE_LENGTH
    known: dict[tuple[str, ...], Mention] = {}
    for mention in found:
        if mention.keys:
            ends = cut and note.rstrip(" .)]").endswith(mention.written)
            known.setdefault(mention.keys, replace(mention, doubtful=True) if ends else mention)
    return tuple(sorted(known.values(), key=lambda mention: mention.form is not Form.DISCORD))


def _member(text: str) -> Mention:
    written = text.rstrip(".,:;!?")
    return Mention(Form.DISCORD, _keys(written), written)


def _keys(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in map(fold, texts) if _is_name(key)))


def _is_name(key: str) -> bool:
    return bool(key) and not key.isdigit() and (len(key) > 1 or key >= SYLLABIC) and key not in NO_NAMES


def _read_clause(clause: str) -> Iterator[Mention]:
    tokens = list(_tokens(clause))
    words = [token for token in tokens if token.key]
    if not words or (_DIGIT.search(clause) and any(token.key in MONTHS for token in words)):
        return
    if explicit := _discord(tokens):
        yield explicit
        return
    if any(token.word is Word.REMARK for token in words):
        yield from _introduced(tokens)
        return
    named = list(_introduced(tokens)) or list(_beside(clause, tokens))
    yield from named


def _tokens(clause: str) -> Iterator[_Token]:
    for text in _WORDS.findall(clause):
        if text == _AND or _SEPARATORS.issuperset(text):
            yield _Token(text, "", None)
            continue
        if _NUMBER.fullmatch(text) or MEANINGS.get(fold(text)) is Word.FIGURE:
            continue
        yield from _split(text)


def _split(text: str) -> Iterator[_Token]:
    """Take a word apart where a hyphen or a glued word joins a name to what stands beside it."""
    if fold(text) in MEANINGS:
        yield _token(text)
        return
    pieces = [piece for piece in _HYPHENS.split(text) if piece]
    if len(pieces) > 1 and any(fold(piece) in MEANINGS or _NUMBER.fullmatch(piece) for piece in pieces):
        for piece in pieces:
            if not _NUMBER.fullmatch(piece):
                yield from _split(piece)
        return
    for glued in GLUED:
        if len(text) <= len(glued):
            continue
        if text.endswith(glued):
            yield _token(text[: -len(glued)])
            yield _token(glued)
            return
        if text.startswith(glued):
            yield _token(glued)
            yield _token(text[len(glued) :])
            return
    yield _token(text)


def _token(text: str) -> _Token:
    key = fold(text)
    word = MEANINGS.get(key)
    if word is not None:
        return _Token(text, key, word)
    quoted = text[:1] in _QUOTES
    text = text.strip(_EDGES) if quoted or not _POSSESSIVE.search(text) else text.lstrip(_EDGES)
    bare = _POSSESSIVE.sub("", text)
    shorter = _ELISION.sub("", _POLITE.sub("", bare), count=1) if _ELISION.match(bare) else _POLITE.sub("", bare)
    return _Token(bare, fold(bare), MEANINGS.get(fold(bare)), bare != text, "" if shorter == bare else shorter)


def _discord(tokens: Sequence[_Token]) -> Mention | None:
    """Read `Discord: X`, `dc X`."""
    for at, token in enumerate(tokens):
        if token.word is not Word.DISCORD:
            continue
        rest = [one for one in tokens[at + 1 :] if one.word is not Word.TITLE]
        before = [one for one in tokens[:at] if one.key and one.word is not Word.LINK]
        if not rest and len(before) == 1 and before[0].word is None:
            return Mention(Form.DISCORD, _keys(before[0].text), before[0].text)
        marked = any(not one.key for one in rest)
        names = [one for one in rest if one.key]
        if len(names) > 1 and names[0].key == "nick":  # a label here, a first name elsewhere
            names = names[1:]
        if not names or (not marked and (token.owns or names[0].word is not None)):
            return None
        written = " ".join(one.text for one in names)
        return Mention(Form.DISCORD, _keys(names[0].text, written), names[0].text if len(names) == 1 else written)
    return None


def _introduced(tokens: Sequence[_Token]) -> Iterator[Mention]:
    """Read `alt of X`, `main: X`, `ALT-X`, and the like in other languages; X may be any word where it is clear."""
    for at, token in enumerate(tokens):
        if token.word not in (Word.ALT, Word.MAIN):
            continue
        if any(one.key in DENIALS for one in tokens[max(0, at - 2) : at]):
            return
        follow = at + 1
        linked = marked = False
        while follow < len(tokens) and (
            not tokens[follow].key
            or tokens[follow].key in ARTICLES
            or tokens[follow].word in (Word.LINK, Word.ALT, Word.MAIN)
        ):
            marked |= not tokens[follow].key
            linked |= tokens[follow].word is Word.LINK
            follow += 1
        rest = [one for one in tokens[follow:] if one.key]
        several = any(one.text == _AND or one.key in CONJUNCTIONS for one in tokens[follow + 1 : follow + 2])
        if not rest or several:
            return
        name = rest[0]
        clear = linked or marked
        if name.word is not None and not (
            clear and token.word is Word.ALT and name.word not in (Word.REMARK, Word.TITLE)
        ):
            return
        if any(one.word is None for one in rest[1:]) and not clear:
            return
        if any(one.word is Word.REMARK for one in tokens) and not clear:
            return
        yield _other(name, rest[1:], of=token.word is Word.ALT)
        return


def _beside(clause: str, tokens: Sequence[_Token]) -> Iterator[Mention]:
    """Read a name alone or with words beside it that only describe: `X's alt`, `X - mage`, `GM X`, `X`."""
    words = [token for token in tokens if token.key]
    names = [token for token in words if token.word is None]
    others = [token for token in words if token.word is not None]
    if len(names) == 1 and not any(one.word in (Word.DISCORD, Word.LINK) for one in others):
        if words[0] is names[0] or others[0].word in (Word.TITLE, Word.ALT, Word.MAIN):
            tells = names[0].owns or any(
                one.word in (Word.ALT, Word.MAIN) or (one.word is Word.CLASS and _apart(clause)) for one in others
            )
            if tells:
                yield _other(names[0], others)
            else:
                yield _bare(names[0], others)
        return
    if not names and len(others) > 1 and others[-1].word is Word.ALT and others[0].word in (Word.CLASS, Word.DISCORD):
        # A person may be called like a class: "Disc alt", "Bear's alt".
        yield Mention(Form.OTHER, _keys(others[0].text), others[0].text)
        return
    if len(names) == 2 and names[0].owns and words[0] is names[0]:
        # "Bob's paladino", or "Bob's roomie": whose word for an alt it is, nobody knows.
        yield Mention(Form.BARE, _keys(names[0].text), names[0].text, doubtful=True)
        return
    if 1 < len(names) <= 3 and not others:
        yield Mention(Form.BARE, _keys(clause), clause.strip(), whole=True)
        yield from _with_realm(names)


def _with_realm(names: Sequence[_Token]) -> Iterator[Mention]:
    """Read `Name-Realm` of a realm with several words."""
    name, hyphen, realm = names[0].text.partition("-")
    if hyphen and _keys(name):
        written = " ".join(one.text for one in names)
        yield Mention(Form.OTHER, _keys(name), written, realm=fold(realm + "".join(one.text for one in names[1:])))


def _other(name: _Token, others: Sequence[_Token], *, of: bool = False) -> Mention:
    """Make a mention of a name; `of` where it may stand in the genitive."""
    realm = next(_with_realm([name, *(one for one in others if one.word is None)]), None)
    if realm is not None:
        return realm
    classes = [one.key for one in others if one.word is Word.CLASS]
    keys = _keys(name.text, name.shorter)
    guessed: tuple[str, ...] = ()
    if not name.owns and name.key.isascii() and name.key.endswith("s") and others and others[0].word is not Word.MAIN:
        # "bobs mage": the possessive without its mark; the name with the letter comes first.
        guessed = _keys(name.text[:-1])
    elif of:
        guessed = _keys(*(name.key[:-1] + ending for ending in _GENITIVE.get(name.key[-1:], ())))
    keys = tuple(dict.fromkeys((*keys, *guessed)))
    return Mention(Form.OTHER, keys, name.text, class_word=classes[0] if classes else "", guessed=guessed)


def _apart(clause: str) -> bool:
    """Tell whether more than a space stands between a name and what describes it."""
    return any(mark in clause for mark in "-–(/")


def _bare(name: _Token, others: Sequence[_Token]) -> Mention:
    if others:
        mention = _other(name, others)
        return replace(mention, form=Form.BARE)
    left, hyphen, realm = name.text.partition("-")
    if hyphen and _keys(left):
        return Mention(Form.BARE, _keys(left), name.text, realm=fold(realm))
    return Mention(Form.BARE, _keys(name.text), name.text)
