"""Links that the rule of equal names makes."""

import asyncio
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bot.services import links, matching, members, options, pipeline
from bot.services.context import Context
from db.tables.people import Player, PlayerCharacter, PlayerMember
from domain.links import Confidence, Source, is_proven
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_run,
    insert_server,
    leave_guild,
    load_actions,
    load_links,
)


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_guild(ctx, await insert_server(ctx))


async def match(ctx: Context, run_id: int | None = None) -> int:
    async with ctx.sessions.begin() as session:
        return await matching.link_equal_names(ctx, session, server_id=SERVER, run_id=run_id)


async def test_a_character_and_a_member_of_one_name_are_linked_once(ctx: Context, guild: int) -> None:
    aerin, _ = await insert_characters(ctx, guild, "Ærïn", "Other")
    await insert_members(ctx, facts(1, nick="aerin ★"), facts(2))

    assert [await match(ctx), await match(ctx)] == [1, 0]
    assert await load_links(ctx) == {aerin: {1}}


async def test_a_link_by_name_is_inferred_and_carries_its_evidence_and_run(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, global_name="ana"))
    run_id = await insert_run(ctx)

    await match(ctx, run_id)

    evidence = {"rule": "equal_name", "version": 1, "matched": "global_name", "name_key": "ana"}
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
    assert (action.after["user_id"], action.after["source"]) == (1, "name")


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


async def test_two_members_of_one_name_are_never_linked(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Mike")
    await insert_members(ctx, facts(1, nick="Mike"), facts(2, "mike"))

    assert await match(ctx) == 0


async def test_two_characters_of_one_name_on_two_realms_are_never_linked(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, Toon("Mike"), Toon("Mike", "ravencrest"))
    await insert_members(ctx, facts(1, nick="Mike"))

    assert await match(ctx) == 0


async def test_names_that_only_contain_one_another_are_not_linked(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Thor", "Ana", "Christina")
    await insert_members(ctx, facts(1, "Thorin"), facts(2, "Banana"), facts(3, "Chris"))

    assert await match(ctx) == 0


async def test_who_left_the_guild_or_the_server_is_not_linked(ctx: Context, guild: int) -> None:
    gone, _ = await insert_characters(ctx, guild, "Gone", "Here")
    await insert_members(ctx, facts(1, "gone"), facts(2, "here"))
    await leave_guild(ctx, gone)
    await members.member_left(ctx, SERVER, 2)

    assert await match(ctx) == 0


async def test_nothing_is_linked_before_the_member_list_was_read_whole(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx, members_synced=False))
    await insert_characters(ctx, guild, "Mike")
    await insert_members(ctx, facts(1, "mike"))

    assert await match(ctx) == 0


async def test_a_member_who_is_a_player_gets_the_character_added_to_that_player(ctx: Context, guild: int) -> None:
    main, alt = await insert_characters(ctx, guild, "Main", "Alt")
    await insert_members(ctx, facts(1, nick="Alt"))
    await links.add(ctx, SERVER, character_id=main, user_id=1, actor_id=OFFICER)

    assert await match(ctx) == 1

    assert await load_links(ctx) == {main: {1}, alt: {1}}
    async with ctx.sessions() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(Player)) == 1
        assert (await session.scalars(sa.select(PlayerMember.source))).one() is Source.OFFICER


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


async def test_a_link_that_an_officer_moved_never_goes_back_by_a_rule(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"), facts(2))
    await match(ctx)
    await links.add(ctx, SERVER, character_id=ana, user_id=2, actor_id=OFFICER)
    await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)

    assert await match(ctx) == 0


async def test_an_officers_later_word_forgets_the_rejection(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await match(ctx)
    await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)
    await links.add(ctx, SERVER, character_id=ana, user_id=1, actor_id=OFFICER)
    assert await load_links(ctx) == {ana: {1}}
    async with ctx.sessions.begin() as session:
        await session.execute(sa.delete(PlayerCharacter))

    assert await match(ctx) == 1


async def test_where_links_are_left_to_officers_the_rule_makes_none_and_takes_none_away(
    ctx: Context, guild: int
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    assert await match(ctx) == 1
    await options.change(ctx, SERVER, {"link_mode": "suggest"}, actor_id=OFFICER)
    [bob] = await insert_characters(ctx, guild, "Bob")
    await insert_members(ctx, facts(2, "bob"))
    assert (await match(ctx), await load_links(ctx)) == (0, {ana: {1}})
    await links.add(ctx, SERVER, character_id=bob, user_id=2, actor_id=OFFICER)
    assert await load_links(ctx) == {ana: {1}, bob: {2}}


async def test_a_run_of_thousand_takes_as_many_statements_as_one_of_ten(
    ctx: Context, guild: int, statements: Callable
) -> None:
    counts = []
    for first, size in ((1, 10), (1_001, 1_000)):
        ids = range(first, first + size)
        await insert_characters(ctx, guild, *(f"Toon{n}" for n in ids))
        await insert_members(ctx, *(facts(n, f"toon{n}") for n in ids))
        with statements() as seen:
            assert await match(ctx) == size
        counts.append(len(seen))

    assert counts[0] == counts[1] <= 9


async def test_two_runs_at_once_link_everybody_once(scratch_ctx: Context) -> None:
    guild = await insert_guild(scratch_ctx, await insert_server(scratch_ctx))
    ids = await insert_characters(scratch_ctx, guild, *(f"Toon{n}" for n in range(20)))
    await insert_members(scratch_ctx, *(facts(n, f"toon{n - 1}") for n in range(1, 21)))

    done = await asyncio.gather(*(pipeline.follow_up(scratch_ctx, SERVER) for _ in range(4)))

    assert sum(one.linked for one in done) == 20
    assert await load_links(scratch_ctx) == {id_: {n} for n, id_ in enumerate(ids, 1)}
    assert len(await load_actions(scratch_ctx, "link.add")) == 20
