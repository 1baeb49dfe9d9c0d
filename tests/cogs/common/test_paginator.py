import pytest
from discord import ui

from cogs.common.paginator import (
    BudgetError,
    check_budget,
    count_components,
    count_text,
    fit_lines,
    paginate,
)
from cogs.common.progress import status_view
from tests.cogs.common.conftest import World
from tests.cogs.common.probes import NumberPages, ProbeBot, card, number_card, texts_of
from tests.cogs.common.templates import assert_disjoint


async def test_a_public_card_opens_an_own_copy_and_stays(world: World) -> None:
    message = await world.post(number_card("8", 0))
    result = await world.member.click(message, label="Next")
    assert result.ephemeral
    assert texts_of(result.response) == ["3, 4, 5"]
    assert texts_of(world.channel.history()[0]) == ["0, 1, 2"]


async def test_an_own_copy_pages_in_place_after_a_restart_too(world: World) -> None:
    first = await world.member.click(await world.post(number_card("8", 0)), label="Next")
    await world.env.restart_bot(ProbeBot())
    await world.member.click(first.response, label="Next")
    assert texts_of(first.response) == ["6, 7"]
    await world.member.click(first.response, label="Previous")
    assert texts_of(first.response) == ["3, 4, 5"]


def test_the_ends_of_a_list_have_no_button_to_press() -> None:
    def disabled(number: int) -> list[bool]:
        return [child.item.disabled for child in NumberPages.buttons("8", paginate(range(8), number, 3)).children]

    assert [disabled(0), disabled(1), disabled(2)] == [[True, False], [False, False], [False, True]]


def test_page_ids_fit_their_template_only() -> None:
    view = number_card("8", 1)
    assert_disjoint(
        [item.custom_id for item in view.walk_children() if isinstance(item, NumberPages)], area="probe-pages"
    )


@pytest.mark.parametrize(
    ("size", "number", "items", "at", "count"),
    [
        (3, 0, (0, 1, 2), 0, 3),
        (3, 2, (6, 7), 2, 3),
        (3, 9, (6, 7), 2, 3),
        (3, -1, (0, 1, 2), 0, 3),
        (8, 0, tuple(range(8)), 0, 1),
    ],
)
def test_a_page_lies_within_the_list(size: int, number: int, items: tuple[int, ...], at: int, count: int) -> None:
    page = paginate(range(8), number, size)
    assert (page.items, page.number, page.count) == (items, at, count)


def test_an_empty_list_has_one_empty_page() -> None:
    page = paginate((), 4, 3)
    assert (page.items, page.number, page.count) == ((), 0, 1)


@pytest.mark.parametrize(
    ("limit", "shown", "more"),
    [(0, (), 3), (3, (), 3), (4, ("aaaa",), 2), (6, ("aaaa",), 2), (7, ("aaaa", "bb"), 1), (9, ("aaaa", "bb", "c"), 0)],
)
def test_lines_fit_with_their_newlines(limit: int, shown: tuple[str, ...], more: int) -> None:
    assert fit_lines(["aaaa", "bb", "c"], limit) == (shown, more)


def test_nested_components_count() -> None:
    assert count_components(card("row", "answer")) == 2
    assert count_components(card("container", "answer")) == 4
    assert count_components(card("section", "answer")) == 4
    assert count_text(card("section", "answer")) == len("a line")


def test_a_message_may_hold_40_components_and_4000_characters() -> None:
    view = ui.LayoutView(timeout=None)
    container: ui.Container = ui.Container()
    for _ in range(38):
        container.add_item(ui.TextDisplay("x" * 100))
    view.add_item(container)
    view.add_item(ui.TextDisplay("x" * 200))
    check_budget(view)


def test_over_4000_characters_are_refused() -> None:
    check_budget(status_view("x" * 4000))
    with pytest.raises(BudgetError, match="4001 of 4000"):
        check_budget(status_view("x" * 4001))


def test_too_many_components_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # discord.py 2.7 refuses the 41st of a layout by itself; a lower limit shows that nested ones count here too.
    monkeypatch.setattr("cogs.common.paginator.COMPONENT_LIMIT", 3)
    with pytest.raises(BudgetError, match="4 of 3"):
        check_budget(card("container", "answer"))


def test_a_custom_id_that_stands_twice_is_refused() -> None:
    with pytest.raises(BudgetError, match="twice"):
        check_budget(card("row", "answer", "answer"))
