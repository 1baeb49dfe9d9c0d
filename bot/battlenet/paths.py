"""How Battle.net spells hosts, namespaces, locales and names; names are normalised here and nowhere else."""

import unicodedata
from urllib.parse import quote

_APOSTROPHES = "'\u2018\u2019\u02bc`\u00b4"
_DROPPED = str.maketrans(dict.fromkeys(_APOSTROPHES, ""))
_HYPHENED = str.maketrans(dict.fromkeys(_APOSTROPHES, "-"))


def lowered(name: str) -> str:
    """Give a name as paths want it: lower case by Unicode's rules, composed (NFC)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())


def guild_slug(name: str) -> str:
    """Give the slug of a guild's name; a slug stays as it is."""
    return "-".join(lowered(name.translate(_DROPPED)).split())


def guild_slugs(name: str) -> tuple[str, ...]:
    """Give the slugs worth trying, likeliest first: whether apostrophes are dropped or hyphened is not documented."""
    hyphened = "-".join(lowered(name.translate(_HYPHENED)).split())
    return tuple(dict.fromkeys((guild_slug(name), hyphened)))


def path(prefix: str, *segments: str) -> str | None:
    """Join a prefix and segments, each percent-encoded once; None when a segment cannot name anything."""
    if any(segment in {"", ".", ".."} for segment in segments):
        return None
    return "/".join((prefix, *(quote(segment, safe="", errors="replace") for segment in segments)))
