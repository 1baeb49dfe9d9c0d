import logging

import pytest
from discord import ui

from cogs.common.item import MusterItem, is_ours, known_items, make_id, matching_items
from tests.cogs.common.conftest import World
from tests.cogs.common.probes import Poke, ProbeBot, Tick, card
from tests.cogs.common.templates import assert_disjoint, collect_templates

PLACES = ("row", "container", "section")
SAMPLES = ("probe:v1:poke:answer", "probe:v1:tick", "probe:v1:note:7")


@pytest.mark.parametrize("place", PLACES)
async def test_a_control_answers_wherever_it_stands(world: World, place: str) -> None:
    result = await world.member.click(await world.post(card(place, "answer")), label="answer")
    assert result.response.content == "did answer"
    assert result.ephemeral


@pytest.mark.parametrize("place", PLACES)
async def test_a_control_answers_after_a_restart(world: World, place: str) -> None:
    message = await world.post(card(place, "answer"))
    await world.env.restart_bot(ProbeBot())
    result = await world.member.click(message, label="answer")
    assert result.response.content == "did answer"


async def test_a_control_may_defer_first(world: World) -> None:
    result = await world.member.click(await world.post(card("row", "defer")), label="defer")
    assert result.response.content == "did defer"


@pytest.mark.parametrize("place", PLACES)
async def test_a_control_that_raises_answers_with_an_id_that_is_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    result = await world.member.click(await world.post(card(place, "raises")), label="raises")
    error_id = result.response.content.split("`")[1]
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [error_id in record.getMessage() for record in logged] == [True]
    assert logged[0].exc_info is not None
    assert "the control is broken" not in result.response.content


async def test_a_control_that_raises_after_its_defer_answers_too(world: World) -> None:
    result = await world.member.click(await world.post(card("row", "defer-raises")), label="defer-raises")
    assert "error id" in result.response.content
    assert result.ephemeral


async def test_a_control_that_cannot_be_loaded_answers_and_does_not_run(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    result = await world.member.click(await world.post(card("section", "load-raises")), label="load-raises")
    assert "error id" in result.response.content
    assert not result.followups
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1


async def test_a_control_of_something_gone_says_so(world: World) -> None:
    result = await world.member.click(await world.post(card("container", "load-misses")), label="load-misses")
    assert result.response.content == "That order is no longer there."


async def test_a_control_that_says_nothing_is_acknowledged(world: World) -> None:
    result = await world.member.click(await world.post(card("row", "silent")), label="silent")
    assert result.acknowledged


async def test_the_permission_is_checked_at_the_click(world: World) -> None:
    message = await world.post(card("row", "officers"))
    assert (await world.member.click(message, label="officers")).response.content == "Officers only."
    assert (await world.officer.click(message, label="officers")).response.content == "did officers"


async def test_editing_a_view_twice_does_not_silence_the_controls_of_other_messages(world: World) -> None:
    other = await world.post(card("row", Tick()))
    await world.member.click(await world.post(card("row", "drops-others")), label="drops-others")
    assert (await world.member.click(other, label="tick")).response.content == "tock"


async def test_every_defined_control_is_answered_by_the_bot(world: World) -> None:
    assert collect_templates(world.env.bot) >= set(known_items())


def test_templates_are_disjoint() -> None:
    assert_disjoint(SAMPLES, area="probe")


def test_a_template_without_a_sample_is_reported() -> None:
    with pytest.raises(AssertionError, match="no sample id for"):
        assert_disjoint(SAMPLES[:1], area="probe")


def test_an_id_that_fits_no_template_is_reported() -> None:
    with pytest.raises(AssertionError, match="fits"):
        assert_disjoint(["probe:v1:poke:UPPER"], area="probe")


def test_only_a_full_match_is_a_match() -> None:
    assert matching_items("probe:v1:poke:answer") == [Poke]
    assert matching_items("probe:v1:poke:answer:more") == []
    assert matching_items("x-probe:v1:poke:answer") == []


def test_two_controls_cannot_share_a_template() -> None:
    with pytest.raises(ValueError, match="share the template"):

        class Other(MusterItem, template=r"probe:v1:tick"):
            pass


@pytest.mark.parametrize("template", [r"probe:tick", r".*", r"(?P<a>x):v1:y", r"Probe:v1:x", r"probe:v0:x"])
def test_a_template_names_its_area_and_version(template: str) -> None:
    with pytest.raises(ValueError, match="a template begins with"):

        class Loose(MusterItem, template=template):
            pass


def test_an_id_is_built_from_its_parts() -> None:
    assert make_id("audit", 1, "page", 12, "a_b-c~d.e") == "audit:v1:page:12:a_b-c~d.e"
    assert len(make_id("a", 1, "x" * 95)) == 100


@pytest.mark.parametrize(
    ("area", "version", "parts"),
    [
        ("audit", 1, ("x" * 93,)),
        ("audit", 1, ("a:b",)),
        ("audit", 1, ("",)),
        ("audit", 1, ("é",)),
        ("audit", 1, ()),
        ("audit", 0, ("a",)),
        ("Audit", 1, ("a",)),
        ("", 1, ("a",)),
    ],
)
def test_an_id_that_could_be_misread_or_is_too_long_is_refused(area: str, version: int, parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"custom id|not an area"):
        make_id(area, version, *parts)


@pytest.mark.parametrize(
    ("custom_id", "ours"),
    [("audit:v1:page:1", True), ("audit:v12:x", True), ("9f86d081884c7d659a2feaa0c55ad015", False), ("audit:x", False)],
)
def test_an_id_of_ours_shows_its_area_and_version(custom_id: str, ours: bool) -> None:
    assert is_ours(custom_id) is ours


def test_a_select_can_be_a_control() -> None:
    class Choose(MusterItem, template=r"probe-choose:v1:x"):
        def __init__(self) -> None:
            super().__init__(ui.Select(custom_id="probe-choose:v1:x"))

    assert Choose().custom_id == "probe-choose:v1:x"
