"""Another main for who lost theirs, and the end of a link to a member who left."""

import asyncio

import pytest
import sqlalchemy as sa

from bot.services import audit, links, player, player_fixes
from bot.services.context import Context
from db.tables.audit import Issue
from db.tables.identity import PastLink
from db.tables.people import Player, PlayerMember, RankOverride, RejectedCandidate
from domain.audit import State
from domain.errors import Conflict
from domain.links import LinkEnd
from tests.support.causes_links import come_back, left_behind, mainless
from tests.support.changes import bo_leaves
from tests.support.claims import add, count, join_by_a_rule
from tests.support.people import (
    OFFICER,
    SERVER,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    load_actions,
    load_issues,
    load_links,
)

DEPUTY = 8


async def look(ctx: Context, rule: str) -> Issue:
    """Let the audit run; give the newest finding of a rule."""
    async with ctx.sessions.begin() as session:
        await audit.run_rules(ctx, session, server_id=SERVER)
    return (await load_issues(ctx, rule))[-1]


async def choose(ctx: Context, issue: Issue, character_id: int | None, which: str = "main", by: int = OFFICER) -> None:
    await player_fixes.choose_main(ctx, SERVER, issue.public_id, which=which, character_id=character_id, actor_id=by)


async def pointers(ctx: Context, player_id: int) -> tuple[int | None, int | None]:
    async with ctx.sessions() as session:
        found = await session.get_one(Player, player_id)
        return found.main_character_id, found.offspec_character_id


async def unlink(ctx: Context, issue: Issue, by: int = OFFICER) -> player_fixes.Parted:
    return await player_fixes.unlink_departed(ctx, SERVER, issue.public_id, actor_id=by)


async def test_another_of_their_characters_becomes_the_main_and_the_finding_closes(ctx: Context, guild: int) -> None:
    planted = await mainless(ctx, guild)
    issue = await look(ctx, "main_not_linked")
    offered = await player_fixes.main_choice(ctx, SERVER, issue.public_id)
    assert (offered.which, [one.name for one in offered.characters]) == (("main",), ["Bo"])

    await choose(ctx, issue, planted.bo)

    assert await pointers(ctx, planted.player) == (planted.bo, planted.bo)
    assert (await look(ctx, "main_not_linked")).state is State.RESOLVED
    [logged] = await load_actions(ctx, "player.main")
    assert (logged.actor_id, logged.subject_id) == (OFFICER, planted.player)
    assert (logged.before, logged.after) == (
        {"character_id": planted.ana},
        {"character_id": planted.bo, "finding": issue.public_id},
    )


async def test_none_is_a_main_too_and_the_off_spec_is_chosen_apart(ctx: Context, guild: int) -> None:
    planted = await mainless(ctx, guild)
    await bo_leaves(planted)
    issue = await look(ctx, "main_not_linked")
    assert (await player_fixes.main_choice(ctx, SERVER, issue.public_id)).which == ("main", "offspec")
    await choose(ctx, issue, None)
    issue = await look(ctx, "main_not_linked")
    assert issue.facts["which"] == ["offspec"]
    await choose(ctx, issue, None, "offspec")
    assert await pointers(ctx, planted.player) == (None, None)
    assert (await look(ctx, "main_not_linked")).state is State.RESOLVED


async def test_a_character_that_is_not_theirs_or_not_in_the_guild_is_not_chosen(ctx: Context, guild: int) -> None:
    planted = await mainless(ctx, guild)
    [strange] = await insert_characters(ctx, guild, "Cy")
    issue = await look(ctx, "main_not_linked")
    for character_id in (strange, planted.ana):
        with pytest.raises(Conflict, match="not theirs or not in the guild any more"):
            await choose(ctx, issue, character_id)
    assert await pointers(ctx, planted.player) == (planted.ana, planted.bo)


async def test_a_player_who_is_gone_has_nothing_to_choose(ctx: Context, guild: int) -> None:
    planted = await mainless(ctx, guild)
    issue = await look(ctx, "main_not_linked")
    for character_id in (planted.ana, planted.bo):
        await links.remove(ctx, SERVER, character_id=character_id, actor_id=DEPUTY)
    with pytest.raises(Conflict, match="nothing to choose"):
        await choose(ctx, issue, planted.bo)


