"""Ranks of a server: names, roles, officers, truth; and which rank counts for whom."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import links, matching, members, player, ranks
from bot.services.context import Context
from bot.services.ranks import Chooser
from db import ranks as stored
from db.tables.guilds import Membership
from db.tables.people import PlayerCharacter, PlayerMember
from db.tables.servers import ServerGuild
from domain.errors import FollowsNoGuild, InvalidInput, NotFound, Refused
from domain.links import Source
from domain.ranks import Power, RankTruth, RoleFacts
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
    leave_guild,
    load_actions,
    map_rank,
)

RAIDER = RoleFacts(id=55, name="Raider", is_everyone=False, managed=False, below_bot=True, powers=frozenset())
MANAGER = Chooser(OFFICER, frozenset(Power))
BY_ROLE = Chooser(8, frozenset())


@pytest.fixture
async def guild(ctx: Context) -> int:
    guild = await insert_guild(ctx, await insert_server(ctx))
    await insert_characters(ctx, guild, Toon("Boss", rank=0), Toon("Ana", rank=3), Toon("Bo", rank=3))
    return guild


async def shown(ctx: Context) -> list[tuple[Any, ...]]:
    found = (await ranks.view(ctx, SERVER)).ranks
    return [(rank.index, rank.label, rank.role_id, rank.characters) for rank in found]


async def test_the_ranks_are_those_that_occur_now_with_how_many_characters(ctx: Context, guild: int) -> None:
    [gone] = await insert_characters(ctx, guild, Toon("Gone", rank=9))
    await leave_guild(ctx, gone)
    await insert_guild(ctx, await insert_server(ctx, 200), name="Others")

    view = await ranks.view(ctx, SERVER)

    assert await shown(ctx) == [(0, "Rank 0", None, 1), (3, "Rank 3", None, 2)]
    assert (view.guild_name, view.roster_at, view.officer_role_id) == ("Raiders of Dawn", ctx.clock(), None)
    assert view.truth is RankTruth.REPORT_ONLY


async def test_rank_order_number_and_names_are_each_guilds_own(ctx: Context, guild: int) -> None:
    there = await insert_server(ctx, 200)
    others = await insert_guild(ctx, there, name="Others")
    await insert_characters(ctx, others, *(Toon(f"Toon{index}", rank=index) for index in range(10)))
    await ranks.rename(ctx, there, 3, "Initiate", actor_id=OFFICER)
    await ranks.rename(ctx, SERVER, 3, "Elder", actor_id=OFFICER)

    assert [rank.label for rank in (await ranks.view(ctx, SERVER)).ranks] == ["Rank 0", "Elder"]
    assert [rank.label for rank in (await ranks.view(ctx, there)).ranks] == [
        "Initiate" if index == 3 else f"Rank {index}" for index in range(10)
    ]


async def test_two_servers_of_one_guild_name_and_map_its_ranks_apart(ctx: Context, guild: int) -> None:
    there = await insert_server(ctx, 200)
    async with ctx.sessions.begin() as session:
        session.add(ServerGuild(server_id=there, guild_id=guild, followed_at=ctx.clock()))
    await ranks.rename(ctx, SERVER, 3, "Elder", actor_id=OFFICER)
    await ranks.map_role(ctx, SERVER, 3, RAIDER, chooser=MANAGER)

    assert (await ranks.view(ctx, there)).rank(3).label == "Rank 3"
    assert (await ranks.view(ctx, there)).rank(3).role_id is None


async def test_a_mapped_rank_that_occurs_no_more_is_still_shown(ctx: Context, guild: int) -> None:
    await map_rank(ctx, guild, 7, 70)

    assert (7, "Rank 7", 70, 0) in await shown(ctx)


async def test_a_rank_that_lost_name_and_role_and_occurs_no_more_is_not_shown(ctx: Context, guild: int) -> None:
    await map_rank(ctx, guild, 7, 70)
    await ranks.map_role(ctx, SERVER, 7, None, chooser=MANAGER)

    assert [index for index, *_ in await shown(ctx)] == [0, 3]
    assert (await ranks.view(ctx, SERVER)).rank(7).label == "Rank 7"


async def test_a_name_is_stored_logged_and_taken_back(ctx: Context, guild: int) -> None:
    assert await ranks.rename(ctx, SERVER, 3, "  Elder\n", actor_id=OFFICER)
    assert (await ranks.view(ctx, SERVER)).rank(3).label == "Elder"
    assert await ranks.rename(ctx, SERVER, 3, "", actor_id=OFFICER)
    assert (await ranks.view(ctx, SERVER)).rank(3).label == "Rank 3"

    named, unnamed = await load_actions(ctx, "rank.name")
    assert (named.subject_kind, named.subject_id, named.actor_id) == ("rank", 3, OFFICER)
    assert (named.before, named.after) == ({"guild_id": guild, "name": None}, {"guild_id": guild, "name": "Elder"})
    assert unnamed.before == named.after


async def test_a_role_is_mapped_by_id_so_that_renamed_and_duplicate_role_names_lose_nobody(
    ctx: Context, guild: int
) -> None:
    twin = replace(RAIDER, id=56)
    await ranks.map_role(ctx, SERVER, 0, RAIDER, chooser=MANAGER)
    await ranks.map_role(ctx, SERVER, 3, twin, chooser=MANAGER)

    assert not await ranks.map_role(ctx, SERVER, 0, replace(RAIDER, name="Renamed"), chooser=MANAGER)
    assert [role_id for _, _, role_id, _ in await shown(ctx)] == [55, 56]


async def test_two_ranks_may_share_a_role(ctx: Context, guild: int) -> None:
    for index in (0, 3):
        assert await ranks.map_role(ctx, SERVER, index, RAIDER, chooser=BY_ROLE)

    assert [role_id for _, _, role_id, _ in await shown(ctx)] == [55, 55]


async def test_naming_keeps_the_role_and_mapping_keeps_the_name(ctx: Context, guild: int) -> None:
    await ranks.map_role(ctx, SERVER, 3, RAIDER, chooser=MANAGER)
    await ranks.rename(ctx, SERVER, 3, "Elder", actor_id=OFFICER)
    await ranks.map_role(ctx, SERVER, 3, replace(RAIDER, id=56), chooser=MANAGER)

    assert (3, "Elder", 56, 2) in await shown(ctx)


async def test_each_change_is_one_row_of_the_log_with_before_and_after(ctx: Context, guild: int) -> None:
    await ranks.map_role(ctx, SERVER, 3, RAIDER, chooser=MANAGER)
    await ranks.map_role(ctx, SERVER, 3, None, chooser=MANAGER)

    mapped, unmapped = await load_actions(ctx, "rank.map")
    assert (mapped.before, mapped.after) == ({"guild_id": guild, "role_id": None}, {"guild_id": guild, "role_id": 55})
    assert (unmapped.before, unmapped.after) == (mapped.after, mapped.before)
    assert (mapped.actor_id, mapped.subject_kind, mapped.subject_id) == (OFFICER, "rank", 3)


async def test_what_changes_nothing_writes_nothing(
    ctx: Context, guild: int, statements: Callable[..., AbstractContextManager[list[str]]]
) -> None:
    async def choose_all() -> list[bool]:
        return [
            await ranks.rename(ctx, SERVER, 3, "Elder", actor_id=OFFICER),
            await ranks.map_role(ctx, SERVER, 3, RAIDER, chooser=MANAGER),
            await ranks.choose_officer_role(ctx, SERVER, RAIDER, chooser=MANAGER),
            await ranks.choose_truth(ctx, SERVER, RankTruth.GAME, actor_id=OFFICER),
        ]

    assert await choose_all() == [True] * 4
    with statements() as sent:
        assert await choose_all() == [False] * 4
    assert sent
    assert not [one for one in sent if one.lstrip().startswith(("INSERT", "UPDATE", "DELETE"))]
    names = ("rank.name", "rank.map", "setup.officer-role", "setup.rank-truth")
    assert [len(await load_actions(ctx, name)) for name in names] == [1] * 4


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (replace(RAIDER, is_everyone=True), "everybody has it"),
        (replace(RAIDER, managed=True), "an app gives it"),
        (replace(RAIDER, below_bot=False), "Move Muster's role above it"),
    ],
)
async def test_a_role_that_may_never_stand_for_a_rank_is_refused_with_the_reason(
    ctx: Context, guild: int, role: RoleFacts, said: str
) -> None:
    with pytest.raises(Refused, match="`Raider` can't be chosen: ") as refused:
        await ranks.map_role(ctx, SERVER, 3, role, chooser=MANAGER)

    assert said in refused.value.text
    assert not await load_actions(ctx, "rank.map")


@pytest.mark.parametrize("power", [Power.ADMINISTRATOR, Power.MANAGE_ROLES])
async def test_a_powerful_role_wants_its_name_typed(ctx: Context, guild: int, power: Power) -> None:
    role = replace(RAIDER, name=" Warlord ", powers=frozenset({power}))
    for typed in (None, "", "warlord", "Warlor", "yes"):
        with pytest.raises(InvalidInput, match="type its name exactly"):
            await ranks.map_role(ctx, SERVER, 3, role, chooser=MANAGER, typed=typed)
    assert not await load_actions(ctx, "rank.map")

    assert await ranks.map_role(ctx, SERVER, 3, role, chooser=MANAGER, typed="Warlord")


async def test_what_a_roles_name_hides_need_not_be_typed(ctx: Context, guild: int) -> None:
    role = replace(RAIDER, name="War\u200blord  I", powers=frozenset({Power.ADMINISTRATOR}))
    assert await ranks.map_role(ctx, SERVER, 3, role, chooser=MANAGER, typed="Warlord I")

    unseen = replace(role, id=56, name="\u3164")
    with pytest.raises(InvalidInput, match="type its name exactly"):
        await ranks.map_role(ctx, SERVER, 3, unseen, chooser=MANAGER, typed="")


async def test_who_is_an_officer_by_role_alone_cannot_make_officers(ctx: Context, guild: int) -> None:
    for role in (RAIDER, None):
        with pytest.raises(Refused, match="Only members with Manage Server"):
            await ranks.choose_officer_role(ctx, SERVER, role, chooser=BY_ROLE)
    await ranks.choose_officer_role(ctx, SERVER, RAIDER, chooser=MANAGER)
    with pytest.raises(Refused, match="it gives Manage Server, which you don't have yourself"):
        await ranks.map_role(ctx, SERVER, 3, RAIDER, chooser=BY_ROLE)

    assert (await ranks.view(ctx, SERVER)).officer_role_id == RAIDER.id
    assert (await ranks.view(ctx, SERVER)).rank(3).role_id is None


async def test_the_officer_role_is_chosen_and_taken_back(ctx: Context, guild: int) -> None:
    with pytest.raises(Refused, match="everybody has it"):
        await ranks.choose_officer_role(ctx, SERVER, replace(RAIDER, is_everyone=True), chooser=MANAGER)
    assert await ranks.choose_officer_role(ctx, SERVER, replace(RAIDER, below_bot=False), chooser=MANAGER)
    assert await ranks.choose_officer_role(ctx, SERVER, None, chooser=MANAGER)

    rows = [(row.before, row.after) for row in await load_actions(ctx, "setup.officer-role")]
    nobody, raider = {"officer_role_id": None}, {"officer_role_id": RAIDER.id}
    assert rows == [(nobody, raider), (raider, nobody)]


async def test_the_rank_truth_is_logged(ctx: Context, guild: int) -> None:
    await ranks.choose_truth(ctx, SERVER, RankTruth.GAME, actor_id=OFFICER)

    [row] = await load_actions(ctx, "setup.rank-truth")
    assert (row.before, row.after) == ({"rank_truth": "report-only"}, {"rank_truth": "game"})
    assert (await ranks.view(ctx, SERVER)).truth is RankTruth.GAME


async def test_a_rank_that_the_guild_has_not_is_not_found(ctx: Context, guild: int) -> None:
    with pytest.raises(NotFound, match="/setup ranks"):
        await ranks.rename(ctx, SERVER, 8, "Ghost", actor_id=OFFICER)
    with pytest.raises(NotFound, match="/setup ranks"):
        await ranks.map_role(ctx, SERVER, 8, RAIDER, chooser=MANAGER)


async def test_without_a_guild_there_are_no_ranks(ctx: Context) -> None:
    await insert_server(ctx)
    with pytest.raises(FollowsNoGuild):
        await ranks.view(ctx, SERVER)
    with pytest.raises(FollowsNoGuild):
        await ranks.rename(ctx, SERVER, 0, "Boss", actor_id=OFFICER)


async def sql_ranks(ctx: Context, guild: int) -> dict[int, tuple[int, bool, set[int]]]:
    async with ctx.sessions() as session:
        values = {"server_id": SERVER, "guild_id": guild, "now": ctx.clock()}
        found = await session.execute(sa.text(stored.PLAYER_RANKS), values)
        return {row.player_id: (row.rank, row.overridden, set(row.user_ids)) for row in found}


async def agreed_rank(ctx: Context, guild: int, user_id: int) -> int | None:
    """Give a member's rank as the rules and the cards see it: both must say the same."""
    by_sql = next((rank for rank, _, users in (await sql_ranks(ctx, guild)).values() if user_id in users), None)
    shown = (await links.whois_member(ctx, SERVER, user_id)).rank
    assert shown == by_sql
    return shown


