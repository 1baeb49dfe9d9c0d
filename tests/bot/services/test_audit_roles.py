"""The rules about ranks and the roles that stand for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.services import audit, links, members
from bot.services.context import Context
from db.tables.audit import Issue
from db.tables.guilds import Membership
from db.tables.people import RankOverride
from db.tables.servers import GuildRank
from domain.audit import Severity, State
from domain.links import Source
from domain.ranks import player_rank
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_player,
    insert_server,
    leave_guild,
    load_issues,
    map_rank,
)

OFFICERS, RAIDERS, GUESTS = 31, 32, 99
"""Roles: of rank 1, of rank 3, and of no rank."""
ROLE_RULES = ("role_mismatch", "no_guild_role")


@pytest.fixture
async def guild(ctx: Context) -> int:
    """A guild whose ranks 1 and 3 stand for roles."""
    guild = await insert_guild(ctx, await insert_server(ctx))
    await map_rank(ctx, guild, 1, OFFICERS)
    await map_rank(ctx, guild, 3, RAIDERS)
    return guild


async def run(ctx: Context, server_id: int = SERVER) -> dict[str, set[int]]:
    """Run the rules; give the subjects that stand by rule, those about unlinked ones left out."""
    async with ctx.sessions.begin() as session:
        await audit.run_rules(ctx, session, server_id=server_id)
    found: dict[str, set[int]] = {}
    for issue in await load_issues(ctx, server_id=server_id):
        if issue.state is not State.RESOLVED and not issue.rule.startswith("orphan"):
            found.setdefault(issue.rule, set()).add(issue.subject_id)
    return found


async def standing(ctx: Context, rule: str) -> Issue:
    [issue] = [one for one in await load_issues(ctx, rule) if one.state is not State.RESOLVED]
    return issue


async def insert_proven(ctx: Context, guild: int, *roles: int, rank: int = 1) -> int:
    """Insert member 1 with these roles and, by an officer's word, the character Ana of a rank; give the player."""
    ids = await insert_characters(ctx, guild, Toon("Ana", rank=rank))
    await insert_members(ctx, facts(1, role_ids=roles))
    return await insert_player(ctx, ids, [1])


async def give_roles(ctx: Context, *roles: int, user_id: int = 1) -> None:
    await members.member_changed(ctx, SERVER, facts(user_id, role_ids=roles))


async def set_override(
    ctx: Context, player_id: int, rank: int, *, ends_at: datetime | None = None, server_id: int = SERVER
) -> None:
    async with ctx.sessions.begin() as session:
        session.add(
            RankOverride(
                server_id=server_id,
                player_id=player_id,
                rank_index=rank,
                reason="trial",
                set_by=OFFICER,
                set_at=ctx.clock(),
                ends_at=ends_at,
            )
        )


async def change_rank(ctx: Context, rank: int, **values: int | str | None) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(GuildRank).where(GuildRank.rank_index == rank).values(**values))


async def promote(ctx: Context, rank: int) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Membership).values(rank=rank))


async def test_a_player_with_another_ranks_role_is_a_mismatch(ctx: Context, guild: int) -> None:
    player = await insert_proven(ctx, guild, RAIDERS, GUESTS)
    await change_rank(ctx, 1, name="Officer")

    assert await run(ctx) == {"role_mismatch": {player}}

    issue = await standing(ctx, "role_mismatch")
    assert issue.severity is Severity.ERROR
    assert issue.facts == {
        "name": "Ana",
        "user_ids": [1],
        "rank": 1,
        "rank_name": "Officer",
        "expected_role_id": OFFICERS,
        "held_role_ids": [RAIDERS],
    }


async def test_a_player_with_no_ranks_role_lacks_one(ctx: Context, guild: int) -> None:
    player = await insert_proven(ctx, guild, GUESTS)

    assert await run(ctx) == {"no_guild_role": {player}}

    issue = await standing(ctx, "no_guild_role")
    assert (issue.severity, issue.facts["expected_role_id"], issue.facts["held_role_ids"]) == (
        Severity.WARNING,
        OFFICERS,
        [],
    )


