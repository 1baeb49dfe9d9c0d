"""Links that rules make of what notes of the game say are told in the audit channel; no others are."""

from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import links, matching, news, options, privacy
from bot.services.context import Context
from bot.services.news import LINKS, NAMED_LINKS
from db.tables.outbox import OutboxMessage
from tests.support.people import (
    OFFICER,
    SERVER,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_note,
    insert_run,
    insert_server,
)

CHANNEL = 7_001


@pytest.fixture
async def guild(ctx: Context) -> int:
    """Let a server that has an audit channel follow a guild; give the guild's id."""
    return await insert_guild(ctx, await insert_server(ctx, channel_id=CHANNEL))


async def told(ctx: Context) -> list[dict[str, Any]]:
    query = sa.select(OutboxMessage).where(OutboxMessage.kind == LINKS).order_by(OutboxMessage.id)
    async with ctx.sessions() as session:
        rows = (await session.scalars(query)).all()
    assert all((row.channel_id, row.user_id) == (CHANNEL, None) for row in rows)
    return [row.payload for row in rows]


async def match_in_a_run(ctx: Context) -> int:
    return (await matching.match_server(ctx, SERVER, run_id=await insert_run(ctx))).linked


@pytest.mark.parametrize("column", ["guild_note", "officer_note"])
async def test_a_link_by_a_note_is_told_once_with_whom_and_why(ctx: Context, guild: int, column: str) -> None:
    [mule] = await insert_characters(ctx, guild, "Mule")
    await insert_members(ctx, facts(1, "walter"))
    await insert_note(ctx, mule, **{column: "discord: walter"})
    for _ in range(2):
        await match_in_a_run(ctx)
    [word] = await told(ctx)
    assert word == {"count": 1, "links": [[mule, 1]]}
    [link] = await news.named_links(ctx, SERVER, word)
    assert (link.character, link.user_id) == ("Mule", 1)
    assert link.evidence["reasons"][0]["place"] == column


async def test_words_that_wait_do_not_replace_each_other(ctx: Context, guild: int) -> None:
    for number, (name, username) in enumerate({"Mule": "walter", "Nag": "jesse"}.items(), 1):
        [character] = await insert_characters(ctx, guild, name)
        await insert_members(ctx, facts(number, username))
        await insert_note(ctx, character, f"discord: {username}")
        await match_in_a_run(ctx)
    assert [word["count"] for word in await told(ctx)] == [1, 1]


async def test_links_by_name_are_not_told_nor_what_only_could_be_linked(ctx: Context, guild: int) -> None:
    await options.change(ctx, SERVER, {"link_mode": "suggest"}, actor_id=OFFICER)
    _, mule = await insert_characters(ctx, guild, "Ana", "Mule")
    await insert_members(ctx, facts(1, "walter"), facts(2, nick="Ana"))
    await insert_note(ctx, mule, "discord: walter")
    await match_in_a_run(ctx)
    assert await told(ctx) == []


async def test_what_an_officer_lets_the_rules_do_and_what_follows_from_it_is_not_told(ctx: Context, guild: int) -> None:
    mule, nag = await insert_characters(ctx, guild, "Mule", "Nag")
    await insert_members(ctx, facts(1, "walter"), facts(2, "jesse"))
    await insert_note(ctx, mule, "discord: walter")
    plan = await matching.plan(ctx, SERVER)
    assert await matching.apply(ctx, SERVER, key=plan.key, actor_id=OFFICER) == 1
    await insert_note(ctx, nag, "discord: jesse")
    assert (await matching.match_server(ctx, SERVER)).linked == 1
    assert await told(ctx) == []


async def test_without_a_channel_nothing_is_queued(ctx: Context) -> None:
    guild = await insert_guild(ctx, await insert_server(ctx))
    [mule] = await insert_characters(ctx, guild, "Mule")
    await insert_members(ctx, facts(1, "walter"))
    await insert_note(ctx, mule, "discord: walter")
    assert await match_in_a_run(ctx) == 1
    assert await told(ctx) == []


async def test_of_many_links_the_first_are_named(ctx: Context, guild: int) -> None:
    mules = await insert_characters(ctx, guild, *(f"Mule{chr(97 + number)}" for number in range(NAMED_LINKS + 3)))
    await insert_members(ctx, facts(1, "walter"))
    for mule in mules:
        await insert_note(ctx, mule, "discord: walter")
    await match_in_a_run(ctx)
    [word] = await told(ctx)
    assert (word["count"], len(word["links"])) == (len(mules), NAMED_LINKS)
    assert len(await news.named_links(ctx, SERVER, word)) == NAMED_LINKS


async def test_what_was_undone_before_the_word_goes_out_is_not_named(ctx: Context, guild: int) -> None:
    ana, bea = await insert_characters(ctx, guild, "Mulea", "Muleb")
    await insert_members(ctx, facts(1, "walter"), facts(2, "jesse"))
    await insert_note(ctx, ana, "discord: walter")
    await insert_note(ctx, bea, "discord: jesse")
    await match_in_a_run(ctx)
    [word] = await told(ctx)
    assert word["count"] == 2
    await links.remove(ctx, SERVER, character_id=ana, actor_id=OFFICER)
    assert [one.user_id for one in await news.named_links(ctx, SERVER, word)] == [2]
    await privacy.opt_out(ctx, SERVER, 2)
    assert await news.named_links(ctx, SERVER, word) == []
