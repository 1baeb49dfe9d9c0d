"""`/player privacy`: a member opts out of being matched, and back in."""

import pytest
import simcord

from bot.services import links
from bot.services.privacy import Privacy
from cogs.common.paginator import check_budget
from cogs.player import privacy_texts
from cogs.player.privacy_ui import outcome_card
from sandbox.world import Character
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import read_all, shrink
from tests.cogs.player.longest import NOW, longest_character
from tests.cogs.player.small import source_of


@pytest.fixture
async def hall(home: Home) -> Home:
    """Read a small guild once; the namesakes are linked by it."""
    shrink(home, 4)
    await read_all(home)
    return home


@pytest.fixture
def namesake(hall: Home) -> simcord.MemberActor:
    """Give a member whom a rule has linked to the character of their name."""
    return next(iter(hall.namesakes.values()))


async def ask(home: Home, actor: simcord.MemberActor) -> simcord.InteractionResult:
    result = await actor.slash(home.general, "player privacy")
    assert result.ephemeral
    return result


async def opt_out(home: Home, actor: simcord.MemberActor) -> str:
    """Opt out; give what is said then."""
    shown = await ask(home, actor)
    await actor.click(shown.response, label="Opt out")
    return text_of(shown.response)


async def test_it_is_said_what_opting_out_means_before_it_is_done(hall: Home, namesake: simcord.MemberActor) -> None:
    shown = await ask(hall, namesake)
    assert card_of(shown) == privacy_texts.MATCHED
    assert labels_of(shown.response) == ["Opt out"]
    assert len(await source_of(hall, namesake.id)) == 1


async def test_opting_out_takes_inferred_links_back_and_keeps_them_away(
    hall: Home, namesake: simcord.MemberActor
) -> None:
    [(name, _, proven)] = await source_of(hall, namesake.id)
    assert not proven
    shown = await ask(hall, namesake)
    await hall.restart()
    await namesake.click(shown.response, label="Opt out")
    assert f"**Taken back**: {name}" in text_of(shown.response)
    assert labels_of(shown.response) == ["Let rules match me again"]
    await hall.sync_roster()
    await hall.sync_members()
    assert await source_of(hall, namesake.id) == []


async def test_proven_links_stay_and_it_is_said_who_can_end_them(hall: Home, namesake: simcord.MemberActor) -> None:
    [(name, _, _)] = await source_of(hall, namesake.id)
    free: Character = next(
        one for one in hall.sample.world.members(hall.sample.guild) if one.name not in hall.namesakes
    )
    await hall.officer.slash(hall.general, "link add", character=free.name, member=namesake)
    said = await opt_out(hall, namesake)
    assert f"**Taken back**: {name}\n" in said
    assert f"**Still linked, since it is proven**: {free.name}. If you do not want that, ask an officer" in said
    assert [one[0] for one in await source_of(hall, namesake.id)] == [free.name]


async def test_opting_in_again_lets_rules_match_at_once(hall: Home, namesake: simcord.MemberActor) -> None:
    before = await source_of(hall, namesake.id)
    await opt_out(hall, namesake)
    shown = await ask(hall, namesake)
    assert card_of(shown).startswith("## Privacy\nYou have opted out <t:")
    await namesake.click(shown.response, label="Let rules match me again")
    assert text_of(shown.response) == privacy_texts.OPTED_IN
    assert await source_of(hall, namesake.id) == before


async def test_it_holds_for_who_leaves_the_server_and_comes_back_under_the_same_name(
    hall: Home, namesake: simcord.MemberActor
) -> None:
    name = next(iter(hall.namesakes))
    await opt_out(hall, namesake)
    hall.server.remove_member(namesake)
    await hall.env.advance_time(6)
    again = hall.server.add_member(namesake.user, nick=name)
    await hall.env.advance_time(6)
    await hall.sync_members()
    assert await source_of(hall, again.id) == []
    assert card_of(await ask(hall, again)).startswith("## Privacy\nYou have opted out <t:")


async def test_pressing_an_old_button_twice_says_what_stands(hall: Home, namesake: simcord.MemberActor) -> None:
    first, second = await ask(hall, namesake), await ask(hall, namesake)
    await namesake.click(first.response, label="Opt out")
    await namesake.click(second.response, label="Opt out")
    assert text_of(second.response).startswith("## Privacy\nYou have opted out <t:")
    assert "Taken back" not in text_of(second.response)


async def test_where_nothing_was_found_nothing_is_taken_back(hall: Home) -> None:
    assert privacy_texts.NOTHING_TAKEN_BACK in await opt_out(hall, hall.plain)
    view = await links.whois_member(hall.services.ctx, hall.server.id, hall.plain.id)
    assert view.members[0].opted_out_at is not None


def test_who_has_very_many_characters_still_gets_an_answer() -> None:
    many = tuple(longest_character(number) for number in range(60))
    view = outcome_card(Privacy(NOW, True, many, many))
    check_budget(view)
    assert "and 50 more" in str(view.to_components())
