from typing import Any

import pytest
import simcord

from bot.services import audit, links, player, ranks
from bot.services.ranks import Chooser
from cogs.common import texts as common_texts
from cogs.common.live_roles import role_facts
from domain.ranks import Power
from sandbox.world import Character
from tests.cogs.home import Home, card_of
from tests.cogs.link.small import read_all, shrink

COMMAND = "player rank"


@pytest.fixture
async def hall(home: Home) -> Home:
    """Read a small guild once, and vouch for the member without rights."""
    strangers = shrink(home, 4)
    await read_all(home)
    ctx, server_id = home.services.ctx, home.server.id
    character_id = await links.resolve_character(ctx, server_id, strangers[0].name)
    await links.add(ctx, server_id, character_id=character_id, user_id=home.plain.id, actor_id=home.deputy.id)
    return home


def guild_ranks(home: Home) -> list[int]:
    """Give the ranks that occur in the game."""
    members: list[Character] = home.sample.world.members(home.sample.guild)
    return sorted({character.rank for character in members if character.rank is not None})


async def say(home: Home, actor: simcord.MemberActor | None = None, **options: Any) -> str:
    given = {"member": home.plain, "rank": str(guild_ranks(home)[0]), "reason": "on trial", **options}
    options = {name: value for name, value in given.items() if value is not None}
    result = await (actor or home.officer).slash(home.general, COMMAND, **options)
    assert result.ephemeral
    return card_of(result)


async def rank_of(home: Home, user_id: int) -> int | None:
    return (await links.whois_member(home.services.ctx, home.server.id, user_id)).rank


async def test_a_rank_is_said_with_its_reason_and_end_and_shown_to_who_asks(hall: Home) -> None:
    rank = guild_ranks(hall)[0]
    await ranks.rename(hall.services.ctx, hall.server.id, rank, "High *Lord*", actor_id=hall.officer.id)
    said = await say(hall, reason="stands in for @everyone", until="30d")
    end = int(hall.clock().timestamp()) + 30 * 86_400
    assert said == (
        f"<@{hall.plain.id}> has the rank **High \\*Lord\\*** by an officer's word, until <t:{end}:f>: stands in for "
        "@\u200beveryone"
    )
    assert await rank_of(hall, hall.plain.id) == rank
    card = card_of(await hall.officer.slash(hall.general, "whois", member=hall.plain))
    assert (
        f"**Rank by an officer's word**: High \\*Lord\\*, until <t:{end}:f>, because <@{hall.officer.id}> said: "
        "stands in for @\u200beveryone"
    ) in card


async def test_the_same_again_and_taking_back_say_what_stands(hall: Home) -> None:
    before = await rank_of(hall, hall.plain.id)
    first = await say(hall)
    assert "until an officer takes it back: on trial" in first
    assert await say(hall) == f"Nothing changed: {first}"
    back = await say(hall, rank=player.AS_IN_GAME, reason=None)
    assert back == f"The game decides <@{hall.plain.id}>'s rank again. `/whois` shows it."
    assert (await say(hall, rank=player.AS_IN_GAME, reason=None)).startswith("Nothing changed: no officer's word")
    assert await rank_of(hall, hall.plain.id) == before


async def test_the_list_offers_the_guilds_ranks_and_the_way_back(hall: Home) -> None:
    found = guild_ranks(hall)
    await ranks.rename(hall.services.ctx, hall.server.id, found[0], "Warlord", actor_id=hall.officer.id)
    choices = await hall.officer.autocomplete(hall.general, COMMAND, "rank", "")
    assert [choice["name"] for choice in choices] == [
        f"Warlord (rank {found[0]})",
        *(f"Rank {index}" for index in found[1:]),
        "As in the game",
    ]
    typed = await hall.officer.autocomplete(hall.general, COMMAND, "rank", "warl")
    assert [choice["value"] for choice in typed] == [str(found[0]), player.AS_IN_GAME]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"reason": None}, "Give a `reason`"),
        ({"rank": "Emperor"}, "This guild has no rank `Emperor`. Choose one from the list."),
        ({"until": "soon"}, "`soon` is no time. Use days (`30d`), weeks (`6w`) or a date (`2026-12-31`)."),
        ({"until": "2025-12-31"}, "is over already"),
        ({"until": "2030-01-01"}, "more than two years away"),
    ],
)
async def test_what_cannot_be_is_told_with_what_to_do(hall: Home, options: dict[str, str | None], said: str) -> None:
    before = await rank_of(hall, hall.plain.id)
    assert said in await say(hall, **options)
    assert hall.env.errors
    assert await rank_of(hall, hall.plain.id) == before


async def test_a_member_whom_nobody_vouched_for_gets_no_rank(hall: Home) -> None:
    namesake = next(iter(hall.namesakes.values()))
    for member in (namesake, hall.officer):
        said = await say(hall, member=member)
        assert f"Nobody has vouched for who <@{member.id}> is" in said
        assert "`/link add`" in said
    assert hall.env.errors
    assert await rank_of(hall, namesake.id) is None


async def test_everybody_sees_the_group_and_only_officers_are_answered(hall: Home) -> None:
    assert COMMAND in hall.plain.available_commands(hall.general)
    assert await say(hall, hall.plain) == common_texts.OFFICERS_ONLY
    assert await hall.plain.autocomplete(hall.general, COMMAND, "rank", "") == []
    assert hall.env.errors
    with pytest.raises(simcord.SetupError):
        await hall.officer.user.slash(COMMAND, member=hall.plain, rank="0")


async def test_an_officer_by_role_alone_says_ranks(hall: Home) -> None:
    made = hall.server.create_role("Council")
    cora = hall.server.add_member(hall.env.create_user("cora"), roles=[made])
    await hall.env.advance_time(6)
    server = hall.bot.get_guild(hall.server.id)
    assert server is not None
    found = server.get_role(made.id)
    assert found is not None
    chooser = Chooser(hall.officer.id, frozenset({Power.MANAGE_SERVER}))
    await ranks.choose_officer_role(hall.services.ctx, hall.server.id, role_facts(found), chooser=chooser)
    assert "has the rank" in await say(hall, cora)


async def test_what_rules_say_about_the_player_follows(hall: Home) -> None:
    high, low = (hall.server.create_role(name) for name in ("High", "Low"))
    await hall.env.settle()
    server = hall.bot.get_guild(hall.server.id)
    assert server is not None
    own, other = await rank_of(hall, hall.plain.id), None
    assert own is not None
    other = next(index for index in guild_ranks(hall) if index != own)
    chooser = Chooser(hall.officer.id, frozenset(Power))
    for index, handle in ((own, low), (other, high)):
        found = server.get_role(handle.id)
        assert found is not None
        await ranks.map_role(hall.services.ctx, hall.server.id, index, role_facts(found), chooser=chooser)
    await say(hall, rank=str(other))
    standing = await audit.standing(hall.services.ctx, hall.server.id)
    [finding] = [finding for finding in standing if finding.rule == "no_guild_role"]
    assert finding.facts["expected_role_id"] == high.id
