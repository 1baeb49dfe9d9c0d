from datetime import UTC, datetime
from typing import Any

import pytest

from bot.services import departures
from bot.services.departures import HeldCharacter
from cogs.common.paginator import check_budget
from cogs.sync.decisions import AskButton, DecideButton, question_card
from cogs.sync.ui import HeldPages
from domain.roster import Departure
from tests.cogs.common.templates import assert_disjoint
from tests.cogs.home import Home, card_of, labels_of, text_of

GONE = 20


@pytest.fixture
async def hall(home: Home) -> Home:
    """Let so many characters go missing at once that their departure waits."""
    await home.sync_roster()
    home.leave(GONE)
    return home


async def states(home: Home) -> list[Departure]:
    """Give the states of the held departures."""
    return [one.state for one in await departures.list_held(home.services.ctx, home.server.id)]


async def test_a_large_departure_is_shown_as_held_with_how_to_decide(hall: Home) -> None:
    result = await hall.officer.slash(hall.general, "sync roster")
    card = card_of(result)
    assert "**60 characters** in the guild." in card
    assert "20 departures wait for a decision" in card
    assert "**Apply**: they left the guild." in card
    assert labels_of(result.response) == ["Apply", "Discard"]


async def test_the_status_lists_the_held_departures_in_pages(hall: Home) -> None:
    await hall.sync_roster()
    result = await hall.officer.slash(hall.general, "sync status")
    assert text_of(result.response).count("\n- ") == 15
    assert "Page 1 of 2" in text_of(result.response)
    await hall.restart()
    await hall.officer.click(result.response, label="Next")
    assert "Page 2 of 2" in text_of(result.response)
    assert labels_of(result.response) == ["Previous", "Apply", "Discard"]


async def test_a_name_is_shown_as_typed_and_pings_nobody(hall: Home) -> None:
    world = hall.sample.world
    world.rename(hall.leave(1)[0], "@everyone*_")
    world.join(world.find("@everyone*_"), hall.sample.guild, 6)
    await hall.sync_roster()
    world.leave(world.find("@everyone*_"))
    hall.leave(GONE)
    await hall.sync_roster()
    result = await hall.officer.slash(hall.general, "sync status")
    assert "- @\u200beveryone\\*\\_ · " in card_of(result)


async def test_apply_ends_the_memberships_and_tells_how_many(hall: Home) -> None:
    await hall.sync_roster()
    result = await hall.officer.slash(hall.general, "sync apply")
    assert card_of(result) == "## Departures applied\n20 characters left **The Ember Vigil**."
    assert await states(hall) == []
    assert "**40 characters**" in card_of(await hall.officer.slash(hall.general, "sync roster"))


async def test_discard_keeps_them_as_members(hall: Home) -> None:
    await hall.sync_roster()
    result = await hall.officer.slash(hall.general, "sync discard")
    assert "20 characters stay in **The Ember Vigil**" in card_of(result)
    assert set(await states(hall)) == {Departure.KEPT}
    status = await hall.officer.slash(hall.general, "sync status")
    assert "20 characters missing from the roster, kept by an officer." in card_of(status)
    assert labels_of(status.response) == ["Next"]


async def test_with_nothing_held_there_is_nothing_to_decide(home: Home) -> None:
    await home.sync_roster()
    for command in ("apply", "discard"):
        result = await home.officer.slash(home.general, f"sync {command}")
        assert home.refused(result) == "No departures wait for a decision. Somebody may have decided already."


async def test_the_apply_button_asks_with_names_and_then_decides_after_restarts_too(hall: Home) -> None:
    shown = await hall.officer.slash(hall.general, "sync roster")
    await hall.restart()
    question = await hall.officer.click(shown.response, label="Apply")
    assert question.ephemeral
    assert text_of(question.response).startswith("## Let 20 characters go?\n- ")
    assert set(await states(hall)) == {Departure.HELD}
    await hall.restart()
    await hall.officer.click(question.response, label="Apply: 20 characters")
    assert text_of(question.response) == "## Departures applied\n20 characters left **The Ember Vigil**."
    assert await states(hall) == []


async def test_the_discard_button_keeps_them(hall: Home) -> None:
    shown = await hall.officer.slash(hall.general, "sync roster")
    question = await hall.officer.click(shown.response, label="Discard")
    assert text_of(question.response).startswith("## Keep 20 characters?")
    await hall.officer.click(question.response, label="Keep: 20 characters")
    assert set(await states(hall)) == {Departure.KEPT}


