"""What a matching leaves on a server: links, players, suggestions, groups and contradictions."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import links, matching, members, options
from bot.services.context import Context
from bot.services.matching import Matched
from db.tables.identity import AltGroup, LinkContradiction, LinkSuggestion, NoteAlias
from db.tables.people import Member, Player, PlayerCharacter, PlayerMember, RejectedCandidate
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.identity import Candidate, Case, Contradiction, Link, Outcome, Suggestion
from domain.links import Confidence, LinkMode, Source, is_proven
from tests.support.clock import FakeClock
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
    insert_run,
    insert_server,
    leave_guild,
    load_actions,
    load_links,
    load_suggestions,
    map_rank,
)

OTHER = 200


async def match(ctx: Context, run_id: int | None = None) -> int:
    return (await matching.match_server(ctx, SERVER, run_id=run_id)).linked


async def set_mode(ctx: Context, mode: LinkMode) -> None:
    await options.change(ctx, SERVER, {"link_mode": mode.value}, actor_id=OFFICER)


async def load_groups(ctx: Context) -> dict[int, int]:
    async with ctx.sessions() as session:
        return {one.character_id: one.group_id for one in await session.scalars(sa.select(AltGroup))}


async def load_contradictions(ctx: Context) -> dict[int, list[int]]:
    async with ctx.sessions() as session:
        return {one.character_id: one.user_ids for one in await session.scalars(sa.select(LinkContradiction))}


async def count_players(ctx: Context) -> int:
    async with ctx.sessions() as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(Player)) or 0


async def opt_out(ctx: Context, user_id: int) -> None:
    async with ctx.sessions.begin() as session:
        (await session.get_one(Member, (SERVER, user_id))).opted_out_at = ctx.clock()


async def test_a_character_and_a_member_of_one_name_are_linked_once(ctx: Context, guild: int) -> None:
    aerin, _ = await insert_characters(ctx, guild, "Ærïn", "Other")
    await insert_members(ctx, facts(1, nick="aerin ★"), facts(2))

    assert await matching.match_server(ctx, SERVER) == Matched(linked=1)
    assert await matching.match_server(ctx, SERVER) == Matched(skipped=True)
    assert await load_links(ctx) == {aerin: {1}}


async def test_a_link_by_a_rule_is_inferred_and_carries_its_evidence_and_run(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, global_name="ana"))
    run_id = await insert_run(ctx)

    await match(ctx, run_id)

    [kept] = [Evidence(RuleName.EQUAL_NAME, Strength.STRONG, Source.NAME, Place.GLOBAL_NAME, "ana", "Ana").to_json()]
    evidence = {"round": 1, "reasons": [kept]}
    async with ctx.sessions() as session:
        for half in (
            (await session.scalars(sa.select(PlayerCharacter))).one(),
            (await session.scalars(sa.select(PlayerMember))).one(),
        ):
            assert (half.source, half.confidence, half.evidence) == (Source.NAME, Confidence.HIGH, evidence)
            assert (half.linked_by, half.run_id, half.linked_at) == (None, run_id, ctx.clock())
    [action] = await load_actions(ctx, "link.add")
    assert (action.rule, action.rule_version, action.run_id, action.actor_id) == ("equal_name", 1, run_id, None)
    assert (action.subject_id, action.evidence, action.before) == (ana, evidence, None)
    assert action.after is not None
    assert (action.after["user_id"], action.after["source"], action.after["confidence"]) == (1, "name", "high")


async def test_a_nickname_equal_to_the_guild_masters_character_gives_no_authority(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, Toon("Boss", rank=0))
    await insert_members(ctx, facts(1, nick="Boss"))

    await match(ctx)

    view = await links.whois_member(ctx, SERVER, 1)
    [character], [member] = view.characters, view.members
    assert character.half is not None
    assert member.half is not None
    assert character.half.confidence is Confidence.HIGH
    assert not is_proven(character.half.source, member.half.source)
    assert view.rank is None


@pytest.mark.parametrize("column", ["guild_note", "officer_note"])
async def test_a_note_that_names_a_member_on_the_guild_masters_character_gives_no_authority(
    ctx: Context, guild: int, column: str
) -> None:
    [boss] = await insert_characters(ctx, guild, Toon("Boss", rank=0))
    await insert_members(ctx, facts(1, "mallory"))
    await insert_note(ctx, boss, **{column: "discord: mallory"})

    await match(ctx)

    assert await load_links(ctx) == {boss: {1}}
    view = await links.whois_member(ctx, SERVER, 1)
    assert view.rank is None
    assert not any(view.is_proven(one) for one in view.characters)


async def test_two_members_with_one_display_name_are_suggested_never_linked(ctx: Context, guild: int) -> None:
    [mike] = await insert_characters(ctx, guild, "Mike")
    await insert_members(ctx, facts(1, "walter", nick="Mike"), facts(2, "jesse", nick="Mike"))

    assert await matching.match_server(ctx, SERVER) == Matched(suggested=1)

    assert await load_links(ctx) == {}
    suggestion = (await load_suggestions(ctx))[mike]
    assert {one["user_id"] for one in suggestion.candidates} == {1, 2}
    assert suggestion.confidence is None
    assert Evidence.from_json(suggestion.candidates[0]["evidence"][0]).rule is RuleName.EQUAL_NAME


async def test_two_alts_that_name_the_same_unlinked_member_are_one_player(ctx: Context, guild: int) -> None:
    first, second = await insert_characters(ctx, guild, "Zorblax", "Quintor")
    await insert_members(ctx, facts(1, "walter_white"))
    await insert_note(ctx, first, "discord: walter_white")
    await insert_note(ctx, second, officer_note="@walter_white")

    assert await match(ctx) == 2

    assert await load_links(ctx) == {first: {1}, second: {1}}
    assert await count_players(ctx) == 1


async def test_who_left_the_guild_or_the_server_is_not_linked(ctx: Context, guild: int) -> None:
    gone, _ = await insert_characters(ctx, guild, "Gone", "Here")
    await insert_members(ctx, facts(1, "gone"), facts(2, "here"))
    await leave_guild(ctx, gone)
    await members.member_left(ctx, SERVER, 2)

    assert await match(ctx) == 0


async def test_nothing_is_matched_before_the_member_list_was_read_whole(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx, members_synced=False))
    await insert_characters(ctx, guild, "Mike")
    await insert_members(ctx, facts(1, "mike"))

    assert await matching.match_server(ctx, SERVER) == Matched(skipped=True)


async def test_nothing_is_matched_before_the_roster_was_read_whole(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx), roster_synced=False)
    await insert_characters(ctx, guild, "Mike")
    await insert_members(ctx, facts(1, "mike"))

    assert await matching.match_server(ctx, SERVER) == Matched(skipped=True)


async def test_members_in_rules_screening_wait_until_it_clears(ctx: Context, guild: int, clock: FakeClock) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana", pending=True))
    assert await match(ctx) == 0
    assert await load_suggestions(ctx) == {}

    clock.advance(minutes=1)
    await insert_members(ctx, facts(1, "ana"))
    assert await match(ctx) == 1
    assert await load_links(ctx) == {ana: {1}}


async def test_who_opted_out_is_never_linked_or_suggested_and_shields_nobody(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana", "Mike")
    await insert_members(ctx, facts(1, "ana"), facts(2, "walter", nick="Mike"), facts(3, "jesse", nick="Mike"))
    for user_id in (1, 2):
        await opt_out(ctx, user_id)

    await match(ctx)

    assert await load_links(ctx) == {}  # not to 3 either: of two who bear the name nobody is the only one
    candidates = [one["user_id"] for found in (await load_suggestions(ctx)).values() for one in found.candidates]
    assert not {1, 2} & set(candidates)


async def test_a_member_who_is_a_player_gets_the_character_added_to_that_player(ctx: Context, guild: int) -> None:
    main, alt = await insert_characters(ctx, guild, "Main", "Alt")
    await insert_members(ctx, facts(1, nick="Alt"))
    await links.add(ctx, SERVER, character_id=main, user_id=1, actor_id=OFFICER)

    assert await match(ctx) == 1

    assert await load_links(ctx) == {main: {1}, alt: {1}}
    assert await count_players(ctx) == 1
    async with ctx.sessions() as session:
        assert (await session.scalars(sa.select(PlayerMember.source))).one() is Source.OFFICER


async def test_a_player_with_two_discord_accounts_gets_the_character_of_either(ctx: Context, guild: int) -> None:
    ana, bea = await insert_characters(ctx, guild, "Ana", "Bea")
    await insert_members(ctx, facts(1, "ana"), facts(2, "bea"))
    await links.add(ctx, SERVER, character_id=ana, user_id=1, actor_id=OFFICER)
    async with ctx.sessions.begin() as session:
        mine = await session.get_one(PlayerMember, (SERVER, 1))
        half = {"source": Source.OFFICER, "confidence": Confidence.HIGH, "evidence": {}, "linked_at": ctx.clock()}
        session.add(PlayerMember(server_id=SERVER, user_id=2, player_id=mine.player_id, **half))

    assert await match(ctx) == 1
    assert await load_links(ctx) == {ana: {1, 2}, bea: {1, 2}}


async def test_a_character_with_a_player_is_left_to_that_player(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"), facts(2))
    await links.add(ctx, SERVER, character_id=ana, user_id=2, actor_id=OFFICER)

    assert await match(ctx) == 0
    assert await load_links(ctx) == {ana: {2}}


async def test_a_link_that_an_officer_removed_never_comes_back_by_a_rule(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await match(ctx)
    await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)

    clock.advance(days=1)
    assert await match(ctx) == 0
    assert await load_links(ctx) == {}
    assert await load_suggestions(ctx) == {}


async def test_a_link_that_an_officer_moved_never_goes_back_by_a_rule(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"), facts(2))
    await match(ctx)
    await links.add(ctx, SERVER, character_id=ana, user_id=2, actor_id=OFFICER)
    await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)

    assert await match(ctx) == 0


async def test_what_an_officer_said_a_name_in_notes_means_links_at_the_next_matching(ctx: Context, guild: int) -> None:
    [toon] = await insert_characters(ctx, guild, "Zorblax")
    await insert_members(ctx, facts(1, "somebody_else"))
    await insert_note(ctx, toon, "Micky")
    assert await match(ctx) == 0

    async with ctx.sessions.begin() as session:
        session.add(
            NoteAlias(server_id=SERVER, alias_key="micky", alias="Micky", user_id=1, set_by=OFFICER, set_at=ctx.clock())
        )
    assert await match(ctx) == 1
    assert await load_links(ctx) == {toon: {1}}


async def test_where_links_are_left_to_officers_the_rules_suggest_them_and_take_none_away(
    ctx: Context, guild: int
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    assert await match(ctx) == 1
    await set_mode(ctx, LinkMode.SUGGEST)
    [bob] = await insert_characters(ctx, guild, "Bob")
    await insert_members(ctx, facts(2, "bob"))

    assert await matching.match_server(ctx, SERVER) == Matched(suggested=1)

    assert await load_links(ctx) == {ana: {1}}
    suggestion = (await load_suggestions(ctx))[bob]
    assert (suggestion.confidence, [one["user_id"] for one in suggestion.candidates]) == (Confidence.HIGH, [2])
    await set_mode(ctx, LinkMode.AUTOMATIC)
    assert await match(ctx) == 1
    assert await load_suggestions(ctx) == {}


async def test_switched_off_nothing_is_linked_or_suggested_and_what_was_open_goes(ctx: Context, guild: int) -> None:
    ana, mike, zed = await insert_characters(ctx, guild, "Ana", "Mike", "Zed")
    await insert_members(ctx, facts(1, "ana"), facts(2, "walter", nick="Mike"), facts(3, "jesse", nick="Mike"))
    suggestion = Suggestion(mike, (Candidate(2, (reason(),)), Candidate(3, (reason(),))))
    against = Contradiction(ana, (2,), (reason(),))
    full = Outcome((link(ana, 1),), (suggestion,), ((mike, zed),), (against,))
    await matching.match_server(with_outcome(ctx, full), SERVER)
    assert [len(await load(ctx)) for load in (load_links, load_suggestions, load_groups, load_contradictions)] == [
        *(1, 1, 2, 1)
    ]

    await set_mode(ctx, LinkMode.OFF)
    await insert_characters(ctx, guild, "Bob")
    await insert_members(ctx, facts(4, "bob"))
    assert await matching.match_server(ctx, SERVER) == Matched()

    assert await load_links(ctx) == {ana: {1}}
    assert [await load(ctx) for load in (load_suggestions, load_groups, load_contradictions)] == [{}, {}, {}]


async def test_a_link_of_medium_confidence_is_suggested_with_it(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    engine = with_outcome(ctx, Outcome((link(ana, 1, Confidence.MEDIUM),)))

    assert await matching.match_server(engine, SERVER) == Matched(suggested=1)

    suggestion = (await load_suggestions(ctx))[ana]
    assert suggestion.confidence is Confidence.MEDIUM
    assert suggestion.candidates == [{"user_id": 1, "evidence": [reason(Strength.GOOD).to_json()]}]


async def test_a_sure_link_that_leads_over_one_left_to_a_person_waits_with_it(ctx: Context, guild: int) -> None:
    main, alt = await insert_characters(ctx, guild, "Main", "Alt")
    await insert_members(ctx, facts(1))
    chained = Link(alt, 1, Confidence.HIGH, (reason(via=main),), 2)

    assert await match(with_outcome(ctx, Outcome((link(main, 1, Confidence.MEDIUM), chained)))) == 0

    found = await load_suggestions(ctx)
    assert {one: found[one].confidence for one in found} == {main: Confidence.MEDIUM, alt: Confidence.HIGH}


async def test_the_half_of_a_new_players_member_rests_on_the_surest_link(ctx: Context, guild: int) -> None:
    first, second = await insert_characters(ctx, guild, "First", "Second")
    await insert_members(ctx, facts(1))
    note = Evidence(RuleName.NOTE_NAMES_MEMBER, Strength.STRONG, Source.OFFICER_NOTE, Place.OFFICER_NOTE, "@x", "x")
    outcome = Outcome(
        (
            Link(first, 1, Confidence.HIGH, (reason(),), 1),
            Link(second, 1, Confidence.HIGH, (note,), 1),
        )
    )

    await match(with_outcome(ctx, outcome))

    async with ctx.sessions() as session:
        assert (await session.get_one(PlayerMember, (SERVER, 1))).source is Source.OFFICER_NOTE


async def test_a_suggestion_with_the_same_candidates_stays_put_off_and_another_one_does_not(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2))
    first, second = Candidate(1, (reason(),)), Candidate(2, (reason(),))
    engine = with_outcome(ctx, Outcome((), (Suggestion(ana, (first, second)),)))
    assert (await matching.match_server(engine, SERVER)).suggested == 1
    put_off = suggested = clock()
    async with ctx.sessions.begin() as session:
        (await session.get_one(LinkSuggestion, (SERVER, ana))).later_at = put_off

    async def again(name: str, *candidates: Candidate) -> tuple[int, LinkSuggestion]:
        """Match when something else changed."""
        clock.advance(days=1)
        await insert_characters(ctx, guild, name)
        done = await matching.match_server(with_outcome(ctx, Outcome((), (Suggestion(ana, candidates),))), SERVER)
        return done.suggested, (await load_suggestions(ctx))[ana]

    new, kept = await again("Bob", Candidate(2, (reason(written="y"),)), first)
    assert (new, kept.later_at, kept.suggested_at) == (0, put_off, suggested)
    assert kept.candidates[0]["evidence"][0]["written"] == "y"
    new, kept = await again("Cid", first)
    assert (new, kept.later_at, kept.suggested_at) == (1, None, clock())


async def test_characters_tied_by_notes_alone_are_a_group_and_no_player(ctx: Context, guild: int) -> None:
    bank, main = await insert_characters(ctx, guild, "Zorbank", "Zorblax")
    await insert_note(ctx, bank, "alt of Zorblax")

    assert await matching.match_server(ctx, SERVER) == Matched()

    assert await load_groups(ctx) == {bank: bank, main: bank}
    assert await count_players(ctx) == 0


async def test_groups_and_contradictions_that_are_no_more_go(ctx: Context, guild: int) -> None:
    one, two, three = await insert_characters(ctx, guild, "One", "Two", "Three")
    await insert_members(ctx, facts(1), facts(2))
    outcome = Outcome((), (), ((one, two, three),), (Contradiction(one, (2, 1), (reason(),)),))
    await match(with_outcome(ctx, outcome))
    assert (await load_groups(ctx), await load_contradictions(ctx)) == ({one: one, two: one, three: one}, {one: [1, 2]})

    await insert_characters(ctx, guild, "Four")
    await match(with_outcome(ctx, Outcome((), (), ((two, three),), (Contradiction(two, (2,), (reason(),)),))))
    assert (await load_groups(ctx), await load_contradictions(ctx)) == ({two: two, three: two}, {two: [2]})


async def test_when_something_changes_what_stays_is_not_written_again(ctx: Context, guild: int) -> None:
    ana, mike, zed = await insert_characters(ctx, guild, "Ana", "Mike", "Zed")
    await insert_members(ctx, facts(1), facts(2))
    suggestion = Suggestion(mike, (Candidate(2, (reason(),)),))
    outcome = Outcome((), (suggestion,), ((mike, zed),), (Contradiction(ana, (2,), (reason(),)),))

    async def versions() -> list[str]:
        tables = ("link_suggestions", "alt_groups", "link_contradictions")
        async with ctx.sessions() as session:
            return [
                version
                for table in tables
                for version in await session.scalars(
                    sa.text(f"SELECT ctid::text || ' ' || xmin || ' ' || xmax FROM guild_identity.{table} ORDER BY 1")  # noqa: S608
                )
            ]

    await match(with_outcome(ctx, outcome))
    before = await versions()
    await insert_characters(ctx, guild, "Bob")
    assert await matching.match_server(with_outcome(ctx, outcome), SERVER) == Matched()
    assert len(before) == 4
    assert await versions() == before


async def test_a_rejected_pair_is_neither_linked_nor_suggested(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    async with ctx.sessions.begin() as session:
        session.add(
            RejectedCandidate(
                server_id=SERVER, character_id=ana, user_id=1, rejected_by=OFFICER, rejected_at=ctx.clock()
            )
        )
    assert await matching.match_server(ctx, SERVER) == Matched()


async def test_a_rule_that_people_reject_too_often_here_suggests_and_links_no_more(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    assert await match(ctx) == 1
    await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)
    [bob] = await insert_characters(ctx, guild, "Bob")
    await insert_members(ctx, facts(2, "bob"))

    assert await matching.match_server(ctx, SERVER) == Matched(suggested=1)

    assert (await load_links(ctx), (await load_suggestions(ctx)).keys()) == ({}, {bob})


async def test_what_a_rule_looks_at_reaches_it(ctx: Context, guild: int) -> None:
    """Notes with their unknown and empty ones, ranks by mapped roles, owners, hidden members."""
    seen: list[Case] = []

    async def watch(function: Any, /, *given: Any) -> Any:
        seen.extend(given)
        return Outcome()

    ana, bob = await insert_characters(ctx, guild, Toon("Ana", rank=2), Toon("Bob", "ravencrest"))
    await insert_note(ctx, ana, "", "main")
    await map_rank(ctx, guild, 2, 50)
    await map_rank(ctx, guild, 3, 50)
    await insert_members(ctx, facts(1, "u", global_name="g", nick="n", role_ids=(50, 51)), facts(2, pending=True))
    await links.add(ctx, SERVER, character_id=bob, user_id=1, actor_id=OFFICER)

    await matching.match_server(replace(ctx, compute=watch), SERVER)

    [case] = seen
    shown = {(one.name, one.realm, one.rank, one.guild_note, one.officer_note) for one in case.characters}
    assert shown == {("Ana", "stormrage", 2, "", "main"), ("Bob", "ravencrest", 5, None, None)}
    one, two = sorted(case.members, key=lambda member: member.id)
    assert (one.username, one.global_name, one.nick, one.ranks, one.hidden) == ("u", "g", "n", {2, 3}, False)
    assert two.hidden
    [character_owner], [member_owner] = case.character_owners.items(), case.member_owners.items()
    assert (character_owner[0], member_owner[0]) == (bob, 1)
    assert character_owner[1] == member_owner[1]
    assert character_owner[1].source is Source.OFFICER


async def test_notes_of_another_server_of_the_guild_are_not_looked_at(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx), await insert_server(ctx, OTHER))
    [toon] = await insert_characters(ctx, guild, "Zorblax")
    await insert_members(ctx, facts(1, "walter_white"))
    await insert_note(ctx, toon, officer_note="discord: walter_white", server_id=OTHER)

    assert await matching.match_server(ctx, SERVER) == Matched()
    assert await load_links(ctx) == {}


async def test_a_rejected_pair_is_respected_for_the_players_other_account_also_when_the_first_left(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    main, alt = await insert_characters(ctx, guild, "Main", "Alt")
    await insert_members(ctx, facts(1), facts(2))
    await insert_note(ctx, alt, "alt of Main")
    for one in (main, alt):
        await links.add(ctx, SERVER, character_id=one, user_id=1, actor_id=OFFICER)
    await links.remove(ctx, SERVER, character_id=alt, actor_id=OFFICER)
    await links.add(ctx, SERVER, character_id=main, user_id=2, actor_id=OFFICER, also=True)
    clock.advance(hours=1)
    assert await members.member_left(ctx, SERVER, 1)

    assert await match(ctx) == 0
    assert await load_links(ctx) == {main: {1, 2}}
    assert await load_suggestions(ctx) == {}
