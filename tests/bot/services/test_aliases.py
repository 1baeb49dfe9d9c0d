"""Aliases: what an officer says that names in notes mean."""

from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import aliases, members
from bot.services.context import Context
from db.tables.identity import NoteAlias
from db.tables.people import Member
from domain.errors import InvalidInput, MusterError, NotFound, Refused
from tests.support.clock import FakeClock
from tests.support.people import (
    OFFICER,
    SERVER,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    leave_guild,
    load_actions,
)


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_guild(ctx, await insert_server(ctx))


async def say(ctx: Context, name: str, **meaning: Any) -> aliases.AliasChange:
    return await aliases.set_alias(ctx, SERVER, name=name, actor_id=OFFICER, **meaning)


async def stored(ctx: Context) -> dict[str, tuple[str, int | None, int | None]]:
    async with ctx.sessions() as session:
        rows = await session.scalars(sa.select(NoteAlias))
        return {one.alias_key: (one.alias, one.user_id, one.character_id) for one in rows}


async def test_a_name_means_a_member_by_its_folded_key(ctx: Context, guild: int, clock: FakeClock) -> None:
    await insert_members(ctx, facts(1, "mike", nick="Big Mike"))

    change = await say(ctx, " Mïke ", user_id=1)

    assert (change.before, change.changed) == (None, True)
    assert await stored(ctx) == {"mike": ("Mïke", 1, None)}
    shown = await aliases.show_alias(ctx, SERVER, "MIKE")
    assert (shown.target, shown.set_by, shown.set_at, shown.dormant) == ("Big Mike", OFFICER, clock.now, False)
    [action] = await load_actions(ctx, "alias.set")
    assert (action.actor_id, action.subject_id, action.before) == (OFFICER, 1, None)
    assert action.after == {"alias": "Mïke", "user_id": 1, "character_id": None}


async def test_a_name_means_a_character_and_a_later_word_takes_its_place(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))
    await say(ctx, "Annie", user_id=1)

    change = await say(ctx, "annie", character_id=ana)

    assert await stored(ctx) == {"annie": ("annie", None, ana)}
    assert (change.before.user_id, change.after.target) == (1, "Ana-stormrage")
    action = (await load_actions(ctx, "alias.set"))[-1]
    assert (action.subject_id, action.before["user_id"], action.after["character_id"]) == (ana, 1, ana)


async def test_the_same_word_again_writes_nothing(ctx: Context, guild: int, clock: FakeClock) -> None:
    await insert_members(ctx, facts(1))
    await say(ctx, "Mike", user_id=1)
    clock.advance(hours=1)

    change = await say(ctx, "MIKE", user_id=1)

    assert (change.changed, change.after.alias, change.after.set_at < clock.now) == (False, "Mike", True)
    assert len(await load_actions(ctx, "alias.set")) == 1


async def test_a_word_taken_back_is_gone_and_logged(ctx: Context, guild: int) -> None:
    await insert_members(ctx, facts(1))
    await say(ctx, "Mike", user_id=1)

    change = await aliases.remove_alias(ctx, SERVER, name="mike", actor_id=OFFICER)

    assert (change.changed, change.after, await stored(ctx)) == (True, None, {})
    [action] = await load_actions(ctx, "alias.remove")
    assert (action.subject_id, action.after) == (1, None)
    with pytest.raises(NotFound, match="Nobody said what `mike` means"):
        await aliases.remove_alias(ctx, SERVER, name="mike", actor_id=OFFICER)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("★ !", "no letter or digit"),
        ("\u200b", "no letter or digit"),
        ("2024", "is a number"),
        ("４２", "is a number"),
        ("x" * 41, "at most 40 characters"),
    ],
)
async def test_what_is_no_name_is_refused(ctx: Context, guild: int, name: str, text: str) -> None:
    await insert_members(ctx, facts(1))

    with pytest.raises(InvalidInput, match=text):
        await say(ctx, name, user_id=1)
    with pytest.raises(InvalidInput, match=text):
        await aliases.show_alias(ctx, SERVER, name)
    assert await stored(ctx) == {}


async def test_a_name_means_exactly_one_of_a_member_and_a_character(ctx: Context, guild: int) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1))

    for meaning in ({}, {"user_id": 1, "character_id": ana}):
        with pytest.raises(InvalidInput, match="exactly one of them"):
            await say(ctx, "Mike", **meaning)


async def test_who_left_or_opted_out_or_is_not_in_the_guild_cannot_be_meant(ctx: Context, guild: int) -> None:
    [gone] = await insert_characters(ctx, guild, "Gone")
    await leave_guild(ctx, gone)
    await insert_members(ctx, facts(1), facts(2))
    await members.member_left(ctx, SERVER, 1)
    async with ctx.sessions.begin() as session:
        await session.execute(sa.update(Member).where(Member.user_id == 2).values(opted_out_at=ctx.clock()))

    refusals: list[tuple[dict[str, int], type[MusterError], str]] = [
        ({"user_id": 1}, NotFound, "left the server"),
        ({"user_id": 2}, Refused, "<@2> opted out"),
        ({"user_id": 3}, NotFound, "does not know this member"),
        ({"character_id": gone}, NotFound, "not in Raiders of Dawn"),
    ]
    for meaning, error, text in refusals:
        with pytest.raises(error, match=text):
            await say(ctx, "Mike", **meaning)
    assert await stored(ctx) == {}


async def test_an_alias_of_who_left_since_is_shown_as_dormant(ctx: Context, guild: int) -> None:
    await insert_members(ctx, facts(1))
    await say(ctx, "Mike", user_id=1)
    await members.member_left(ctx, SERVER, 1)

    assert (await aliases.show_alias(ctx, SERVER, "Mike")).dormant


async def test_aliases_are_listed_by_name_and_found_by_a_part_of_it_on_their_own_server_alone(
    ctx: Context, guild: int
) -> None:
    await insert_members(ctx, facts(1))
    await insert_server(ctx, 200)
    for number in range(30):
        await say(ctx, f"Mike{number}", user_id=1)
    await say(ctx, "Ána", user_id=1)

    assert [one.alias for one in (await aliases.list_aliases(ctx, SERVER))[:2]] == ["Ána", "Mike0"]
    assert len(await aliases.find_aliases(ctx, SERVER, "MIKE")) == 25
    assert [one.alias for one in await aliases.find_aliases(ctx, SERVER, "an")] == ["Ána"]
    assert await aliases.find_aliases(ctx, SERVER, "a%a") == []
    assert await aliases.list_aliases(ctx, 200) == []
