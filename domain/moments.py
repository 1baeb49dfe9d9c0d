"""Moments as officers type them."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from domain.errors import InvalidInput, quoted
from domain.visible import one_line

LONGEST: Final = timedelta(days=730)
"""What ends later is forgotten by everybody: better no end at all, which the cards then say."""
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing happened before: years at the calendar's beginning do not fit into every zone."""
# Where clocks are set back at midnight, the day has this second twice: it ends with the later one.
LAST_SECOND: Final = time(23, 59, 59, fold=1)

_FORM = re.compile(r"(?P<number>\d{1,4})\s*(?P<unit>[dw])|(?P<date>\d{4}-\d{2}-\d{2})", re.ASCII | re.IGNORECASE)
_UNITS: Final = {"d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_until(text: str, *, now: datetime, zone: tzinfo) -> datetime:
    """Give the moment at which something ends: `30d`, `6w`, or the last second of a day of the zone as `2026-12-31`.

    Raises InvalidInput for anything else, for what is over and for what is more than two years away.
    """
    form = _FORM.fullmatch(one_line(text))
    if form is None:
        raise InvalidInput(f"{quoted(text)} is no time. Use days (`30d`), weeks (`6w`) or a date (`2026-12-31`).")
    day, unit = form["date"], form["unit"]
    end = _moment(day, LAST_SECOND, zone) if day else now + int(form["number"]) * _UNITS[unit.lower()]
    if end <= now:
        raise InvalidInput(f"{quoted(text)} is over already. Give a time that is still to come.")
    if end - now > LONGEST:
        raise InvalidInput(f"{quoted(text)} is more than two years away. Leave `until` out for no end.")
    return end.astimezone(UTC)


def parse_since(text: str, *, now: datetime, zone: tzinfo) -> datetime:
    """Give the moment from which on something is looked for: `7d` or `2w` ago, or the start of a day of the zone.

    Raises InvalidInput for anything else, and for what is still to come.
    """
    form = _FORM.fullmatch(one_line(text))
    if form is None:
        raise InvalidInput(f"{quoted(text)} is no time. Use days (`7d`), weeks (`2w`) or a date (`2026-12-31`).")
    day, unit = form["date"], form["unit"]
    start = _moment(day, time.min, zone) if day else now - int(form["number"]) * _UNITS[unit.lower()]
    if start > now:
        raise InvalidInput(f"{quoted(text)} is still to come. Give a time that is past.")
    return max(start, EARLIEST).astimezone(UTC)


def _moment(day: str, at: time, zone: tzinfo) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day), at, zone)
    except ValueError:
        raise InvalidInput(f"{quoted(day)} is no day of the calendar. Write it as `2026-12-31`.") from None
