from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from domain.errors import InvalidInput
from domain.moments import parse_since, parse_until

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
BERLIN, NEW_YORK, KIRITIMATI = map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Pacific/Kiritimati"))
BEIRUT = ZoneInfo("Asia/Beirut")


@pytest.mark.parametrize(
    ("text", "zone", "end"),
    [
        ("30d", UTC, NOW + timedelta(days=30)),
        ("1d", BERLIN, NOW + timedelta(days=1)),
        (" 6 W ", UTC, NOW + timedelta(weeks=6)),
        ("6w\u200b", UTC, NOW + timedelta(weeks=6)),  # pasted
        ("730d", UTC, NOW + timedelta(days=730)),
        ("2026-12-31", UTC, datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-12-31", BERLIN, datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)),
        ("2026-06-30", BERLIN, datetime(2026, 6, 30, 21, 59, 59, tzinfo=UTC)),
        ("2026-12-31", NEW_YORK, datetime(2027, 1, 1, 4, 59, 59, tzinfo=UTC)),
        ("2026-03-10", UTC, datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC)),
        ("2028-02-29", UTC, datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_end_is_days_weeks_or_the_end_of_a_day_in_the_servers_time_zone(
    text: str, zone: tzinfo, end: datetime
) -> None:
    assert parse_until(text, now=NOW, zone=zone) == end


def test_a_day_whose_last_hour_comes_twice_ends_with_the_second() -> None:
    end = parse_until("2026-10-24", now=NOW, zone=BEIRUT)
    assert end == datetime(2026, 10, 24, 21, 59, 59, tzinfo=UTC)
    assert (end + timedelta(seconds=1)).astimezone(BEIRUT).date() == date(2026, 10, 25)


def test_a_moment_is_given_in_utc() -> None:
    assert parse_until("2026-12-31", now=NOW, zone=BERLIN).tzinfo is UTC


@pytest.mark.parametrize("text", ["", "soon", "30", "d", "-3d", "3h", "1.5d", "12345d", "31.12.2026", "2026-1-1", "٣d"])
def test_anything_else_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_until(text, now=NOW, zone=UTC)
    assert "Use days (`30d`), weeks (`6w`) or a date (`2026-12-31`)." in refused.value.text


@pytest.mark.parametrize("text", ["2026-02-29", "2026-13-01", "2026-00-10", "0000-01-01"])
def test_a_day_that_no_calendar_has_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no day of the calendar"):
        parse_until(text, now=NOW, zone=UTC)


@pytest.mark.parametrize(("text", "zone"), [("2026-03-09", UTC), ("0d", UTC), ("0w", UTC), ("0001-01-01", KIRITIMATI)])
def test_what_is_over_is_refused(text: str, zone: tzinfo) -> None:
    with pytest.raises(InvalidInput, match="is over already"):
        parse_until(text, now=NOW, zone=zone)


@pytest.mark.parametrize(
    ("zone", "over"),
    [(KIRITIMATI, True), (NEW_YORK, False)],
)
def test_today_is_the_day_of_the_servers_time_zone(zone: tzinfo, over: bool) -> None:
    late = datetime(2026, 3, 11, 1, 0, tzinfo=UTC)
    if over:
        with pytest.raises(InvalidInput, match="is over already"):
            parse_until("2026-03-10", now=late, zone=zone)
    else:
        assert parse_until("2026-03-10", now=late, zone=zone) > late


@pytest.mark.parametrize(
    ("text", "zone"), [("731d", UTC), ("9999w", UTC), ("2028-03-10", UTC), ("9999-12-31", NEW_YORK)]
)
def test_more_than_two_years_is_refused_with_what_to_do(text: str, zone: tzinfo) -> None:
    with pytest.raises(InvalidInput, match="Leave `until` out for no end"):
        parse_until(text, now=NOW, zone=zone)


@pytest.mark.parametrize(
    ("text", "zone", "start"),
    [
        ("7d", UTC, NOW - timedelta(days=7)),
        ("2 W", BERLIN, NOW - timedelta(weeks=2)),
        ("0d", UTC, NOW),
        ("2026-03-01", UTC, datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01", BERLIN, datetime(2026, 2, 28, 23, tzinfo=UTC)),
        ("0001-01-01", KIRITIMATI, datetime(2000, 1, 1, tzinfo=UTC)),
        ("9999w", UTC, datetime(2000, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_start_is_days_or_weeks_ago_or_the_start_of_a_day_in_the_servers_time_zone(
    text: str, zone: tzinfo, start: datetime
) -> None:
    found = parse_since(text, now=NOW, zone=zone)
    assert (found, found.tzinfo) == (start, UTC)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lately", "Use days (`7d`), weeks (`2w`) or a date"),
        ("2026-02-29", "no day of the calendar"),
        ("2026-03-11", "is still to come"),
        ("9999-12-31", "is still to come"),
    ],
)
def test_a_start_that_is_none_or_still_to_come_is_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_since(text, now=NOW, zone=NEW_YORK)
    assert told in refused.value.text
