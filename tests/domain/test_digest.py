"""The digest: each Monday at nine by the server's own clocks, once, and not long after."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.digest import APART, LATEST, WEEK, WEEKS_SHOWN, is_due, last_slot, weeks_back

BERLIN, NEW_YORK, AUCKLAND, UTC_ZONE = map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Pacific/Auckland", "UTC"))
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zone", "slot"),
    [
        ("2026-01-05T09:00", UTC_ZONE, "2026-01-05T09:00"),
        ("2026-01-05T08:59", UTC_ZONE, "2025-12-29T09:00"),
        ("2026-01-11T23:59", UTC_ZONE, "2026-01-05T09:00"),
        # Winter and summer: nine o'clock is nine o'clock.
        ("2026-01-05T08:00", BERLIN, "2026-01-05T08:00"),
        ("2026-07-06T07:00", BERLIN, "2026-07-06T07:00"),
        ("2026-07-06T06:59", BERLIN, "2026-06-29T07:00"),
        ("2026-01-05T14:00", NEW_YORK, "2026-01-05T14:00"),
        # Monday begins in Auckland while it is Sunday elsewhere.
        ("2026-01-04T20:00", AUCKLAND, "2026-01-04T20:00"),
        # The weeks in which clocks change have 167 and 169 hours.
        ("2026-03-30T07:00", BERLIN, "2026-03-30T07:00"),
        ("2026-03-30T06:59", BERLIN, "2026-03-23T08:00"),
        ("2026-10-26T08:00", BERLIN, "2026-10-26T08:00"),
        ("2026-10-26T07:59", BERLIN, "2026-10-19T07:00"),
    ],
)
def test_the_last_slot_is_a_monday_at_nine_by_the_servers_clocks(now: str, zone: ZoneInfo, slot: str) -> None:
    assert last_slot(at(now), zone) == at(slot)


def test_through_two_years_of_clock_changes_each_week_has_one_digest() -> None:
    now, last, made = at("2026-01-02T00:00"), None, []
    while now < at("2028-01-01T00:00"):
        if is_due(now, BERLIN, last=last, since=LONG_AGO):
            last = now
            made.append(now.astimezone(BERLIN))
        now += timedelta(minutes=30)
    assert len(made) == 104
    assert {(one.weekday(), one.hour, one.minute) for one in made} == {(0, 9, 0)}


def test_a_digest_missed_is_made_up_for_once_and_not_when_it_is_old() -> None:
    monday = at("2026-01-05T09:00")
    for late in (timedelta(hours=5), LATEST):
        assert is_due(monday + late, UTC_ZONE, last=monday - WEEK, since=LONG_AGO)
        assert not is_due(monday + late, UTC_ZONE, last=monday + timedelta(minutes=1), since=LONG_AGO)
    assert not is_due(monday + LATEST + timedelta(minutes=1), UTC_ZONE, last=monday - WEEK, since=LONG_AGO)


def test_a_digest_that_came_late_does_not_cost_the_next_one() -> None:
    monday = at("2026-01-05T09:00")
    assert is_due(monday + WEEK, UTC_ZONE, last=monday + LATEST, since=LONG_AGO)


def test_another_time_zone_makes_no_second_digest_of_the_same_week() -> None:
    made = last_slot(at("2026-01-05T00:00"), AUCKLAND)
    for zone in (UTC_ZONE, BERLIN, NEW_YORK, ZoneInfo("Pacific/Honolulu")):
        slot = last_slot(made + timedelta(days=1, hours=6), zone)
        assert slot - made < APART
        assert not is_due(slot, zone, last=made, since=LONG_AGO)


def test_a_server_without_a_digest_gets_its_first_one_on_the_monday_after_it_chose_its_guild() -> None:
    monday = at("2026-01-05T09:00")
    since = monday + timedelta(minutes=1)
    assert not is_due(since + timedelta(hours=3), UTC_ZONE, last=None, since=since)
    assert is_due(monday + WEEK, UTC_ZONE, last=None, since=since)
    assert is_due(monday, UTC_ZONE, last=None, since=monday - timedelta(minutes=1))


def test_a_digest_dated_ahead_by_a_clock_set_back_since_holds_up_none() -> None:
    monday = at("2026-01-05T09:00")
    assert is_due(monday, UTC_ZONE, last=monday + timedelta(days=900), since=LONG_AGO)


def test_a_trend_goes_back_eight_weeks_and_no_further_than_the_guild_is_followed() -> None:
    now = at("2026-03-02T09:00")
    whole = weeks_back(now, LONG_AGO)
    assert (len(whole), whole[0], whole[-1]) == (WEEKS_SHOWN, now - 7 * WEEK, now)
    assert weeks_back(now, now - 2 * WEEK) == whole[-3:]
    assert weeks_back(now, now - timedelta(days=1)) == (now,)
