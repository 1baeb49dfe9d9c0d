"""The kinds of acts in the action log."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ActKind(StrEnum):
    """Name what an act is about, as officers look for it."""

    LINKS = "links"
    PLAYERS = "players"
    FINDINGS = "findings"
    ROLES = "roles"
    SETTINGS = "settings"


class Doer(StrEnum):
    """Name who acted."""

    PEOPLE = "people"
    MUSTER = "muster"
    ALL = "all"


AREAS: Final[Mapping[ActKind, tuple[str, ...]]] = MappingProxyType(
    {
        ActKind.LINKS: ("link", "member", "claim", "alias", "proof"),
        ActKind.PLAYERS: ("player", "privacy"),
        ActKind.FINDINGS: ("finding", "departures"),
        ActKind.ROLES: ("role", "rank"),
        ActKind.SETTINGS: ("setup", "rule", "addon"),
    }
)
"""The first parts of the names of each kind's acts: `link.add` is of the area `link`."""
