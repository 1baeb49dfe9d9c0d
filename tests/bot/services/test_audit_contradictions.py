"""Findings about links that a note or a name speaks against, and about members whom no rule may look for."""

import pytest
import sqlalchemy as sa

from bot.services import links, matching
from bot.services.context import Context
from bot.services.pipeline import follow_up
from db.tables.identity import MatchingState
from db.tables.people import Member
from domain.audit import State
from domain.evidence import Place
from domain.identity import Contradiction, Outcome
from tests.support.matched import link, reason, with_outcome
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_note,
    insert_server,
    leave_guild,
    load_issues,
    load_links,
)


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_guild(ctx, await insert_server(ctx))


async def standing(ctx: Context) -> set[tuple[str, int]]:
    """Give the rule and character of each contradiction that stands."""
    return {
        (issue.rule, issue.subject_id)
        for rule in ("link_contradicts_note", "note_mismatch")
        for issue in await load_issues(ctx, rule)
        if issue.state is not State.RESOLVED
    }


async def contradict(ctx: Context, character_id: int, *user_ids: int, place: Place = Place.OFFICER_NOTE) -> None:
    """Let matching, at whatever change, find that something speaks for others, and audit."""
    async with ctx.sessions.begin() as session:
        await session.execute(sa.delete(MatchingState))
    against = Contradiction(character_id, user_ids, (reason(written="the secret note", place=place),))
    await follow_up(with_outcome(ctx, Outcome((), (), (), (against,))), SERVER)


async def say(ctx: Context, character_id: int, user_id: int) -> None:
    await links.add(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=OFFICER)


async def infer(ctx: Context, character_id: int, user_id: int) -> None:
    await matching.match_server(with_outcome(ctx, Outcome((link(character_id, user_id),))), SERVER)


async def test_a_note_that_contradicts_a_persons_link_is_a_finding_not_a_fix(ctx: Context, guild: int) -> None:
    [toon] = await insert_characters(ctx, guild, "Zorblax")
    await insert_members(ctx, facts(1, "walter_white"), facts(2))
    await say(ctx, toon, 2)
    await insert_note(ctx, toon, officer_note="discord: walter_white")

    await follow_up(ctx, SERVER)

    assert await standing(ctx) == {("link_contradicts_note", toon)}
    assert await load_links(ctx) == {toon: {2}}
    await insert_note(ctx, toon, officer_note="")
    await follow_up(ctx, SERVER)
    assert await standing(ctx) == set()


async def test_a_finding_names_people_and_never_what_a_note_says(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, Toon("Ana", rank=2))
    await insert_members(ctx, facts(1), facts(2), facts(3))
    await say(ctx, ana, 1)

    await contradict(ctx, ana, 3, 2)

    [issue] = await load_issues(ctx, "link_contradicts_note")
    people = {"user_ids": [1], "other_ids": [2, 3], "by_note": True}
    assert issue.facts == {"name": "Ana", "realm": "stormrage", "rank": 2, "rank_name": None, **people}
    assert "secret" not in issue.fingerprint


async def test_an_inferred_link_in_doubt_is_a_notice_until_a_person_confirms_it(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2))
    await infer(ctx, ana, 1)
    await contradict(ctx, ana, 2, place=Place.NICK)
    assert await standing(ctx) == {("note_mismatch", ana)}
    [issue] = await load_issues(ctx, "note_mismatch")
    assert issue.facts["by_note"] is False

    await say(ctx, ana, 1)
    await contradict(ctx, ana, 2)
    assert await standing(ctx) == {("link_contradicts_note", ana)}


async def test_it_closes_when_the_link_is_removed(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2))
    await say(ctx, ana, 1)
    await contradict(ctx, ana, 2)
    await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)

    await contradict(ctx, ana, 2)  # not even when matching were to find it still

    assert await standing(ctx) == set()


async def test_it_closes_when_the_character_leaves_the_guild(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2))
    await say(ctx, ana, 1)
    await contradict(ctx, ana, 2)
    await leave_guild(ctx, ana)

    await contradict(ctx, ana, 2)

    assert await standing(ctx) == set()


async def test_another_member_who_is_spoken_for_changes_the_finding_and_opens_no_second(
    ctx: Context, guild: int
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2), facts(3))
    await say(ctx, ana, 1)
    await contradict(ctx, ana, 2)
    [before] = await load_issues(ctx, "link_contradicts_note")
    await contradict(ctx, ana, 3)

    [issue] = await load_issues(ctx, "link_contradicts_note")
    assert (issue.facts["other_ids"], issue.fingerprint != before.fingerprint) == ([3], True)


async def test_who_opted_out_is_no_member_without_a_character(ctx: Context, guild: int) -> None:
    await insert_members(ctx, facts(1))
    await follow_up(ctx, SERVER)
    assert [issue.state for issue in await load_issues(ctx, "orphan_discord")] == [State.OPEN]

    async with ctx.sessions.begin() as session:
        (await session.get_one(Member, (SERVER, 1))).opted_out_at = ctx.clock()
    await follow_up(ctx, SERVER)

    assert [issue.state for issue in await load_issues(ctx, "orphan_discord")] == [State.RESOLVED]
