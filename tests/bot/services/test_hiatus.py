"""Hiatus: an officer's word that a player is away, from a finding or from `/whois`."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.services import audit, hiatus, links
from bot.services.context import Context
from bot.services.hiatus import HiatusView
from db.tables.people import Availability, Player
from domain.audit import State
from domain.errors import Conflict, InvalidInput, NotFound
from tests.support.causes_data import stale
from tests.support.changes import Planted
from tests.support.claims import count
from tests.support.clock import FakeClock
from tests.support.people import OFFICER, SERVER, insert_guild, insert_server, load_actions, load_issues

DEPUTY = 8


@pytest.fixture
async def planted(ctx: Context, guild: int) -> Planted:
    """Ana, member 1's, whom nobody has played for long."""
    return await stale(ctx, guild)


async def look(ctx: Context) -> list[str]:
    """Let the audit run; give the findings about stale characters that stand."""
    async with ctx.sessions.begin() as session:
        await audit.run_rules(ctx, session, server_id=SERVER)
    return [one.public_id for one in await load_issues(ctx, "stale_character") if one.state is not State.RESOLVED]


async def mark(ctx: Context, public_id: str, until: str = "", reason: str = "baby", by: int = OFFICER) -> HiatusView:
    return (await hiatus.mark(ctx, SERVER, public_id, until=until, reason=reason, actor_id=by)).word


async def known(ctx: Context) -> HiatusView | None:
    return (await links.whois_member(ctx, SERVER, 1)).hiatus


async def player(ctx: Context) -> str:
    async with ctx.sessions() as session:
        return (await session.scalars(sa.select(Player.public_id))).one()


async def test_who_is_marked_as_away_is_no_forgotten_character_until_the_end(
    ctx: Context, planted: Planted, clock: FakeClock
) -> None:
    [public_id] = await look(ctx)

    done = await hiatus.mark(ctx, SERVER, public_id, until="30d", reason=" a  *baby* ", actor_id=OFFICER)

    assert done.user_ids == (1,)
    assert await known(ctx) == done.word == HiatusView(clock() + timedelta(days=30), "a *baby*", OFFICER, clock())
    assert await look(ctx) == []
    clock.advance(days=30)
    assert await known(ctx) is None
    assert len(await look(ctx)) == 1
    [logged] = await load_actions(ctx, "player.hiatus")
    assert (logged.actor_id, logged.subject_id) == (OFFICER, planted.player)
    assert logged.after is not None
    assert (logged.after["finding"], logged.after["reason"]) == (public_id, "a *baby*")


async def test_a_date_ends_with_the_day_of_the_servers_time_zone(ctx: Context, planted: Planted) -> None:
    [public_id] = await look(ctx)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.text("UPDATE guild_identity.servers SET time_zone = 'Europe/Berlin'"))
    word = await mark(ctx, public_id, "2026-02-01")
    assert word.until == datetime(2026, 2, 1, 22, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "reason", "said"),
    [
        ("soon", "baby", "`soon` is no time"),
        ("2025-12-31", "baby", "is over already"),
        ("", " \u200b ", "Give a reason for the hiatus"),
        ("", "x" * 201, "at most 200 characters"),
    ],
)
async def test_what_cannot_be_read_changes_nothing_and_says_what_to_do(
    ctx: Context, planted: Planted, until: str, reason: str, said: str
) -> None:
    [public_id] = await look(ctx)
    with pytest.raises(InvalidInput, match=said):
        await mark(ctx, public_id, until, reason)
    assert await known(ctx) is None
    assert await look(ctx) == [public_id]


async def test_a_character_that_became_nobodys_says_so(ctx: Context, planted: Planted) -> None:
    [public_id] = await look(ctx)
    await links.remove(ctx, SERVER, character_id=planted.ana, actor_id=DEPUTY)
    with pytest.raises(Conflict, match="nobody's any more"):
        await mark(ctx, public_id)


async def test_back_is_said_once_and_lets_the_rule_look_again(ctx: Context, planted: Planted) -> None:
    [public_id] = await look(ctx)
    await mark(ctx, public_id)
    await look(ctx)

    view = await hiatus.end(ctx, SERVER, await player(ctx), actor_id=DEPUTY)

    assert view.hiatus is None
    assert len(await look(ctx)) == 1
    with pytest.raises(Conflict, match="not on hiatus any more"):
        await hiatus.end(ctx, SERVER, await player(ctx), actor_id=OFFICER)
    *_, logged = await load_actions(ctx, "player.hiatus")
    assert (logged.actor_id, logged.before, logged.after) == (DEPUTY, {"until": None, "reason": "baby"}, None)


async def test_a_player_is_marked_as_away_before_any_finding(ctx: Context, planted: Planted) -> None:
    view = await hiatus.mark_player(ctx, SERVER, await player(ctx), until="6w", reason="travels", actor_id=OFFICER)
    assert view.hiatus is not None
    assert view.hiatus == await known(ctx)
    assert await look(ctx) == []


async def test_a_player_of_another_server_is_not_there(ctx: Context, planted: Planted) -> None:
    await insert_guild(ctx, await insert_server(ctx, 200))
    public_id = await player(ctx)
    for act in (
        hiatus.end(ctx, 200, public_id, actor_id=OFFICER),
        hiatus.mark_player(ctx, 200, public_id, until="", reason="x", actor_id=OFFICER),
    ):
        with pytest.raises(NotFound, match="does not exist any more"):
            await act


async def test_of_two_officers_at_once_the_second_is_told_who_was_first(scratch_ctx: Context) -> None:
    ctx = scratch_ctx
    await stale(ctx, await insert_guild(ctx, await insert_server(ctx)))
    [public_id] = await look(ctx)

    done = await asyncio.gather(
        mark(ctx, public_id, "30d", "one"), mark(ctx, public_id, "6w", "two", DEPUTY), return_exceptions=True
    )

    [word] = [one for one in done if isinstance(one, HiatusView)]
    [refused] = [one for one in done if isinstance(one, Conflict)]
    assert refused.text == f"<@{word.set_by}> has marked this player as away already."
    assert await known(ctx) == word
    assert await count(ctx, Availability) == 1
