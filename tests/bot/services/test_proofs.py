"""Proofs that would make one player of two: kept as a finding, and decided by merge or rejection, once."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import claims, hiatus, links, pipeline, player, proofs, rules
from bot.services.context import Context
from bot.services.hiatus import HiatusView
from db import hiatus as hiatus_rows
from db.tables.audit import Issue
from db.tables.identity import PastLink
from db.tables.people import PendingProof, Player, PlayerMember, RejectedCandidate
from domain.audit import State
from domain.errors import Conflict, NotFound, Refused
from domain.links import ClaimState, Source
from tests.support.claims import MAX, MIA, add, ask, confirm, count, insert_claimers, join_by_a_rule, messages, refuse
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
    load_issues,
    load_links,
)

DEPUTY = 8
THIRD = 3


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_claimers(ctx)


@pytest.fixture
async def collision(ctx: Context, guild: int) -> tuple[str, int, int]:
    """Max owns Thorin, Mia owns Balin, and an officer confirmed Mia's claim to Thorin: finding, Thorin, Balin."""
    return await collide(ctx, guild)


async def collide(ctx: Context, guild: int) -> tuple[str, int, int]:
    thorin, balin = await insert_characters(ctx, guild, Toon("Thorin", rank=0), Toon("Balin", rank=4))
    await add(ctx, thorin, MAX)
    await add(ctx, balin, MIA)
    await confirm(ctx, await ask(ctx, thorin))
    return (await look(ctx)).public_id, thorin, balin


async def look(ctx: Context) -> Issue:
    """Let the audit run; give the only finding about a proof."""
    await pipeline.follow_up(ctx, SERVER)
    [issue] = await load_issues(ctx, "duplicate_discord")
    return issue


async def merge(ctx: Context, public_id: str, actor_id: int = OFFICER, *, manages: bool = False) -> proofs.Decided:
    return await proofs.merge(ctx, SERVER, public_id, actor_id=actor_id, manages_server=manages)


async def reject(ctx: Context, public_id: str, actor_id: int = OFFICER) -> proofs.Decided:
    return await proofs.reject(ctx, SERVER, public_id, actor_id=actor_id)


async def say_also(ctx: Context, character_id: int) -> links.LinkChange:
    """Let an officer say that Mia is a second account of who owns a character."""
    return await links.add(ctx, SERVER, character_id=character_id, user_id=MIA, actor_id=OFFICER, also=True)


async def player_of(ctx: Context, user_id: int) -> Player:
    async with ctx.sessions() as session:
        half = await session.get_one(PlayerMember, (SERVER, user_id))
        return await session.get_one(Player, half.player_id)


async def set_main(ctx: Context, user_id: int, **pointers: int) -> None:
    async with ctx.sessions.begin() as session:
        half = await session.get_one(PlayerMember, (SERVER, user_id))
        row = await session.get_one(Player, half.player_id)
        for column, character_id in pointers.items():
            setattr(row, column, character_id)


async def override(ctx: Context, user_id: int, rank: int) -> None:
    await player.set_rank(ctx, SERVER, user_id=user_id, rank=str(rank), reason="trial", until=None, actor_id=OFFICER)


async def away(ctx: Context, user_id: int, reason: str) -> None:
    public_id = (await player_of(ctx, user_id)).public_id
    await hiatus.mark_player(ctx, SERVER, public_id, until="", reason=reason, actor_id=OFFICER)


async def test_a_confirmed_claim_that_makes_one_player_of_two_waits_as_a_finding_and_changes_nothing(
    ctx: Context, guild: int
) -> None:
    thorin, balin = await insert_characters(ctx, guild, Toon("Thorin", rank=0), Toon("Balin", rank=4))
    await add(ctx, thorin, MAX)
    await add(ctx, balin, MIA)

    seen = await confirm(ctx, await ask(ctx, thorin))

    assert (seen.state, seen.waits, seen.is_theirs) == (ClaimState.OPEN, True, False)
    assert await load_links(ctx) == {thorin: {MAX}, balin: {MIA}}
    assert (await links.whois_member(ctx, SERVER, MIA)).rank == 4
    issue = await look(ctx)
    assert (issue.subject_id, issue.facts["other_ids"], issue.facts["character"]) == (MIA, [MAX], "Thorin")
    [kept] = await load_actions(ctx, "proof.keep")
    assert (kept.actor_id, kept.subject_id) == (OFFICER, MIA)
    assert await messages(ctx, claims.DECIDED) == []


