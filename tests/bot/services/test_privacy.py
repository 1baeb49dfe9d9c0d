"""Opting out: no rule matches the member, what rules found is taken back, what is proven stays."""

from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import claims, links, matching, members, privacy
from bot.services.context import Context
from db.tables.identity import LinkContradiction, LinkSuggestion, NoteAlias, PastLink
from db.tables.people import PlayerCharacter, PlayerMember
from domain.errors import NotKnownYet
from domain.links import Confidence, LinkEnd, Source
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    load_actions,
    load_links,
    load_member,
    load_suggestions,
)

ANA, BOB = 1, 2


@pytest.fixture
async def guild(ctx: Context) -> int:
    """Give a guild, and members who bear no character's name but Ana's."""
    guild = await insert_guild(ctx, await insert_server(ctx))
    await insert_members(ctx, facts(ANA, "ana"), facts(BOB))
    return guild


async def match(ctx: Context) -> None:
    await matching.match_server(ctx, SERVER)


async def add(ctx: Context, character_id: int, user_id: int = ANA) -> None:
    await links.add(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=OFFICER)


async def opt_out(ctx: Context, user_id: int = ANA) -> privacy.Privacy:
    return await privacy.opt_out(ctx, SERVER, user_id)


async def history(ctx: Context) -> list[tuple[int, list[int], LinkEnd]]:
    async with ctx.sessions() as session:
        found = await session.scalars(sa.select(PastLink).order_by(PastLink.character_id))
        return [(one.character_id, one.user_ids, one.ended) for one in found]


async def player_of(ctx: Context, user_id: int) -> int | None:
    async with ctx.sessions() as session:
        half = await session.get(PlayerMember, (SERVER, user_id))
        return None if half is None else half.player_id


async def join_player(ctx: Context, player_id: int, user_id: int, source: Source) -> None:
    """Make a member one of a player's, by a rule or a proof."""
    async with ctx.sessions.begin() as session:
        half: dict[str, Any] = {"confidence": Confidence.HIGH, "evidence": {}, "linked_at": ctx.clock()}
        session.add(PlayerMember(server_id=SERVER, user_id=user_id, player_id=player_id, source=source, **half))


