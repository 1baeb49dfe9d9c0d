"""The regions of Battle.net that Muster serves; China has an API of its own and is out of scope."""

from enum import StrEnum


class Region(StrEnum):
    """Name a Battle.net region as hosts and namespaces spell it."""

    US = "us"
    EU = "eu"
    KR = "kr"
    TW = "tw"

    @property
    def locale(self) -> str:
        """Give the locale in which a region's names are asked for and shown."""
        return _LOCALES[self]


_LOCALES = {Region.US: "en_US", Region.EU: "en_GB", Region.KR: "ko_KR", Region.TW: "zh_TW"}
