"""Claiming: a member's word that a character is theirs, which gives nothing by itself."""

from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import claims, links
from bot.services.context import Context
from db.tables.audit import Action
from db.tables.identity import Claim
from domain.errors import Conflict, FollowsNoGuild, InvalidInput, NotFound, NotKnownYet, Refused
from domain.links import ClaimState
from tests.support.claims import MANY, MAX, MIA, add, ask, count, insert_claimers, messages
from tests.support.clock import FakeClock
from tests.support.people import (
    CHANNEL,
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


async def test_a_newcomer_who_claims_the_guild_masters_character_gets_no_link_and_no_rank(
    ctx: Context, thorin: int
) -> None:
    await ask(ctx, "Thorin")

    assert await load_links(ctx) == {}
    assert (await links.whois_member(ctx, SERVER, MIA)).rank is None
    [seen] = await claims.open_claims(ctx, SERVER)
    assert (seen.character.name, seen.character.rank, seen.member.user_id, seen.owners) == ("Thorin", 0, MIA, ())


async def test_a_claim_asks_the_officers_once_and_is_one_row_of_the_log(ctx: Context, thorin: int) -> None:
    asked = await claims.ask(ctx, SERVER, character="thorin-Stormrage", user_id=MIA)

    assert (asked.character.name, asked.has_card) == ("Thorin", True)
    [seen] = await claims.open_claims(ctx, SERVER)
    [card] = await messages(ctx, claims.CARD)
    assert (card.channel_id, card.payload, card.dedupe_key) == (CHANNEL, {"claim": seen.public_id}, seen.public_id)
    [action] = await load_actions(ctx, "claim.ask")
    assert (action.actor_id, action.subject_id) == (MIA, thorin)
    assert action.after == {"claim": seen.public_id, "user_id": MIA, "state": "open"}


async def test_without_an_audit_channel_a_claim_is_kept_and_listed(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx))
    await insert_members(ctx, facts(MIA))
    [thorin] = await insert_characters(ctx, guild, "Thorin")

    assert not (await claims.ask(ctx, SERVER, character=str(thorin), user_id=MIA)).has_card

    assert await messages(ctx, claims.CARD) == []
    assert [one.character.id for one in await claims.open_claims(ctx, SERVER)] == [thorin]


async def test_claiming_says_nothing_of_whose_a_character_is(ctx: Context, guild: int) -> None:
    free, owned = await insert_characters(ctx, guild, "Free", "Owned")
    await add(ctx, owned, MAX)

    answers = [await claims.ask(ctx, SERVER, character=str(one), user_id=MIA) for one in (free, owned)]
    offered = await claims.find_characters(ctx, SERVER, "")

    assert [one.has_card for one in answers] == [True, True]
    assert {field for one in offered for field in one.__slots__} == {
        "id",
        "name",
        "realm",
        "realm_slug",
        "rank",
        "rank_name",
    }
    assert [one.name for one in offered] == ["Free", "Owned"]


async def test_what_is_proven_theirs_already_is_not_claimed(ctx: Context, thorin: int) -> None:
    await add(ctx, thorin, MIA)
    with pytest.raises(Conflict, match="Thorin is proven to be yours already"):
        await ask(ctx, thorin)


async def test_the_same_claim_twice_is_one(ctx: Context, thorin: int) -> None:
    await ask(ctx, thorin)
    with pytest.raises(Conflict, match="You have claimed Thorin already"):
        await ask(ctx, thorin)
    assert await count(ctx, Claim) == 1


async def test_two_members_may_claim_one_character_and_each_claim_names_the_other(ctx: Context, thorin: int) -> None:
    await ask(ctx, thorin, MIA)
    await ask(ctx, thorin, MAX)
    assert [(one.member.user_id, one.rivals) for one in await claims.open_claims(ctx, SERVER)] == [
        (MIA, (MAX,)),
        (MAX, (MIA,)),
    ]


async def test_more_than_five_claims_of_a_member_do_not_wait_at_once(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, *MANY)
    first = [await ask(ctx, name) for name in MANY[:5]]
    with pytest.raises(Conflict, match="5 of your claims wait"):
        await ask(ctx, MANY[5])
    await claims.withdraw(ctx, SERVER, public_id=first[0], actor_id=MIA)
    await ask(ctx, MANY[5])
    await ask(ctx, MANY[6], MAX)


async def test_who_claims_and_withdraws_all_day_is_stopped_until_tomorrow(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    await insert_characters(ctx, guild, MANY[0])
    for _ in range(10):
        await claims.withdraw(ctx, SERVER, public_id=await ask(ctx, MANY[0]), actor_id=MIA)
        clock.advance(minutes=1)
    with pytest.raises(Conflict, match="10 claims within a day"):
        await ask(ctx, MANY[0])
    clock.advance(days=1)
    await ask(ctx, MANY[0])


async def test_only_characters_that_are_in_the_guild_now_are_claimed(ctx: Context, guild: int) -> None:
    gone, left = await insert_characters(ctx, guild, "Gone", "Left")
    await add(ctx, left, MAX)
    for one in (gone, left):
        await leave_guild(ctx, one)
    for text in ("Gone", str(gone), "Left", str(left), "", "9" * 30, "Nobody-Nowhere"):
        with pytest.raises(NotFound, match="Choose one from the list"):
            await ask(ctx, text)
    assert await claims.find_characters(ctx, SERVER, "") == []


async def test_a_name_on_two_realms_is_not_guessed(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana", Toon("Ana", realm="area-52"))
    with pytest.raises(InvalidInput, match="Ana-area-52, Ana-stormrage"):
        await ask(ctx, "Ana")
    await ask(ctx, "ana-Area-52")


async def test_who_is_still_in_rules_screening_claims_nothing(ctx: Context, thorin: int) -> None:
    await insert_members(ctx, facts(3, pending=True))
    with pytest.raises(Refused, match="Accept this server's rules first"):
        await ask(ctx, thorin, 3)


async def test_who_is_not_known_yet_and_a_server_without_a_guild_are_told_so(ctx: Context, thorin: int) -> None:
    with pytest.raises(NotKnownYet):
        await ask(ctx, thorin, 404)
    await insert_server(ctx, 200)
    with pytest.raises(FollowsNoGuild):
        await claims.ask(ctx, 200, character="Thorin", user_id=MIA)


async def test_only_the_claimer_withdraws_and_the_card_that_waits_goes_with_it(ctx: Context, thorin: int) -> None:
    public_id = await ask(ctx, thorin)
    with pytest.raises(Refused, match="Only the member who made this claim"):
        await claims.withdraw(ctx, SERVER, public_id=public_id, actor_id=MAX)

    withdrawn = await claims.withdraw(ctx, SERVER, public_id=public_id, actor_id=MIA)

    assert withdrawn.state is ClaimState.WITHDRAWN
    assert await claims.open_claims(ctx, SERVER) == ()
    assert await messages(ctx, claims.CARD) == []
    assert await count(ctx, sa.select(Action).where(Action.action == "claim.withdraw").subquery()) == 1


async def test_many_claims_are_read_in_a_fixed_number_of_statements(ctx: Context, guild: int, statements: Any) -> None:
    await insert_characters(ctx, guild, *MANY)
    counts = []
    for number in range(1, 5):
        await insert_members(ctx, facts(100 + number))
        await ask(ctx, MANY[number], 100 + number)
        if number in (1, 4):
            with statements() as sent:
                assert len(await claims.open_claims(ctx, SERVER)) == number
            counts.append(len(sent))
    assert counts[0] == counts[1]