async def test_members_in_rules_screening_wait_for_their_role_until_it_clears(ctx: Context, guild: int) -> None:
    player = await insert_proven(ctx, guild)
    await members.member_changed(ctx, SERVER, facts(1, pending=True))
    assert await run(ctx) == {}

    await members.member_changed(ctx, SERVER, facts(1))
    assert await run(ctx) == {"no_guild_role": {player}}


async def test_a_player_with_their_ranks_role_is_left_alone_whatever_else_they_hold(ctx: Context, guild: int) -> None:
    await insert_proven(ctx, guild, OFFICERS, RAIDERS, GUESTS)

    assert await run(ctx) == {}


async def test_two_ranks_may_share_a_role(ctx: Context, guild: int) -> None:
    await map_rank(ctx, guild, 2, RAIDERS)
    await insert_proven(ctx, guild, RAIDERS, rank=2)

    assert await run(ctx) == {}


async def test_the_best_proven_character_counts_and_names_the_finding(ctx: Context, guild: int) -> None:
    ids = await insert_characters(ctx, guild, Toon("Bank", rank=3), Toon("Ana", rank=1))
    await insert_members(ctx, facts(1, role_ids=(RAIDERS,)))
    await insert_player(ctx, ids, [1])

    await run(ctx)

    assert (await standing(ctx, "role_mismatch")).facts["name"] == "Ana"


async def test_the_roles_of_all_members_of_a_player_count_together(ctx: Context, guild: int) -> None:
    ids = await insert_characters(ctx, guild, Toon("Ana", rank=1))
    await insert_members(ctx, facts(1, role_ids=(RAIDERS,)), facts(2))
    player = await insert_player(ctx, ids, [1, 2])
    assert await run(ctx) == {"role_mismatch": {player}}
    assert (await standing(ctx, "role_mismatch")).facts["user_ids"] == [1, 2]

    await give_roles(ctx, OFFICERS, user_id=2)
    assert await run(ctx) == {}


async def test_what_is_only_inferred_has_no_rank_and_no_finding(ctx: Context, guild: int) -> None:
    """Whoever calls themselves like an officer must not be proposed for that officer's role."""
    ids = await insert_characters(ctx, guild, Toon("Ana", rank=1))
    await insert_members(ctx, facts(1, role_ids=(RAIDERS,)))
    await insert_player(ctx, ids, [1], source=Source.NAME)

    assert await run(ctx) == {}


async def test_an_inferred_character_does_not_raise_a_proven_players_rank(ctx: Context, guild: int) -> None:
    low, high = await insert_characters(ctx, guild, Toon("Ana", rank=3), Toon("Chief", rank=1))
    await insert_members(ctx, facts(1, role_ids=(RAIDERS,)))
    await insert_player(ctx, [low], [1], inferred=[high])

    assert await run(ctx) == {}


async def test_a_rank_without_a_role_is_told_once_and_not_by_each_player_of_it(ctx: Context, guild: int) -> None:
    await insert_proven(ctx, guild, RAIDERS, rank=7)
    await insert_characters(ctx, guild, Toon("Bo", rank=7), Toon("Cid", rank=3))

    assert await run(ctx) == {"unmapped_rank": {7}}

    issue = await standing(ctx, "unmapped_rank")
    assert issue.severity is Severity.INFO
    assert issue.facts == {"rank": 7, "rank_name": None, "characters": 2}


async def test_before_any_rank_is_mapped_no_rank_misses_a_role(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx))
    await map_rank(ctx, guild, 1, None)
    await insert_proven(ctx, guild)

    assert await run(ctx) == {}


