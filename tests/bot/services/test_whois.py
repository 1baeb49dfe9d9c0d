"""Who is who: players with their members and characters, and why."""

import pytest
import sqlalchemy as sa

from bot.services import links, matching, members
from bot.services.context import Context
from db.tables.people import PlayerMember
from db.tables.servers import GuildRank
from domain.errors import NotFound
from domain.links import Source
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_members,
    insert_server,
    leave_guild,
)


async def add(ctx: Context, character_id: int, user_id: int) -> None:
    await links.add(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=OFFICER)


async def test_a_member_is_shown_with_all_characters_by_rank_and_those_that_left_last(ctx: Context, guild: int) -> None:
    gone, alt, main = await insert_characters(ctx, guild, Toon("Aaa", rank=0), Toon("Alt", rank=6), Toon("Main"))
    await insert_members(ctx, facts(1, "ana", global_name="Ana", nick="Annie"))
    for character in (gone, alt, main):
        await add(ctx, character, 1)
    await leave_guild(ctx, gone)

    view = await links.whois_member(ctx, SERVER, 1)

    assert view.public_id
    assert view.roster_at == ctx.clock()
    assert [(one.name, one.rank) for one in view.characters] == [("Main", 5), ("Alt", 6), ("Aaa", None)]
    [member] = view.members
    assert (member.user_id, member.name, member.username) == (1, "Annie", "ana")


async def test_each_half_tells_where_it_comes_from(ctx: Context, guild: int, clock: FakeClock) -> None:
    _, alt = await insert_characters(ctx, guild, "Ana", "Alt")
    await insert_members(ctx, facts(1, "ana"))
    await matching.match_server(ctx, SERVER)
    said_at = clock.advance(hours=1)
    await add(ctx, alt, 1)

    view = await links.whois_member(ctx, SERVER, 1)

    shown = {one.name: one.half for one in view.characters}
    assert shown["Ana"] is not None
    assert shown["Alt"] is not None
    assert (shown["Ana"].source, shown["Ana"].evidence["reasons"][0]["place"]) == (Source.NAME, "username")
    assert (shown["Alt"].source, shown["Alt"].linked_by, shown["Alt"].linked_at) == (Source.OFFICER, OFFICER, said_at)


async def test_a_character_shows_the_same_player_as_its_member(ctx: Context, guild: int) -> None:
    ana, alt = await insert_characters(ctx, guild, "Ana", "Alt")
    await insert_members(ctx, facts(1))
    await add(ctx, ana, 1)
    await add(ctx, alt, 1)

    assert await links.whois_character(ctx, SERVER, alt) == await links.whois_member(ctx, SERVER, 1)


async def test_a_player_with_two_discord_accounts_shows_both(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2))
    await add(ctx, ana, 1)
    async with ctx.sessions.begin() as session:
        first = await session.get_one(PlayerMember, (SERVER, 1))
        values = {name: getattr(first, name) for name in ("player_id", "source", "confidence", "evidence", "linked_at")}
        session.add(PlayerMember(server_id=SERVER, user_id=2, **values))

    view = await links.whois_character(ctx, SERVER, ana)

    assert [member.user_id for member in view.members] == [1, 2]


async def test_a_member_without_a_character_is_shown_alone(ctx: Context, guild: int) -> None:
    await insert_members(ctx, facts(1, "ana"))

    view = await links.whois_member(ctx, SERVER, 1)

    assert (view.public_id, view.characters) == (None, ())
    assert [(one.user_id, one.half) for one in view.members] == [(1, None)]


async def test_a_character_without_a_member_is_shown_alone(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")

    view = await links.whois_character(ctx, SERVER, ana)

    assert (view.public_id, view.members) == (None, ())
    assert [(one.id, one.half) for one in view.characters] == [(ana, None)]


async def test_who_left_the_server_is_shown_as_gone(ctx: Context, guild: int, clock: FakeClock) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2))
    await add(ctx, ana, 1)
    left_at = clock.advance(hours=1)
    for user_id in (1, 2):
        await members.member_left(ctx, SERVER, user_id)

    for user_id in (1, 2):
        [shown] = (await links.whois_member(ctx, SERVER, user_id)).members
        assert (shown.user_id, shown.left_at) == (user_id, left_at)


async def test_a_member_is_shown_on_a_server_that_follows_no_guild_yet(ctx: Context) -> None:
    await insert_server(ctx)
    await insert_members(ctx, facts(1))

    assert (await links.whois_member(ctx, SERVER, 1)).roster_at is None


async def test_who_was_never_seen_is_not_found(ctx: Context, guild: int) -> None:
    with pytest.raises(NotFound, match="/sync members"):
        await links.whois_member(ctx, SERVER, 1)
    with pytest.raises(NotFound, match="not in Raiders of Dawn"):
        await links.whois_character(ctx, SERVER, 1)


async def test_a_rank_is_shown_by_the_servers_own_name_for_it(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, Toon("Ana", rank=3))
    async with ctx.sessions.begin() as session:
        session.add(GuildRank(server_id=SERVER, guild_id=guild, rank_index=3, name="Veteran"))

    [shown] = (await links.whois_character(ctx, SERVER, ana)).characters

    assert (shown.rank, shown.rank_name, shown.class_name, shown.realm) == (3, "Veteran", "Warrior", "stormrage")


async def test_a_class_that_nobody_knows_yet_is_shown_by_its_id(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    async with ctx.sessions.begin() as session:
        await session.execute(sa.text("UPDATE common.wow_characters SET class_id = 99"))

    [shown] = (await links.whois_character(ctx, SERVER, ana)).characters

    assert (shown.class_id, shown.class_name) == (99, None)
