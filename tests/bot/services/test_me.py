"""What a member is told of themselves."""

from datetime import timedelta

import pytest

from bot.services import claims, me
from bot.services.context import Context
from domain.errors import NotKnownYet
from domain.links import ClaimState
from tests.support.claims import MANY, MAX, MIA, add, ask, confirm, insert_claimers, join_by_a_rule, refuse
from tests.support.clock import FakeClock
from tests.support.people import (
    SERVER,
    insert_characters,
)


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_claimers(ctx)


async def test_a_member_sees_their_claims_and_for_a_month_what_became_of_them(
    ctx: Context, guild: int, clock: FakeClock
) -> None:
    await insert_characters(ctx, guild, *MANY)
    first, second, third, _ = [await ask(ctx, name) for name in MANY[:4]]
    await ask(ctx, MANY[5], MAX)
    await refuse(ctx, first)
    clock.advance(minutes=1)
    await confirm(ctx, second)
    await claims.withdraw(ctx, SERVER, public_id=third, actor_id=MIA)

    own = await me.look(ctx, SERVER, MIA)

    assert [one.character.name for one in own.open] == [MANY[3]]
    assert [(one.character.name, one.state) for one in own.decided] == [
        (MANY[1], ClaimState.CONFIRMED),
        (MANY[0], ClaimState.REFUSED),
    ]
    clock.now += timedelta(days=31)
    assert (await me.look(ctx, SERVER, MIA)).decided == ()


async def test_who_was_never_seen_is_told_so_about_themselves(ctx: Context, guild: int) -> None:
    with pytest.raises(NotKnownYet, match="Try again in a few minutes"):
        await me.look(ctx, SERVER, 404)


async def test_whom_only_a_rule_takes_for_a_player_is_not_shown_the_players_other_members(
    ctx: Context, thorin: int
) -> None:
    await add(ctx, thorin, MAX)
    await join_by_a_rule(ctx, MAX, MIA)
    assert [one.user_id for one in (await me.look(ctx, SERVER, MIA)).player.members] == [MIA]
    assert [one.user_id for one in (await me.look(ctx, SERVER, MAX)).player.members] == [MIA, MAX]
