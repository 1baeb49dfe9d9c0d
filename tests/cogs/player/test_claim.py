"""A member claims a character, officers decide by card or list, and the member is told."""

import pytest
import simcord

from bot.services import claims, links
from cogs.common import texts as common_texts
from cogs.common.paginator import check_budget
from cogs.player import claim_texts
from cogs.player.claim_ui import LISTED, claim_card, list_card
from domain.links import Source
from sandbox.world import Character
from tests.cogs.hall import choose_officers
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import read_all, shrink
from tests.cogs.player.longest import longest_claim
from tests.cogs.player.small import cards, claim, custom_id, me, source_of, told, waiting_id
from tests.support import forge

BUTTONS = ["Confirm", "Refuse"]
GUILD_SIZE = 4


@pytest.fixture
async def hall(home: Home) -> Home:
    """Read a small guild once; the officers have a channel."""
    shrink(home, GUILD_SIZE)
    await read_all(home)
    await home.report_to(home.audit)
    return home


@pytest.fixture
def free(hall: Home) -> list[Character]:
    """Give the characters that are nobody's."""
    return [one for one in hall.sample.world.members(hall.sample.guild) if one.name not in hall.namesakes]


async def officer_by_role(home: Home) -> simcord.MemberActor:
    """Let somebody be an officer who does not manage the server."""
    council = home.server.create_role("Council")
    cora = home.server.add_member(home.env.create_user("cora"), roles=[council])
    await home.env.advance_time(6)
    await choose_officers(home, council)
    return cora


async def test_a_claim_asks_the_officers_and_grants_nothing(hall: Home, free: list[Character]) -> None:
    said = await claim(hall, free[0].name)
    assert said.startswith(f"You have claimed **{free[0].name}** · {free[0].realm.name}. The officers have been asked.")
    assert "gives no rank and no role" in said
    await hall.deliver()
    [card] = cards(hall)
    text = text_of(card)
    assert f"### Claim: **{free[0].name}** · {free[0].realm.name}\n<@{hall.plain.id}> mia (mia) says" in text
    assert f"Rank {free[0].rank}" in text
    assert claim_texts.NOBODYS in text
    assert claim_texts.NOTHING_SPEAKS in text
    assert labels_of(card) == BUTTONS
    assert await source_of(hall, hall.plain.id) == []


async def test_a_confirmed_claim_is_proven_told_to_the_member_and_the_card_says_who_did_it(
    hall: Home, free: list[Character]
) -> None:
    await claim(hall, free[0].name)
    await hall.deliver()
    [card] = cards(hall)
    await hall.restart()
    await hall.officer.click(card, label="Confirm")
    await hall.deliver()
    [card] = cards(hall)
    assert f"✅ Confirmed by <@{hall.officer.id}>" in text_of(card)
    assert labels_of(card) == []
    assert await source_of(hall, hall.plain.id) == [(free[0].name, Source.CLAIM, True)]
    [word] = told(hall, hall.plain)
    assert word.startswith("## Claim confirmed\nAn officer of **Ember Hall** confirmed that")
    assert str(hall.officer.id) not in word


async def test_a_refused_claim_is_told_and_shown(hall: Home, free: list[Character]) -> None:
    await claim(hall, free[0].name)
    await hall.deliver()
    [card] = cards(hall)
    await hall.officer.click(card, label="Refuse")
    await hall.deliver()
    assert f"❌ Refused by <@{hall.officer.id}>" in text_of(cards(hall)[0])
    assert told(hall, hall.plain)[0].startswith("## Claim refused\n")
    assert await source_of(hall, hall.plain.id) == []
    own = card_of(await me(hall))
    assert f"- **{free[0].name}** · {free[0].realm.name}: refused" in own
    assert str(hall.officer.id) not in own


@pytest.mark.parametrize("gone", ["character", "member"])
async def test_a_claim_whose_character_or_member_is_gone_says_so_and_can_only_be_refused(
    hall: Home, free: list[Character], gone: str
) -> None:
    await claim(hall, free[0].name)
    await hall.deliver()
    [card] = cards(hall)
    if gone == "character":
        hall.sample.world.leave(free[0])
        await hall.sync_roster()
    else:
        server = hall.bot.get_guild(hall.server.id)
        assert server is not None
        member = server.get_member(hall.plain.id)
        assert member is not None
        await member.kick()
        await hall.env.advance_time(6)

    pressed = await hall.officer.click(card, label="Confirm")

    [answer] = pressed.followups
    assert "this claim can only be refused" in text_of(answer)
    [card] = cards(hall)
    why = claim_texts.NOT_IN_GUILD_ANY_MORE if gone == "character" else claim_texts.LEFT_THE_SERVER
    assert why in text_of(card), "the card is brought up to date"
    await hall.officer.click(card, label="Refuse")
    [card] = cards(hall)
    assert f"❌ Refused by <@{hall.officer.id}>" in text_of(card)
    hall.env.errors.clear()