async def test_a_mapped_rank_or_a_rank_that_nobody_has_any_more_is_not_unmapped(ctx: Context, guild: int) -> None:
    [bo] = await insert_characters(ctx, guild, Toon("Bo", rank=7))
    assert await run(ctx) == {"unmapped_rank": {7}}

    await leave_guild(ctx, bo)
    assert await run(ctx) == {}

    await insert_characters(ctx, guild, Toon("Cid", rank=8))
    assert await run(ctx) == {"unmapped_rank": {8}}
    await map_rank(ctx, guild, 8, GUESTS)
    assert await run(ctx) == {}


async def test_the_right_role_closes_a_mismatch_and_the_wrong_one_opens_it(ctx: Context, guild: int) -> None:
    player = await insert_proven(ctx, guild)
    assert await run(ctx) == {"no_guild_role": {player}}
    await give_roles(ctx, RAIDERS)
    assert await run(ctx) == {"role_mismatch": {player}}
    await give_roles(ctx, OFFICERS)
    assert await run(ctx) == {}
    await give_roles(ctx)
    assert await run(ctx) == {"no_guild_role": {player}}


@pytest.mark.parametrize(("roles", "rule"), [((RAIDERS,), "role_mismatch"), ((), "no_guild_role")])
@pytest.mark.parametrize("cause", ["character", "member", "link", "rank", "role", "guild"])
async def test_each_rule_closes_what_it_opened_when_the_cause_is_gone(
    ctx: Context, guild: int, roles: tuple[int, ...], rule: str, cause: str
) -> None:
    """Also when the character or the member left."""
    player = await insert_proven(ctx, guild, *roles)
    assert await run(ctx) == {rule: {player}}
    [character] = [issue.facts["name"] for issue in await load_issues(ctx, rule)]
    assert character == "Ana"

    match cause:
        case "character":
            async with ctx.sessions.begin() as session:
                await session.execute(sa.update(Membership).values(left_at=ctx.clock()))
        case "member":
            await members.member_left(ctx, SERVER, 1)
        case "link":
            ana = await links.resolve_character(ctx, SERVER, "Ana")
            await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)
        case "rank":
            await change_rank(ctx, 1, role_id=None)
        case "role":
            await give_roles(ctx, OFFICERS)
        case "guild":
            await insert_guild(ctx, SERVER, name="Others")

    assert not {player} & set().union(*(await run(ctx)).values())
    assert {issue.state for issue in await load_issues(ctx, rule)} == {State.RESOLVED}


async def test_a_promotion_opens_a_mismatch_and_a_demotion_closes_it(ctx: Context, guild: int) -> None:
    player = await insert_proven(ctx, guild, RAIDERS, rank=3)
    assert await run(ctx) == {}
    await promote(ctx, 1)
    assert await run(ctx) == {"role_mismatch": {player}}
    await promote(ctx, 3)
    assert await run(ctx) == {}


async def test_no_mismatch_stands_while_an_officers_override_holds(ctx: Context, guild: int, clock: FakeClock) -> None:
    player = await insert_proven(ctx, guild, RAIDERS)
    assert await run(ctx) == {"role_mismatch": {player}}

    await set_override(ctx, player, 1, ends_at=ctx.clock() + timedelta(days=2))
    assert await run(ctx) == {}

    clock.advance(days=2)
    assert await run(ctx) == {"role_mismatch": {player}}


async def test_an_overridden_rank_still_asks_for_a_role_of_the_guild(ctx: Context, guild: int) -> None:
    player = await insert_proven(ctx, guild, rank=7)
    assert await run(ctx) == {"unmapped_rank": {7}}

    await set_override(ctx, player, 3)
    assert await run(ctx) == {"unmapped_rank": {7}, "no_guild_role": {player}}
    assert (await standing(ctx, "no_guild_role")).facts["expected_role_id"] == RAIDERS

    await give_roles(ctx, RAIDERS)
    assert await run(ctx) == {"unmapped_rank": {7}}


