"""The weekly digest: when it is due."""

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

AT: Final = time(9)
"""On a Monday, by the server's own clocks."""
WEEK: Final = timedelta(weeks=1)
LATEST: Final = timedelta(days=3)
"""How long a digest that was missed is still made up for; later than that, the next one tells as much."""
APART: Final = timedelta(days=2)
"""The least between two digests, whatever becomes of the time zone meanwhile."""
WEEKS_SHOWN: Final = 8


def last_slot(now: datetime, zone: tzinfo) -> datetime:
    """Give the last Monday at 9:00 of a zone, as it is then in UTC, that is not after a moment."""
    here = now.astimezone(zone)
    monday = here.date() - timedelta(days=here.weekday())
    slot = datetime.combine(monday, AT, zone).astimezone(UTC)
    if slot > now:
        # A week before by the calendar: a week in which clocks change has not 168 hours.
        slot = datetime.combine(monday - WEEK, AT, zone).astimezone(UTC)
    return slot


def is_due(now: datetime, zone: tzinfo, *, last: datetime | None, since: datetime) -> bool:
    """Tell whether a server's digest is due.

    `last` is when the one before was made, `since` when the server began to follow its guild: before that there is
    nothing to tell. A `last` that is still to come is of a clock that was set back, and counts as none.
    """
    slot = last_slot(now, zone)
    if since >= slot or now - slot > LATEST:
        return False
    return last is None or last > now or slot - last >= APART


def weeks_back(now: datetime, since: datetime) -> tuple[datetime, ...]:
    """Give the moments at which a trend is drawn: now and whole weeks before it, from `since` on."""
    moments = (now - number * WEEK for number in reversed(range(WEEKS_SHOWN)))
    return tuple(moment for moment in moments if moment >= since)