async def vouch(ctx: Context, user_id: int, *character_ids: int) -> None:
    for character_id in character_ids:
        await links.add(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=OFFICER)


async def test_a_players_rank_is_the_highest_of_their_proven_characters_now_in_the_guild(
    ctx: Context, guild: int
) -> None:
    main, alt, gone = await insert_characters(
        ctx, guild, Toon("Main", rank=4), Toon("Alt", rank=6), Toon("Out", rank=1)
    )
    await insert_members(ctx, facts(1))
    await vouch(ctx, 1, main, alt, gone)
    await leave_guild(ctx, gone)
    assert await agreed_rank(ctx, guild, 1) == 4

    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Membership).where(Membership.character_id == alt).values(rank=2))
    assert await agreed_rank(ctx, guild, 1) == 2


async def test_a_nickname_equal_to_the_guild_masters_character_gives_no_rank(ctx: Context, guild: int) -> None:
    await insert_members(ctx, facts(1, nick="Boss"))
    assert (await matching.match_server(ctx, SERVER)).linked == 1

    assert await agreed_rank(ctx, guild, 1) is None


async def test_an_inferred_link_never_raises_the_rank_of_a_proven_member(ctx: Context, guild: int) -> None:
    [own] = await insert_characters(ctx, guild, Toon("Own", rank=6))
    await insert_members(ctx, facts(1, nick="Boss"))
    assert (await matching.match_server(ctx, SERVER)).linked == 1
    await vouch(ctx, 1, own)

    assert await agreed_rank(ctx, guild, 1) == 6