async def test_with_closed_direct_messages_the_member_reads_it_in_player_me(hall: Home, free: list[Character]) -> None:
    dm = hall.env.backend.get_dm_channel(hall.plain.id).id
    hall.env.inject_error("POST", f"/channels/{dm}/messages", status=403, code=50007, times=None)
    await claim(hall, free[0].name)
    await hall.deliver()
    await hall.officer.click(cards(hall)[0], label="Confirm")
    await hall.deliver()
    assert told(hall, hall.plain) == []
    assert f"- **{free[0].name}** · {free[0].realm.name}: confirmed" in card_of(await me(hall))


async def test_of_two_officers_who_decide_the_second_hears_who_was_first(hall: Home, free: list[Character]) -> None:
    await claim(hall, free[0].name)
    await hall.deliver()
    [card] = cards(hall)
    refuse = custom_id("refuse", await waiting_id(hall))
    await hall.officer.click(card, label="Confirm")
    late = await forge.use_control(hall.deputy, hall.audit, card.id, refuse, ())
    assert [text_of(message) for message in late.followups] == [
        f"This claim was confirmed already, by <@{hall.officer.id}>."
    ]
    assert f"✅ Confirmed by <@{hall.officer.id}>" in text_of(cards(hall)[0])
    assert await source_of(hall, hall.plain.id) == [(free[0].name, Source.CLAIM, True)]


async def test_a_character_proven_for_another_names_them_on_the_card_and_not_to_the_claimer(
    hall: Home, free: list[Character]
) -> None:
    ctx, server_id = hall.services.ctx, hall.server.id
    owned = await links.resolve_character(ctx, server_id, free[0].name)
    await links.add(ctx, server_id, character_id=owned, user_id=hall.deputy.id, actor_id=hall.officer.id)
    on_owned, on_free = await claim(hall, free[0].name), await claim(hall, free[1].name)
    assert on_owned.replace(free[0].name, "X").replace(free[0].realm.name, "Y") == on_free.replace(
        free[1].name, "X"
    ).replace(free[1].realm.name, "Y")
    await hall.deliver()
    card, _ = cards(hall)
    assert f"**Proven to be another's**: <@{hall.deputy.id}> by an officer's word" in text_of(card)
    refused = await hall.officer.click(card, label="Confirm")
    assert "Remove that link first" in text_of(refused.followups[0])
    assert labels_of(cards(hall)[0]) == BUTTONS
    assert await source_of(hall, hall.plain.id) == []


async def test_the_list_of_choices_is_the_same_for_linked_and_free_characters(
    hall: Home, free: list[Character]
) -> None:
    name = next(iter(hall.namesakes))
    own = hall.sample.world.find(name)
    choices = await hall.plain.autocomplete(hall.general, "player claim", "character", "")
    assert len(choices) == len(hall.sample.world.members(hall.sample.guild))
    names = {choice["name"] for choice in choices}
    assert f"{name}-{own.realm.name} · Rank {own.rank}" in names
    assert f"{free[0].name}-{free[0].realm.name} · Rank {free[0].rank}" in names
    assert "linked" not in str(names)
    typed = await hall.plain.autocomplete(hall.general, "player claim", "character", free[0].name.lower()[:4])
    assert free[0].name in str(typed)


async def test_without_a_channel_officers_find_the_claim_in_their_list_and_decide_there(
    hall: Home, free: list[Character]
) -> None:
    await hall.report_to(None)
    said = await claim(hall, free[0].name)
    assert "tell one that it waits in `/player claims`" in said
    listed = await hall.officer.slash(hall.general, "player claims")
    assert listed.ephemeral
    assert card_of(listed).startswith(f"## 1 claim to decide\n### Claim: **{free[0].name}**")
    await hall.restart()
    await hall.officer.click(listed.response, label="Confirm")
    assert text_of(listed.response) == claim_texts.NOTHING_WAITS
    assert await source_of(hall, hall.plain.id) == [(free[0].name, Source.CLAIM, True)]


async def test_what_is_decided_in_the_list_is_shown_on_the_posted_card_too(hall: Home, free: list[Character]) -> None:
    for one in free[:2]:
        await claim(hall, one.name)
    await hall.deliver()
    listed = await hall.officer.slash(hall.general, "player claims")
    first = (await claims.open_claims(hall.services.ctx, hall.server.id))[0].public_id
    await hall.officer.click(listed.response, custom_id=custom_id("refuse", first))
    assert text_of(listed.response).startswith(f"## 1 claim to decide\n### Claim: **{free[1].name}**")
    decided, waiting = cards(hall)
    assert f"❌ Refused by <@{hall.officer.id}>" in text_of(decided)
    assert (labels_of(decided), labels_of(waiting)) == ([], BUTTONS)


