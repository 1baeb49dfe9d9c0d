"""Findings that cards of other features mend: the way there, and that the finding closes."""

import pytest
import simcord

from bot.services import departures, ranks
from cogs.audit.fixes.borrowed import DEPARTURES, RANKS
from cogs.common.item import matching_items
from domain.audit import State
from tests.cogs.audit.acting import open_card, standing, state_of
from tests.cogs.hall import map_rank, owner_of, role_facts
from tests.cogs.home import Home, card_of, labels_of, text_of

GONE = 20


@pytest.fixture
async def hall(home: Home) -> Home:
    """Let roster and members be read once."""
    await home.sync_roster()
    await home.sync_members()
    return home


async def ask(home: Home, label: str) -> simcord.InteractionResult:
    """Let many go missing at once, open the finding, and begin a decision there."""
    home.leave(GONE)
    await home.sync_roster()
    [finding] = (await standing(home, "held_departures")).values()
    shown = await open_card(home, finding)
    assert labels_of(shown.response)[:2] == ["Apply", "Discard"]
    return await home.officer.click(shown.response, label=label)


@pytest.mark.parametrize(("label", "decide", "left"), [("Apply", "Apply: 20", 40), ("Discard", "Keep: 20", 60)])
async def test_held_departures_are_decided_from_their_finding_which_closes(
    hall: Home, label: str, decide: str, left: int
) -> None:
    asked = await ask(hall, label)
    [finding] = (await standing(hall, "held_departures")).values()
    assert asked.ephemeral

    await hall.officer.click(asked.response, label=f"{decide} characters")

    assert (await state_of(hall, finding)).state is State.RESOLVED
    view = await ranks.view(hall.services.ctx, hall.server.id)
    assert sum(rank.characters for rank in view.ranks) == left


async def test_departures_that_another_officer_decided_meanwhile_are_told_to_be_decided(hall: Home) -> None:
    asked = await ask(hall, "Apply")
    await departures.decide(hall.services.ctx, hall.server.id, apply=False, actor_id=hall.deputy.id)
    answer = await hall.officer.click(asked.response, label="Apply: 20 characters")
    assert "No departures wait for a decision" in text_of(answer.followups[-1])


async def test_a_rank_gets_its_role_from_the_finding_which_closes(hall: Home) -> None:
    await map_rank(hall, 0, "Master")
    await hall.sync_members()
    finding = (await standing(hall, "unmapped_rank"))[3]
    shown = await open_card(hall, finding)
    await hall.restart()
    await hall.officer.click(shown.response, label="Ranks and roles")
    assert "`3` **Rank 3** · no role" in text_of(shown.response)
    veteran = hall.server.create_role("Veteran")
    await hall.env.settle()
    await ranks.map_role(hall.services.ctx, hall.server.id, 3, role_facts(hall, veteran), chooser=owner_of(hall))
    await hall.sync_members()
    assert (await state_of(hall, finding)).state is State.RESOLVED
    assert "settled" in card_of(await open_card(hall, finding))


def test_the_borrowed_buttons_are_those_of_living_controls() -> None:
    for custom_id in (*DEPARTURES, RANKS):
        assert len(matching_items(custom_id)) == 1