async def test_opting_out_takes_inferred_links_back_in_both_halves_and_no_rule_makes_them_again(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await match(ctx)
    assert await load_links(ctx) == {ana: {ANA}}
    clock.advance(hours=1)

    outcome = await opt_out(ctx)
    await match(ctx)

    assert (outcome.opted_out_at, outcome.changed) == (clock(), True)
    assert ([one.name for one in outcome.taken_back], outcome.kept) == (["Ana"], ())
    assert await load_links(ctx) == {}
    assert await player_of(ctx, ANA) is None
    assert await history(ctx) == [(ana, [ANA], LinkEnd.OPTED_OUT)]
    [action] = await load_actions(ctx, "privacy.opt_out")
    assert (action.actor_id, action.subject_id) == (ANA, ANA)
    [ended] = await load_actions(ctx, "link.opt_out")
    assert (ended.actor_id, ended.subject_id) == (ANA, ana)
    assert ended.before is not None
    assert (ended.before["source"], ended.before["members"]) == ("name", [{"user_id": ANA, "source": "name"}])


async def test_opting_in_again_lets_rules_match(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await opt_out(ctx)
    await match(ctx)
    assert await load_links(ctx) == {}

    assert (await privacy.opt_in(ctx, SERVER, ANA)).changed
    await match(ctx)

    assert await load_links(ctx) == {ana: {ANA}}
    assert len(await load_actions(ctx, "privacy.opt_in")) == 1


async def test_proven_links_stay_and_the_outcome_names_them(ctx: Context, guild: int) -> None:
    ana, main = await insert_characters(ctx, guild, "Ana", "Main")
    await match(ctx)
    await add(ctx, main)

    outcome = await opt_out(ctx)

    assert [[one.name for one in found] for found in (outcome.taken_back, outcome.kept)] == [["Ana"], ["Main"]]
    assert await load_links(ctx) == {main: {ANA}}
    assert (await links.whois_member(ctx, SERVER, ANA)).rank == 5
    assert await history(ctx) == [(ana, [ANA], LinkEnd.OPTED_OUT)]


async def test_a_sheets_link_is_no_proof_and_goes_too(ctx: Context, guild: int) -> None:
    [main] = await insert_characters(ctx, guild, "Main")
    await links.add(ctx, SERVER, character_id=main, user_id=ANA, actor_id=OFFICER, source=Source.MIGRATED_SHEET)
    assert [one.name for one in (await opt_out(ctx)).taken_back] == ["Main"]
    assert await load_links(ctx) == {}


async def test_where_a_rule_joined_them_to_anothers_player_they_go_and_the_characters_stay(
    ctx: Context, guild: int
) -> None:
    main, alt = await insert_characters(ctx, guild, "Main", "Alt")
    await add(ctx, main, BOB)
    player_id = await player_of(ctx, BOB)
    assert player_id is not None
    await join_player(ctx, player_id, ANA, Source.NAME)
    async with ctx.sessions.begin() as session:
        half: dict[str, Any] = {"confidence": Confidence.HIGH, "evidence": {}, "linked_at": ctx.clock()}
        session.add(
            PlayerCharacter(server_id=SERVER, character_id=alt, player_id=player_id, source=Source.NAME, **half)
        )

    outcome = await opt_out(ctx)

    assert {one.name for one in outcome.taken_back} == {"Main", "Alt"}
    assert await load_links(ctx) == {main: {BOB}, alt: {BOB}}
    assert await history(ctx) == [(one, [ANA, BOB], LinkEnd.OPTED_OUT) for one in (main, alt)]


async def test_who_is_a_player_by_proof_takes_inferred_characters_from_all_its_members(
    ctx: Context, guild: int
) -> None:
    _, main = await insert_characters(ctx, guild, "Ana", "Main")
    await match(ctx)
    await add(ctx, main)
    player_id = await player_of(ctx, ANA)
    assert player_id is not None
    await join_player(ctx, player_id, BOB, Source.OFFICER)

    await opt_out(ctx)

    assert await load_links(ctx) == {main: {ANA, BOB}}


@pytest.mark.parametrize("is_here", [True, False])
async def test_who_opted_out_is_not_matched_over_another_account_of_theirs(
    ctx: Context, guild: int, clock: FakeClock, is_here: bool
) -> None:
    main, *_ = await insert_characters(ctx, guild, "Main", "Ana", "Bob", "Anya")
    await insert_members(ctx, facts(BOB, "bob", nick="Anya"))
    await add(ctx, main)
    await links.add(ctx, SERVER, character_id=main, user_id=BOB, actor_id=OFFICER, also=True)
    await opt_out(ctx)
    if not is_here:
        clock.advance(hours=1)
        assert await members.member_left(ctx, SERVER, ANA)

    await match(ctx)

    assert await load_links(ctx) == {main: {ANA, BOB}}
    assert await load_suggestions(ctx) == {}


@pytest.mark.parametrize("user_id", [ANA, BOB])
async def test_an_officer_who_joins_them_to_another_player_brings_them_nothing_that_rules_found(
    ctx: Context, guild: int, user_id: int
) -> None:
    main, bob = await insert_characters(ctx, guild, "Main", "Bob")
    await insert_members(ctx, facts(BOB, "bob"))
    await match(ctx)
    if user_id == ANA:  # who opted out joins Bob's player, else Bob joins theirs
        await add(ctx, main, BOB)
        await opt_out(ctx)
    else:
        await add(ctx, main)
        await opt_out(ctx)

    await links.add(ctx, SERVER, character_id=main, user_id=user_id, actor_id=OFFICER, also=True)
    await match(ctx)

    assert await load_links(ctx) == {main: {ANA, BOB}}
    assert await history(ctx) == [(bob, [ANA, BOB], LinkEnd.OPTED_OUT)]
    [ended] = await load_actions(ctx, "link.opt_out")
    assert (ended.actor_id, ended.subject_id) == (OFFICER, bob)


async def test_nobody_is_suggested_for_the_names_they_share_with_who_opted_out(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Anya")
    await insert_members(ctx, facts(3, "bigdog", nick="Anya"), facts(4, "bigdog2", nick="Anya"))
    await match(ctx)
    assert "second_name" in str((await load_suggestions(ctx))[ana].candidates)

    await opt_out(ctx, 4)
    await match(ctx)

    found = (await load_suggestions(ctx))[ana]
    assert ([one["user_id"] for one in found.candidates], found.confidence) == ([3], None)
    assert "second_name" not in str(found.candidates)


async def test_a_main_that_is_taken_back_is_main_no_longer(ctx: Context, guild: int) -> None:
    ana, main = await insert_characters(ctx, guild, "Ana", "Main")
    await match(ctx)
    await add(ctx, main)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.text("UPDATE guild_identity.players SET main_character_id = :id"), {"id": ana})
    assert (await links.whois_member(ctx, SERVER, ANA)).main_id == ana
    await opt_out(ctx)
    assert (await links.whois_member(ctx, SERVER, ANA)).main_id is None


async def test_suggestions_contradictions_and_aliases_that_name_them_are_dropped_at_once(
    ctx: Context, guild: int
) -> None:
    ids = await insert_characters(ctx, guild, "One", "Two", "Three", "Four")
    first, second, third, fourth = ids
    of_ana, of_bob = [{"user_id": user_id, "evidence": [{"rule": "name_part"}]} for user_id in (ANA, BOB)]
    lists = {first: [of_ana], second: [of_ana, of_bob], third: [of_bob, of_ana], fourth: [of_bob]}
    async with ctx.sessions.begin() as session:
        session.add_all(
            LinkSuggestion(
                server_id=SERVER,
                character_id=one,
                candidates=candidates,
                confidence=Confidence.HIGH,
                suggested_at=ctx.clock(),
                later_at=ctx.clock(),
            )
            for one, candidates in lists.items()
        )
        session.add_all(
            LinkContradiction(server_id=SERVER, character_id=one, user_ids=user_ids, evidence=[], found_at=ctx.clock())
            for one, user_ids in ((first, [BOB, ANA]), (second, [BOB]))
        )
        session.add_all(
            NoteAlias(server_id=SERVER, alias_key=name, alias=name, user_id=user_id, set_by=OFFICER, set_at=ctx.clock())
            for name, user_id in (("annie", ANA), ("ann", ANA), ("bobby", BOB))
        )

    await opt_out(ctx)

    async with ctx.sessions() as session:
        suggestions = await session.scalars(sa.select(LinkSuggestion).order_by(LinkSuggestion.character_id))
        assert [(one.character_id, one.candidates, one.confidence) for one in suggestions] == [
            (second, [of_bob], None),
            (third, [of_bob], Confidence.HIGH),
            (fourth, [of_bob], Confidence.HIGH),
        ]
        assert list(await session.scalars(sa.select(LinkContradiction.character_id))) == [second]
        assert list(await session.scalars(sa.select(NoteAlias.alias))) == ["bobby"]
    removed = await load_actions(ctx, "alias.remove")
    assert [(one.actor_id, one.subject_id, one.before and one.before["alias"]) for one in removed] == [
        (ANA, ANA, "ann"),
        (ANA, ANA, "annie"),
    ]


async def test_opting_out_holds_through_new_names_leaving_and_coming_back(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    await insert_characters(ctx, guild, "Ana", "Anna")
    since = (await opt_out(ctx)).opted_out_at
    clock.advance(hours=1)
    await insert_members(ctx, facts(ANA, "anna", nick="Ana"))
    clock.advance(hours=1)
    assert await members.member_left(ctx, SERVER, ANA)
    clock.advance(hours=1)
    await members.member_changed(ctx, SERVER, facts(ANA, "ana"))
    await match(ctx)

    member = await load_member(ctx, ANA)
    assert member is not None
    assert (member.left_at, member.opted_out_at) == (None, since)
    assert await load_links(ctx) == {}


async def test_the_name_of_who_opted_out_still_makes_another_bearer_not_the_only_one(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(ANA, "ana", nick="Ana"), facts(BOB, "bob", nick="Ana"))
    await opt_out(ctx)
    await match(ctx)
    assert await load_links(ctx) == {}


async def test_saying_it_twice_changes_nothing(ctx: Context, guild: int, clock: FakeClock) -> None:
    since = (await opt_out(ctx)).opted_out_at
    clock.advance(hours=1)
    assert await opt_out(ctx) == privacy.Privacy(since)
    assert await privacy.look(ctx, SERVER, ANA) == privacy.Privacy(since)
    await privacy.opt_in(ctx, SERVER, ANA)
    assert await privacy.opt_in(ctx, SERVER, ANA) == privacy.Privacy(None)
    assert len(await load_actions(ctx, "privacy.opt_out")) == len(await load_actions(ctx, "privacy.opt_in")) == 1


async def test_an_open_claim_is_their_own_word_and_stays(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana")
    await claims.ask(ctx, SERVER, character="Ana", user_id=ANA)
    await opt_out(ctx)
    [waiting] = await claims.open_claims(ctx, SERVER)
    await claims.confirm(ctx, SERVER, public_id=waiting.public_id, actor_id=OFFICER, manages_server=False)
    assert (await links.whois_member(ctx, SERVER, ANA)).rank == 5


async def test_who_was_never_seen_is_told_so(ctx: Context, guild: int) -> None:
    for act in (privacy.look, privacy.opt_out, privacy.opt_in):
        with pytest.raises(NotKnownYet, match="Try again in a few minutes"):
            await act(ctx, SERVER, 404)


async def test_opting_out_is_one_servers_affair(ctx: Context, guild: int) -> None:
    await insert_server(ctx, 200)
    await insert_members(ctx, facts(ANA, "ana"), server_id=200)
    await opt_out(ctx)
    assert (await privacy.look(ctx, 200, ANA)).opted_out_at is None
