"""Review: which suggestion comes next, and what an officer's word does with it."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import links, privacy, review
from bot.services.context import Context
from bot.services.review import Idle, Review
from db import suggestions
from db.suggestions import NEXT
from db.tables.identity import AltGroup, CharacterNote, LinkSuggestion, RuleVerdict
from db.tables.people import Member, PlayerCharacter, PlayerMember, RejectedCandidate
from db.tables.servers import Server
from domain.errors import Conflict, FollowsNoGuild, NotFound
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.links import Confidence, LinkMode, Source, Verdict
from tests.support.clock import FakeClock
from tests.support.crowd import LARGE, ROWS_A_PERSON, populate, work
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
    load_links,
)

DEPUTY = 8
ANA, BOB, CEM, DAN, EVA, FIN = range(1, 7)


@pytest.fixture
async def guild(ctx: Context) -> int:
    """A guild, read whole, whose server has six members."""
    guild_id = await insert_guild(ctx, await insert_server(ctx))
    await insert_members(ctx, *(facts(user_id) for user_id in range(1, 7)))
    return guild_id


def reason(strength: Strength = Strength.WEAK, rule: RuleName = RuleName.SIMILAR_NAME) -> dict[str, Any]:
    return Evidence(rule, strength, Source.SIMILAR_NAME, Place.NICK, "Anna", "Ana").to_json()


async def suggest(
    ctx: Context,
    character_id: int,
    *user_ids: int,
    strength: Strength = Strength.WEAK,
    confidence: Confidence | None = None,
) -> None:
    """Let a character wait for a word on these members, as matching does."""
    async with ctx.sessions.begin() as session:
        session.add(
            LinkSuggestion(
                server_id=SERVER,
                character_id=character_id,
                candidates=[{"user_id": user_id, "evidence": [reason(strength)]} for user_id in user_ids],
                confidence=confidence,
                suggested_at=ctx.clock(),
            )
        )


async def current(ctx: Context, first: int | None = None) -> Review:
    turn = await review.next_review(ctx, SERVER, first=first)
    assert isinstance(turn, Review)
    return turn


async def choose(ctx: Context, character_id: int, user_id: int, actor_id: int = OFFICER) -> review.Decided:
    return await review.choose(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=actor_id)


async def refuse(ctx: Context, turn: Review, actor_id: int = OFFICER) -> review.Decided:
    return await review.refuse(ctx, SERVER, character_id=turn.character.id, key=turn.key, actor_id=actor_id)


async def put_off(ctx: Context, character_id: int) -> None:
    await review.put_off(ctx, SERVER, character_id=character_id)


async def change_member(ctx: Context, user_id: int, **values: Any) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(
            sa.update(Member).where(Member.server_id == SERVER, Member.user_id == user_id).values(**values)
        )


async def refused(ctx: Context) -> set[tuple[int, int, int]]:
    """Give character, member and officer of what is remembered as no match."""
    async with ctx.sessions() as session:
        found = await session.execute(
            sa.select(RejectedCandidate.character_id, RejectedCandidate.user_id, RejectedCandidate.rejected_by)
        )
        return {(row[0], row[1], row[2]) for row in found}


async def judged(ctx: Context) -> set[tuple[str, int, int, Verdict, bool]]:
    async with ctx.sessions() as session:
        return {
            (one.rule, one.character_id, one.user_id, one.verdict, one.was_linked)
            for one in await session.scalars(sa.select(RuleVerdict))
        }


async def test_what_would_be_linked_comes_first_then_strong_evidence_then_high_ranks(ctx: Context, guild: int) -> None:
    lowest, officer, good, medium, high = await insert_characters(
        ctx, guild, Toon("Low", rank=9), Toon("Officer", rank=1), *(Toon(name, rank=9) for name in "GMH")
    )
    await suggest(ctx, lowest, ANA)
    await suggest(ctx, officer, ANA)
    await suggest(ctx, good, ANA, strength=Strength.GOOD)
    await suggest(ctx, medium, ANA, confidence=Confidence.MEDIUM)
    await suggest(ctx, high, ANA, confidence=Confidence.HIGH)

    seen = []
    for left in range(5, 0, -1):
        turn = await current(ctx)
        assert turn.left == left
        seen.append(turn.character.id)
        await choose(ctx, turn.character.id, ANA)

    assert seen == [high, medium, good, officer, lowest]
    assert await review.next_review(ctx, SERVER) is Idle.DONE


async def test_equal_suggestions_come_in_the_order_of_their_characters(ctx: Context, guild: int) -> None:
    first, second = await insert_characters(ctx, guild, "One", "Two")
    await suggest(ctx, second, ANA)
    await suggest(ctx, first, ANA)
    assert (await current(ctx)).character.id == first


async def test_what_was_put_off_comes_after_all_others_and_the_latest_last(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    one, two, three = await insert_characters(ctx, guild, "One", "Two", "Three")
    await suggest(ctx, one, ANA, confidence=Confidence.HIGH)
    await suggest(ctx, two, ANA)
    await suggest(ctx, three, ANA)

    seen = []
    for _ in range(4):
        turn = await current(ctx)
        seen.append((turn.character.id, turn.left, turn.put_off))
        clock.advance(seconds=1)
        await put_off(ctx, turn.character.id)

    assert seen == [(one, 3, 0), (two, 3, 1), (three, 3, 2), (one, 3, 3)]
    assert (await current(ctx)).later_at == clock.now.replace(second=2)


async def test_a_suggestion_shows_the_character_both_notes_its_alts_and_who_it_may_be(ctx: Context, guild: int) -> None:
    ana, alt, other = await insert_characters(ctx, guild, "Ana", "Alt", "Other")
    async with ctx.sessions.begin() as session:
        now = ctx.clock()
        session.add(
            CharacterNote(
                server_id=SERVER,
                character_id=ana,
                guild_note="main: Bob",
                guild_note_at=now,
                officer_note="",
                officer_note_at=now,
            )
        )
        session.add_all(AltGroup(server_id=SERVER, character_id=one, group_id=ana) for one in (ana, alt))
        session.add(AltGroup(server_id=SERVER, character_id=other, group_id=other))
    await change_member(ctx, BOB, nick="Bobby")
    await suggest(ctx, ana, BOB, ANA, confidence=Confidence.MEDIUM)

    turn = await current(ctx)

    assert (turn.character.name, turn.guild_note, turn.officer_note) == ("Ana", "main: Bob", "")
    assert (turn.alts, turn.confidence, turn.later_at) == (("Alt",), Confidence.MEDIUM, None)
    assert [(one.user_id, one.name, one.username) for one in turn.candidates] == [
        (BOB, "Bobby", "user 2"),
        (ANA, "user 1", "user 1"),
    ]
    assert turn.candidates[0].reasons == (reason(),)


async def test_notes_that_nobody_read_are_unknown_not_empty(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await suggest(ctx, ana, ANA)
    turn = await current(ctx)
    assert (turn.guild_note, turn.officer_note, turn.alts) == (None, None, ())


async def test_choosing_is_an_officers_word_with_the_reasons_that_they_saw(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await suggest(ctx, ana, ANA, BOB)

    decided = await choose(ctx, ana, BOB)

    assert (decided.character.name, decided.user_ids) == ("Ana", (BOB,))
    async with ctx.sessions() as session:
        character = await session.get_one(PlayerCharacter, (SERVER, ana))
        member = await session.get_one(PlayerMember, (SERVER, BOB))
    assert (character.source, character.linked_by, character.evidence) == (
        Source.OFFICER,
        OFFICER,
        {"reasons": [reason()]},
    )
    assert member.source is Source.OFFICER
    assert await judged(ctx) == {("similar_name", ana, BOB, Verdict.CONFIRMED, False)}
    [action] = await load_actions(ctx, "link.add")
    assert action.actor_id == OFFICER


async def test_the_candidates_who_were_not_chosen_are_not_refused(ctx: Context, guild: int) -> None:
    ana, alt = await insert_characters(ctx, guild, "Ana", "Alt")
    await suggest(ctx, ana, ANA, BOB)
    await suggest(ctx, alt, ANA, BOB)
    await choose(ctx, ana, BOB)
    assert await refused(ctx) == set()
    assert [one.user_id for one in (await current(ctx)).candidates] == [ANA, BOB]


async def test_a_second_character_goes_to_the_player_that_the_candidate_is(ctx: Context, guild: int) -> None:
    ana, alt = await insert_characters(ctx, guild, "Ana", "Alt")
    await links.add(ctx, SERVER, character_id=ana, user_id=ANA, actor_id=DEPUTY)
    await suggest(ctx, alt, ANA)
    await choose(ctx, alt, ANA)
    assert await load_links(ctx) == {ana: {ANA}, alt: {ANA}}


async def test_not_a_match_is_remembered_of_all_who_were_shown(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await suggest(ctx, ana, ANA, BOB)

    decided = await refuse(ctx, await current(ctx))

    assert decided.user_ids == (ANA, BOB)
    assert await refused(ctx) == {(ana, ANA, OFFICER), (ana, BOB, OFFICER)}
    assert await judged(ctx) == {
        ("similar_name", ana, ANA, Verdict.REJECTED, False),
        ("similar_name", ana, BOB, Verdict.REJECTED, False),
    }
    [action] = await load_actions(ctx, "link.refuse")
    assert (action.actor_id, action.subject_id) == (OFFICER, ana)
    assert action.before == {
        "candidates": [{"user_id": ANA, "evidence": [reason()]}, {"user_id": BOB, "evidence": [reason()]}]
    }
    assert await review.next_review(ctx, SERVER) is Idle.DONE


async def test_who_was_not_shown_is_not_refused_but_shown_next(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await suggest(ctx, ana, ANA, BOB, CEM, DAN, EVA, FIN, confidence=Confidence.MEDIUM)
    turn = await current(ctx)
    assert ([one.user_id for one in turn.candidates], turn.more) == ([ANA, BOB, CEM, DAN], 2)

    await refuse(ctx, turn)

    turn = await current(ctx)
    assert ([one.user_id for one in turn.candidates], turn.more) == ([EVA, FIN], 0)
    # The confidence was about somebody else.
    assert turn.confidence is None
    assert {user_id for _, user_id, _ in await refused(ctx)} == {ANA, BOB, CEM, DAN}


async def test_of_two_officers_at_once_one_decides_and_the_other_hears_who(scratch_ctx: Context) -> None:
    ctx = scratch_ctx
    [ana] = await insert_characters(ctx, await insert_guild(ctx, await insert_server(ctx)), "Ana")
    await insert_members(ctx, facts(ANA), facts(BOB))
    await suggest(ctx, ana, ANA, BOB)

    results = await asyncio.gather(
        choose(ctx, ana, ANA, OFFICER), choose(ctx, ana, BOB, DEPUTY), return_exceptions=True
    )

    [(who, done)] = [(at, one) for at, one in enumerate(results) if isinstance(one, review.Decided)]
    [refusal] = [one for one in results if isinstance(one, Conflict)]
    officer = (OFFICER, DEPUTY)[who]
    assert await load_links(ctx) == {ana: set(done.user_ids)}
    assert refusal.text == f"`Ana` was linked to <@{done.user_ids[0]}> meanwhile, by <@{officer}>."


async def test_what_a_rule_linked_meanwhile_is_told(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await suggest(ctx, ana, ANA)
    await links.add(ctx, SERVER, character_id=ana, user_id=BOB, actor_id=DEPUTY)
    async with ctx.sessions.begin() as session:
        half = await session.get_one(PlayerCharacter, (SERVER, ana))
        half.source, half.linked_by = Source.NAME, None
    with pytest.raises(Conflict, match=rf"`Ana` was linked to <@{BOB}> meanwhile, by a rule\."):
        await choose(ctx, ana, ANA)


async def test_what_an_officer_refused_meanwhile_is_told_with_their_name(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await suggest(ctx, ana, ANA)
    turn = await current(ctx)
    await refuse(ctx, turn, DEPUTY)
    for late in (choose(ctx, ana, ANA), refuse(ctx, turn), put_off(ctx, ana)):
        with pytest.raises(Conflict, match=f"`Ana` waits no longer.*“not a match”, by <@{DEPUTY}>"):
            await late


async def test_a_suggestion_that_fell_away_is_told(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    with pytest.raises(Conflict, match="nobody is suggested now"):
        await choose(ctx, ana, ANA)


async def test_a_candidate_who_fell_away_is_not_linked(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await suggest(ctx, ana, BOB)
    with pytest.raises(Conflict, match=f"Nothing speaks for <@{ANA}> any more"):
        await choose(ctx, ana, ANA)


async def test_a_candidate_whom_an_officer_refused_by_other_means_is_not_linked(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await links.add(ctx, SERVER, character_id=ana, user_id=ANA, actor_id=DEPUTY)
    await links.remove(ctx, SERVER, character_id=ana, actor_id=DEPUTY)
    await suggest(ctx, ana, ANA, BOB)
    assert [one.user_id for one in (await current(ctx)).candidates] == [BOB]
    with pytest.raises(Conflict, match=f"<@{DEPUTY}> said meanwhile that `Ana` is not <@{ANA}>'s"):
        await choose(ctx, ana, ANA)


async def test_a_member_who_left_or_opted_out_meanwhile_is_not_linked(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await suggest(ctx, ana, ANA, BOB, CEM)
    await change_member(ctx, ANA, left_at=ctx.clock())
    await change_member(ctx, BOB, opted_out_at=ctx.clock())

    with pytest.raises(NotFound, match=f"<@{ANA}> has left the server"):
        await choose(ctx, ana, ANA)
    with pytest.raises(Conflict, match=f"<@{BOB}> has opted out"):
        await choose(ctx, ana, BOB)

    assert [one.user_id for one in (await current(ctx)).candidates] == [CEM]
    assert await load_links(ctx) == {}


async def test_not_a_match_is_only_about_those_who_were_shown(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await suggest(ctx, ana, ANA, BOB)
    turn = await current(ctx)
    await change_member(ctx, ANA, left_at=ctx.clock())
    with pytest.raises(Conflict, match="The candidates for `Ana` changed meanwhile"):
        await refuse(ctx, turn)
    assert await refused(ctx) == set()


async def test_a_suggestion_without_anybody_left_to_choose_is_passed_over(ctx: Context, guild: int) -> None:
    gone, left, linked, open_ = await insert_characters(ctx, guild, "Gone", "Left", "Linked", "Open")
    await suggest(ctx, gone, ANA)
    await suggest(ctx, left, BOB)
    await suggest(ctx, linked, BOB)
    await suggest(ctx, open_, BOB)
    await change_member(ctx, ANA, opted_out_at=ctx.clock())
    await leave_guild(ctx, left)
    await links.add(ctx, SERVER, character_id=linked, user_id=BOB, actor_id=DEPUTY)
    turn = await current(ctx)
    assert (turn.character.id, turn.left) == (open_, 1)


async def test_a_character_that_left_the_guild_is_not_decided_about(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await suggest(ctx, ana, ANA)
    await leave_guild(ctx, ana)
    with pytest.raises(NotFound, match="not in the guild any more"):
        await choose(ctx, ana, ANA)


async def test_a_suggestion_that_could_not_be_decided_is_shown_again_before_its_turn(ctx: Context, guild: int) -> None:
    one, two = await insert_characters(ctx, guild, "One", "Two")
    await suggest(ctx, one, ANA)
    await suggest(ctx, two, ANA)
    assert (await current(ctx)).character.id == one
    assert (await current(ctx, first=two)).character.id == two
    assert (await current(ctx, first=999)).character.id == one


async def test_nothing_to_review_says_why(ctx: Context, guild: int) -> None:
    assert await review.next_review(ctx, SERVER) is Idle.DONE
    async with ctx.sessions.begin() as session:
        server = await session.get_one(Server, SERVER)
        server.link_mode = LinkMode.OFF
    assert await review.next_review(ctx, SERVER) is Idle.OFF
    async with ctx.sessions.begin() as session:
        server = await session.get_one(Server, SERVER)
        server.members_synced_at = None
    assert await review.next_review(ctx, SERVER) is Idle.UNREAD


async def test_a_server_without_a_guild_is_told_to_choose_one(ctx: Context) -> None:
    await insert_server(ctx)
    with pytest.raises(FollowsNoGuild):
        await review.next_review(ctx, SERVER)
    with pytest.raises(FollowsNoGuild):
        await choose(ctx, 1, ANA)


async def test_another_servers_suggestions_are_not_reviewed_here(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await suggest(ctx, ana, ANA)
    other = await insert_server(ctx, 200)
    await insert_guild(ctx, other, name="Others")
    assert await review.next_review(ctx, other) is Idle.DONE
    with pytest.raises(NotFound):
        await review.choose(ctx, other, character_id=ana, user_id=ANA, actor_id=OFFICER)


async def test_the_next_suggestion_costs_the_same_few_statements_however_many_wait(
    ctx: Context, guild: int, statements: Callable[..., AbstractContextManager[list[str]]]
) -> None:
    counts = []
    for names in (["Aa"], [f"Name{number}" for number in range(50)]):
        for character_id in await insert_characters(ctx, guild, *names):
            await suggest(ctx, character_id, ANA, BOB, CEM)
        with statements() as sent:
            await current(ctx)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 8


async def test_finding_the_next_suggestion_is_not_quadratic_on_a_database_without_statistics(
    ctx: Context, guild: int
) -> None:
    await populate(ctx, guild, 100, 99 + LARGE)
    async with ctx.sessions.begin() as session:
        await session.execute(
            sa.text(
                """
                INSERT INTO guild_identity.link_suggestions (server_id, character_id, candidates, suggested_at)
                SELECT :server, n, jsonb_build_array(jsonb_build_object('user_id', n)), CAST(:now AS timestamptz)
                FROM generate_series(100, CAST(:last AS int)) AS n
                """
            ),
            {"server": SERVER, "now": ctx.clock(), "last": 99 + LARGE},
        )
        explain = sa.text(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {NEXT.text}")
        values = {"server_id": SERVER, "guild_id": guild, "first": None, "grades": []}
        [explained] = (await session.execute(explain, values)).scalar_one()
    assert work(explained["Plan"]) < ROWS_A_PERSON * LARGE


@pytest.mark.parametrize("meanwhile", ["chosen", "opted out"])
async def test_what_is_decided_while_it_is_looked_up_is_passed_over(
    scratch_ctx: Context, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    ctx = scratch_ctx
    guild = await insert_guild(ctx, await insert_server(ctx))
    await insert_members(ctx, facts(ANA), facts(BOB))
    first, second = await insert_characters(ctx, guild, "First", "Second")
    await suggest(ctx, first, ANA)
    await suggest(ctx, second, BOB)
    look = suggestions.next_waiting
    turns = []

    async def look_and_be_overtaken(session: AsyncSession, **words: Any) -> suggestions.Waiting | None:
        turns.append(found := await look(session, **words))
        if len(turns) == 1 and meanwhile == "chosen":
            await choose(ctx, first, ANA)
        elif len(turns) == 1:
            await privacy.opt_out(ctx, SERVER, ANA)
        return found

    monkeypatch.setattr(suggestions, "next_waiting", look_and_be_overtaken)

    assert (await current(ctx)).character.id == second
    assert [turn and turn.character_id for turn in turns] == [first, second]