async def test_of_two_officers_who_decide_the_second_hears_that_it_is_done(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await hall.sync_roster()
    await hall.deliver()
    notice = hall.audit.history()[0]
    first = await hall.officer.click(notice, label="Apply")
    second = await hall.deputy.click(notice, label="Discard")
    await hall.officer.click(first.response, label="Apply: 20 characters")
    late = await hall.deputy.click(second.response, label="Keep: 20 characters")
    assert [text_of(message) for message in late.followups] == [
        "No departures wait for a decision. Somebody may have decided already."
    ]
    assert await states(hall) == []


async def test_nobody_decides_about_other_departures_than_were_shown(hall: Home) -> None:
    shown = await hall.officer.slash(hall.general, "sync roster")
    question = await hall.officer.click(shown.response, label="Apply")
    hall.leave(1)
    await hall.sync_roster()
    await hall.officer.click(question.response, label="Apply: 20 characters")
    assert "**The departures changed meanwhile.**" in text_of(question.response)
    assert set(await states(hall)) == {Departure.HELD}
    await hall.officer.click(question.response, label="Apply: 21 characters")
    assert await states(hall) == []


async def test_what_a_roster_holds_while_the_click_waits_for_it_is_not_decided_unseen(
    hall: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await hall.officer.slash(hall.general, "sync roster")
    question = await hall.officer.click(shown.response, label="Apply")
    decide = departures.decide

    async def decide_after_a_roster(*args: Any, **options: Any) -> departures.Decision:
        hall.leave(5)
        await hall.sync_roster()
        return await decide(*args, **options)

    monkeypatch.setattr(departures, "decide", decide_after_a_roster)
    await hall.officer.click(question.response, label="Apply: 20 characters")
    assert "**The departures changed meanwhile.**" in text_of(question.response)
    assert labels_of(question.response) == ["Apply: 25 characters"]
    assert await states(hall) == [Departure.HELD] * 25


async def test_what_another_officer_discarded_is_not_applied_by_an_older_question(hall: Home) -> None:
    shown = await hall.officer.slash(hall.general, "sync roster")
    question = await hall.officer.click(shown.response, label="Apply")
    await hall.deputy.slash(hall.general, "sync discard")
    late = await hall.officer.click(question.response, label="Apply: 20 characters")
    assert [text_of(message) for message in late.followups] == [departures.NOTHING_WAITS]
    assert set(await states(hall)) == {Departure.KEPT}


async def test_the_notice_stands_in_the_audit_channel_once_and_tells_who_decided(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await hall.sync_roster()
    await hall.sync_roster()
    await hall.deliver()
    (notice,) = hall.audit.history()
    assert "20 characters went missing from the roster of **The Ember Vigil** at once." in text_of(notice)
    assert labels_of(notice) == ["Apply", "Discard"]
    await hall.deputy.slash(hall.general, "sync apply")
    assert text_of(hall.audit.history()[-1]) == (
        f"## Departures applied\n<@{hall.deputy.id}> applied the held departures: 20 characters left "
        "**The Ember Vigil**."
    )


async def test_a_notice_that_comes_too_late_asks_for_nothing(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await hall.sync_roster()
    await departures.decide(hall.services.ctx, hall.server.id, apply=False, actor_id=hall.officer.id)
    await hall.deliver()
    late, decided = hall.audit.history()
    assert "decided about meanwhile" in text_of(late)
    assert labels_of(late) == []
    assert "discarded the held departures: 20 characters stay" in text_of(decided)


async def test_officers_of_another_server_are_told_that_it_was_decided_elsewhere(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await hall.sync_roster()
    other = hall.env.create_guild("Ember Annexe")
    await hall.env.settle()
    await hall.follow_on(other)
    await departures.decide(hall.services.ctx, other.id, apply=True, actor_id=hall.plain.id)
    await hall.deliver()
    assert f"<@{hall.plain.id}>, an officer of another server, applied" in text_of(hall.audit.history()[-1])


def test_the_ids_of_the_buttons_fit_one_template_each() -> None:
    decides = [DecideButton(act, "0123456789ab", waiting=2).custom_id for act in ("apply", "discard")]
    assert_disjoint([AskButton("apply").custom_id, AskButton("discard").custom_id, *decides], area="departures")
    assert_disjoint([HeldPages("held", 3).custom_id], area="sync-status")


def test_a_question_about_very_many_departures_fits_into_a_message() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    waiting = [HeldCharacter("*" * 12, "_" * 30, Departure.HELD, moment) for _ in range(1_000)]
    card = question_card(waiting, "apply", changed=True)
    check_budget(card)
    assert "more: `/sync status` lists them." in str(card.to_components())


@pytest.mark.parametrize("label", ["Apply", "Discard"])
async def test_the_buttons_of_a_public_notice_refuse_who_is_no_officer(hall: Home, label: str) -> None:
    await hall.report_to(hall.general)
    await hall.sync_roster()
    await hall.deliver()
    result = await hall.plain.click(hall.general.history()[0], label=label)
    assert "Only officers" in card_of(result)
    assert set(await states(hall)) == {Departure.HELD}


async def test_an_officer_who_lost_the_right_can_no_longer_decide(hall: Home) -> None:
    shown = await hall.deputy.slash(hall.general, "sync roster")
    question = await hall.deputy.click(shown.response, label="Apply")
    await hall.take_rights(hall.deputy)
    late = await hall.deputy.click(question.response, label="Apply: 20 characters")
    assert "Only officers" in card_of(late)
    assert set(await states(hall)) == {Departure.HELD}


async def test_departures_are_held_and_decided_with_no_channel_set(hall: Home) -> None:
    shown = await hall.officer.slash(hall.general, "sync roster")
    assert labels_of(shown.response) == ["Apply", "Discard"]
    await hall.officer.slash(hall.general, "sync apply")
    await hall.deliver()
    assert await states(hall) == []
    assert hall.audit.history() == []