async def test_a_card_that_somebody_deleted_does_not_stop_a_decision_in_the_list(
    hall: Home, free: list[Character]
) -> None:
    await claim(hall, free[0].name)
    await hall.deliver()
    hall.env.backend.delete_message(hall.audit.id, cards(hall)[0].id)
    listed = await hall.officer.slash(hall.general, "player claims")
    await hall.officer.click(listed.response, label="Confirm")
    assert text_of(listed.response) == claim_texts.NOTHING_WAITS
    assert await source_of(hall, hall.plain.id) == [(free[0].name, Source.CLAIM, True)]


async def test_a_withdrawn_claim_waits_no_longer_and_its_card_says_so(hall: Home, free: list[Character]) -> None:
    asked = await hall.plain.slash(hall.general, "player claim", character=free[0].name)
    await hall.deliver()
    [card] = cards(hall)
    confirm = custom_id("confirm", await waiting_id(hall))
    await hall.plain.click(asked.response, label="Withdraw")
    assert claim_texts.WITHDRAW_BUTTON not in labels_of(asked.response)
    assert "↩️ Withdrawn by the member" in text_of(cards(hall)[0])
    assert labels_of(cards(hall)[0]) == []
    late = await forge.use_control(hall.officer, hall.audit, card.id, confirm, ())
    assert [text_of(message) for message in late.followups] == ["The member has withdrawn this claim."]


async def test_a_card_that_is_sent_late_shows_what_became_of_its_claim(hall: Home, free: list[Character]) -> None:
    hall.env.inject_error("POST", f"/channels/{hall.audit.id}/messages", status=503)
    asked = await hall.plain.slash(hall.general, "player claim", character=free[0].name)
    assert cards(hall) == []
    await hall.plain.click(asked.response, label="Withdraw")
    hall.clock.advance(minutes=5)
    await hall.deliver()
    [card] = cards(hall)
    assert "↩️ Withdrawn by the member" in text_of(card)
    assert labels_of(card) == []


async def test_an_officer_by_role_does_not_confirm_their_own_claim(hall: Home, free: list[Character]) -> None:
    cora = await officer_by_role(hall)
    await hall.report_to(hall.general)
    await claim(hall, free[0].name, cora)
    await hall.deliver()
    [card] = cards(hall, hall.general)
    refused = await cora.click(card, label="Confirm")
    assert [text_of(message) for message in refused.followups] == [
        "This is your own claim: another officer has to confirm it."
    ]
    assert labels_of(cards(hall, hall.general)[0]) == BUTTONS
    assert await source_of(hall, cora.id) == []
    await hall.officer.click(card, label="Confirm")
    assert await source_of(hall, cora.id) == [(free[0].name, Source.CLAIM, True)]


async def test_who_manages_the_server_may_confirm_their_own(hall: Home, free: list[Character]) -> None:
    await claim(hall, free[0].name, hall.officer)
    await hall.deliver()
    await hall.officer.click(cards(hall)[0], label="Confirm")
    assert await source_of(hall, hall.officer.id) == [(free[0].name, Source.CLAIM, True)]


async def test_only_officers_decide_and_see_the_list(hall: Home, free: list[Character]) -> None:
    await claim(hall, free[0].name)
    await hall.deliver()
    [card] = cards(hall)
    for label in BUTTONS:
        with pytest.raises(simcord.SetupError):  # the channel is not theirs to see
            await hall.plain.click(card, label=label)
    assert card_of(await hall.plain.slash(hall.general, "player claims")) == common_texts.OFFICERS_ONLY
    assert await waiting_id(hall)
    assert hall.env.errors


async def test_what_cannot_be_claimed_says_why(hall: Home, free: list[Character]) -> None:
    await claim(hall, free[0].name)
    assert "You have claimed" in await claim(hall, free[0].name)
    assert "No character `Nobody` is in The Ember Vigil" in await claim(hall, "Nobody")
    hall.env.backend.get_member(hall.server.id, hall.plain.id).pending = True
    hall.env.backend.announce_member_update(hall.server.id, hall.plain.id)
    await hall.env.settle()
    assert "Accept this server's rules first" in await claim(hall, free[1].name)
    assert hall.env.errors


def test_the_longest_claims_fit_into_a_message_and_the_others_are_counted() -> None:
    check_budget(claim_card(longest_claim()))
    view = list_card([longest_claim(f"AAAAAAA{number}") for number in range(200)])
    check_budget(view)
    shown = str(view.to_components()).count("### Claim")
    assert f"{200 - shown} later claims" in str(view.to_components())
    assert 0 < shown < LISTED


def test_what_officer_notes_hold_is_left_out_of_the_channels_card_and_names_ping_nobody() -> None:
    public = str(claim_card(longest_claim()).to_components())
    private = str(list_card([longest_claim()]).to_components())
    assert "officers noted it" in public
    assert "zqsecret" not in public
    assert "zqsecret" in private
    assert "@everyone" not in public + private