async def test_an_officers_also_between_two_players_by_peoples_words_waits_as_a_finding_and_can_be_merged(
    ctx: Context, guild: int
) -> None:
    thorin, balin = await insert_characters(ctx, guild, Toon("Thorin", rank=0), Toon("Balin", rank=4))
    await add(ctx, thorin, MAX)
    await add(ctx, balin, MIA)

    change = await say_also(ctx, thorin)

    assert (change.changed, change.waits, change.joined) == (True, True, (MAX,))
    assert await load_links(ctx) == {thorin: {MAX}, balin: {MIA}}
    issue = await look(ctx)
    assert (issue.subject_id, issue.facts["other_ids"], issue.facts["source"]) == (MIA, [MAX], Source.OFFICER.value)
    [kept] = await load_actions(ctx, "proof.keep")
    assert (kept.actor_id, kept.subject_id) == (OFFICER, MIA)
    with pytest.raises(Conflict, match="waits as a finding already"):
        await say_also(ctx, thorin)

    await merge(ctx, issue.public_id, DEPUTY)

    assert await load_links(ctx) == {thorin: {MAX, MIA}, balin: {MAX, MIA}}
    assert (await look(ctx)).state is State.RESOLVED


async def test_an_officers_also_about_a_member_whose_rank_was_set_waits_and_the_rank_comes_along(
    ctx: Context, guild: int
) -> None:
    thorin, balin = await insert_characters(ctx, guild, Toon("Thorin", rank=0), Toon("Balin", rank=4))
    await add(ctx, thorin, MAX)
    await add(ctx, balin, MIA)
    await override(ctx, MIA, 4)
    await links.remove(ctx, SERVER, character_id=balin, actor_id=OFFICER)
    assert (await say_also(ctx, thorin)).waits

    await merge(ctx, (await look(ctx)).public_id)

    assert (await links.whois_member(ctx, SERVER, MAX)).rank == 4


async def test_who_withdraws_a_claim_takes_back_no_officers_word_that_says_the_same(ctx: Context, guild: int) -> None:
    thorin, balin = await insert_characters(ctx, guild, "Thorin", "Balin")
    await add(ctx, thorin, MAX)
    await add(ctx, balin, MIA)
    claim = await ask(ctx, thorin)
    await say_also(ctx, thorin)

    await claims.withdraw(ctx, SERVER, public_id=claim, actor_id=MIA)

    assert await count(ctx, PendingProof) == 1
    assert (await look(ctx)).state is State.OPEN


async def test_the_same_and_another_proof_about_a_member_are_told_that_one_waits(
    ctx: Context, guild: int, collision: tuple[str, int, int]
) -> None:
    [seen] = await claims.open_claims(ctx, SERVER)
    with pytest.raises(Conflict, match="waits as a finding already"):
        await confirm(ctx, seen.public_id)
    [gimli] = await insert_characters(ctx, guild, "Gimli")
    await add(ctx, gimli, MAX)
    with pytest.raises(Conflict, match=f"Another proof about <@{MIA}> waits"):
        await confirm(ctx, await ask(ctx, gimli))
    assert await count(ctx, PendingProof) == 1


async def test_no_proof_is_kept_while_the_rule_that_would_tell_of_it_is_off(ctx: Context, guild: int) -> None:
    thorin, balin = await insert_characters(ctx, guild, "Thorin", "Balin")
    await add(ctx, thorin, MAX)
    await add(ctx, balin, MIA)
    await rules.switch(ctx, SERVER, "duplicate_discord", enabled=False, actor_id=DEPUTY)
    claim = await ask(ctx, thorin)
    with pytest.raises(Conflict, match=f"<@{DEPUTY}> switched off the rule"):
        await confirm(ctx, claim)
    await rules.switch(ctx, SERVER, "duplicate_discord", enabled=True, actor_id=DEPUTY)
    assert (await confirm(ctx, claim)).waits


async def test_a_proof_whose_character_left_the_guild_holds_up_no_other_one(
    ctx: Context, guild: int, collision: tuple[str, int, int]
) -> None:
    [gimli] = await insert_characters(ctx, guild, "Gimli")
    await add(ctx, gimli, MAX)
    await leave_guild(ctx, collision[1])
    assert (await confirm(ctx, await ask(ctx, gimli))).waits
    assert (await look(ctx)).facts["character"] == "Gimli"


