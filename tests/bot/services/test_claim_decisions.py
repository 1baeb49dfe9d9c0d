"""Officers' words on claims: what each makes of the link, and who is told."""

import asyncio

import pytest
import sqlalchemy as sa

from bot.services import claims, links, matching, options, review
from bot.services.context import Context
from db.tables.identity import LinkSuggestion, RuleVerdict
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.people import Member, PlayerCharacter, PlayerMember, RejectedCandidate
from domain.errors import Conflict, NotFound, Refused
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.links import ClaimState, LinkMode, Source
from tests.support.claims import (
    MAX,
    MIA,
    add,
    ask,
    confirm,
    count,
    infer,
    insert_claimers,
    join_by_a_rule,
    messages,
    refuse,
)
from tests.support.clock import FakeClock
from tests.support.people import (
    CHANNEL,
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


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_claimers(ctx)


async def test_confirming_proves_both_halves_by_a_claim_and_tells_the_member(ctx: Context, thorin: int) -> None:
    decided = await confirm(ctx, await ask(ctx, thorin))

    assert (decided.state, decided.decided_by, decided.decided_at) == (ClaimState.CONFIRMED, OFFICER, ctx.clock())
    async with ctx.sessions() as session:
        owned = await session.get_one(PlayerCharacter, (SERVER, thorin))
        attached = await session.get_one(PlayerMember, (SERVER, MIA))
    assert [(half.source, half.linked_by) for half in (owned, attached)] == [(Source.CLAIM, OFFICER)] * 2
    assert (await links.whois_member(ctx, SERVER, MIA)).rank == 0
    [told] = await messages(ctx, claims.DECIDED)
    assert (told.user_id, told.channel_id) == (MIA, None)
    assert told.payload == {
        "server": f"Server {SERVER}",
        "character": "Thorin",
        "realm": "stormrage",
        "confirmed": True,
    }
    [action] = await load_actions(ctx, "claim.confirm")
    assert (action.actor_id, action.subject_id) == (OFFICER, thorin)


async def test_a_refused_claim_links_nothing_is_remembered_and_told_to_the_member(ctx: Context, thorin: int) -> None:
    decided = await refuse(ctx, await ask(ctx, thorin))

    assert decided.state is ClaimState.REFUSED
    assert await load_links(ctx) == {}
    async with ctx.sessions() as session:
        assert await session.get(RejectedCandidate, (SERVER, thorin, MIA)) is not None
    [told] = await messages(ctx, claims.DECIDED)
    assert told.payload["confirmed"] is False
    assert len(await load_actions(ctx, "claim.refuse")) == 1


async def test_refusing_ends_what_a_rule_had_inferred_and_no_rule_links_it_again(ctx: Context, guild: int) -> None:
    [thorin] = await insert_characters(ctx, guild, "Thorin")
    await insert_members(ctx, facts(3, "thorin"))
    await infer(ctx)

    await refuse(ctx, await ask(ctx, thorin, 3))
    await matching.match_server(ctx, SERVER)

    assert await load_links(ctx) == {}
    async with ctx.sessions() as session:
        verdict = (await session.scalars(sa.select(RuleVerdict))).one()
    assert (verdict.user_id, verdict.verdict.value, verdict.was_linked) == (3, "rejected", True)


async def test_refusing_whom_a_rule_joined_to_the_owner_leaves_the_owner_theirs(ctx: Context, thorin: int) -> None:
    await add(ctx, thorin, MAX)
    await join_by_a_rule(ctx, MAX, MIA)

    await refuse(ctx, await ask(ctx, thorin))

    assert (await links.whois_member(ctx, SERVER, MAX)).rank == 0


async def test_confirming_makes_an_inferred_link_of_theirs_proven(ctx: Context, guild: int) -> None:
    [thorin] = await insert_characters(ctx, guild, "Thorin")
    await insert_members(ctx, facts(3, "thorin"))
    await infer(ctx)
    public_id = await ask(ctx, thorin, 3)
    [seen] = await claims.open_claims(ctx, SERVER)
    assert [(one.user_id, one.proven) for one in seen.owners] == [(3, False)]
    assert [reason["rule"] for reason in seen.reasons] == ["equal_name"]

    assert (await confirm(ctx, public_id)).is_theirs


async def test_confirming_takes_a_character_from_whom_a_rule_had_given_it_to(ctx: Context, guild: int) -> None:
    [thorin] = await insert_characters(ctx, guild, "Thorin")
    await insert_members(ctx, facts(3, "thorin"))
    await infer(ctx)

    await confirm(ctx, await ask(ctx, thorin))

    assert await load_links(ctx) == {thorin: {MIA}}


async def test_a_character_proven_for_somebody_else_can_be_claimed_and_not_confirmed(ctx: Context, thorin: int) -> None:
    await add(ctx, thorin, MAX)
    public_id = await ask(ctx, thorin)
    [seen] = await claims.open_claims(ctx, SERVER)
    assert [one.user_id for one in seen.proven_owners] == [MAX]

    with pytest.raises(Conflict, match=f"Thorin is linked to <@{MAX}> by an officer's word. Remove that link first"):
        await confirm(ctx, public_id)

    assert await load_links(ctx) == {thorin: {MAX}}
    assert [one.public_id for one in await claims.open_claims(ctx, SERVER)] == [public_id]


async def test_an_officer_does_not_confirm_their_own_claim_unless_they_manage_the_server(
    ctx: Context, thorin: int
) -> None:
    public_id = await ask(ctx, thorin)
    with pytest.raises(Refused, match="another officer has to confirm it"):
        await confirm(ctx, public_id, MIA)
    assert await load_links(ctx) == {}

    await confirm(ctx, public_id, MIA, manages=True)

    assert await load_links(ctx) == {thorin: {MIA}}
    assert await messages(ctx, claims.DECIDED) == []


@pytest.mark.parametrize("first", ["confirm", "refuse", "withdraw"])
async def test_a_claim_is_decided_once(ctx: Context, thorin: int, first: str) -> None:
    public_id = await ask(ctx, thorin)
    if first == "withdraw":
        await claims.withdraw(ctx, SERVER, public_id=public_id, actor_id=MIA)
    else:
        await {"confirm": confirm, "refuse": refuse}[first](ctx, public_id)
    told = {
        "confirm": f"confirmed already, by <@{OFFICER}>",
        "refuse": f"refused already, by <@{OFFICER}>",
        "withdraw": "has withdrawn this claim",
    }
    for again in (confirm(ctx, public_id), refuse(ctx, public_id)):
        with pytest.raises(Conflict, match=told[first]):
            await again
    with pytest.raises(Conflict, match=told[first]):
        await claims.withdraw(ctx, SERVER, public_id=public_id, actor_id=MIA)


async def test_the_same_claim_at_once_is_made_once_and_decided_once(scratch_ctx: Context) -> None:
    ctx = scratch_ctx
    guild = await insert_guild(ctx, await insert_server(ctx))
    await insert_members(ctx, facts(MIA))
    await insert_characters(ctx, guild, "Thorin")
    asked = await asyncio.gather(*(ask(ctx, "Thorin") for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in asked) == 2
    [seen] = await claims.open_claims(ctx, SERVER)
    acts = [confirm(ctx, seen.public_id), refuse(ctx, seen.public_id), confirm(ctx, seen.public_id)]
    decided = await asyncio.gather(*acts, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in decided) == 2
    assert len(await messages(ctx, claims.DECIDED)) == 1


async def test_a_claim_of_another_server_does_not_exist(ctx: Context, thorin: int) -> None:
    public_id = await ask(ctx, thorin)
    await insert_server(ctx, 200)
    with pytest.raises(NotFound, match="does not exist any more"):
        await claims.confirm(ctx, 200, public_id=public_id, actor_id=OFFICER, manages_server=True)
    assert await claims.open_claims(ctx, 200) == ()


async def test_what_cannot_be_confirmed_any_more_says_why_and_still_waits(ctx: Context, guild: int) -> None:
    gone, thorin = await insert_characters(ctx, guild, "Gone", "Thorin")
    of_gone, of_left = await ask(ctx, gone), await ask(ctx, thorin, MAX)
    await leave_guild(ctx, gone)
    async with ctx.sessions.begin() as session:
        (await session.get_one(Member, (SERVER, MAX))).left_at = ctx.clock()

    with pytest.raises(NotFound, match="Gone has left the guild since: this claim can only be refused"):
        await confirm(ctx, of_gone)
    with pytest.raises(NotFound, match="has left the server"):
        await confirm(ctx, of_left)

    left, rest = await claims.open_claims(ctx, SERVER)
    assert (left.character.rank, rest.member.left_at) == (None, ctx.clock())
    await refuse(ctx, of_gone)


@pytest.mark.parametrize("way", ["add", "review", "confirm", "confirm member"])
async def test_an_officers_word_for_what_is_claimed_confirms_the_claim(ctx: Context, guild: int, way: str) -> None:
    [thorin] = await insert_characters(ctx, guild, Toon("Thorin", rank=0))
    await insert_members(ctx, facts(3, "thorin"))
    if way == "review":
        await options.change(ctx, SERVER, {"link_mode": LinkMode.SUGGEST.value}, actor_id=OFFICER)
        await matching.match_server(ctx, SERVER)
    else:
        await infer(ctx)
    theirs, rivals = await ask(ctx, thorin, 3), await ask(ctx, thorin, MAX)

    match way:
        case "add":
            await add(ctx, thorin, 3)
        case "review":
            await review.choose(ctx, SERVER, character_id=thorin, user_id=3, actor_id=OFFICER)
        case "confirm":
            await links.confirm(ctx, SERVER, character_id=thorin, actor_id=OFFICER)
        case _:
            await links.confirm_member(ctx, SERVER, user_id=3, actor_id=OFFICER)

    assert [one.public_id for one in await claims.open_claims(ctx, SERVER)] == [rivals]
    seen = await claims.view(ctx, SERVER, theirs)
    assert (seen.state, seen.decided_by, seen.is_theirs) == (ClaimState.CONFIRMED, OFFICER, True)
    [told] = await messages(ctx, claims.DECIDED)
    assert (told.user_id, told.payload["confirmed"]) == (3, True)
    assert [one.dedupe_key for one in await messages(ctx, claims.CARD)] == [rivals]
    [logged] = await load_actions(ctx, "claim.confirm")
    assert (logged.actor_id, logged.subject_id) == (OFFICER, thorin)


async def test_an_officers_word_that_is_refused_confirms_no_claim(ctx: Context, thorin: int) -> None:
    public_id = await ask(ctx, thorin)
    await add(ctx, thorin, MAX)
    with pytest.raises(Conflict, match="Remove that link first"):
        await add(ctx, thorin, MIA)
    assert [one.public_id for one in await claims.open_claims(ctx, SERVER)] == [public_id]


async def test_a_word_on_another_character_confirms_the_claims_to_all_that_it_proves(
    ctx: Context, guild: int, thorin: int
) -> None:
    [balin] = await insert_characters(ctx, guild, "Balin")
    for one in (thorin, balin):
        await add(ctx, one, MAX)
    public_id = await ask(ctx, thorin)

    await links.add(ctx, SERVER, character_id=balin, user_id=MIA, actor_id=OFFICER, also=True)

    seen = await claims.view(ctx, SERVER, public_id)
    assert (seen.state, seen.is_theirs) == (ClaimState.CONFIRMED, True)


async def test_what_a_sign_in_has_proven_meanwhile_is_confirmed_and_not_refused(ctx: Context, thorin: int) -> None:
    await add(ctx, thorin, MAX)
    await join_by_a_rule(ctx, MAX, MIA)
    public_id = await ask(ctx, thorin)
    async with ctx.sessions.begin() as session:
        (await session.get_one(PlayerMember, (SERVER, MIA))).source = Source.BATTLENET_OAUTH

    with pytest.raises(Conflict, match="proven to be <@1>'s by now"):
        await refuse(ctx, public_id)
    decided = await confirm(ctx, public_id)
    assert (decided.state, decided.is_theirs) == (ClaimState.CONFIRMED, True)
    async with ctx.sessions() as session:
        assert (await session.get_one(PlayerCharacter, (SERVER, thorin))).source is Source.OFFICER


async def test_the_officers_see_what_a_rule_suggested_for_the_claimer_and_their_word_counts_for_it(
    ctx: Context, guild: int
) -> None:
    evidence = Evidence(
        RuleName.NOTE_NAMES_MEMBER, Strength.GOOD, Source.GUILD_NOTE, Place.GUILD_NOTE, "Mia", "mia"
    ).to_json()
    other = evidence | {"written": "Max"}
    first, second = await insert_characters(ctx, guild, "Thorin", "Balin")
    async with ctx.sessions.begin() as session:
        session.add_all(
            LinkSuggestion(
                server_id=SERVER,
                character_id=one,
                candidates=[{"user_id": MAX, "evidence": [other]}, {"user_id": MIA, "evidence": [evidence]}],
                suggested_at=ctx.clock(),
            )
            for one in (first, second)
        )
    of_first, of_second = await ask(ctx, first), await ask(ctx, second)
    assert [one.reasons for one in await claims.open_claims(ctx, SERVER)] == [(evidence,)] * 2

    await confirm(ctx, of_first)
    await refuse(ctx, of_second)

    async with ctx.sessions() as session:
        said = (await session.scalars(sa.select(RuleVerdict).order_by(RuleVerdict.character_id))).all()
        owned = await session.get_one(PlayerCharacter, (SERVER, first))
    assert [(one.character_id, one.user_id, one.verdict.value, one.was_linked) for one in said] == [
        (first, MIA, "confirmed", False),
        (second, MIA, "rejected", False),
    ]
    assert owned.evidence == {"reasons": [evidence]}


async def test_a_claim_after_a_refusal_says_so_and_a_confirmed_one_forgets_it(
    ctx: Context, thorin: int, clock: FakeClock
) -> None:
    await refuse(ctx, await ask(ctx, thorin))
    refused_at = clock()
    clock.advance(hours=1)
    public_id = await ask(ctx, thorin)
    [seen] = await claims.open_claims(ctx, SERVER)
    assert seen.refused_at == refused_at
    await confirm(ctx, public_id)
    assert await count(ctx, RejectedCandidate) == 0


async def test_where_the_card_stands_is_known_once_it_was_sent(ctx: Context, thorin: int) -> None:
    public_id = await ask(ctx, thorin)
    assert await claims.card_of(ctx, SERVER, public_id) is None
    async with ctx.sessions.begin() as session:
        [card] = await messages(ctx, claims.CARD)
        await session.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.id == card.id)
            .values(state=OutboxState.DELIVERED, message_id=77, finished_at=ctx.clock())
        )
    assert await claims.card_of(ctx, SERVER, public_id) == claims.CardPlace(CHANNEL, 77)
