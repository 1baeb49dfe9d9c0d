"""`/player me`: what Muster knows of a member, why, and what they can do about it."""

from dataclasses import replace
from typing import Any

import pytest

from bot.services import links
from bot.services.me import OwnView, PlayerView
from cogs.common.paginator import check_budget, count_text
from cogs.player import me_texts
from cogs.player.me_ui import me_card
from cogs.whois import texts as whois_texts
from db.ranks import OverrideView
from db.tables.people import Member, Player, PlayerCharacter
from domain.links import ClaimState, Source
from sandbox.world import Character
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import read_all, shrink
from tests.cogs.player.longest import LONG, NOW, SNOWFLAKE, longest_character, longest_claim, longest_member
from tests.cogs.player.small import claim, me
from tests.support.tree import components_of


@pytest.fixture
async def hall(home: Home) -> Home:
    """Read a small guild once; the namesakes are linked by it."""
    shrink(home, 4)
    await read_all(home)
    return home


@pytest.fixture
def free(hall: Home) -> list[Character]:
    """Give the characters that are nobody's."""
    return [one for one in hall.sample.world.members(hall.sample.guild) if one.name not in hall.namesakes]


async def vouch(home: Home, name: str, user_id: int) -> int:
    """Give an officer's word; give the character's id."""
    ctx, server_id = home.services.ctx, home.server.id
    character_id = await links.resolve_character(ctx, server_id, name)
    await links.add(ctx, server_id, character_id=character_id, user_id=user_id, actor_id=home.deputy.id)
    return character_id


def longest(**changes: Any) -> OwnView:
    """Give a member of whom very much is known, in long words."""
    characters = tuple(longest_character(number) for number in range(60))
    members = tuple(longest_member(number) for number in range(30))
    word = OverrideView(3, LONG, "zqsecret", SNOWFLAKE, NOW, NOW)
    return OwnView(
        me=longest_member(),
        player=replace(PlayerView("public", members, characters, NOW, word, 0), **changes),
        open=tuple(longest_claim(f"AAAAAAA{number}") for number in range(5)),
        decided=tuple(longest_claim(f"BBBBBBB{number}", ClaimState.REFUSED) for number in range(5)),
    )


async def test_who_is_not_known_learns_how_to_claim(hall: Home) -> None:
    said = card_of(await me(hall))
    assert said == "\n".join(["## mia", me_texts.NOT_LINKED, me_texts.PRIVACY_ON])


async def test_an_inferred_link_says_why_how_sure_and_that_it_gives_no_rank(hall: Home) -> None:
    name, namesake = next(iter(hall.namesakes.items()))
    own = hall.sample.world.find(name)
    said = card_of(await me(hall, namesake))
    assert f"**{name}** · {own.realm.name} · " in said
    assert f"-# 🔎 inferred, high confidence · the nickname is “{name}”" in said
    assert me_texts.NO_RANK in said
    assert me_texts.WHAT_INFERRED_MEANS in said
    assert me_texts.WHAT_PROVEN_MEANS not in said


async def test_a_proven_link_counts_for_the_rank_and_no_officer_is_named(hall: Home, free: list[Character]) -> None:
    await vouch(hall, free[0].name, hall.plain.id)
    said = card_of(await me(hall))
    assert "✅ proven · an officer's word" in said
    assert f"**Rank**: Rank {free[0].rank}, the highest of your proven characters." in said
    assert me_texts.WHAT_PROVEN_MEANS in said
    assert me_texts.WHAT_INFERRED_MEANS not in said
    assert str(hall.deputy.id) not in said


async def test_a_proof_for_one_character_leaves_the_other_inferred(hall: Home, free: list[Character]) -> None:
    namesake = next(iter(hall.namesakes.values()))
    await vouch(hall, free[0].name, namesake.id)
    said = card_of(await me(hall, namesake))
    assert said.count("✅ proven") == 1
    assert said.count("🔎 inferred") == 1
    assert f"**Rank**: Rank {free[0].rank}," in said


async def test_the_main_is_marked(hall: Home, free: list[Character]) -> None:
    main_id = await vouch(hall, free[0].name, hall.plain.id)
    await vouch(hall, free[1].name, hall.plain.id)
    async with hall.services.ctx.sessions.begin() as session:
        owner = await session.get_one(PlayerCharacter, (hall.server.id, main_id))
        (await session.get_one(Player, owner.player_id)).main_character_id = main_id
    lines = [line for line in card_of(await me(hall)).splitlines() if line.endswith(" · main")]
    assert [free[0].name in line for line in lines] == [True]


async def test_an_officers_word_about_the_rank_is_shown_without_its_reason(hall: Home, free: list[Character]) -> None:
    await vouch(hall, free[0].name, hall.plain.id)
    options = {"member": hall.plain, "rank": str(free[1].rank), "reason": "drinks too much", "until": "30d"}
    await hall.officer.slash(hall.general, "player rank", **options)
    said = card_of(await me(hall))
    assert f"**Rank**: Rank {free[1].rank}, by an officer's word, until <t:" in said
    assert "drinks" not in said


async def test_an_officers_word_about_the_rank_outlives_the_last_character(hall: Home, free: list[Character]) -> None:
    await vouch(hall, free[0].name, hall.plain.id)
    await hall.officer.slash(hall.general, "player rank", member=hall.plain, rank=str(free[1].rank), reason="on leave")
    await hall.officer.slash(hall.general, "link remove", character=free[0].name)
    said = card_of(await me(hall))
    assert f"**Rank**: Rank {free[1].rank}, by an officer's word." in said
    assert me_texts.NOT_LINKED in said


async def test_claims_that_wait_can_be_withdrawn_one_by_one_after_a_restart(hall: Home, free: list[Character]) -> None:
    for one in free[:2]:
        await claim(hall, one.name)
    shown = await me(hall)
    assert labels_of(shown.response) == ["Withdraw", "Withdraw"]
    await hall.restart()
    first, _ = [one["custom_id"] for one in components_of(shown.response) if "custom_id" in one]
    await hall.plain.click(shown.response, custom_id=first)
    assert labels_of(shown.response) == ["Withdraw"]
    assert free[1].name in text_of(shown.response)
    assert free[0].name not in text_of(shown.response)


async def test_a_server_without_a_guild_and_who_was_never_seen_are_answered(home: Home) -> None:
    said = card_of(await me(home))
    assert me_texts.NOT_LINKED in said
    async with home.services.ctx.sessions.begin() as session:
        await session.delete(await session.get_one(Member, (home.server.id, home.plain.id)))
    assert "Muster does not know you here yet" in card_of(await me(home))
    assert home.env.errors


async def test_opting_out_is_shown(hall: Home) -> None:
    shown = await hall.plain.slash(hall.general, "player privacy")
    await hall.plain.click(shown.response, label="Opt out")
    assert "**Privacy**: you have opted out <t:" in card_of(await me(hall))


def test_who_is_known_best_still_fits_into_a_message() -> None:
    for own in (longest(), longest(override=None), longest(characters=(longest_character(source=Source.OFFICER),))):
        view = me_card(own)
        check_budget(view)
        assert count_text(view) > 1500


def test_what_officer_notes_hold_and_why_officers_set_a_rank_stays_with_officers() -> None:
    text = str(me_card(longest()).to_components())
    assert "officers noted it" in text
    assert "zqsecret" not in text
    assert str(SNOWFLAKE + 39) not in text  # a rival
    assert "@everyone" not in text
    assert whois_texts.WHAT_INFERRED_MEANS not in text