async def test_merging_makes_one_player_with_the_members_and_characters_of_both(
    ctx: Context, collision: tuple[str, int, int]
) -> None:
    public_id, thorin, balin = collision
    kept = await player_of(ctx, MAX)

    done = await merge(ctx, public_id)

    assert (done.user_id, done.other_ids) == (MIA, (MAX,))
    assert await load_links(ctx) == {thorin: {MIA, MAX}, balin: {MIA, MAX}}
    assert (await player_of(ctx, MIA)).public_id == kept.public_id
    assert await count(ctx, Player) == 1
    assert (await links.whois_member(ctx, SERVER, MIA)).rank == 0
    [told] = await messages(ctx, claims.DECIDED)
    assert (told.user_id, told.payload["confirmed"]) == (MIA, True)
    await pipeline.follow_up(ctx, SERVER)
    [issue] = await load_issues(ctx, "duplicate_discord")
    assert issue.state is State.RESOLVED
    [logged] = await load_actions(ctx, "player.merge")
    assert (logged.actor_id, logged.subject_id) == (OFFICER, MIA)
    assert logged.before is not None
    assert [one["character_id"] for one in logged.before["characters"]] == [balin]
    assert logged.after is not None
    assert (logged.after["player_id"], logged.after["user_ids"]) == (kept.id, [MAX])


async def test_what_is_inferred_stays_so_when_players_are_merged(ctx: Context, guild: int) -> None:
    await insert_members(ctx, facts(THIRD))
    thorin, balin = await insert_characters(ctx, guild, Toon("Thorin", rank=0), "Balin")
    await add(ctx, thorin, MAX)
    await add(ctx, balin, MIA)
    await join_by_a_rule(ctx, MIA, THIRD)
    await confirm(ctx, await ask(ctx, thorin))

    await merge(ctx, (await look(ctx)).public_id)

    async with ctx.sessions() as session:
        sources = dict((await session.execute(sa.select(PlayerMember.user_id, PlayerMember.source))).all())
    assert sources == {MIA: Source.OFFICER, MAX: Source.OFFICER, THIRD: Source.NAME}


async def test_the_main_of_the_player_who_stays_stands_and_of_the_other_only_where_there_is_none(
    ctx: Context, collision: tuple[str, int, int]
) -> None:
    public_id, thorin, balin = collision
    await set_main(ctx, MAX, main_character_id=thorin)
    await set_main(ctx, MIA, main_character_id=balin, offspec_character_id=balin)
    await merge(ctx, public_id)
    one = await player_of(ctx, MIA)
    assert (one.main_character_id, one.offspec_character_id) == (thorin, balin)


@pytest.mark.parametrize("whose", [MIA, MAX])
async def test_an_officers_word_about_the_rank_of_either_holds_for_the_merged_player(
    ctx: Context, collision: tuple[str, int, int], whose: int
) -> None:
    await override(ctx, whose, 4)
    await merge(ctx, collision[0])
    for user_id in (MIA, MAX):
        assert (await links.whois_member(ctx, SERVER, user_id)).rank == 4


async def test_two_words_about_ranks_ask_to_be_taken_back_first(ctx: Context, collision: tuple[str, int, int]) -> None:
    for user_id in (MIA, MAX):
        await override(ctx, user_id, 4)
    with pytest.raises(Conflict, match=r"Take one back first, for example <@1>'s: `/player rank`"):
        await merge(ctx, collision[0])
    assert await count(ctx, Player) == 2
    await player.set_rank(ctx, SERVER, user_id=MIA, rank=player.AS_IN_GAME, reason=None, until=None, actor_id=OFFICER)
    await merge(ctx, collision[0])
    assert (await links.whois_member(ctx, SERVER, MIA)).rank == 4


async def test_of_two_hiatus_the_one_that_was_said_last_holds(
    ctx: Context, collision: tuple[str, int, int], clock: FakeClock
) -> None:
    await away(ctx, MAX, "first")
    clock.advance(hours=1)
    await away(ctx, MIA, "second")
    await merge(ctx, collision[0])
    kept = await player_of(ctx, MAX)
    async with ctx.sessions() as session:
        word = await hiatus_rows.hiatus(session, SERVER, kept.id, clock())
    assert word == HiatusView(None, "second", OFFICER, clock())