async def test_a_finding_follows_the_rank_it_is_about(ctx: Context, guild: int) -> None:
    await map_rank(ctx, guild, 2, 33)
    await insert_proven(ctx, guild, RAIDERS)
    await run(ctx)
    before = await standing(ctx, "role_mismatch")

    await promote(ctx, 2)
    await run(ctx)

    after = await standing(ctx, "role_mismatch")
    assert after.id == before.id
    assert (after.facts["rank"], after.facts["expected_role_id"]) == (2, 33)
    assert after.fingerprint != before.fingerprint


async def test_each_server_of_a_guild_is_measured_by_its_own_map(ctx: Context, guild: int) -> None:
    await insert_server(ctx, 200)
    shared = await insert_guild(ctx, SERVER, 200, name="Shared")
    await map_rank(ctx, shared, 1, OFFICERS)
    await map_rank(ctx, shared, 1, RAIDERS, server_id=200)
    ids = await insert_characters(ctx, shared, Toon("Ana", rank=1))
    players = []
    for server in (SERVER, 200):
        await insert_members(ctx, facts(1, role_ids=(OFFICERS,)), server_id=server)
        players.append(await insert_player(ctx, ids, [1], server_id=server))

    assert await run(ctx) == {}
    assert await run(ctx, 200) == {"no_guild_role": {players[1]}}


@dataclass(frozen=True)
class Person:
    """A random player: ranks of proven characters, one only inferred, roles of each member, an officer's word."""

    proven: list[int]
    inferred: int | None
    roles: list[set[int]]
    override: int | None
    ended: bool


RANKS = st.integers(0, 4)
PEOPLE = st.lists(
    st.builds(
        Person,
        proven=st.lists(RANKS, max_size=3),
        inferred=st.none() | RANKS,
        roles=st.lists(st.sets(st.integers(1, 6), max_size=4), min_size=1, max_size=2),
        override=st.none() | RANKS,
        ended=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def expected_finding(role_of: Mapping[int, int], person: Person) -> str | None:
    """Say in plain words which of the two rules a player breaks."""
    override = None if person.ended else person.override
    rank = player_rank(person.proven, override)
    if rank is None or rank not in role_of:
        return None
    held = set().union(*person.roles) & set(role_of.values())
    if not held:
        return "no_guild_role"
    return None if override is not None or role_of[rank] in held else "role_mismatch"


_server_ids = count(1_000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(role_of=st.dictionaries(RANKS, st.integers(1, 4), max_size=4), people=PEOPLE)
async def test_a_player_has_one_finding_about_roles_at_most_and_the_right_one(
    *, ctx: Context, role_of: dict[int, int], people: list[Person]
) -> None:
    server = await insert_server(ctx, next(_server_ids))
    guild = await insert_guild(ctx, server)
    for rank, role in role_of.items():
        await map_rank(ctx, guild, rank, role, server_id=server)
    expected: dict[str, set[int]] = {}
    user_ids = count(1)
    for person in people:
        suggested = [] if person.inferred is None else [Toon("Bo", rank=person.inferred)]
        users = [facts(next(user_ids), role_ids=sorted(roles)) for roles in person.roles]
        await insert_members(ctx, *users, server_id=server)
        proven = await insert_characters(ctx, guild, *(Toon("Ana", rank=rank) for rank in person.proven))
        inferred = await insert_characters(ctx, guild, *suggested)
        player = await insert_player(ctx, proven, [user.user_id for user in users], server_id=server, inferred=inferred)
        if person.override is not None:
            ends_at = ctx.clock() if person.ended else None
            await set_override(ctx, player, person.override, ends_at=ends_at, server_id=server)
        if (rule := expected_finding(role_of, person)) is not None:
            expected.setdefault(rule, set()).add(player)

    found = await run(ctx, server)

    assert {rule: found[rule] for rule in ROLE_RULES if rule in found} == expected
