from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import simcord

from bot.services import links, privacy
from bot.services.links import CharacterView, MemberView, OverrideView, PlayerView
from bot.services.why import Background, PastLinkView
from cogs.common import texts as common_texts
from cogs.common.paginator import check_budget
from cogs.common.texts import SOURCES
from cogs.whois import texts
from cogs.whois.ui import who_card
from db.people import HalfView
from db.tables.identity import LinkSuggestion
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.links import Confidence, LinkEnd, Source
from sandbox.world import Character
from tests.cogs.home import Home, card_of
from tests.cogs.link.small import join, read_all, shrink

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MARK = f"<t:{int(NOW.timestamp())}:R>"
LONG = "*_~`|[]()<>#@" * 8
NOTHING = Background((), (), (), frozenset())


@pytest.fixture
async def strangers(home: Home) -> list[Character]:
    """A guild that was read once; these three characters are nobody's."""
    strangers = shrink(home, 3)
    await read_all(home)
    return strangers


async def whois(home: Home, actor: simcord.MemberActor | None = None, **options: Any) -> str:
    result = await (actor or home.officer).slash(home.general, "whois", **options)
    assert result.ephemeral
    return card_of(result)


async def vouch(home: Home, name: str, user_id: int) -> None:
    """Give an officer's word."""
    ctx, server_id = home.services.ctx, home.server.id
    character_id = await links.resolve_character(ctx, server_id, name)
    await links.add(ctx, server_id, character_id=character_id, user_id=user_id, actor_id=home.deputy.id)