async def test_rejecting_is_remembered_refuses_the_claim_and_never_opens_again_for_that_pair(
    ctx: Context, collision: tuple[str, int, int]
) -> None:
    public_id, thorin, balin = collision

    done = await reject(ctx, public_id)

    assert (done.user_id, done.other_ids) == (MIA, (MAX,))
    assert await load_links(ctx) == {thorin: {MAX}, balin: {MIA}}
    async with ctx.sessions() as session:
        assert await session.get(RejectedCandidate, (SERVER, thorin, MIA)) is not None
    [told] = await messages(ctx, claims.DECIDED)
    assert (told.user_id, told.payload["confirmed"]) == (MIA, False)
    assert (await look(ctx)).state is State.RESOLVED
    with pytest.raises(Conflict, match=f"<@{OFFICER}> said that this character is not <@{MIA}>'s"):
        await confirm(ctx, await ask(ctx, thorin))
    assert (await look(ctx)).state is State.RESOLVED
    assert len(await load_actions(ctx, "proof.reject")) == 1


@pytest.mark.parametrize("end", ["refuse", "withdraw"])
async def test_with_its_claim_a_proof_goes_and_the_finding_closes(
    ctx: Context, collision: tuple[str, int, int], end: str
) -> None:
    [seen] = await claims.open_claims(ctx, SERVER)
    if end == "refuse":
        await refuse(ctx, seen.public_id)
    else:
        await claims.withdraw(ctx, SERVER, public_id=seen.public_id, actor_id=MIA)
    assert await count(ctx, PendingProof) == 0
    assert (await look(ctx)).state is State.RESOLVED


async def test_a_proof_of_which_the_character_was_taken_from_its_owner_is_no_proof_any_more(
    ctx: Context, guild: int, collision: tuple[str, int, int]
) -> None:
    public_id, thorin, balin = collision
    [gimli] = await insert_characters(ctx, guild, "Gimli")
    await add(ctx, gimli, MAX)
    await links.remove(ctx, SERVER, character_id=thorin, actor_id=OFFICER)
    with pytest.raises(Conflict, match="nothing speaks against this proof any more"):
        await merge(ctx, public_id)
    [seen] = await claims.open_claims(ctx, SERVER)
    assert not seen.waits

    assert (await confirm(ctx, seen.public_id)).is_theirs

    assert await load_links(ctx) == {thorin: {MIA}, balin: {MIA}, gimli: {MAX}}
    assert await count(ctx, PendingProof) == 0


async def test_a_stale_proof_gives_way_to_a_new_one(ctx: Context, guild: int, collision: tuple[str, int, int]) -> None:
    [gimli] = await insert_characters(ctx, guild, "Gimli")
    await add(ctx, gimli, MAX)
    await links.remove(ctx, SERVER, character_id=collision[1], actor_id=OFFICER)
    assert (await confirm(ctx, await ask(ctx, gimli))).waits
    await pipeline.follow_up(ctx, SERVER)
    issues = await load_issues(ctx, "duplicate_discord")
    assert [one.facts["character"] for one in issues if one.state is State.OPEN] == ["Gimli"]


async def test_a_member_who_left_is_not_merged(ctx: Context, collision: tuple[str, int, int]) -> None:
    await _leave(ctx, MIA)
    for act in (merge, reject):
        with pytest.raises(Conflict, match=f"<@{MIA}> has left the server"):
            await act(ctx, collision[0])


async def test_a_player_without_a_member_who_is_here_can_be_merged_into(
    ctx: Context, collision: tuple[str, int, int]
) -> None:
    await _leave(ctx, MAX)
    await merge(ctx, collision[0])
    assert (await links.whois_member(ctx, SERVER, MIA)).rank == 0


@pytest.mark.parametrize("whose", [MIA, MAX])
async def test_an_officer_does_not_merge_their_own_player_unless_they_manage_the_server(
    ctx: Context, collision: tuple[str, int, int], whose: int
) -> None:
    with pytest.raises(Refused, match="another officer has to decide it"):
        await merge(ctx, collision[0], whose)
    assert await count(ctx, Player) == 2
    await merge(ctx, collision[0], whose, manages=True)
    assert await count(ctx, Player) == 1


