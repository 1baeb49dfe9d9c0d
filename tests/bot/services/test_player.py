"""An officer's word about a player's rank."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bot.services import links, matching, player, ranks
from bot.services.context import Context
from db.people import PlayerView
from db.ranks import OverrideView
from db.tables.people import PlayerMember
from db.tables.servers import Server
from domain.errors import FollowsNoGuild, InvalidInput, NotFound, Refused
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    load_actions,
    map_rank,
)

MEMBER = 1


@pytest.fixture
async def guild(ctx: Context) -> int:
    """Give a guild of ranks 0, 3 and 5, with a proven player of rank 5 on the server."""
    guild = await insert_guild(ctx, await insert_server(ctx))
    _, _, own = await insert_characters(ctx, guild, Toon("Boss", rank=0), Toon("Bo", rank=3), Toon("Own", rank=5))
    await insert_members(ctx, facts(MEMBER), facts(2, nick="Boss"))
    await links.add(ctx, SERVER, character_id=own, user_id=MEMBER, actor_id=OFFICER)
    return guild


async def say(
    ctx: Context, rank: str, reason: str | None = "on trial", until: str | None = None, user_id: int = MEMBER
) -> player.RankWord:
    return await player.set_rank(ctx, SERVER, user_id=user_id, rank=rank, reason=reason, until=until, actor_id=OFFICER)


async def whois(ctx: Context, user_id: int = MEMBER) -> PlayerView:
    return await links.whois_member(ctx, SERVER, user_id)


async def test_a_word_stands_with_its_reason_end_and_officer(ctx: Context, guild: int) -> None:
    word = await say(ctx, "3", "  joined\nus ", "30d")

    end = datetime(2026, 1, 31, tzinfo=UTC)
    assert word.changed
    assert word.override == OverrideView(3, None, "joined us", OFFICER, ctx.clock(), end)
    view = await whois(ctx)
    assert (view.rank, view.override) == (3, word.override)


async def test_a_word_is_one_row_of_the_log_with_before_and_after(ctx: Context, guild: int) -> None:
    await say(ctx, "3", "trial", "30d")
    await say(ctx, "0", "stands in")
    await say(ctx, player.AS_IN_GAME, None)

    first, second, third = await load_actions(ctx, "player.rank")
    trial = {"rank": 3, "reason": "trial", "ends_at": "2026-01-31T00:00:00+00:00"}
    assert (first.before, first.after) == (None, trial)
    assert (second.before, second.after) == (trial, {"rank": 0, "reason": "stands in", "ends_at": None})
    assert (third.before, third.after) == (second.after, None)
    assert {row.subject_kind for row in (first, second, third)} == {"player"}
    assert {row.actor_id for row in (first, second, third)} == {OFFICER}


async def test_the_same_word_again_changes_nothing(ctx: Context, guild: int, clock: FakeClock) -> None:
    first = await say(ctx, "3", "trial", "2026-12-31")
    clock.advance(hours=1)
    again = await say(ctx, "3", "trial", "2026-12-31")

    assert (again.changed, again.override) == (False, first.override)
    assert len(await load_actions(ctx, "player.rank")) == 1


async def test_nothing_to_take_back_changes_nothing(ctx: Context, guild: int) -> None:
    for user_id in (MEMBER, 2, 404):
        assert await say(ctx, "As in the Game", None, user_id=user_id) == player.RankWord(None, changed=False)
    assert not await load_actions(ctx, "player.rank")


async def test_a_word_that_has_ended_is_none(ctx: Context, guild: int, clock: FakeClock) -> None:
    await say(ctx, "3", "trial", "1d")
    clock.advance(days=1)

    assert (await whois(ctx)).override is None
    assert not (await say(ctx, player.AS_IN_GAME)).changed
    await say(ctx, "3", "again")
    assert (await load_actions(ctx, "player.rank"))[-1].before is None


async def test_the_end_of_a_day_is_that_of_the_servers_time_zone(ctx: Context, guild: int) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Server).values(time_zone="America/New_York"))

    word = await say(ctx, "3", "trial", "2026-02-28")

    assert word.override is not None
    assert word.override.ends_at == datetime(2026, 3, 1, 4, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(("until", "said"), [("soon", "is no time"), ("2025-12-31", "is over"), ("9999w", "two years")])
async def test_an_end_that_cannot_be_is_refused(ctx: Context, guild: int, until: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        await say(ctx, "3", until=until)
    assert (await whois(ctx)).override is None


@pytest.mark.parametrize("reason", [None, "", " \n"])
async def test_a_word_needs_a_reason(ctx: Context, guild: int, reason: str | None) -> None:
    with pytest.raises(InvalidInput, match="Give a `reason`"):
        await say(ctx, "3", reason)


async def test_a_member_whose_half_is_not_proven_gets_no_rank(ctx: Context, guild: int) -> None:
    assert (await matching.match_server(ctx, SERVER)).linked == 1
    await insert_members(ctx, facts(3))

    for user_id in (2, 3, 404):
        with pytest.raises(Refused, match="/link add"):
            await say(ctx, "3", user_id=user_id)
    assert not await load_actions(ctx, "player.rank")


async def test_a_player_with_two_members_is_meant_by_either(ctx: Context, guild: int) -> None:
    await insert_members(ctx, facts(3))
    async with ctx.sessions.begin() as session:
        first = await session.get_one(PlayerMember, (SERVER, MEMBER))
        values = {name: getattr(first, name) for name in ("player_id", "source", "confidence", "evidence", "linked_at")}
        session.add(PlayerMember(server_id=SERVER, user_id=3, **values))

    await say(ctx, "3", user_id=3)

    assert (await whois(ctx)).rank == 3


@pytest.mark.parametrize("text", ["3", " 3 ", "elder", "ELDER", "Élder"])
async def test_a_rank_is_meant_by_its_number_or_its_name(ctx: Context, guild: int, text: str) -> None:
    await ranks.rename(ctx, SERVER, 3, "Elder", actor_id=OFFICER)

    word = await say(ctx, text)

    assert word.override is not None
    assert (word.override.rank_index, word.override.label) == (3, "Elder")


async def test_a_rank_without_a_name_is_meant_by_what_it_is_called(ctx: Context, guild: int) -> None:
    word = await say(ctx, "rank 3")

    assert word.override is not None
    assert word.override.label == "Rank 3"


@pytest.mark.parametrize("text", ["7", "Elder", "-", "x" * 100])
async def test_a_rank_that_the_guild_has_not_is_not_found(ctx: Context, guild: int, text: str) -> None:
    with pytest.raises(NotFound, match="Choose one from the list"):
        await say(ctx, text)


async def test_a_name_of_two_ranks_is_asked_for_again(ctx: Context, guild: int) -> None:
    for index in (0, 3):
        await ranks.rename(ctx, SERVER, index, "Twin", actor_id=OFFICER)

    with pytest.raises(InvalidInput, match="Several ranks are called `twin`"):
        await say(ctx, "twin")


async def test_ranks_are_found_by_a_part_of_their_name_or_their_number(ctx: Context, guild: int) -> None:
    await ranks.rename(ctx, SERVER, 3, "Elder", actor_id=OFFICER)
    await map_rank(ctx, guild, 7, 70)

    async def found(text: str) -> list[int]:
        return [rank.index for rank in await player.find_ranks(ctx, SERVER, text)]

    assert await found("") == [0, 3, 5, 7]
    assert await found("ELD") == [3]
    assert await found("7") == [7]
    assert await found("nothing") == []


async def test_losing_the_last_character_does_not_lose_the_word(ctx: Context, guild: int) -> None:
    [character] = (await whois(ctx)).characters
    await say(ctx, "3")
    await links.remove(ctx, SERVER, character_id=character.id, actor_id=OFFICER)

    view = await whois(ctx)
    assert (view.characters, view.rank) == ((), 3)

    await links.add(ctx, SERVER, character_id=character.id, user_id=MEMBER, actor_id=OFFICER)
    assert (await whois(ctx)).rank == 3


async def test_a_player_of_whom_only_the_word_was_known_goes_with_it(ctx: Context, guild: int) -> None:
    [character] = (await whois(ctx)).characters
    await say(ctx, "3")
    await links.remove(ctx, SERVER, character_id=character.id, actor_id=OFFICER)

    assert (await say(ctx, player.AS_IN_GAME)).changed

    assert (await whois(ctx)).public_id is None


async def test_a_word_that_has_ended_keeps_no_player(ctx: Context, guild: int, clock: FakeClock) -> None:
    [character] = (await whois(ctx)).characters
    await say(ctx, "3", until="1d")
    clock.advance(days=2)
    await links.remove(ctx, SERVER, character_id=character.id, actor_id=OFFICER)

    assert (await whois(ctx)).public_id is None


async def test_without_a_guild_there_is_no_rank_to_give(ctx: Context) -> None:
    await insert_server(ctx)
    with pytest.raises(FollowsNoGuild):
        await say(ctx, "3")
    with pytest.raises(FollowsNoGuild):
        await player.find_ranks(ctx, SERVER, "")
