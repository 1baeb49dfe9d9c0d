"""The dry run of a matching, and what an officer makes of it."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bot.services import links, matching, options
from bot.services.context import Context
from db.tables.people import PlayerCharacter
from domain.errors import Conflict, FollowsNoGuild
from domain.evidence import RuleName
from domain.identity import Outcome
from domain.links import Confidence, LinkMode, Source, is_proven
from tests.support.matched import link, with_outcome
from tests.support.people import (
    OFFICER,
    SERVER,
    Toon,
    facts,
    insert_characters,
    insert_guild,
    insert_members,
    insert_server,
    load_actions,
    load_links,
    load_suggestions,
)


@pytest.fixture
async def guild(ctx: Context) -> int:
    return await insert_guild(ctx, await insert_server(ctx))


async def apply(ctx: Context, key: str, **given: Any) -> int:
    return await matching.apply(ctx, SERVER, key=key, actor_id=OFFICER, **given)


@pytest.mark.parametrize("mode", list(LinkMode))
async def test_a_plan_says_what_would_be_linked_and_why_and_writes_nothing(
    ctx: Context, guild: int, mode: LinkMode, statements: Callable[..., Any]
) -> None:
    ana, _ = await insert_characters(ctx, guild, Toon("Ana", rank=2), "Mike")
    await insert_members(
        ctx, facts(1, "ana", nick="Ana ★"), facts(2, "walter", nick="Mike"), facts(3, "jesse", nick="Mike")
    )
    await options.change(ctx, SERVER, {"link_mode": mode.value}, actor_id=OFFICER)

    with statements() as seen:
        plan = await matching.plan(ctx, SERVER)

    [planned] = plan.links
    assert (planned.link.character_id, planned.link.user_id, planned.member) == (ana, 1, "Ana ★")
    assert (planned.character.name, planned.character.realm, planned.character.rank) == ("Ana", "stormrage", 2)
    assert plan.hits == ((RuleName.EQUAL_NAME, 1, 1),)
    assert (plan.suggestions, plan.groups, plan.contradictions) == (1, 0, 0)
    assert not [one for one in seen if any(verb in one for verb in ("INSERT", "UPDATE", "DELETE"))]
    assert await load_suggestions(ctx) == {}


async def test_a_plans_key_fits_into_a_custom_id_and_changes_with_what_would_be_linked(
    ctx: Context, guild: int
) -> None:
    await insert_characters(ctx, guild, "Ana", "Bob")
    await insert_members(ctx, facts(1, "ana"))
    first = (await matching.plan(ctx, SERVER)).key
    assert first == (await matching.plan(ctx, SERVER)).key
    assert 8 <= len(first) <= 16
    assert first.replace("-", "").replace("_", "").isalnum()
    await insert_members(ctx, facts(2, "bob"))
    assert (await matching.plan(ctx, SERVER)).key != first


@pytest.mark.parametrize("mode", list(LinkMode))
async def test_an_applied_plan_links_by_inference_whatever_the_mode_and_names_the_officer_in_the_log(
    ctx: Context, guild: int, mode: LinkMode
) -> None:
    [ana] = await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    await options.change(ctx, SERVER, {"link_mode": mode.value}, actor_id=OFFICER)

    assert await apply(ctx, (await matching.plan(ctx, SERVER)).key) == 1

    assert await load_links(ctx) == {ana: {1}}
    async with ctx.sessions() as session:
        half = (await session.scalars(sa.select(PlayerCharacter))).one()
    assert (half.source, half.linked_by) == (Source.NAME, None)
    view = await links.whois_member(ctx, SERVER, 1)
    assert not is_proven(view.characters[0].half.source, view.members[0].half.source)
    [action] = await load_actions(ctx, "link.add")
    assert (action.actor_id, action.rule) == (OFFICER, "equal_name")


async def test_only_what_the_officer_chose_is_linked_and_the_rest_is_suggested(ctx: Context, guild: int) -> None:
    await options.change(ctx, SERVER, {"link_mode": "suggest"}, actor_id=OFFICER)
    ana, bob = await insert_characters(ctx, guild, "Ana", "Bob")
    await insert_members(ctx, facts(1, "ana"), facts(2, "bob"))

    assert await apply(ctx, (await matching.plan(ctx, SERVER)).key, character_ids=[bob, 12345]) == 1

    assert await load_links(ctx) == {bob: {2}}
    assert (await load_suggestions(ctx)).keys() == {ana}


async def test_links_of_medium_confidence_are_made_only_when_asked_for(ctx: Context, guild: int) -> None:
    ana, bob = await insert_characters(ctx, guild, "Ana", "Bob")
    await insert_members(ctx, facts(1), facts(2))
    engine = with_outcome(ctx, Outcome((link(ana, 1, Confidence.MEDIUM), link(bob, 2))))
    key = (await matching.plan(engine, SERVER)).key

    assert await apply(engine, key) == 1
    assert await load_links(ctx) == {bob: {2}}

    engine = with_outcome(ctx, Outcome((link(ana, 1, Confidence.MEDIUM),)))
    key = (await matching.plan(engine, SERVER)).key
    assert await apply(engine, key, confidences=list(Confidence)) == 1
    assert await load_links(ctx) == {ana: {1}, bob: {2}}
    async with ctx.sessions() as session:
        assert (await session.get_one(PlayerCharacter, (SERVER, ana))).confidence is Confidence.MEDIUM


async def test_a_plan_that_is_out_of_date_is_not_applied(ctx: Context, guild: int) -> None:
    await insert_characters(ctx, guild, "Ana")
    await insert_members(ctx, facts(1, "ana"))
    key = (await matching.plan(ctx, SERVER)).key
    await insert_members(ctx, facts(2, nick="Ana"))

    with pytest.raises(Conflict, match=r"Look again with `/link match`\."):
        await apply(ctx, key)

    assert await load_links(ctx) == {}


async def test_nothing_can_be_planned_or_applied_before_all_was_read(ctx: Context) -> None:
    await insert_guild(ctx, await insert_server(ctx, members_synced=False))
    for act in (matching.plan(ctx, SERVER), apply(ctx, "key")):
        with pytest.raises(Conflict, match="`/sync roster` and `/sync members`"):
            await act


async def test_a_plan_needs_a_guild(ctx: Context) -> None:
    await insert_server(ctx)
    with pytest.raises(FollowsNoGuild):
        await matching.plan(ctx, SERVER)
