"""What people's words do to links: confirm, two accounts of one person, the history, and the verdicts on rules."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import links, matching, members, player
from bot.services.context import Context
from db import links as db_links
from db import verdicts
from db.tables.identity import PastLink, RuleVerdict
from db.tables.people import Member, Player, PlayerCharacter, PlayerMember
from domain.errors import Conflict, NotFound
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.links import LinkEnd, Source, Verdict, is_proven
from domain.trust import Counts
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_members,
    leave_guild,
    load_actions,
    load_links,
)

REASON = Evidence(RuleName.SIMILAR_NAME, Strength.WEAK, Source.SIMILAR_NAME, Place.NICK, "anna", "Ana").to_json()


async def infer(ctx: Context) -> None:
    await matching.match_server(ctx, SERVER)


async def add(ctx: Context, character_id: int, user_id: int, **words: Any) -> links.LinkChange:
    return await links.add(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=OFFICER, **words)


async def remove(ctx: Context, character_id: int) -> links.LinkChange:
    return await links.remove(ctx, SERVER, character_id=character_id, actor_id=OFFICER)


async def confirm(ctx: Context, character_id: int) -> links.Confirmed:
    return await links.confirm(ctx, SERVER, character_id=character_id, actor_id=OFFICER)


async def confirm_member(ctx: Context, user_id: int) -> links.Confirmed:
    return await links.confirm_member(ctx, SERVER, user_id=user_id, actor_id=OFFICER)


async def proven(ctx: Context, character_id: int, user_id: int) -> bool:
    async with ctx.sessions() as session:
        owned = await session.get_one(PlayerCharacter, (SERVER, character_id))
        attached = await session.get_one(PlayerMember, (SERVER, user_id))
        return owned.player_id == attached.player_id and is_proven(owned.source, attached.source)


async def history(ctx: Context) -> list[PastLink]:
    async with ctx.sessions() as session:
        return list(await session.scalars(sa.select(PastLink).order_by(PastLink.id)))


async def judged(ctx: Context) -> list[tuple[str, int, int, Verdict, bool]]:
    async with ctx.sessions() as session:
        rows = await session.scalars(sa.select(RuleVerdict).order_by(RuleVerdict.character_id, RuleVerdict.user_id))
        return [(one.rule, one.character_id, one.user_id, one.verdict, one.was_linked) for one in rows]


async def counts(ctx: Context) -> dict[str, Counts]:
    async with ctx.sessions() as session:
        return await verdicts.by_rule(session, SERVER)


async def test_confirming_a_character_proves_both_halves_of_its_inferred_link(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)
    assert not await proven(ctx, ana, 1)

    at = clock.advance(hours=1)
    done = await confirm(ctx, ana)

    assert ([one.name for one in done.characters], done.user_ids) == (["Ana"], (1,))
    assert await proven(ctx, ana, 1)
    [past] = await history(ctx)
    assert (past.ended, past.ended_by, past.ended_at) == (LinkEnd.CONFIRMED, OFFICER, at)
    assert (past.source, past.user_ids, past.evidence["round"]) == (Source.NAME, [1], 1)
    [action] = await load_actions(ctx, "link.confirm")
    assert (action.actor_id, action.before["source"], action.after["source"]) == (OFFICER, "name", "officer")
    assert await judged(ctx) == [("equal_name", ana, 1, Verdict.CONFIRMED, True)]


async def test_confirming_keeps_what_points_to_the_character(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Player).values(main_character_id=ana))

    await confirm(ctx, ana)

    async with ctx.sessions() as session:
        assert (await session.scalars(sa.select(Player))).one().main_character_id == ana


async def test_confirming_a_member_proves_all_inferred_characters_and_leaves_the_others(
    ctx: Context, guild: int
) -> None:
    ana, said, bea = await insert_characters(ctx, guild, "Ana", "Said", "Bea")
    await insert_members(ctx, facts(1, "ana", nick="Bea"))
    await add(ctx, said, 1)
    async with ctx.sessions.begin() as session:
        half = await session.get_one(PlayerCharacter, (SERVER, said))
        for character_id in (ana, bea):
            session.add(
                PlayerCharacter(
                    server_id=SERVER,
                    character_id=character_id,
                    player_id=half.player_id,
                    source=Source.GUILD_NOTE,
                    confidence=half.confidence,
                    evidence={"round": 1, "reasons": [REASON]},
                    linked_at=half.linked_at,
                )
            )

    done = await confirm_member(ctx, 1)

    assert sorted(one.name for one in done.characters) == ["Ana", "Bea"]
    assert all([await proven(ctx, one, 1) for one in (ana, said, bea)])
    assert len(await load_actions(ctx, "link.confirm")) == 2


async def test_where_nothing_is_inferred_there_is_nothing_to_confirm_and_the_text_says_why(
    ctx: Context, guild: int
) -> None:
    ana, bo = await insert_characters(ctx, guild, "Ana", "Bo")
    await insert_members(ctx, facts(1), facts(2))
    await add(ctx, ana, 1)

    for refused, text in (
        (confirm(ctx, ana), "Nothing to confirm: Ana is proven already, by an officer's word"),
        (confirm_member(ctx, 1), "Nothing to confirm: all characters of <@1> are proven already"),
    ):
        with pytest.raises(Conflict, match=text):
            await refused
    for refused, text in (
        (confirm(ctx, bo), "Bo has no link to confirm. If you know whose it is: `/link add`"),
        (confirm_member(ctx, 2), "<@2> has no link to confirm"),
        (confirm_member(ctx, 3), "does not know this member"),
    ):
        with pytest.raises(NotFound, match=text):
            await refused
    assert await load_actions(ctx, "link.confirm") == []


async def test_a_link_to_a_member_who_left_cannot_be_confirmed(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)
    await members.member_left(ctx, SERVER, 1)

    with pytest.raises(NotFound, match="No member who is here belongs to Ana"):
        await confirm(ctx, ana)
    with pytest.raises(NotFound, match="left the server"):
        await confirm_member(ctx, 1)


async def test_a_link_from_the_spreadsheet_is_proven_by_confirming_it(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await add(ctx, ana, 1, source=Source.MIGRATED_SHEET)
    assert not await proven(ctx, ana, 1)

    await confirm(ctx, ana)

    assert await proven(ctx, ana, 1)
    assert await judged(ctx) == []


async def test_one_person_may_have_two_discord_accounts(ctx: Context, guild: int) -> None:
    ana, alt = await insert_characters(ctx, guild, "Ana", "Alt")
    await insert_members(ctx, facts(1), facts(2))
    await add(ctx, ana, 1)

    change = await add(ctx, ana, 2, also=True)

    assert (change.changed, change.joined) == (True, (1,))
    assert await load_links(ctx) == {ana: {1, 2}}
    assert await proven(ctx, ana, 1)
    assert await proven(ctx, ana, 2)
    assert not (await add(ctx, ana, 2, also=True)).changed
    await add(ctx, alt, 2)
    assert await load_links(ctx) == {ana: {1, 2}, alt: {1, 2}}
    assert len((await links.whois_member(ctx, SERVER, 1)).members) == 2


async def test_a_second_account_brings_the_characters_that_rules_gave_to_it_as_inferred_as_they_were(
    ctx: Context, guild: int
) -> None:
    ana, bo = await insert_characters(ctx, guild, "Ana", Toon("Bo", rank=0))
    await insert_members(ctx, facts(1), facts(2, "bo"))
    await add(ctx, ana, 1)
    await infer(ctx)
    async with ctx.sessions.begin() as session:
        await session.execute(
            sa.update(Player)
            .where(Player.id != (await session.get_one(PlayerMember, (SERVER, 1))).player_id)
            .values(main_character_id=bo, offspec_character_id=bo)
        )

    await add(ctx, ana, 2, also=True)

    assert await load_links(ctx) == {ana: {1, 2}, bo: {1, 2}}
    assert not await proven(ctx, bo, 2)
    # An inferred guild master gives no rank to who joins a proven player.
    assert (await links.whois_member(ctx, SERVER, 2)).rank == 5
    async with ctx.sessions() as session:
        assert (await session.scalars(sa.select(Player))).one().main_character_id is None
    action = (await load_actions(ctx, "link.add"))[-1]
    assert (action.after["brought"], action.after["joined"]) == ([bo], [1])


async def test_where_no_finding_would_tell_of_it_two_players_by_peoples_words_are_not_joined(
    ctx: Context, guild: int
) -> None:
    ana, bo = await insert_characters(ctx, guild, "Ana", "Bo")
    await insert_members(ctx, facts(1), facts(2))
    await add(ctx, ana, 1)
    await add(ctx, bo, 2)
    await leave_guild(ctx, ana)

    with pytest.raises(Conflict, match="<@2> is a player with characters already, by a person's word"):
        await add(ctx, ana, 2, also=True)

    assert await load_links(ctx) == {ana: {1}, bo: {2}}


async def test_who_has_a_rank_by_an_officers_word_is_not_joined_to_an_inferred_player_before_that_is_taken_back(
    ctx: Context, guild: int
) -> None:
    ana, bo = await insert_characters(ctx, guild, "Ana", "Bo")
    await insert_members(ctx, facts(1, "ana"), facts(2))
    await infer(ctx)
    await add(ctx, bo, 2)
    await player.set_rank(ctx, SERVER, user_id=2, rank="5", reason="new", until=None, actor_id=OFFICER)
    await remove(ctx, bo)

    with pytest.raises(Conflict, match="Take that back first, `/player rank`"):
        await add(ctx, ana, 2, also=True)


async def test_also_on_a_character_of_nobody_is_a_plain_link(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))

    change = await add(ctx, ana, 1, also=True)

    assert (change.changed, change.joined) == (True, ())
    assert await proven(ctx, ana, 1)


async def test_a_link_by_a_person_is_never_undone_by_a_rule(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2, "ana"))
    await add(ctx, ana, 1)

    await infer(ctx)

    assert await load_links(ctx) == {ana: {1}}
    assert await proven(ctx, ana, 1)


async def test_every_link_that_ends_is_kept_in_the_history_with_what_ended_it(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"), facts(2))
    await infer(ctx)
    inferred_at = clock.now
    clock.advance(hours=1)
    await add(ctx, ana, 2)
    clock.advance(hours=1)
    await remove(ctx, ana)

    moved, removed = await history(ctx)

    assert (moved.ended, moved.user_ids, moved.source, moved.linked_at) == (
        LinkEnd.MOVED,
        [1],
        Source.NAME,
        inferred_at,
    )
    assert moved.evidence["reasons"][0]["rule"] == "equal_name"
    assert (removed.ended, removed.user_ids, removed.source, removed.linked_by, removed.ended_by) == (
        LinkEnd.REMOVED,
        [2],
        Source.OFFICER,
        OFFICER,
        OFFICER,
    )


async def test_what_people_do_with_inferred_links_judges_the_rule_that_made_them(ctx: Context, guild: int) -> None:
    names = ("Ana", "Bo", "Cy", "Di", "Ed")
    ana, bo, cy, di, ed = await insert_characters(ctx, guild, *names)
    await insert_members(ctx, *(facts(place, name) for place, name in enumerate(names, 1)), facts(9))
    await infer(ctx)
    assert await counts(ctx) == {"equal_name": Counts(0, 0, 5)}

    await confirm(ctx, ana)
    await add(ctx, bo, 2)
    await remove(ctx, cy)
    await add(ctx, di, 9)

    assert await judged(ctx) == [
        ("equal_name", ana, 1, Verdict.CONFIRMED, True),
        ("equal_name", bo, 2, Verdict.CONFIRMED, True),
        ("equal_name", cy, 3, Verdict.REJECTED, True),
        ("equal_name", di, 4, Verdict.REJECTED, True),
    ]
    assert await load_links(ctx) == {ana: {1}, bo: {2}, di: {9}, ed: {5}}
    assert await counts(ctx) == {"equal_name": Counts(2, 2, 5)}


async def test_a_rule_that_people_reject_too_often_links_nobody_any_more(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)
    await remove(ctx, ana)
    [bo] = await insert_characters(ctx, guild, "Bo")
    await insert_members(ctx, facts(2, "bo"))

    await infer(ctx)
    assert await load_links(ctx) == {}

    await add(ctx, ana, 1)  # the officer was wrong, not the rule
    await infer(ctx)
    assert await load_links(ctx) == {ana: {1}, bo: {2}}


async def test_the_last_word_on_a_pair_counts(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)

    await remove(ctx, ana)
    assert await counts(ctx) == {"equal_name": Counts(0, 1, 1)}
    await add(ctx, ana, 1)
    assert await counts(ctx) == {"equal_name": Counts(1, 0, 1)}
    await remove(ctx, ana)
    assert await counts(ctx) == {"equal_name": Counts(0, 1, 1)}


async def test_what_was_said_of_an_earlier_version_of_a_rule_does_not_count(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)
    await remove(ctx, ana)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(RuleVerdict).values(rule_version=RuleVerdict.rule_version - 1))

    assert await counts(ctx) == {}


async def test_a_link_chosen_from_a_suggestion_keeps_its_reasons_and_confirms_the_rule_as_one_that_only_suggested(
    ctx: Context, guild: int
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))

    await add(ctx, ana, 1, reasons=[REASON])

    async with ctx.sessions() as session:
        assert (await session.get_one(PlayerCharacter, (SERVER, ana))).evidence == {"reasons": [REASON]}
    assert await judged(ctx) == [("similar_name", ana, 1, Verdict.CONFIRMED, False)]
    assert await counts(ctx) == {}  # nothing that the rule linked
    await remove(ctx, ana)
    assert await judged(ctx) == [("similar_name", ana, 1, Verdict.REJECTED, False)]


async def test_a_claim_that_an_officer_confirmed_is_a_proof_of_its_own_kind(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)

    await add(ctx, ana, 1, source=Source.CLAIM)

    async with ctx.sessions() as session:
        assert (await session.get_one(PlayerCharacter, (SERVER, ana))).source is Source.CLAIM
        assert (await session.get_one(PlayerMember, (SERVER, 1))).source is Source.CLAIM


async def test_removing_the_last_character_removes_the_member_half_too_also_a_proven_one(
    ctx: Context, guild: int
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await add(ctx, ana, 1)

    await remove(ctx, ana)

    assert (await links.whois_member(ctx, SERVER, 1)).public_id is None


async def test_a_character_that_left_the_guild_can_be_confirmed(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)
    await leave_guild(ctx, ana)

    await confirm(ctx, ana)

    assert await proven(ctx, ana, 1)


async def test_ending_links_takes_as_many_statements_for_a_hundred_as_for_one(
    ctx: Context, guild: int, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    made = await insert_characters(ctx, guild, *(f"Toon{number}" for number in range(101)))
    await insert_members(ctx, *(facts(user_id) for user_id in range(1, 102)))
    for user_id, character_id in enumerate(made, 1):
        await add(ctx, character_id, user_id)

    async def end(*ended: int) -> int:
        with statements() as sent:
            async with ctx.sessions.begin() as session:
                await db_links.end_links(session, SERVER, ended, LinkEnd.REMOVED, by=OFFICER, now=ctx.clock())
        return len(sent)

    assert await end(made[0]) == await end(*made[1:])
    assert await load_links(ctx) == {}
    assert len(await history(ctx)) == 101
    async with ctx.sessions() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(Player)) == 0


async def test_an_officers_word_stands_for_a_member_who_opted_out_of_matching(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Member).values(opted_out_at=ctx.clock()))

    await add(ctx, ana, 1)

    assert await proven(ctx, ana, 1)
