"""Fixes of findings about links: each counts once, and only about what the officer was shown."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import audit, claims, findings, fixes, links
from bot.services.context import Context
from bot.services.pipeline import follow_up
from db.tables.audit import RuleSetting
from db.tables.people import Member, RejectedCandidate
from domain.audit import State, SubjectKind
from domain.errors import Conflict, MusterError, NotFound
from domain.links import ClaimState, Source
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
    load_actions,
    load_issues,
    load_links,
)

DEPUTY = 8
ANA, BOB, WALTER = 1, 2, 3


@pytest.fixture
async def zorblax(ctx: Context) -> int:
    """Give a character of a guild, read whole, whose server has three members; one of them is called walter_white."""
    return await _furnish(ctx)


@pytest.fixture
async def racing(scratch_ctx: Context) -> int:
    """Give the same on sessions that really commit."""
    return await _furnish(scratch_ctx)


async def _furnish(ctx: Context) -> int:
    guild = await insert_guild(ctx, await insert_server(ctx))
    [zorblax] = await insert_characters(ctx, guild, Toon("Zorblax", rank=3))
    await insert_members(ctx, facts(ANA), facts(BOB), facts(WALTER, "walter_white"))
    await follow_up(ctx, SERVER)
    return zorblax


async def contradict(ctx: Context, character_id: int, *, source: Source = Source.OFFICER) -> str:
    """Let the character be Ana's by somebody's word, and a note say that it is Walter's; give the finding."""
    await links.add(ctx, SERVER, character_id=character_id, user_id=ANA, actor_id=OFFICER, source=source)
    await insert_note(ctx, character_id, officer_note="discord: walter_white")
    await follow_up(ctx, SERVER)
    return await finding(ctx, "link_contradicts_note", character_id)


async def finding(ctx: Context, rule: str, subject_id: int) -> str:
    """Give the finding of a rule that stands about a subject."""
    [found] = [
        issue
        for issue in await load_issues(ctx, rule)
        if issue.subject_id == subject_id and issue.state is not State.RESOLVED
    ]
    return found.public_id


async def standing(ctx: Context, *rules: str) -> set[tuple[str, int]]:
    """Give rule and subject of what stands."""
    return {
        (issue.rule, issue.subject_id)
        for rule in rules
        for issue in await load_issues(ctx, rule)
        if issue.state is not State.RESOLVED
    }


async def leave_server(ctx: Context, *user_ids: int) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Member).where(Member.user_id.in_(user_ids)).values(left_at=ctx.clock()))


async def rejected(ctx: Context) -> set[tuple[int, int]]:
    async with ctx.sessions() as session:
        found = await session.execute(sa.select(RejectedCandidate.character_id, RejectedCandidate.user_id))
        return {(row[0], row[1]) for row in found}


async def race(*acts: Awaitable[Any]) -> list[str]:
    """Let officers act at the same moment; give what those were told who came too late."""
    done = await asyncio.gather(*acts, return_exceptions=True)
    late = [one for one in done if isinstance(one, BaseException)]
    assert all(isinstance(one, MusterError) for one in late), late
    return [str(one) for one in late]


async def test_of_two_officers_who_link_one_character_at_once_one_does_and_the_other_is_told(
    scratch_ctx: Context, racing: int
) -> None:
    ctx, orphan = scratch_ctx, await finding(scratch_ctx, "orphan_wow", racing)
    told = await race(
        fixes.link(ctx, SERVER, orphan, user_id=ANA, actor_id=OFFICER),
        fixes.link(ctx, SERVER, orphan, user_id=BOB, actor_id=DEPUTY),
    )
    [act] = await load_actions(ctx, "link.add")
    [owner] = (await load_links(ctx))[racing]
    assert told == [f"`Zorblax` was linked to <@{owner}> meanwhile, by <@{act.actor_id}>."]
    assert (act.actor_id, owner) in {(OFFICER, ANA), (DEPUTY, BOB)}


async def test_of_two_officers_who_link_one_member_at_once_one_does_and_the_other_is_told(
    scratch_ctx: Context, racing: int
) -> None:
    ctx, orphan = scratch_ctx, await finding(scratch_ctx, "orphan_discord", ANA)
    told = await race(
        *(
            fixes.link_member(ctx, SERVER, orphan, character="Zorblax", actor_id=actor_id)
            for actor_id in (OFFICER, DEPUTY)
        )
    )
    [act] = await load_actions(ctx, "link.add")
    assert told == [f"`Zorblax` was linked to <@{ANA}> meanwhile, by <@{act.actor_id}>."]


