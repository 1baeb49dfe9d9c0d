"""What happens to a matching when something changes while it is computed, or when several go on at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

import db.links
from bot.services import links, matching, members, pipeline
from bot.services.context import Context, compute_here
from bot.services.matching import Matched
from bot.worker import WorkerProcess
from db import locks
from db.tables.people import Player
from domain.errors import Conflict
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
)


@pytest.fixture
async def guild(scratch_ctx: Context) -> int:
    return await insert_guild(scratch_ctx, await insert_server(scratch_ctx))


def meanwhile(ctx: Context, change: Callable[[int], Awaitable[Any]]) -> Context:
    """Let something happen each time when matching is at its computation; it is given the number of the time."""
    times = 0

    async def compute(function: Any, /, *given: Any) -> Any:
        nonlocal times
        found = await compute_here(function, *given)
        times += 1
        await change(times)
        return found

    return replace(ctx, compute=compute)


async def test_two_runs_at_once_link_everybody_once(scratch_ctx: Context, guild: int) -> None:
    ids = await insert_characters(scratch_ctx, guild, *(f"Toon{n}" for n in range(20)))
    await insert_members(scratch_ctx, *(facts(n, f"toon{n - 1}") for n in range(1, 21)))

    done = await asyncio.gather(*(pipeline.follow_up(scratch_ctx, SERVER) for _ in range(4)))

    assert sum(one.linked for one in done) == 20
    assert await load_links(scratch_ctx) == {id_: {n} for n, id_ in enumerate(ids, 1)}
    assert len(await load_actions(scratch_ctx, "link.add")) == 20
    async with scratch_ctx.sessions() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(Player)) == 20


async def test_of_many_follow_ups_at_once_the_first_matches_for_all(scratch_ctx: Context, guild: int) -> None:
    """Ten people's commands at once: ten cases in memory, and nine computed for nothing, would be too many."""
    await insert_characters(scratch_ctx, guild, *(f"Toon{n}" for n in range(20)))
    await insert_members(scratch_ctx, *(facts(n, f"toon{n - 1}") for n in range(1, 21)))
    computed = []

    async def compute(function: Any, /, *given: Any) -> Any:
        computed.append(function)
        await asyncio.sleep(0)
        return function(*given)

    ctx = replace(scratch_ctx, compute=compute)
    done = await asyncio.gather(*(matching.match_server(ctx, SERVER) for _ in range(10)))

    assert [one for one in done if not one.skipped] == [Matched(linked=20)]
    assert len(computed) == 1


async def test_a_matching_that_fails_lets_the_next_one_have_its_turn(scratch_ctx: Context, guild: int) -> None:
    await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1, "ana"))

    async def compute(function: Any, /, *given: Any) -> Any:
        computing.append(function)
        if len(computing) == 1:
            raise RuntimeError("no")
        return function(*given)

    computing: list[Any] = []
    ctx = replace(scratch_ctx, compute=compute)
    ended = await asyncio.gather(*(matching.match_server(ctx, SERVER) for _ in range(2)), return_exceptions=True)
    assert [type(one) for one in ended if one != Matched(linked=1)] == [RuntimeError]


async def test_an_officers_word_while_it_is_computed_stands(scratch_ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1, "ana"), facts(2))

    async def officer(time: int) -> None:
        if time == 1:
            await links.add(scratch_ctx, SERVER, character_id=ana, user_id=2, actor_id=OFFICER)

    assert await matching.match_server(meanwhile(scratch_ctx, officer), SERVER) == Matched()
    assert await load_links(scratch_ctx) == {ana: {2}}


async def test_a_member_who_takes_the_name_while_it_is_computed_is_heeded(scratch_ctx: Context, guild: int) -> None:
    await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1, nick="Ana"))

    async def another(time: int) -> None:
        await members.member_changed(scratch_ctx, SERVER, facts(2, nick="Ana"))

    assert await matching.match_server(meanwhile(scratch_ctx, another), SERVER) == Matched(suggested=1)
    assert await load_links(scratch_ctx) == {}


async def test_what_keeps_changing_is_left_to_the_next_follow_up(
    scratch_ctx: Context, guild: int, caplog: pytest.LogCaptureFixture
) -> None:
    await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1, "ana"))
    times = []

    async def another(time: int) -> None:
        times.append(time)
        await insert_members(scratch_ctx, facts(1 + time))

    caplog.set_level(logging.INFO)
    assert await matching.match_server(meanwhile(scratch_ctx, another), SERVER) == Matched(skipped=True)
    assert times == [1, 2, 3]
    assert "left to its next follow-up" in caplog.text
    assert (await matching.match_server(scratch_ctx, SERVER)).linked == 1


async def test_a_roster_that_is_written_while_links_are_is_matched_next_time(
    scratch_ctx: Context, guild: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is on people only: between the last look and the commit the world goes on."""
    await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1, "ana"), facts(2, "bob"))
    add_characters = db.links.add_characters

    async def add_and_let_one_join(*given: Any) -> None:
        await add_characters(*given)
        await insert_characters(scratch_ctx, guild, "Bob")

    with monkeypatch.context() as patch:
        patch.setattr(db.links, "add_characters", add_and_let_one_join)
        assert (await matching.match_server(scratch_ctx, SERVER)).linked == 1
    assert (await matching.match_server(scratch_ctx, SERVER)).linked == 1


async def test_no_connection_and_no_lock_is_held_while_it_is_computed(scratch_ctx: Context, guild: int) -> None:
    await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1, "ana"))
    busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
    seen = []

    async def look(time: int) -> None:
        async with scratch_ctx.sessions() as session:
            seen.append(await session.scalar(sa.text(busy)))
            await locks.hold(session, locks.Lock.PEOPLE, SERVER)

    assert (await matching.match_server(meanwhile(scratch_ctx, look), SERVER)).linked == 1
    assert seen == [1]  # the look itself


async def test_an_applied_plan_that_changed_while_it_was_computed_links_nobody(
    scratch_ctx: Context, guild: int
) -> None:
    await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1, "ana"))
    key = (await matching.plan(scratch_ctx, SERVER)).key

    async def another(time: int) -> None:
        await members.member_changed(scratch_ctx, SERVER, facts(2, nick="Ana"))

    with pytest.raises(Conflict, match="Look again"):
        await matching.apply(meanwhile(scratch_ctx, another), SERVER, key=key, actor_id=OFFICER)
    assert await load_links(scratch_ctx) == {}


async def test_two_who_apply_one_plan_at_once_link_once(scratch_ctx: Context, guild: int) -> None:
    await insert_characters(scratch_ctx, guild, "Ana", "Bob")
    await insert_members(scratch_ctx, facts(1, "ana"), facts(2, "bob"))
    key = (await matching.plan(scratch_ctx, SERVER)).key

    done = await asyncio.gather(
        *(matching.apply(scratch_ctx, SERVER, key=key, actor_id=OFFICER) for _ in range(3)), return_exceptions=True
    )

    assert sorted(map(str, done)) == ["2", matching.LOOK_AGAIN, matching.LOOK_AGAIN]
    assert len(await load_actions(scratch_ctx, "link.add")) == 2


async def test_in_the_worker_process_it_links_as_here(scratch_ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(scratch_ctx, guild, "Ana")
    await insert_members(scratch_ctx, facts(1, "ana"))
    worker = WorkerProcess()
    try:
        assert (await matching.match_server(replace(scratch_ctx, compute=worker), SERVER)).linked == 1
    finally:
        await worker.close()
    assert await load_links(scratch_ctx) == {ana: {1}}