async def test_other_proofs_about_a_merged_player_follow_it(ctx: Context, guild: int) -> None:
    public_id, _thorin, balin = await collide(ctx, guild)
    [gimli] = await insert_characters(ctx, guild, "Gimli")
    await insert_members(ctx, facts(THIRD))
    await add(ctx, gimli, THIRD)
    await confirm(ctx, await ask(ctx, balin, THIRD))

    await merge(ctx, public_id)

    await pipeline.follow_up(ctx, SERVER)
    [standing] = [one for one in await load_issues(ctx, "duplicate_discord") if one.state is State.OPEN]
    assert (standing.subject_id, standing.facts["other_ids"]) == (THIRD, [MIA, MAX])
    await merge(ctx, standing.public_id)
    assert await count(ctx, Player) == 1


async def test_who_opted_out_takes_back_what_rules_found_when_their_accounts_become_one(
    ctx: Context, collision: tuple[str, int, int]
) -> None:
    public_id, thorin, balin = collision
    async with ctx.sessions.begin() as session:
        await session.execute(
            sa.text("UPDATE guild_identity.discord_users SET opted_out_at = :now WHERE user_id = :user"),
            {"now": ctx.clock(), "user": MAX},
        )
        await session.execute(
            sa.text("UPDATE guild_identity.player_characters SET source = 'name' WHERE character_id = :id"),
            {"id": balin},
        )
    await merge(ctx, public_id)
    assert await load_links(ctx) == {thorin: {MIA, MAX}}
    assert await count(ctx, PastLink) > 0


async def test_a_finding_of_another_server_is_not_there(ctx: Context, collision: tuple[str, int, int]) -> None:
    with pytest.raises(NotFound):
        await proofs.merge(ctx, 200, collision[0], actor_id=OFFICER, manages_server=True)


async def test_the_card_shows_both_players_before_they_are_merged(
    ctx: Context, collision: tuple[str, int, int]
) -> None:
    seen = await proofs.look(ctx, SERVER, collision[0])
    assert (seen.user_id, seen.character.name, seen.source) == (MIA, "Thorin", Source.CLAIM)
    assert [one.name for one in seen.own.characters] == ["Balin"]
    assert [one.name for one in seen.other.characters] == ["Thorin"]


@pytest.mark.parametrize("acts", [("merge", "merge"), ("merge", "reject"), ("reject", "reject")])
async def test_of_two_officers_at_once_one_decides_and_the_other_is_told_who(
    scratch_ctx: Context, acts: tuple[str, str]
) -> None:
    ctx = scratch_ctx
    public_id, _, _ = await collide(ctx, await insert_claimers(ctx))
    ways: dict[str, Any] = {"merge": merge, "reject": reject}

    done = await asyncio.gather(
        *(ways[act](ctx, public_id, actor) for act, actor in zip(acts, (OFFICER, DEPUTY), strict=True)),
        return_exceptions=True,
    )

    [won] = [index for index, one in enumerate(done) if isinstance(one, proofs.Decided)]
    [lost] = [one for one in done if isinstance(one, Conflict)]
    first = (OFFICER, DEPUTY)[won]
    assert lost.text == f"This proof waits no longer. <@{first}> was first."
    assert await count(ctx, Player) == (1 if acts[won] == "merge" else 2)
    assert len(await messages(ctx, claims.DECIDED)) == 1


async def test_a_merge_beside_a_removal_of_the_last_link_leaves_nobody_half_linked(scratch_ctx: Context) -> None:
    ctx = scratch_ctx
    public_id, thorin, balin = await collide(ctx, await insert_claimers(ctx))
    done = await asyncio.gather(
        merge(ctx, public_id),
        links.remove(ctx, SERVER, character_id=balin, actor_id=DEPUTY),
        return_exceptions=True,
    )
    assert not [one for one in done if isinstance(one, Exception) and not isinstance(one, Conflict)]
    found = await load_links(ctx)
    assert found in ({thorin: {MIA, MAX}}, {thorin: {MAX}})


async def _leave(ctx: Context, user_id: int) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(
            sa.text("UPDATE guild_identity.discord_users SET left_at = :now WHERE user_id = :user"),
            {"now": ctx.clock(), "user": user_id},
        )


async def test_a_character_that_left_the_guild_closes_the_finding_until_it_is_back(
    ctx: Context, collision: tuple[str, int, int]
) -> None:
    await leave_guild(ctx, collision[1])
    assert (await look(ctx)).state is State.RESOLVED