@pytest.mark.parametrize("source", list(Source))
@pytest.mark.parametrize("half", [PlayerCharacter, PlayerMember])
async def test_a_rank_needs_both_halves_proven_whatever_the_confidence(
    ctx: Context, guild: int, source: Source, half: type[PlayerCharacter | PlayerMember]
) -> None:
    [own] = await insert_characters(ctx, guild, Toon("Own", rank=2))
    await insert_members(ctx, facts(1))
    await vouch(ctx, 1, own)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(half).values(source=source))

    assert await agreed_rank(ctx, guild, 1) == (2 if source.is_proof else None)


async def test_an_inferred_member_of_a_proven_player_does_not_share_the_rank(ctx: Context, guild: int) -> None:
    [own] = await insert_characters(ctx, guild, Toon("Own", rank=2))
    await insert_members(ctx, facts(1), facts(2))
    await vouch(ctx, 1, own)
    async with ctx.sessions.begin() as session:
        first = await session.get_one(PlayerMember, (SERVER, 1))
        values = {name: getattr(first, name) for name in ("player_id", "confidence", "evidence", "linked_at")}
        session.add(PlayerMember(server_id=SERVER, user_id=2, source=Source.NAME, **values))

    assert [users for _, _, users in (await sql_ranks(ctx, guild)).values()] == [{1}]


