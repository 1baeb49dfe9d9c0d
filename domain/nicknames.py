"""Names that members bear in Discord, taken apart: whole, and in the pieces that people put together."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from domain.decoration import AFFIXES
from domain.names import fold

# Whatever people put between names: bars, slashes, brackets, dots, arrows, pictures. A hyphen counts with spaces alone,
# since realms and double names hold one.
_BETWEEN: Final = re.compile(
    r"[|/\\,;•·・:~+&()\[\]{}<>«»「」【】『』〔〕（）*=→❘│┃ǀ｜／＼，、；：～＋＆＊＝]+|\s[-–—]+\s|[\U00002190-\U00002BFF\U0001F000-\U0001FAFF]+"
)
_HANDLE_BETWEEN: Final = re.compile(r"[._\-]+")
_NAME_REALM: Final = re.compile(r"\s*([^\s-]+)\s*-\s*(\S.*)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A name that a member bears: its folded key, how it is written, the folded realm behind it ("" for none)."""

    key: str
    written: str
    whole: bool
    realm: str = ""


def pieces(text: str | None, *, handle: bool = False) -> Iterator[Piece]:
    """Give a name whole, then its parts; of a username (`handle`), which has no spaces, those between . _ and -."""
    whole = fold(text)
    if not text or not whole:
        return
    yield Piece(whole, text, whole=True)
    seen = {whole}
    if found := _NAME_REALM.fullmatch(text):
        key, realm = fold(found[1]), fold(found[2])
        if key and realm:
            yield Piece(key, found[1], whole=False, realm=realm)
            seen.add(key)
    parts = [
        (key, part.strip()) for part in (_HANDLE_BETWEEN if handle else _BETWEEN).split(text) if (key := fold(part))
    ]
    names = [(key, part) for key, part in parts if not key.isdigit()]
    if handle:
        # "rob_87" is Rob; of "rob_in_hood" and "rob._m" nobody knows.
        names = [one for one in names if one[0] not in AFFIXES]
        names = names if len(names) == 1 else []
    for key, part in names:
        if key not in seen:
            seen.add(key)
            yield Piece(key, part, whole=False)
