"""What a matching costs the database, and what makes one necessary."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import links, matching, members, options
from bot.services.context import Context
from bot.services.matching import Matched
from db import matching as stored
from db import verdicts
from db.tables.guilds import Character
from db.tables.identity import AltGroup, MatchingState, NoteAlias
from db.tables.people import Member, RejectedCandidate
from db.verdicts import Judged
from domain.evidence import RuleName
from domain.links import Verdict
from tests.support.crowd import LARGE, ROWS_A_PERSON, populate, work
from tests.support.people import (
    OFFICER,
    SERVER,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_note,
    insert_server,
    leave_guild,
    load_member,
    map_rank,
    rename_character,
)

OTHER = 200
OTHER_SERVER = SERVER + 1
MOST_STATEMENTS = 22
WRITES = ("INSERT", "UPDATE", "DELETE")

Statements = Callable[..., Any]


async def insert_crowd(ctx: Context, guild: int, first: int, size: int) -> None:
    """Insert so many of each: namesakes, two of a name, and characters whose notes tie them together."""
    ids = range(first, first + size)
    await insert_characters(ctx, guild, *(f"Toon{n}" for n in ids))
    twins = await insert_characters(ctx, guild, *(f"Twin{n}" for n in ids))
    await insert_members(ctx, *(facts(n, f"toon{n}") for n in ids))
    for others, name in ((10_000, "walter"), (20_000, "jesse")):
        await insert_members(ctx, *(facts(others + n, f"{name}{n}", nick=f"Twin{n}") for n in ids))
    await insert_note(ctx, twins[0], officer_note=f"alt of Toon{first}")


async def test_a_matching_of_hundreds_takes_as_many_statements_as_one_of_ten(
    ctx: Context, guild: int, statements: Statements
) -> None:
    counts = []
    for first, size in ((1, 10), (1_001, 300)):
        await insert_crowd(ctx, guild, first, size)
        with statements() as seen:
            done = await matching.match_server(ctx, SERVER)
        assert min(done.linked, done.suggested) >= size - 1
        counts.append(len(seen))

    assert counts[0] == counts[1] <= MOST_STATEMENTS


async def test_where_nothing_is_new_one_query_tells_it_and_nothing_is_written(
    ctx: Context, guild: int, statements: Statements
) -> None:
    await insert_crowd(ctx, guild, 1, 20)
    await matching.match_server(ctx, SERVER)

    with statements() as seen:
        assert await matching.match_server(ctx, SERVER) == Matched(skipped=True)

    assert len(seen) == 1
    assert not any(verb in seen[0] for verb in WRITES)


async def test_before_all_was_read_one_query_tells_it_and_nothing_is_written(
    ctx: Context, statements: Statements
) -> None:
    await insert_guild(ctx, await insert_server(ctx, members_synced=False))
    with statements() as seen:
        assert await matching.match_server(ctx, SERVER) == Matched(skipped=True)
    assert len(seen) == 1


async def test_a_matching_finds_nothing_new_in_its_own_work(ctx: Context, guild: int) -> None:
    """Also with what it left to a person: the next one would find the same again."""
    await insert_crowd(ctx, guild, 1, 20)
    assert (await matching.match_server(ctx, SERVER)).linked > 0
    async with ctx.sessions.begin() as session:
        await session.execute(sa.delete(MatchingState))

    assert await matching.match_server(ctx, SERVER) == Matched()


async def test_every_rules_version_is_part_of_what_a_matching_looks_at(
    ctx: Context, guild: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await insert_characters(ctx, guild, "Ana")
    await matching.match_server(ctx, SERVER)
    for name in RuleName:
        assert f"{name.value}=" in matching.RULES_IN_FORCE
    monkeypatch.setattr(matching, "RULES_IN_FORCE", matching.RULES_IN_FORCE.replace("equal_name=1", "equal_name=2"))
    assert not (await matching.match_server(ctx, SERVER)).skipped


async def test_two_servers_of_one_guild_keep_groups_of_their_own(ctx: Context, guild: int) -> None:
    await insert_server(ctx, OTHER_SERVER)
    ids = await insert_characters(ctx, guild, "Ana", "Bo")
    async with ctx.sessions.begin() as session:
        for server_id in (SERVER, OTHER_SERVER):
            await stored.keep_groups(session, server_id, [ids])
        kept = await session.execute(sa.select(AltGroup.server_id, AltGroup.character_id))
    assert {tuple(row) for row in kept} == {(server_id, one) for server_id in (SERVER, OTHER_SERVER) for one in ids}


async def explained(session: AsyncSession, statement: sa.TextClause, values: dict[str, Any]) -> float:
    """Carry a statement out and count the rows that it goes through."""
    explain = sa.text(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement.text}")
    found = await session.scalar(explain.bindparams(*statement._bindparams.values()), values)
    return sum(work(one["Plan"]) for one in found)


async def test_no_statement_is_quadratic_on_a_database_without_statistics(ctx: Context, guild: int) -> None:
    """A transaction's own rows are in no statistics: so the first night of a large guild is planned."""
    await populate(ctx, guild, 1, LARGE)
    ids = range(1, LARGE + 1)
    found: dict[str, list[dict[str, Any]]] = {
        "suggestions": [
            {"character_id": n, "candidates": [{"user_id": n, "evidence": []}], "confidence": None} for n in ids
        ],
        "groups": [{"character_id": n, "group_id": n} for n in ids],
        "contradictions": [{"character_id": n, "user_ids": [n], "evidence": []} for n in ids],
    }
    keeping = {"suggestions": stored.KEEP_SUGGESTIONS, "groups": stored.KEEP_GROUPS}
    keeping["contradictions"] = stored.KEEP_CONTRADICTIONS
    values: dict[str, Any] = {"server_id": SERVER, "guild_id": guild, "now": ctx.clock(), "run_id": None}
    rows = {}
    async with ctx.sessions.begin() as session:
        rows["look"] = await explained(session, stored.LOOK, {"server_id": SERVER})
        for query in (stored.CHARACTERS, stored.MEMBERS):
            wanted = {"server_id": SERVER, "guild_id": guild}
            rows[query] = await explained(session, sa.text(query.format(guild_id=":guild_id")), wanted)
        for night in (1, 2):
            for name, statement in keeping.items():
                given = {key: values[key] for key in values if f":{key}" in statement.text}
                rows[f"{name} {night}"] = await explained(session, statement, {**given, name: found[name]})

    assert {name: count for name, count in rows.items() if count > ROWS_A_PERSON * LARGE} == {}