@pytest.mark.parametrize("second", ["keep", "unlink", "choose"])
async def test_of_two_officers_who_decide_about_one_link_at_once_one_does_and_the_other_is_told(
    scratch_ctx: Context, racing: int, second: str
) -> None:
    ctx = scratch_ctx
    doubt = await contradict(ctx, racing)
    shown = await fixes.choice(ctx, SERVER, doubt)
    acts: dict[str, Callable[[], Awaitable[Any]]] = {
        "keep": lambda: fixes.keep(ctx, SERVER, doubt, key=shown.key, actor_id=DEPUTY),
        "unlink": lambda: fixes.unlink(ctx, SERVER, doubt, actor_id=DEPUTY),
        "choose": lambda: fixes.choose(ctx, SERVER, doubt, user_id=WALTER, key=shown.key, actor_id=DEPUTY),
    }
    [told] = await race(fixes.keep(ctx, SERVER, doubt, key=shown.key, actor_id=OFFICER), acts[second]())
    assert any(f"<@{officer}>" in told for officer in (OFFICER, DEPUTY)), told
    done = [
        act.actor_id
        for name in ("finding.resolve", "link.remove", "link.add")
        for act in await load_actions(ctx, name)
        if act.actor_id is not None
    ]
    # Ana's link was said by the officer before; besides, there is one act.
    assert len(done) == 2


async def test_a_character_whose_members_all_left_can_be_given_to_another_even_from_an_officers_word(
    ctx: Context, zorblax: int
) -> None:
    async with ctx.sessions.begin() as session:
        off = {"rule": "stale_discord_link", "enabled": False, "set_by": OFFICER, "set_at": ctx.clock()}
        session.add(RuleSetting(server_id=SERVER, **off))
    await links.add(ctx, SERVER, character_id=zorblax, user_id=ANA, actor_id=OFFICER)
    await leave_server(ctx, ANA)
    await follow_up(ctx, SERVER)

    change = await fixes.link(ctx, SERVER, await finding(ctx, "orphan_wow", zorblax), user_id=BOB, actor_id=DEPUTY)

    assert change.changed
    assert await load_links(ctx) == {zorblax: {BOB}}
    assert await rejected(ctx) == {(zorblax, ANA)}


async def test_linking_confirms_the_claim_that_waits_for_it(ctx: Context, zorblax: int) -> None:
    asked = await claims.ask(ctx, SERVER, character="Zorblax", user_id=ANA)
    orphan = await finding(ctx, "orphan_wow", zorblax)
    await fixes.link(ctx, SERVER, orphan, user_id=ANA, actor_id=OFFICER)
    assert (await claims.view(ctx, SERVER, asked.public_id)).state is ClaimState.CONFIRMED


async def test_a_link_moves_from_one_persons_word_to_anothers_and_the_first_is_not_linked_again(
    ctx: Context, zorblax: int
) -> None:
    doubt = await contradict(ctx, zorblax)
    shown = await fixes.choice(ctx, SERVER, doubt)
    assert (shown.owner_ids, [one.user_id for one in shown.candidates]) == ((ANA,), [WALTER])

    await fixes.choose(ctx, SERVER, doubt, user_id=WALTER, key=shown.key, actor_id=DEPUTY)

    assert await load_links(ctx) == {zorblax: {WALTER}}
    assert await rejected(ctx) == {(zorblax, ANA)}
    await follow_up(ctx, SERVER)
    assert await standing(ctx, "link_contradicts_note", "note_mismatch", "orphan_wow") == set()


async def test_a_sign_in_stands_against_an_officers_choice(ctx: Context, zorblax: int) -> None:
    doubt = await contradict(ctx, zorblax, source=Source.BATTLENET_OAUTH)
    shown = await fixes.choice(ctx, SERVER, doubt)
    with pytest.raises(Conflict, match=r"by a Battle\.net sign-in\. Remove that link first"):
        await fixes.choose(ctx, SERVER, doubt, user_id=WALTER, key=shown.key, actor_id=DEPUTY)
    assert await load_links(ctx) == {zorblax: {ANA}}


@pytest.mark.parametrize("source", [Source.MIGRATED_SHEET, Source.OFFICER, Source.BATTLENET_OAUTH])
async def test_keeping_a_link_proves_it_and_silences_what_spoke_against_it(
    ctx: Context, zorblax: int, source: Source
) -> None:
    doubt = await contradict(ctx, zorblax, source=source)
    shown = await fixes.choice(ctx, SERVER, doubt)

    await fixes.keep(ctx, SERVER, doubt, key=shown.key, actor_id=DEPUTY)

    view = await findings.show(ctx, SERVER, doubt)
    assert (view.state, view.resolved_by, view.note) == (State.RESOLVED, DEPUTY, fixes.KEPT)
    [character] = (await links.whois_member(ctx, SERVER, ANA)).characters
    assert character.half is not None
    assert character.half.source is max(source, Source.OFFICER)
    assert await rejected(ctx) == {(zorblax, WALTER)}
    for _ in range(2):
        await follow_up(ctx, SERVER)
        assert await standing(ctx, "link_contradicts_note", "note_mismatch") == set()