async def test_of_two_officers_who_choose_at_once_the_second_is_told_who_was_first(scratch_ctx: Context) -> None:
    ctx = scratch_ctx
    planted = await mainless(ctx, await insert_guild(ctx, await insert_server(ctx)))
    issue = await look(ctx, "main_not_linked")
    done = await asyncio.gather(
        choose(ctx, issue, planted.bo), choose(ctx, issue, None, by=DEPUTY), return_exceptions=True
    )
    [refused] = [one for one in done if isinstance(one, Conflict)]
    first = DEPUTY if done[0] is refused else OFFICER
    assert refused.text == f"There is nothing left to choose here. <@{first}> was first."
    assert len(await load_actions(ctx, "player.main")) == 1


async def test_unlinking_who_left_frees_the_characters_of_a_player_without_others_and_rejects_nothing(
    ctx: Context, guild: int
) -> None:
    planted = await left_behind(ctx, guild)
    issue = await look(ctx, "stale_discord_link")

    done = await unlink(ctx, issue)

    assert (done.user_id, [one.name for one in done.characters]) == (1, ["Ana"])
    assert await load_links(ctx) == {}
    assert (await count(ctx, RejectedCandidate), await count(ctx, Player)) == (0, 0)
    assert (await look(ctx, "stale_discord_link")).state is State.RESOLVED
    assert (await look(ctx, "orphan_wow")).subject_id == planted.ana
    async with ctx.sessions() as session:
        past = (await session.scalars(sa.select(PastLink))).one()
    assert (past.user_ids, past.ended, past.ended_by) == ([1], LinkEnd.REMOVED, OFFICER)
    [logged], [member] = await load_actions(ctx, "link.remove"), await load_actions(ctx, "member.unlink")
    assert (logged.actor_id, logged.subject_id, member.subject_id) == (OFFICER, planted.ana, 1)
    assert logged.before is not None
    assert logged.before["members"] == [{"user_id": 1, "source": "officer"}]


async def test_of_a_player_with_another_member_only_who_left_is_unlinked(ctx: Context, guild: int) -> None:
    planted = await left_behind(ctx, guild)
    await insert_members(ctx, facts(2))
    await join_by_a_rule(ctx, 1, 2)
    issue = await look(ctx, "stale_discord_link")

    done = await unlink(ctx, issue)

    assert done.characters == ()
    assert await load_links(ctx) == {planted.ana: {2}}
    assert (await look(ctx, "stale_discord_link")).state is State.RESOLVED


async def test_a_rank_by_an_officers_word_goes_with_the_last_member_and_stays_in_the_log(
    ctx: Context, guild: int
) -> None:
    planted = await left_behind(ctx, guild)
    await player.set_rank(ctx, SERVER, user_id=1, rank="5", reason="trial", until=None, actor_id=OFFICER)
    await unlink(ctx, await look(ctx, "stale_discord_link"))
    assert (await count(ctx, RankOverride), await count(ctx, Player)) == (0, 0)
    [member] = await load_actions(ctx, "member.unlink")
    assert member.before is not None
    assert (member.before["player_id"], member.before["override"]["reason"]) == (planted.player, "trial")


async def test_who_is_back_stays_linked(ctx: Context, guild: int) -> None:
    planted = await left_behind(ctx, guild)
    issue = await look(ctx, "stale_discord_link")
    await come_back(planted)
    with pytest.raises(Conflict, match="<@1> is back in the server"):
        await unlink(ctx, issue)
    assert await load_links(ctx) == {planted.ana: {1}}


async def test_who_comes_back_after_it_can_be_linked_again(ctx: Context, guild: int) -> None:
    planted = await left_behind(ctx, guild)
    await unlink(ctx, await look(ctx, "stale_discord_link"))
    await come_back(planted)
    await add(ctx, planted.ana, 1)
    assert await load_links(ctx) == {planted.ana: {1}}


async def test_of_two_officers_who_unlink_at_once_the_second_is_told_who_was_first(scratch_ctx: Context) -> None:
    ctx = scratch_ctx
    await left_behind(ctx, await insert_guild(ctx, await insert_server(ctx)))
    issue = await look(ctx, "stale_discord_link")
    done = await asyncio.gather(unlink(ctx, issue), unlink(ctx, issue, DEPUTY), return_exceptions=True)
    [refused] = [one for one in done if isinstance(one, Conflict)]
    first = DEPUTY if done[0] is refused else OFFICER
    assert refused.text == f"This member is nobody's player any more. <@{first}> was first."
    assert await count(ctx, PlayerMember) == 0
    assert len(await load_actions(ctx, "member.unlink")) == 1
