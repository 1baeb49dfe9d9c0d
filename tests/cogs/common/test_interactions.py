import logging

import pytest
from discord import ui

from cogs.common import texts
from cogs.common.modals import Values, known_forms, matching_forms, modal_handler
from tests.cogs.common.conftest import World
from tests.cogs.common.probes import ProbeBot, card, note_submitted


def raw_button(custom_id: str) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    return view.add_item(ui.ActionRow(ui.Button(label="press", custom_id=custom_id)))


async def test_a_control_of_an_older_version_is_answered(world: World) -> None:
    message = await world.post(raw_button("probe:v9:poke:answer"))
    await world.env.restart_bot(ProbeBot())
    result = await world.member.click(message, label="press")
    assert result.response.content == texts.OLD_CONTROL
    assert result.ephemeral


async def test_an_id_that_only_begins_like_a_known_one_is_old(world: World) -> None:
    message = await world.post(raw_button("probe:v1:poke:answer:more"))
    result = await world.member.click(message, label="press")
    assert result.response.content == texts.OLD_CONTROL


async def test_a_known_control_is_answered_once(world: World) -> None:
    result = await world.member.click(await world.post(card("row", "answer")), label="answer")
    assert result.response.content == "did answer"
    assert not result.followups


async def test_a_view_that_lives_in_memory_keeps_its_own_controls(world: World) -> None:
    class Memory(ui.View):
        @ui.button(label="press")
        async def press(self, interaction, button) -> None:
            await interaction.response.send_message("own", ephemeral=True)

    message = await world.env.bot.get_partial_messageable(world.channel.id).send(view=Memory())
    result = await world.member.click(message, label="press")
    assert result.response.content == "own"
    assert not result.followups


async def test_a_form_hands_over_what_was_typed(world: World) -> None:
    shown = await world.member.click(await world.post(card("row", "form")), label="form")
    result = await world.member.submit_modal(shown, {"note": "hello", "loud": True})
    assert result.response.content == "7: HELLO"


async def test_text_typed_across_a_restart_is_kept(world: World) -> None:
    shown = await world.member.click(await world.post(card("row", "form")), label="form")
    await world.env.restart_bot(ProbeBot())
    result = await world.member.submit_modal(shown, {"note": "typed before", "loud": False})
    assert result.response.content == "7: typed before"


async def test_a_form_that_nobody_handles_is_answered(world: World) -> None:
    shown = await world.member.click(await world.post(card("row", "old-form")), label="old-form")
    result = await world.member.submit_modal(shown, {"note": "lost"})
    assert result.response.content == texts.OLD_FORM


async def test_a_form_shows_a_domain_errors_own_text(world: World) -> None:
    shown = await world.member.click(await world.post(card("row", "form")), label="form")
    result = await world.member.submit_modal(shown, {"note": ""})
    assert result.response.content == "A note needs text."


async def test_a_form_whose_handler_raises_is_answered(world: World, caplog: pytest.LogCaptureFixture) -> None:
    shown = await world.member.click(await world.post(card("row", "form")), label="form")
    result = await world.member.submit_modal(shown, {"note": "raise"})
    error_id = result.response.content.split("`")[1]
    assert [error_id in r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == [True]


async def test_a_form_whose_handler_says_nothing_is_acknowledged(world: World) -> None:
    shown = await world.member.click(await world.post(card("row", "form")), label="form")
    assert (await world.member.submit_modal(shown, {"note": "silent"})).acknowledged


def test_values_are_found_in_labels_and_in_rows() -> None:
    values = Values(
        {
            "components": [
                {"type": 18, "id": 1, "component": {"type": 4, "custom_id": "a", "value": " typed "}},
                {"type": 18, "id": 2, "component": {"type": 3, "custom_id": "b", "values": ["2", "1"]}},
                {"type": 1, "id": 3, "components": [{"type": 4, "custom_id": "c", "value": "row"}]},
                {"type": 10, "id": 4},
                {"type": 18, "id": 5, "component": {"type": 23, "custom_id": "d", "value": True}},
            ]
        }
    )
    assert (values.text("a"), values.choices("b"), values.text("c")) == ("typed", ("2", "1"), "row")
    assert values.checked("d")


def test_an_absent_check_box_is_off() -> None:
    values = Values({"components": []})
    assert not values.checked("loud")
    assert values.text("note") == ""
    assert values.choices("roles") == ()


def test_two_handlers_cannot_share_a_template() -> None:
    template = next(iter(known_forms()))

    async def other(interaction, match, values) -> None:
        raise NotImplementedError

    with pytest.raises(ValueError, match="two handlers"):
        modal_handler(template)(other)


def test_a_form_is_found_by_its_whole_id() -> None:
    [(route, match)] = matching_forms("probe:v1:note:7")
    assert route.handler is note_submitted
    assert match["subject"] == "7"
    assert matching_forms("probe:v1:note:7:8") == []
