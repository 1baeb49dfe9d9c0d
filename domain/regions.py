"""The regions of Battle.net that Muster serves; China has an API of its own and is out of scope."""

from enum import StrEnum


class Region(StrEnum):
    """Name a Battle.net region as hosts and namespaces spell it."""

    US = "us"
    EU = "eu"
    KR = "kr"
    TW = "tw"
