"""Links by officers' words."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.services import links, matching, members
from bot.services.context import Context
from db.tables.people import Player, PlayerCharacter, PlayerMember, RejectedCandidate
from domain.errors import Conflict, InvalidInput, NotFound
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
    insert_server,
    leave_guild,
    load_actions,
    load_links,
)


async def infer(ctx: Context) -> None:
    assert (await matching.match_server(ctx, SERVER)).linked


async def add(ctx: Context, character_id: int, user_id: int) -> links.LinkChange:
    return await links.add(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=OFFICER)


async def remove(ctx: Context, character_id: int) -> links.LinkChange:
    return await links.remove(ctx, SERVER, character_id=character_id, actor_id=OFFICER)


async def halves(ctx: Context, character_id: int, user_id: int) -> tuple[PlayerCharacter, PlayerMember]:
    async with ctx.sessions() as session:
        return (
            await session.get_one(PlayerCharacter, (SERVER, character_id)),
            await session.get_one(PlayerMember, (SERVER, user_id)),
        )


async def players(ctx: Context) -> int:
    async with ctx.sessions() as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(Player)) or 0


async def test_an_officers_word_proves_both_halves(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))

    change = await add(ctx, ana, 1)

    assert (change.character.name, change.user_ids, change.changed) == ("Ana", (1,), True)
    for half in await halves(ctx, ana, 1):
        assert (half.source, half.confidence, half.linked_by) == (Source.OFFICER, Confidence.HIGH, OFFICER)
    [action] = await load_actions(ctx, "link.add")
    assert (action.actor_id, action.rule, action.before) == (OFFICER, None, None)
    assert action.after is not None
    assert (action.after["user_id"], action.after["source"]) == (1, "officer")


async def test_a_second_character_of_a_member_goes_to_the_same_player(ctx: Context, guild: int) -> None:
    ana, alt = await insert_characters(ctx, guild, "Ana", "Alt")
    await insert_members(ctx, facts(1))

    await add(ctx, ana, 1)
    await add(ctx, alt, 1)

    assert await load_links(ctx) == {ana: {1}, alt: {1}}
    assert await players(ctx) == 1


async def test_an_officers_word_raises_an_inferred_link_to_proof(ctx: Context, guild: int, clock: FakeClock) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)

    now = clock.advance(hours=1)
    assert (await add(ctx, ana, 1)).changed

    character, member = await halves(ctx, ana, 1)
    assert is_proven(character.source, member.source)
    for half in (character, member):
        assert (half.linked_by, half.linked_at, half.run_id) == (OFFICER, now, None)
        # What the rule had seen is still to be read; a pass of the rules it is no more.
        assert [reason["rule"] for reason in half.evidence["reasons"]] == ["equal_name"]
        assert "round" not in half.evidence
    action = (await load_actions(ctx, "link.add"))[-1]
    assert action.before is not None
    assert (action.before["source"], action.before["evidence"]["round"]) == ("name", 1)


async def test_a_proven_character_does_not_prove_the_members_other_characters(ctx: Context, guild: int) -> None:
    ana, alt = await insert_characters(ctx, guild, Toon("Ana", rank=0), "Alt")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)

    await add(ctx, alt, 1)

    character, member = await halves(ctx, ana, 1)
    assert not is_proven(character.source, member.source)


async def test_an_inferred_link_gives_way_to_an_officers_word(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"), facts(2))
    await infer(ctx)

    await add(ctx, ana, 2)

    assert await load_links(ctx) == {ana: {2}}
    assert await players(ctx) == 1
    async with ctx.sessions() as session:
        assert await session.get(PlayerMember, (SERVER, 1)) is None


async def test_moving_an_inferred_link_leaves_the_former_player_what_else_they_own(ctx: Context, guild: int) -> None:
    ana, alt = await insert_characters(ctx, guild, "Ana", "Alt")
    await insert_members(ctx, facts(1, "ana"), facts(2))
    await add(ctx, alt, 1)
    await infer(ctx)

    await add(ctx, ana, 2)

    assert await load_links(ctx) == {alt: {1}, ana: {2}}


async def test_an_officers_word_does_not_undo_another_proof_and_says_whose_it_is(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), facts(2))
    await add(ctx, ana, 1)

    with pytest.raises(Conflict) as refused:
        await add(ctx, ana, 2)

    assert refused.value.text.startswith("Ana is linked to <@1> by an officer's word. Remove that link first.")
    assert "`also`" in refused.value.text
    assert await load_links(ctx) == {ana: {1}}
    assert len(await load_actions(ctx, "link.add")) == 1


async def test_a_proven_link_said_again_changes_nothing(ctx: Context, guild: int, clock: FakeClock) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await add(ctx, ana, 1)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(PlayerCharacter).values(source=Source.BATTLENET_OAUTH))

    clock.advance(hours=1)
    assert not (await add(ctx, ana, 1)).changed

    character, member = await halves(ctx, ana, 1)
    assert (character.source, member.source) == (Source.BATTLENET_OAUTH, Source.OFFICER)
    assert len(await load_actions(ctx, "link.add")) == 1


async def test_a_weaker_half_is_raised_and_a_proven_one_beside_it_kept(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(PlayerCharacter).values(source=Source.BATTLENET_OAUTH))

    assert (await add(ctx, ana, 1)).changed

    character, member = await halves(ctx, ana, 1)
    assert (character.source, member.source) == (Source.BATTLENET_OAUTH, Source.OFFICER)


async def test_only_present_members_and_known_characters_are_linked(ctx: Context, guild: int) -> None:
    ana, gone = await insert_characters(ctx, guild, "Ana", "Gone")
    await leave_guild(ctx, gone)
    await insert_members(ctx, facts(1), facts(2))
    await members.member_left(ctx, SERVER, 2)

    with pytest.raises(NotFound, match="left the server"):
        await add(ctx, ana, 2)
    with pytest.raises(NotFound, match="does not know this member"):
        await add(ctx, ana, 3)
    with pytest.raises(NotFound, match="not in Raiders of Dawn"):
        await add(ctx, gone, 1)
    assert await load_links(ctx) == {}


async def test_removing_a_link_clears_main_and_off_spec_that_point_to_it(ctx: Context, guild: int) -> None:
    ana, alt = await insert_characters(ctx, guild, "Ana", "Alt")
    await insert_members(ctx, facts(1))
    await add(ctx, ana, 1)
    await add(ctx, alt, 1)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Player).values(main_character_id=ana, offspec_character_id=alt))

    await remove(ctx, ana)

    async with ctx.sessions() as session:
        player = (await session.scalars(sa.select(Player))).one()
        assert (player.main_character_id, player.offspec_character_id) == (None, alt)
    await remove(ctx, alt)
    assert await players(ctx) == 0


async def test_main_and_off_spec_are_own_characters(ctx: Context, guild: int) -> None:
    ana, bo = await insert_characters(ctx, guild, "Ana", "Bo")
    await insert_members(ctx, facts(1), facts(2))
    await add(ctx, ana, 1)
    await add(ctx, bo, 2)
    owner = (await halves(ctx, ana, 1))[0].player_id

    with pytest.raises(IntegrityError, match="fk_players_main_character_id"):
        async with ctx.sessions.begin() as session:
            await session.execute(sa.update(Player).where(Player.id == owner).values(main_character_id=bo))


async def test_removing_the_last_link_removes_the_player_and_is_logged_with_whose_it_was(
    ctx: Context, guild: int
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await infer(ctx)

    change = await remove(ctx, ana)

    assert (change.user_ids, change.changed) == ((1,), True)
    assert await players(ctx) == 0
    assert await load_links(ctx) == {}
    [action] = await load_actions(ctx, "link.remove")
    assert action.actor_id == OFFICER
    assert action.before is not None
    assert (action.before["members"], action.before["source"]) == ([{"user_id": 1, "source": "name"}], "name")
    async with ctx.sessions() as session:
        rejected = (await session.scalars(sa.select(RejectedCandidate))).one()
        assert (rejected.character_id, rejected.user_id, rejected.rejected_by) == (ana, 1, OFFICER)


async def test_a_link_that_is_not_there_cannot_be_removed(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")

    with pytest.raises(NotFound, match="Ana has no link to remove"):
        await remove(ctx, ana)


async def test_the_link_of_a_character_that_left_the_guild_can_be_removed(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await add(ctx, ana, 1)
    await leave_guild(ctx, ana)

    assert await links.resolve_character(ctx, SERVER, "ana") == ana
    assert (await remove(ctx, ana)).changed


async def test_a_link_across_servers_cannot_be_written(ctx: Context, guild: int) -> None:
    other = await insert_server(ctx, 200)
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await insert_members(ctx, facts(2), server_id=other)
    await add(ctx, ana, 1)
    character, _ = await halves(ctx, ana, 1)
    shared = {
        "player_id": character.player_id,
        "server_id": other,
        "source": Source.OFFICER,
        "confidence": Confidence.HIGH,
        "evidence": {},
        "linked_at": ctx.clock(),
    }

    for half in (PlayerMember(user_id=2, **shared), PlayerCharacter(character_id=ana, **shared)):
        with pytest.raises(IntegrityError, match="server_id_player_id_players"):
            async with ctx.sessions.begin() as session:
                session.add(half)


async def test_servers_of_one_guild_link_its_characters_each_for_themselves(ctx: Context) -> None:
    here, there = await insert_server(ctx), await insert_server(ctx, 200)
    guild = await insert_guild(ctx, here, there)
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1), server_id=here)
    await insert_members(ctx, facts(1), server_id=there)

    await add(ctx, ana, 1)

    assert await load_links(ctx, there) == {}
    assert (await links.whois_member(ctx, there, 1)).characters == ()


async def test_a_server_without_a_guild_is_told_to_choose_one(ctx: Context) -> None:
    await insert_server(ctx)

    with pytest.raises(NotFound, match="/setup guild"):
        await links.find_characters(ctx, SERVER, "a")


async def test_two_officers_who_add_the_same_link_at_once_make_one(scratch_ctx: Context) -> None:
    guild = await insert_guild(scratch_ctx, await insert_server(scratch_ctx))
    [ana] = await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1))

    done = await asyncio.gather(
        *(links.add(scratch_ctx, SERVER, character_id=ana, user_id=1, actor_id=actor) for actor in range(10, 15))
    )

    assert sorted(one.changed for one in done) == [False, False, False, False, True]
    assert await load_links(scratch_ctx) == {ana: {1}}
    assert await players(scratch_ctx) == 1


async def test_of_two_officers_who_link_a_character_to_two_members_at_once_the_second_is_refused(
    scratch_ctx: Context,
) -> None:
    guild = await insert_guild(scratch_ctx, await insert_server(scratch_ctx))
    [ana] = await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1), facts(2))

    done = await asyncio.gather(
        *(links.add(scratch_ctx, SERVER, character_id=ana, user_id=user, actor_id=OFFICER) for user in (1, 2)),
        return_exceptions=True,
    )

    assert sorted(type(one).__name__ for one in done) == ["Conflict", "LinkChange"]
    assert await players(scratch_ctx) == 1


async def test_a_character_is_found_by_id_by_name_and_by_name_and_realm(ctx: Context, guild: int) -> None:
    here, there, ana = await insert_characters(
        ctx, guild, Toon("Bo", "stormrage"), Toon("Bo", "azjol-nerub"), Toon("Ána", "stormrage")
    )

    assert await links.resolve_character(ctx, SERVER, str(there)) == there
    assert await links.resolve_character(ctx, SERVER, " ana ") == ana
    assert await links.resolve_character(ctx, SERVER, "bo-Azjol-Nerub") == there
    assert await links.resolve_character(ctx, SERVER, "Bo-Stormrage") == here


async def test_a_name_that_several_characters_bear_is_asked_back(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, Toon("Bo", "stormrage"), Toon("Bo", "ravencrest"))

    with pytest.raises(InvalidInput) as several:
        await links.resolve_character(ctx, SERVER, "bo")

    assert "Bo-ravencrest, Bo-stormrage" in several.value.text


async def test_a_character_in_the_guild_comes_before_one_of_its_name_that_left(ctx: Context, guild: int) -> None:
    before, now = await insert_characters(ctx, guild, "Bo", "Bo")
    await insert_members(ctx, facts(1))
    await add(ctx, before, 1)
    await leave_guild(ctx, before)

    assert await links.resolve_character(ctx, SERVER, "bo") == now


@pytest.mark.parametrize("text", ["", "%", "_na", "★", "nobody", "999", "9" * 40, "-stormrage", "Ana-nowhere"])
async def test_what_names_no_character_finds_none(ctx: Context, guild: int, text: str) -> None:
    await insert_characters(ctx, guild, "Ana")

    with pytest.raises(NotFound):
        await links.resolve_character(ctx, SERVER, text)


async def test_an_answer_does_not_repeat_an_endless_text(ctx: Context, guild: int) -> None:
    with pytest.raises(NotFound) as missing:
        await links.resolve_character(ctx, SERVER, "x" * 6_000)

    assert len(missing.value.text) < 200


async def test_a_search_lists_names_that_begin_with_the_text_before_those_that_hold_it(
    ctx: Context, guild: int
) -> None:
    await insert_characters(ctx, guild, "Susana", "Anabel", "Bo", "Ana")

    found = await links.find_characters(ctx, SERVER, "Ána")

    assert [view.name for view in found] == ["Ana", "Anabel", "Susana"]


async def test_a_search_lists_no_more_than_a_menu_holds(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, *(f"Toon{n}" for n in range(30)))

    assert len(await links.find_characters(ctx, SERVER, "")) == 25


async def test_wildcards_in_a_search_are_harmless(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana", "Bo")

    assert [view.name for view in await links.find_characters(ctx, SERVER, "a%a")] == []
    assert [view.name for view in await links.find_characters(ctx, SERVER, "an_")] == ["Ana"]


async def test_a_guilds_characters_are_not_found_from_a_server_of_another_guild(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana")
    there = await insert_server(ctx, 200)
    await insert_guild(ctx, there, name="Others")

    assert await links.find_characters(ctx, there, "ana") == []
