"""What a server may set, and how a time zone is found."""

import zoneinfo
from dataclasses import fields

import pytest

from domain.errors import InvalidInput
from domain.links import LinkMode
from domain.options import BOUNDS, Language, Options, differences, find_time_zones, with_changes


def test_what_holds_until_somebody_sets_it_lies_within_the_bounds() -> None:
    options = Options()
    assert with_changes(options, {field.name: getattr(options, field.name) for field in fields(Options)}) == options


@pytest.mark.parametrize("name", BOUNDS)
def test_a_number_is_taken_up_to_both_bounds_and_not_beyond(name: str) -> None:
    least, most = BOUNDS[name]
    for value in (least, most):
        assert getattr(with_changes(Options(), {name: value}), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(InvalidInput, match=rf"`{name}` takes a whole number from {least} to {most}\."):
            with_changes(Options(), {name: value})


def test_what_is_not_given_stays() -> None:
    before = Options(time_zone="Asia/Seoul", stale_days=90)
    after = with_changes(before, {"roster_hours": 3, "stale_days": 90})
    assert after == Options(time_zone="Asia/Seoul", stale_days=90, roster_hours=3)
    assert differences(before, after) == ("roster_hours",)
    assert differences(after, after) == ()


@pytest.mark.parametrize(
    ("name", "value", "expected"), [("locale", "de", Language.GERMAN), ("link_mode", "off", LinkMode.OFF)]
)
def test_a_choice_is_known_by_its_value(name: str, value: str, expected: object) -> None:
    assert getattr(with_changes(Options(), {name: value}), name) is expected
    with pytest.raises(InvalidInput, match=rf"`{name}` is one of `"):
        with_changes(Options(), {name: "tlh"})


@pytest.mark.parametrize("typed", ["Europe/Berlin", "europe/berlin", "Berlin", " BERLIN ", "europe berlin", "Bérlin"])
def test_a_time_zone_is_taken_however_it_is_typed(typed: str) -> None:
    assert with_changes(Options(), {"time_zone": typed}).time_zone == "Europe/Berlin"


@pytest.mark.parametrize("typed", ["", "***", "Mordor", "Europe/", "GMT+5", "Louisville", "localtime"])
def test_what_names_no_single_time_zone_is_refused_with_what_to_type(typed: str) -> None:
    with pytest.raises(InvalidInput, match=r"no time zone .*Type a large city near you"):
        with_changes(Options(), {"time_zone": typed})


def test_every_time_zone_that_is_offered_can_be_chosen_and_used() -> None:
    offered = find_time_zones("")
    assert "UTC" in offered
    assert len(offered) > 400
    for name in offered:
        assert with_changes(Options(), {"time_zone": name}).time_zone == name
        assert zoneinfo.ZoneInfo(name).key == name


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("berl", ["Europe/Berlin"]),
        ("NEW YO", ["America/New_York"]),
        ("sao pau", ["America/Sao_Paulo"]),
        ("europe/lon", ["Europe/London"]),
        ("nowhere", []),
    ],
)
def test_time_zones_are_found_by_any_part_of_their_name(typed: str, found: list[str]) -> None:
    assert find_time_zones(typed) == found


def test_places_that_begin_with_what_is_typed_come_first() -> None:
    places = [name.rpartition("/")[2].lower() for name in find_time_zones("mar")]
    begins = [place.startswith("mar") for place in places]
    assert begins == sorted(begins, reverse=True)
    assert len(set(begins)) == 2
