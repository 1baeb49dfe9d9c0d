"""A server's options: what may be set, within which bounds, and what holds until somebody does."""

import functools
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from domain.errors import InvalidInput, quoted
from domain.links import LinkMode
from domain.names import fold


class Bounds(NamedTuple):
    """Say which whole numbers an option takes, both ends included."""

    least: int
    most: int


ROSTER_HOURS: Final = Bounds(1, 24)
MEMBER_MINUTES: Final = Bounds(5, 120)
PROFILE_HOURS: Final = Bounds(6, 168)
STALE_DAYS: Final = Bounds(7, 365)
REPORT_LINES: Final = Bounds(5, 25)
DATA_DAYS: Final = Bounds(1, 30)
NOTE_DAYS: Final = Bounds(1, 90)
BOUNDS: Final[Mapping[str, Bounds]] = MappingProxyType(
    {
        "roster_hours": ROSTER_HOURS,
        "member_minutes": MEMBER_MINUTES,
        "profile_hours": PROFILE_HOURS,
        "stale_days": STALE_DAYS,
        "report_lines": REPORT_LINES,
        "data_days": DATA_DAYS,
        "note_days": NOTE_DAYS,
    }
)
UTC: Final = "UTC"


class Language(StrEnum):
    """Name a language that a server may choose for public posts, by Discord's code."""

    ENGLISH = "en-US"
    GERMAN = "de"
    SPANISH = "es-ES"
    FRENCH = "fr"
    PORTUGUESE = "pt-BR"
    RUSSIAN = "ru"
    KOREAN = "ko"


@dataclass(frozen=True, slots=True)
class Options:
    """What a server has set.

    `roster_hours`, `member_minutes` and `profile_hours` are intervals; `stale_days` are the days without a login after
    which a character is stale; `report_lines` how many findings of one type a report names;
    `data_days` the days without a whole roster or member list after which that is a finding, `note_days` those without
    an upload of notes where somebody has a key; `digest` whether the audit channel gets a digest each week.
    """

    time_zone: str = UTC
    locale: str = Language.ENGLISH
    link_mode: LinkMode = LinkMode.AUTOMATIC
    roster_hours: int = 6
    member_minutes: int = 15
    profile_hours: int = 24
    stale_days: int = 30
    report_lines: int = 20
    data_days: int = 3
    note_days: int = 7
    digest: bool = True


def with_changes(options: Options, given: Mapping[str, Any]) -> Options:
    """Give the options with some of them set, by name; raises InvalidInput for a value that cannot stand."""
    return replace(options, **{name: _valid(name, value) for name, value in given.items()})


def differences(before: Options, after: Options) -> tuple[str, ...]:
    """Give the names of the options that differ."""
    names = (field.name for field in fields(Options))
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def find_time_zones(typed: str) -> list[str]:
    """Give the time zones whose name holds what is typed; those with a place that begins so come first."""
    key = fold(typed)
    found = [(not place.startswith(key), name) for name, (whole, place) in _zones().items() if key in whole]
    return [name for _, name in sorted(found)]


def _valid(name: str, value: Any) -> Any:
    match name:
        case "time_zone":
            return _time_zone(value)
        case "locale":
            return _one_of(Language, name, value)
        case "link_mode":
            return _one_of(LinkMode, name, value)
        case "digest":
            return value
    bounds = BOUNDS[name]
    if not bounds.least <= value <= bounds.most:
        raise InvalidInput(f"`{name}` takes a whole number from {bounds.least} to {bounds.most}.")
    return value


def _one_of(choices: type[StrEnum], name: str, value: str) -> StrEnum:
    try:
        return choices(value)
    except ValueError:
        raise InvalidInput(f"`{name}` is one of {', '.join(f'`{choice}`' for choice in choices)}.") from None


def _time_zone(typed: str) -> str:
    key = fold(typed)
    fitting = [name for name, keys in _zones().items() if key in keys]
    if len(fitting) != 1:
        raise InvalidInput(
            f"There is no time zone {quoted(typed)}. Type a large city near you, for example `Berlin`, and choose from "
            "the list."
        )
    return fitting[0]


@functools.cache
def _zones() -> Mapping[str, tuple[str, str]]:
    """Give the folded name and the folded place of each time zone that is named after a place, and of UTC."""
    # Not those named by offset: their signs are the wrong way round, and folding drops them.
    places = (name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    return {name: (fold(name), fold(name.rpartition("/")[2])) for name in sorted([UTC, *places])}