async def test_who_left_the_server_has_no_rank_there(ctx: Context, guild: int) -> None:
    [own] = await insert_characters(ctx, guild, Toon("Own", rank=2))
    await insert_members(ctx, facts(1))
    await vouch(ctx, 1, own)
    await members.member_left(ctx, SERVER, 1)

    assert await agreed_rank(ctx, guild, 1) is None


async def test_an_officers_word_replaces_the_rank_everywhere_and_may_lower_it(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    [own] = await insert_characters(ctx, guild, Toon("Own", rank=2))
    await insert_members(ctx, facts(1))
    await vouch(ctx, 1, own)
    await player.set_rank(ctx, SERVER, user_id=1, rank="3", reason="on trial", until="2d", actor_id=OFFICER)
    assert await agreed_rank(ctx, guild, 1) == 3

    clock.advance(days=2)
    assert await agreed_rank(ctx, guild, 1) == 2


async def test_giving_up_a_guild_can_log_the_map_and_ends_what_still_stands(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    await map_rank(ctx, guild, 7, 70)
    await ranks.rename(ctx, SERVER, 3, "Elder", actor_id=OFFICER)
    own, alt = await insert_characters(ctx, guild, Toon("Own"), Toon("Alt"))
    await insert_members(ctx, facts(1), facts(2))
    await vouch(ctx, 1, own)
    await vouch(ctx, 2, alt)
    await player.set_rank(ctx, SERVER, user_id=1, rank="3", reason="old", until="1d", actor_id=OFFICER)
    await player.set_rank(ctx, SERVER, user_id=2, rank="3", reason="trial", until=None, actor_id=OFFICER)
    clock.advance(days=3)

    async with ctx.sessions.begin() as session:
        assert await stored.rank_map(session, SERVER, guild) == [
            {"index": 3, "name": "Elder", "role_id": None},
            {"index": 7, "name": None, "role_id": 70},
        ]
        [ended] = await stored.end_overrides(session, SERVER, ctx.clock())
        assert await stored.end_overrides(session, SERVER, ctx.clock()) == []

    assert {key: ended[key] for key in ("rank", "reason", "ends_at")} == {"rank": 3, "reason": "trial", "ends_at": None}
    assert await agreed_rank(ctx, guild, 2) == 5