async def test_an_inferred_link_that_was_kept_is_not_doubted_as_a_persons_before_it_is_matched_again(
    ctx: Context, zorblax: int
) -> None:
    await insert_members(ctx, facts(9, "zorblax"))
    await follow_up(ctx, SERVER)
    await insert_note(ctx, zorblax, officer_note="discord: walter_white")
    await follow_up(ctx, SERVER)
    doubt = await finding(ctx, "note_mismatch", zorblax)
    await fixes.keep(ctx, SERVER, doubt, key=(await fixes.choice(ctx, SERVER, doubt)).key, actor_id=DEPUTY)

    async with ctx.sessions.begin() as session:
        await audit.run_rules(ctx, session, server_id=SERVER)

    assert await standing(ctx, "link_contradicts_note", "note_mismatch") == set()


async def test_a_link_whose_members_left_is_not_kept_but_can_be_moved_or_taken_away(ctx: Context, zorblax: int) -> None:
    doubt = await contradict(ctx, zorblax)
    await leave_server(ctx, ANA)
    shown = await fixes.choice(ctx, SERVER, doubt)
    assert not shown.can_keep
    with pytest.raises(NotFound, match="there is nobody to vouch for"):
        await fixes.keep(ctx, SERVER, doubt, key=shown.key, actor_id=DEPUTY)
    assert (await findings.show(ctx, SERVER, doubt)).state is not State.RESOLVED
    await fixes.unlink(ctx, SERVER, doubt, actor_id=DEPUTY)
    assert await load_links(ctx) == {}


async def test_who_left_is_no_candidate_any_more_and_is_not_linked(ctx: Context, zorblax: int) -> None:
    doubt = await contradict(ctx, zorblax)
    before = await fixes.choice(ctx, SERVER, doubt)
    await leave_server(ctx, WALTER)
    assert (await fixes.choice(ctx, SERVER, doubt)).candidates == ()
    with pytest.raises(NotFound, match=f"<@{WALTER}> has left the server"):
        await fixes.choose(ctx, SERVER, doubt, user_id=WALTER, key=before.key, actor_id=DEPUTY)


async def test_what_speaks_for_others_by_now_is_looked_at_again(ctx: Context, zorblax: int) -> None:
    doubt = await contradict(ctx, zorblax)
    shown = await fixes.choice(ctx, SERVER, doubt)
    await insert_members(ctx, facts(4, "jesse_pinkman"))
    await insert_note(ctx, zorblax, officer_note="discord: jesse_pinkman")
    await follow_up(ctx, SERVER)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await fixes.choose(ctx, SERVER, doubt, user_id=WALTER, key=shown.key, actor_id=DEPUTY)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await fixes.keep(ctx, SERVER, doubt, key=shown.key, actor_id=DEPUTY)


async def test_where_nothing_speaks_for_others_any_more_there_is_nothing_to_choose(ctx: Context, zorblax: int) -> None:
    doubt = await contradict(ctx, zorblax)
    await insert_note(ctx, zorblax, officer_note="")
    await follow_up(ctx, SERVER)
    with pytest.raises(Conflict, match="is settled"):
        await fixes.choice(ctx, SERVER, doubt)
    with pytest.raises(Conflict, match="its cause is gone"):
        await fixes.unlink(ctx, SERVER, doubt, actor_id=DEPUTY)
    with pytest.raises(NotFound, match="does not exist"):
        await fixes.choice(ctx, SERVER, "nothing")


async def test_who_left_the_guild_is_not_decided_about(ctx: Context, zorblax: int) -> None:
    doubt = await contradict(ctx, zorblax)
    shown = await fixes.choice(ctx, SERVER, doubt)
    await leave_guild(ctx, zorblax)
    for act in (
        fixes.choice(ctx, SERVER, doubt),
        fixes.unlink(ctx, SERVER, doubt, actor_id=DEPUTY),
        fixes.keep(ctx, SERVER, doubt, key=shown.key, actor_id=DEPUTY),
        fixes.choose(ctx, SERVER, doubt, user_id=WALTER, key=shown.key, actor_id=DEPUTY),
    ):
        with pytest.raises(NotFound, match="not in the guild any more"):
            await act
    assert await load_links(ctx) == {zorblax: {ANA}}


async def test_a_fix_for_another_kind_of_finding_is_refused(ctx: Context, zorblax: int) -> None:
    about_character = await finding(ctx, "orphan_wow", zorblax)
    about_member = await finding(ctx, "orphan_discord", ANA)
    assert (await findings.show(ctx, SERVER, about_member)).subject is SubjectKind.MEMBER
    for act in (
        fixes.link(ctx, SERVER, about_member, user_id=ANA, actor_id=OFFICER),
        fixes.link_member(ctx, SERVER, about_character, character="Zorblax", actor_id=OFFICER),
        fixes.choice(ctx, SERVER, about_member),
        fixes.unlink(ctx, SERVER, about_character, actor_id=OFFICER),
    ):
        with pytest.raises(Conflict, match="Open it again to see what does"):
            await act
    assert await load_links(ctx) == {}