async def rename_member(ctx: Context, guild: int) -> None:
    await members.member_changed(ctx, SERVER, facts(1, global_name="New"))


async def screen_member(ctx: Context, guild: int) -> None:
    await members.member_changed(ctx, SERVER, facts(1, pending=True))


async def leave_server(ctx: Context, guild: int) -> None:
    await members.member_left(ctx, SERVER, 1)


async def opt_out(ctx: Context, guild: int) -> None:
    async with ctx.sessions.begin() as session:
        (await session.get_one(Member, (SERVER, 1))).opted_out_at = ctx.clock()


async def give_role(ctx: Context, guild: int) -> None:
    await members.member_changed(ctx, SERVER, facts(1, role_ids=(50,)))


async def rename(ctx: Context, guild: int) -> None:
    await rename_character(ctx, await an_id(ctx), "Renamed")


async def depart(ctx: Context, guild: int) -> None:
    await leave_guild(ctx, await an_id(ctx))


async def join(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Newcomer")


async def promote(ctx: Context, guild: int) -> None:
    async with ctx.sessions.begin() as session:
        await session.execute(sa.text("UPDATE common.guild_memberships SET rank = 1"))


async def note(ctx: Context, guild: int) -> None:
    await insert_note(ctx, await an_id(ctx), "")


async def link(ctx: Context, guild: int) -> None:
    await links.add(ctx, SERVER, character_id=await an_id(ctx), user_id=1, actor_id=OFFICER)


async def alias(ctx: Context, guild: int) -> None:
    word = {"alias_key": "a", "alias": "A", "set_by": OFFICER, "set_at": ctx.clock()}
    async with ctx.sessions.begin() as session:
        session.add(NoteAlias(server_id=SERVER, user_id=1, **word))


async def reject(ctx: Context, guild: int) -> None:
    word = {"character_id": await an_id(ctx), "user_id": 1, "rejected_by": OFFICER, "rejected_at": ctx.clock()}
    async with ctx.sessions.begin() as session:
        session.add(RejectedCandidate(server_id=SERVER, **word))


async def judge(ctx: Context, guild: int) -> None:
    word = Judged("equal_name", 1, await an_id(ctx), 1, Verdict.REJECTED, was_linked=True)
    async with ctx.sessions.begin() as session:
        await verdicts.record(session, SERVER, [word], by=OFFICER, now=ctx.clock())


async def change_mode(ctx: Context, guild: int) -> None:
    await options.change(ctx, SERVER, {"link_mode": "suggest"}, actor_id=OFFICER)


async def map_another_rank(ctx: Context, guild: int) -> None:
    await map_rank(ctx, guild, 5, 60)


async def an_id(ctx: Context) -> int:
    async with ctx.sessions() as session:
        return (await session.execute(sa.text("SELECT min(id) FROM common.wow_characters"))).scalar_one()


@pytest.mark.parametrize(
    "change",
    [
        *(rename_member, screen_member, leave_server, opt_out, give_role, rename, depart, join, promote),
        *(note, link, alias, reject, judge, change_mode, map_another_rank),
    ],
    ids=lambda change: change.__name__,
)
async def test_whatever_a_rule_looks_at_is_matched_again_when_it_changes(
    ctx: Context, guild: int, change: Callable[[Context, int], Awaitable[None]]
) -> None:
    await insert_characters(ctx, guild, "Toon", "Other")
    await insert_members(ctx, facts(1, role_ids=(60,)), facts(2))
    await map_rank(ctx, guild, 0, 50)
    await matching.match_server(ctx, SERVER)
    assert (await matching.match_server(ctx, SERVER)).skipped

    await change(ctx, guild)

    assert not (await matching.match_server(ctx, SERVER)).skipped
    assert (await matching.match_server(ctx, SERVER)).skipped


async def test_what_no_rule_looks_at_is_no_reason_to_match(ctx: Context, guild: int) -> None:
    await insert_server(ctx, OTHER)
    await insert_characters(ctx, guild, "Toon")
    await insert_members(ctx, facts(1))
    await matching.match_server(ctx, SERVER)

    await members.member_changed(ctx, SERVER, facts(1, role_ids=(99,)))  # a role that no rank maps to
    await insert_members(ctx, facts(2), server_id=OTHER)
    await insert_characters(ctx, await insert_guild(ctx, OTHER, name="Others"), "Stranger")
    await options.change(ctx, SERVER, {"stale_days": 60}, actor_id=OFFICER)
    async with ctx.sessions.begin() as session:  # what each profile tells
        await session.execute(sa.update(Character).values(realm_name="Amberfall", level=90))

    assert (await load_member(ctx, 1)).role_ids == [99]
    assert (await matching.match_server(ctx, SERVER)).skipped
