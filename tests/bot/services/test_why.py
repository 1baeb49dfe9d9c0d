"""Why a character is whose it is."""

from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import links, matching, why
from bot.services.context import Context
from db.tables.identity import LinkContradiction, LinkSuggestion
from db.tables.people import Member
from domain.errors import NotFound
from domain.links import Confidence, LinkEnd, Source
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_run,
    insert_server,
    leave_guild,
)


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_guild(ctx, await insert_server(ctx))


async def add(ctx: Context, character_id: int, user_id: int) -> None:
    await links.add(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=OFFICER)


async def suggest(ctx: Context, character_id: int, *user_ids: int, **values: Any) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(sa.delete(LinkSuggestion).where(LinkSuggestion.character_id == character_id))
        session.add(
            LinkSuggestion(
                server_id=SERVER,
                character_id=character_id,
                candidates=[{"user_id": user_id, "evidence": []} for user_id in user_ids],
                suggested_at=ctx.clock(),
                **values,
            )
        )


async def opt_out(ctx: Context, *user_ids: int) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Member).where(Member.user_id.in_(user_ids)).values(opted_out_at=ctx.clock()))


async def test_an_automatic_link_tells_run_rule_version_and_evidence(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    run_id = await insert_run(ctx)
    await matching.match_server(ctx, SERVER, run_id=run_id)

    found = await why.explain(ctx, SERVER, ana)

    half = found.character.half
    assert half is not None
    assert half.run_id is not None
    assert found.runs[half.run_id].id == run_id
    [reason] = half.evidence["reasons"]
    assert (reason["rule"], reason["version"], reason["place"]) == ("equal_name", 1, "username")
    assert [member.user_id for member in found.members] == [1]
    assert (found.is_proven, found.suggested, found.contradiction, found.past) == (False, None, None, ())


async def test_a_suggestion_is_told_while_nobody_has_the_character(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2), facts(3))
    await suggest(ctx, ana, 2, 1, 3, confidence=Confidence.HIGH, run_id=await insert_run(ctx))
    await opt_out(ctx, 3)

    found = (await why.explain(ctx, SERVER, ana)).suggested

    assert found is not None
    assert ([one.user_id for one in found.candidates], found.confidence) == ([2, 1], Confidence.HIGH)
    assert found.run is not None
    await add(ctx, ana, 1)
    assert (await why.explain(ctx, SERVER, ana)).suggested is None


async def test_contradiction_refusals_and_history_are_told(ctx: Context, guild: int, clock: FakeClock) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"), facts(2))
    await matching.match_server(ctx, SERVER)
    await add(ctx, ana, 2)
    async with ctx.sessions.begin() as session:
        session.add(
            LinkContradiction(server_id=SERVER, character_id=ana, user_ids=[1], evidence=[], found_at=clock.now)
        )

    found = await why.explain(ctx, SERVER, ana)

    assert found.contradiction is not None
    assert found.contradiction.user_ids == (1,)
    assert [(one.user_id, one.by) for one in found.rejections] == [(1, OFFICER)]
    [past] = found.past
    assert (past.ended, past.user_ids, past.source) == (LinkEnd.MOVED, (1,), Source.NAME)
    assert (found.is_proven, found.hidden) == (True, frozenset())


async def test_of_who_opted_out_no_more_is_told(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"), facts(2))
    await matching.match_server(ctx, SERVER)
    await add(ctx, ana, 2)
    await opt_out(ctx, 1)

    assert (await why.explain(ctx, SERVER, ana)).hidden == {1}


async def test_a_character_outside_the_guild_has_no_reasons(ctx: Context, guild: int) -> None:
    [gone] = await insert_characters(ctx, guild, "Gone")
    await leave_guild(ctx, gone)

    with pytest.raises(NotFound, match="not in Raiders of Dawn"):
        await why.explain(ctx, SERVER, gone)


async def test_a_lone_member_shows_the_characters_that_may_be_theirs(ctx: Context, guild: int) -> None:
    ana, bo, cy, di = await insert_characters(ctx, guild, "Ana", "Bo", "Cy", "Di")
    await insert_members(ctx, facts(1), facts(2))
    await suggest(ctx, bo, 2, 1)
    await suggest(ctx, ana, 1)
    await suggest(ctx, cy, 2)
    await suggest(ctx, di, 1)
    await add(ctx, di, 2)

    view = await links.whois_member(ctx, SERVER, 1)
    assert [one.name for one in (await why.background(ctx, SERVER, view)).characters] == ["Ana", "Bo"]
    await opt_out(ctx, 1)
    view = await links.whois_member(ctx, SERVER, 1)
    assert (await why.background(ctx, SERVER, view)).characters == ()


async def test_a_lone_character_shows_who_it_may_be_and_whose_it_was(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2))
    await add(ctx, ana, 1)
    await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)
    await suggest(ctx, ana, 2, 1)

    found = await why.background(ctx, SERVER, await links.whois_character(ctx, SERVER, ana))

    assert [one.user_id for one in found.candidates] == [2]  # the other was refused
    assert [(one.user_ids, one.ended) for one in found.past] == [((1,), LinkEnd.REMOVED)]


async def test_the_last_few_past_links_of_a_member_come_latest_first(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    made = await insert_characters(ctx, guild, *(f"Toon{number}" for number in range(7)))
    await insert_members(ctx, facts(1))
    for character_id in made:
        await add(ctx, character_id, 1)
        clock.advance(hours=1)
        await links.remove(ctx, SERVER, character_id=character_id, actor_id=OFFICER)

    found = await why.background(ctx, SERVER, await links.whois_member(ctx, SERVER, 1))

    assert [one.character for one in found.past] == ["Toon6", "Toon5", "Toon4", "Toon3", "Toon2"]


async def test_a_member_has_no_background_on_a_server_that_follows_no_guild(ctx: Context) -> None:
    await insert_server(ctx)
    await insert_members(ctx, facts(1))

    found = await why.background(ctx, SERVER, await links.whois_member(ctx, SERVER, 1))

    assert found == why.Background((), (), (), frozenset())
