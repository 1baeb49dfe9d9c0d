"""Coverage: how much is linked, by what, and how far the rules are trusted."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import sqlalchemy as sa

from bot.services import coverage, links, matching, members
from bot.services.context import Context
from bot.services.coverage import Grade, SuggestionVerdicts
from db import verdicts
from db.coverage import WaitingCounts
from db.tables.identity import AltGroup, Claim, LinkContradiction, LinkSuggestion
from db.tables.people import Member
from domain.errors import FollowsNoGuild
from domain.evidence import RuleName
from domain.links import ClaimState, Confidence, Source, Verdict
from domain.trust import Counts
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
)


async def add(ctx: Context, character_id: int, user_id: int, source: Source = Source.OFFICER) -> None:
    await links.add(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=OFFICER, source=source)


async def settle(ctx: Context, guild: int) -> list[int]:
    """Make one link of each kind, and what can stand beside them; give the characters."""
    names = ("Proven", "Second", "Sheet", "Named", "Maybe", "Nobody", "Gone")
    made = await insert_characters(ctx, guild, *(Toon(name, rank=place % 2) for place, name in enumerate(names)))
    await insert_members(ctx, facts(1), facts(2), facts(3, "named"), facts(4), facts(5))
    await matching.match_server(ctx, SERVER)
    proven, second, sheet, _named, maybe, nobody, gone = made
    await add(ctx, proven, 1)
    await add(ctx, second, 1)
    await add(ctx, sheet, 2, Source.MIGRATED_SHEET)
    await add(ctx, gone, 4)
    await leave_guild(ctx, gone)
    now = ctx.clock()
    async with ctx.sessions.begin() as session:
        await session.execute(sa.delete(LinkSuggestion))
        candidates = [{"user_id": 4, "evidence": []}]
        session.add(
            LinkSuggestion(
                server_id=SERVER,
                character_id=maybe,
                candidates=candidates,
                confidence=Confidence.HIGH,
                suggested_at=now,
            )
        )
        # One whose character was linked meanwhile waits for nobody.
        session.add(LinkSuggestion(server_id=SERVER, character_id=sheet, candidates=candidates, suggested_at=now))
        session.add_all(AltGroup(server_id=SERVER, character_id=one, group_id=maybe) for one in (maybe, nobody))
        # Of one that is nobody's yet there is no link to speak against.
        session.add_all(
            LinkContradiction(server_id=SERVER, character_id=one, user_ids=[2], evidence=[], found_at=now)
            for one in (proven, nobody)
        )
        session.add_all(
            Claim(public_id=state.value, server_id=SERVER, character_id=nobody, user_id=5, state=state, asked_at=now)
            for state in (ClaimState.OPEN, ClaimState.WITHDRAWN)
        )
        await session.execute(sa.update(Member).where(Member.user_id == 5).values(opted_out_at=now))
    return made


async def test_characters_members_and_players_are_counted_by_how_well_they_are_known(ctx: Context, guild: int) -> None:
    await settle(ctx, guild)

    found = await coverage.load(ctx, SERVER)

    assert found.graded_characters() == {
        Grade.PROVEN: 2,
        Grade.WORD: 1,
        Grade.HIGH: 1,
        Grade.SUGGESTED: 1,
        Grade.UNKNOWN: 1,
    }
    assert found.graded_characters(1) == {Grade.PROVEN: 1, Grade.HIGH: 1, Grade.UNKNOWN: 1}
    assert found.graded_members() == {Grade.PROVEN: 2, Grade.WORD: 1, Grade.HIGH: 1, Grade.UNKNOWN: 1}
    assert found.graded_players() == {Grade.PROVEN: 1, Grade.WORD: 1, Grade.HIGH: 1}
    assert found.opted_out == 1
    assert [(rank.index, rank.characters) for rank in found.ranks] == [(0, 3), (1, 3)]


async def test_what_is_linked_is_counted_by_source_and_confidence_the_strongest_first(ctx: Context, guild: int) -> None:
    await settle(ctx, guild)

    found = await coverage.load(ctx, SERVER)

    assert list(coverage.by_way(found.characters).items()) == [
        ((Source.OFFICER, Confidence.HIGH), 2),
        ((Source.MIGRATED_SHEET, Confidence.HIGH), 1),
        ((Source.NAME, Confidence.HIGH), 1),
    ]
    assert sum(coverage.by_way(found.members).values()) == 4
    assert sum(coverage.by_way(found.players).values()) == 3


async def test_what_waits_beside_the_links_is_counted(ctx: Context, guild: int) -> None:
    await settle(ctx, guild)

    assert (await coverage.load(ctx, SERVER)).waiting == WaitingCounts(
        suggestions=1, would_link=1, groups=1, grouped=2, contradictions=1, claims=1
    )


async def test_a_player_whose_members_all_left_is_known_to_nobody(ctx: Context, guild: int) -> None:
    await settle(ctx, guild)
    await members.member_left(ctx, SERVER, 1)

    found = await coverage.load(ctx, SERVER)

    assert found.graded_players() == {Grade.WORD: 1, Grade.HIGH: 1, Grade.UNKNOWN: 1}


async def test_the_rules_show_what_people_said_of_their_links_and_of_their_suggestions(
    ctx: Context, guild: int
) -> None:
    made = await settle(ctx, guild)
    judged = [
        verdicts.Judged("similar_name", 1, made[4], 4, Verdict.CONFIRMED, was_linked=False),
        verdicts.Judged("similar_name", 1, made[5], 4, Verdict.REJECTED, was_linked=False),
    ]
    async with ctx.sessions.begin() as session:
        await verdicts.record(session, SERVER, judged, by=OFFICER, now=ctx.clock())
    before = await coverage.load(ctx, SERVER)
    await links.remove(ctx, SERVER, character_id=made[3], actor_id=OFFICER)

    after = await coverage.load(ctx, SERVER)

    assert (before.links, before.only_suggesting) == ({"equal_name": Counts(0, 0, 1)}, frozenset())
    assert (after.links, after.only_suggesting) == ({"equal_name": Counts(0, 1, 1)}, {RuleName.EQUAL_NAME})
    assert after.suggestions == {"similar_name": SuggestionVerdicts(1, 1)}


async def test_coverage_takes_the_same_statements_whatever_the_size_of_the_guild(
    ctx: Context, guild: int, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    with statements() as empty:
        await coverage.load(ctx, SERVER)
    await settle(ctx, guild)
    await insert_characters(ctx, guild, *(f"Toon{number}" for number in range(50)))
    with statements() as full:
        found = await coverage.load(ctx, SERVER)

    assert found.graded_characters().total() == 56
    assert len(full) == len(empty) < 12


async def test_the_links_of_another_server_of_the_guild_do_not_count(ctx: Context) -> None:
    here, there = await insert_server(ctx), await insert_server(ctx, 200)
    guild = await insert_guild(ctx, here, there)
    await settle(ctx, guild)

    found = await coverage.load(ctx, there)

    assert found.graded_characters() == {Grade.UNKNOWN: 6}
    assert (found.members, found.players, found.waiting.groups, found.links) == ((), (), 0, {})


async def test_a_server_that_follows_no_guild_has_nothing_to_count(ctx: Context) -> None:
    await insert_server(ctx)

    with pytest.raises(FollowsNoGuild):
        await coverage.load(ctx, SERVER)