async def test_a_member_shows_the_characters_with_the_reason_for_each(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    said = await whois(home, member=namesake)
    own = home.sample.world.find(name)
    assert f"<@{namesake.id}> {name} (player\\_0)" in said
    assert f"**{name}** · {own.realm.name} · " in said
    assert f" {own.level} · Rank {own.rank}" in said
    assert f"equal name: the nickname is “{name}” · inferred\n" in said
    assert texts.WHAT_INFERRED_MEANS in said
    assert "· proven" not in said
    assert f"Ranks as the roster had them {MARK}" in said


async def test_a_character_shows_the_same_card_as_its_member(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    assert await whois(home, character=name) == await whois(home, member=namesake)


async def test_an_officers_word_names_the_officer_and_is_proven(home: Home, strangers: list[Character]) -> None:
    await vouch(home, strangers[0].name, home.plain.id)
    said = await whois(home, member=home.plain)
    assert said.count(f"an officer's word by <@{home.deputy.id}> · proven") == 2


async def test_a_proven_member_does_not_prove_an_inferred_character(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    await vouch(home, strangers[0].name, namesake.id)
    said = await whois(home, member=namesake)
    assert f"{strangers[0].name}** " in said
    reasons = {line.split("**")[1]: reason for line, reason in pairwise(said.splitlines()) if line.startswith("**")}
    assert reasons[strangers[0].name].endswith(f"an officer's word by <@{home.deputy.id}> · proven")
    assert reasons[name].endswith("equal name: the nickname is “" + name + "” · inferred")


async def test_a_member_without_a_link_is_told_with_a_hint(home: Home, strangers: list[Character]) -> None:
    said = await whois(home, member=home.plain)
    assert f"<@{home.plain.id}> mia (mia)" in said
    assert "Not linked to any character yet" in said
    assert "`/link add`" in said


async def test_a_character_without_a_link_is_told_with_a_hint(home: Home, strangers: list[Character]) -> None:
    said = await whois(home, character=strangers[0].name)
    assert f"**{strangers[0].name}** · {strangers[0].realm.name}" in said
    assert "Not linked to anybody yet" in said
    assert "`/link add`" in said
    assert MARK in said


async def test_exactly_one_of_member_and_character_is_asked_for(home: Home, strangers: list[Character]) -> None:
    for options in ({}, {"member": home.plain, "character": strangers[0].name}):
        assert await whois(home, **options) == "Choose a member or a character: exactly one of them."
    assert home.env.errors


async def test_a_bot_is_nobody(home: Home, strangers: list[Character]) -> None:
    helper = home.server.add_member(home.env.create_user("helper", bot=True))
    assert "Bots are left out" in await whois(home, member=helper)
    assert home.env.errors


async def test_a_suggestion_for_a_lone_member_or_character_is_told_with_where_to_decide(
    home: Home, strangers: list[Character]
) -> None:
    ctx, name = home.services.ctx, strangers[0].name
    async with ctx.sessions.begin() as session:
        session.add(
            LinkSuggestion(
                server_id=home.server.id,
                character_id=await links.resolve_character(ctx, home.server.id, name),
                candidates=[{"user_id": home.plain.id, "evidence": []}],
                suggested_at=ctx.clock(),
            )
        )
    assert f"**Suggested**: {name}-" in await whois(home, member=home.plain)
    said = await whois(home, character=name)
    assert f"**Suggested**: <@{home.plain.id}>. Decide with `/link review`." in said
    assert "Not linked to anybody yet" not in said


async def test_the_last_past_links_are_told(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    await home.officer.slash(home.general, "link remove", character=name)
    for options in ({"character": name}, {"member": namesake}):
        said = await whois(home, **options)
        assert f": <@{namesake.id}>, removed by <@{home.officer.id}> <t:" in said
        assert f"equal name: the nickname is “{name}”" in said


async def test_of_a_member_who_opted_out_no_more_is_told_than_that(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    await privacy.opt_out(home.services.ctx, home.server.id, namesake.id)
    said = await whois(home, member=namesake)
    assert "opted out" in said
    assert "Opted out of being matched" in said
    assert "nickname" not in said
    assert "**Before**" not in said
    said = await whois(home, character=name)
    assert "a member who opted out, taken back, as the member opted out <t:" in said
    assert str(namesake.id) not in said


async def test_a_proven_link_of_a_member_who_opted_out_is_still_told(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    await vouch(home, name, namesake.id)
    await privacy.opt_out(home.services.ctx, home.server.id, namesake.id)
    said = await whois(home, member=namesake)
    assert "· opted out" in said
    assert f"**{name}** · " in said
    assert "**Rank**: " in said


async def test_the_card_answers_after_a_restart(home: Home, strangers: list[Character]) -> None:
    namesake = next(iter(home.namesakes.values()))
    before = await whois(home, member=namesake)
    await home.restart()
    assert await whois(home, member=namesake) == before


async def test_a_name_with_marks_is_shown_as_it_is(home: Home, strangers: list[Character]) -> None:
    user_id = await join(home, "loud", nick="**@everyone** <#1>")
    view = await links.whois_member(home.services.ctx, home.server.id, user_id)
    text = str(who_card(view, NOTHING).to_components())
    assert "@everyone" not in text
    assert "<#1>" not in text


async def test_a_character_is_offered_by_its_folded_name_to_officers_only(
    home: Home, strangers: list[Character]
) -> None:
    home.sample.world.rename(strangers[0], "Élùneþor")
    await home.sync_roster()
    [choice] = await home.officer.autocomplete(home.general, "whois", "character", "elunethor")
    assert choice["name"].startswith("Élùneþor-")
    assert "**Élùneþor**" in await whois(home, character=choice["value"])
    home.allow("whois", home.plain)
    assert await home.plain.autocomplete(home.general, "whois", "character", "elunethor") == []
    assert await whois(home, home.plain, character="Élùneþor") == common_texts.OFFICERS_ONLY
    assert home.env.errors


EQUAL = Evidence(RuleName.EQUAL_NAME, Strength.STRONG, Source.NAME, Place.NICK, "_Mia_", "_Mia_")


def half(source: Source, by: int | None = None, **evidence: Any) -> HalfView:
    return HalfView(source, Confidence.HIGH, evidence, NOW, by)


def character(id_: int, **facts: Any) -> CharacterView:
    known: dict[str, Any] = {
        "name": "Thrall",
        "name_key": "thrall",
        "realm": "Amberfall",
        "realm_slug": "amberfall",
        "class_id": 7,
        "class_name": "Shaman",
        "level": 80,
        "rank": 3,
        "rank_name": None,
        "last_login_at": NOW,
        "half": half(Source.NAME, reasons=[EQUAL.to_json()]),
    }
    return CharacterView(id=id_, **{**known, **facts})


def text_of_card(
    *characters: CharacterView,
    members: tuple[MemberView, ...] = (),
    roster_at: Any = NOW,
    override: OverrideView | None = None,
    background: Background = NOTHING,
) -> str:
    card = who_card(PlayerView("pub", members, characters, roster_at, override), background)
    check_budget(card)
    return "\n".join(part["content"] for part in card.to_components()[0]["components"])


async def test_inference_gives_no_rank_and_the_card_says_so(home: Home, strangers: list[Character]) -> None:
    namesake = next(iter(home.namesakes.values()))
    assert "**Rank**: none. It needs a member here and a character in the guild, both proven" in await whois(
        home, member=namesake
    )


async def test_the_rank_is_that_of_the_highest_proven_character(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    home.sample.world.set_rank(home.sample.world.find(name), 0)
    home.sample.world.set_rank(strangers[0], 7)
    home.sample.world.set_rank(strangers[1], 4)
    await home.sync_roster()
    await vouch(home, strangers[0].name, namesake.id)
    await vouch(home, strangers[1].name, namesake.id)
    assert "**Rank**: Rank 4, the highest of their proven characters." in await whois(home, member=namesake)


async def test_who_is_not_a_player_has_no_rank_to_show(home: Home, strangers: list[Character]) -> None:
    assert "**Rank" not in await whois(home, member=home.plain)
    assert "**Rank" not in await whois(home, character=strangers[0].name)


MIA = MemberView(5, "Mia", "mia", None, half(Source.OFFICER, by=9))


def test_an_officers_word_stands_in_place_of_the_rank() -> None:
    proven = character(1, half=half(Source.OFFICER, by=9))
    for ends_at, end in ((None, ""), (NOW, f"until <t:{int(NOW.timestamp())}:f>, ")):
        word = OverrideView(6, "*Trial*", "_new_", 8, NOW, ends_at)
        text = text_of_card(proven, members=(MIA,), override=word)
        assert f"**Rank by an officer's word**: \\*Trial\\*, {end}because <@8> said: \\_new\\_" in text


def test_who_left_has_no_rank_not_even_by_an_officers_word() -> None:
    gone = replace(MIA, left_at=NOW)
    word = OverrideView(6, None, "new", 8, NOW, None)
    proven = character(1, half=half(Source.OFFICER, by=9))
    assert "**Rank**: none." in text_of_card(proven, members=(gone,), override=word)


def test_a_rank_with_a_name_shows_the_name() -> None:
    assert "· Council of Elders\n" in text_of_card(character(1, rank_name="Council of Elders"))


def test_a_class_without_a_name_shows_its_id() -> None:
    assert "· Class 99 80 ·" in text_of_card(character(1, class_id=99, class_name=None))


def test_a_character_that_left_the_guild_is_told() -> None:
    assert "· not in the guild\n" in text_of_card(character(1, rank=None))


def test_a_login_that_is_not_known_is_told() -> None:
    assert "last login unknown" in text_of_card(character(1, last_login_at=None))
    assert f"last login {MARK}" in text_of_card(character(1))


def test_a_member_who_left_is_told() -> None:
    gone = MemberView(5, "Mia", "mia", NOW, half(Source.OFFICER, by=9))
    assert "<@5> Mia (mia) · left the server" in text_of_card(character(1), members=(gone,))


def test_a_player_whose_member_is_gone_or_whose_characters_are_none_is_told() -> None:
    assert "No member of this server belongs to it." in text_of_card(character(1))
    mia = MemberView(5, "Mia", "mia", None, half(Source.OFFICER, by=9))
    assert "No character belongs to this player." in text_of_card(members=(mia,))


def test_a_roster_that_was_never_read_is_told() -> None:
    assert "The roster was never read" in text_of_card(character(1), roster_at=None)


def test_the_name_that_was_equal_is_told() -> None:
    assert "equal name: the nickname is “\\_Mia\\_” · inferred" in text_of_card(character(1))


def test_every_source_has_words() -> None:
    assert set(SOURCES) == set(Source)


def test_a_player_with_a_hundred_alts_fits_and_the_rest_is_counted() -> None:
    alts = [character(id_, name=LONG, realm=LONG, rank_name=LONG) for id_ in range(100)]
    members = tuple(MemberView(10**18 + id_, LONG, LONG, NOW, half(Source.OFFICER, by=10**18)) for id_ in range(30))
    word = OverrideView(0, "*" * 32, "*" * 200, 10**18, NOW, NOW)
    here = replace(members[0], left_at=None)
    ids = tuple(10**18 + id_ for id_ in range(30))
    past = PastLinkView(1, LONG, LONG, ids, Source.NAME, {"reasons": [EQUAL.to_json()]}, NOW, 5, NOW, 5, LinkEnd.MOVED)
    short = replace(past, user_ids=ids[:2])
    background = Background((short, past, past), (), (), frozenset())
    text = text_of_card(*alts, members=(here, *members[1:]), override=word, background=background)
    assert "**Before**" in text
    text = text_of_card(*alts, members=(here, *members[1:]), override=word)
    assert "by an officer's word" in text
    shown = text.split("**Characters**")[1].count("last login")
    assert f"… and {100 - shown} more" in text
    assert shown > 1
