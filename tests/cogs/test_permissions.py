"""Everything that Muster offers on Discord, tried by everybody: allowed or refused as `permissions` says."""

import discord
import pytest
import simcord
from discord import app_commands

from bot.services import aliases, links, pipeline
from cogs.common import texts
from cogs.common.cards import card
from cogs.common.errors import unwrap
from cogs.common.item import matching_items
from cogs.common.modals import matching_forms
from cogs.members.cog import QUIET_SECONDS
from db.tables.servers import Server
from domain.errors import MusterError
from tests.cogs.hall import (
    ACTS,
    ALIAS,
    MASTER,
    Act,
    Hall,
    Kind,
    Place,
    Result,
    choose_officers,
    furnish,
    open_commands,
    texts_of,
)
from tests.cogs.home import Home
from tests.cogs.permissions import CHOICES, COMMANDS, CONTROLS, FORMS, MEMBERS, OFFICERS, SHOWN_TO_ALL, Persona, Row
from tests.support.dump import changes, dump
from tests.support.forge import Actor
from tests.support.people import Toon, insert_characters, insert_guild
from tests.support.tree import Filler, control_templates, form_templates, leaves


@pytest.fixture
async def hall(home: Home) -> Hall:
    return await furnish(home)


def refusals(persona: Persona, act: Act) -> tuple[str, ...]:
    """Give what somebody is told who may not: nothing else, unless they are an officer."""
    if persona is Persona.STRANGER:
        # Where there is no server, its channels mean nothing: discord.py refuses them before the command is asked.
        return texts.SERVER_ONLY, texts.BAD_VALUE
    return (act.row.told,) if persona in OFFICERS or act.row.who - OFFICERS else (texts.OFFICERS_ONLY,)


def is_refused(persona: Persona, act: Act, result: Result) -> bool:
    """Tell whether an act ended with one private word on why, and with nothing else."""
    if act.kind is Kind.CHOICES:
        return result.choices == ()
    if result.redrawn or not result.private or len(result.answers) != 1:
        return False
    [answer] = result.answers
    told = refusals(persona, act)
    return any(word in answer for word in told) if persona in OFFICERS else answer in told


def is_allowed(act: Act, result: Result) -> bool:
    """Tell whether an act was let through; what it then found is not asked here."""
    said = "\n".join(result.answers)
    if act.kind is Kind.CHOICES:
        return result.choices != ()
    return result.answered and not any(
        told in said for told in (texts.OFFICERS_ONLY, texts.SERVER_ONLY, act.row.told, "error id")
    )


async def problems(hall: Hall, persona: Persona, actor: Actor | None = None) -> list[str]:
    """Let somebody, by default of the cast, try all that they may not; give what was not refused, or wrote."""
    found = []
    before = await dump(hall.home.services.ctx)
    for act in ACTS:
        if persona in act.row.who:
            continue
        result = await hall.perform(actor or hall.cast[persona], act)
        after = await dump(hall.home.services.ctx)
        if not is_refused(persona, act, result):
            found.append(f"{persona.value}, {act}: {result}")
        if written := changes(before, after):
            found.append(f"{persona.value}, {act} wrote: {written}")
        before = after
    return found


def acknowledge(hall: Hall) -> None:
    """Take note of refusals, which SimCord keeps as errors; anything else is a failure."""
    assert all(isinstance(unwrap(error), MusterError | app_commands.TransformerError) for error in hall.home.env.errors)


async def test_the_cast_is_what_the_table_calls_it(hall: Hall) -> None:
    """Else a member would be refused for another reason than that no link makes officers."""
    ctx, server_id = hall.home.services.ctx, hall.home.server.id
    inferred, proven, unlinked = [
        await links.whois_member(ctx, server_id, hall.cast[persona].id)
        for persona in (Persona.INFERRED, Persona.PROVEN, Persona.UNLINKED)
    ]
    assert [inferred.is_proven(one) for one in inferred.characters] == [False]
    assert (proven.rank, unlinked.public_id) == (0, None)


async def test_who_is_no_officer_is_refused_everything_told_why_and_told_nothing_else(hall: Hall) -> None:
    found = [problem for persona in Persona if persona not in OFFICERS for problem in await problems(hall, persona)]
    assert found == []
    acknowledge(hall)


@pytest.mark.parametrize("persona", [one for one in Persona if one in OFFICERS], ids=lambda one: one.name.lower())
async def test_an_officer_may_what_the_table_says_and_no_more(hall: Hall, persona: Persona) -> None:
    assert await problems(hall, persona) == []
    before = await dump(hall.home.services.ctx)
    for act in ACTS:
        if persona in act.row.who:
            result = await hall.perform(hall.cast[persona], act)
            assert is_allowed(act, result), f"{act} was answered: {result}"
    # What was refused to the others does something.
    written = changes(before, await dump(hall.home.services.ctx))
    assert {f"guild_identity.{table}" for table in ("action_log", "guild_ranks", "player_characters")} <= set(written)
    assert "common.held_departures" in written
    acknowledge(hall)


async def test_a_member_may_what_is_for_members(hall: Hall) -> None:
    for persona in MEMBERS - OFFICERS:
        for act in ACTS:
            if persona in act.row.who:
                result = await hall.perform(hall.cast[persona], act)
                assert is_allowed(act, result), f"{persona.value}, {act} was answered: {result}"
    acknowledge(hall)


async def test_every_command_choice_control_and_form_has_a_row_and_every_row_stands_for_one(home: Home) -> None:
    """A new one without a row fails here: write down who may use it."""
    tree = leaves(home.bot)
    assert [row.name for row in COMMANDS] == [leaf.name for leaf in tree]
    completed = [f"{leaf.name} {option}" for leaf in tree for option in leaf.completed]
    assert sorted(row.name for row in CHOICES) == sorted(completed)
    controls = [
        [item.__discord_ui_compiled_template__.pattern for item in matching_items(_id(row))] for row in CONTROLS
    ]
    forms = [[route.template.pattern for route, _ in matching_forms(_id(row))] for row in FORMS]
    assert {tuple(found) for found in controls} == {(template,) for template in control_templates()}
    assert {tuple(found) for found in forms} == {(template,) for template in form_templates()}


async def test_without_manage_server_discord_shows_only_the_mixed_groups_until_a_server_opens_the_others(
    home: Home,
) -> None:
    everything = {row.name for row in COMMANDS}
    shown = {actor: set(actor.available_commands(home.general)) for actor in (home.plain, home.officer)}
    assert shown == {home.plain: SHOWN_TO_ALL, home.officer: everything}
    open_commands(home, home.server)
    assert set(home.plain.available_commands(home.general)) == everything


@pytest.mark.parametrize("persona", [Persona.OFFICER_BY_ROLE, Persona.MANAGER], ids=lambda one: one.name.lower())
async def test_who_lost_the_role_between_card_and_click_is_refused(hall: Hall, persona: Persona) -> None:
    actor = hall.cast[persona]
    click = Act(Kind.CONTROL, CONTROLS[0])
    assert is_allowed(click, await hall.perform(actor, click))
    await hall.home.take_rights(actor)
    assert await problems(hall, Persona.UNLINKED, actor) == []
    acknowledge(hall)


async def test_when_another_role_makes_officers_the_holders_of_the_first_are_refused(hall: Hall) -> None:
    await choose_officers(hall.home, hall.stewards)
    assert await problems(hall, Persona.UNLINKED, hall.cast[Persona.OFFICER_BY_ROLE]) == []
    acknowledge(hall)


async def test_an_officer_of_another_server_who_copies_controls_and_forms_acts_on_that_server_alone(
    hall: Hall,
) -> None:
    home, ctx = hall.home, hall.home.services.ctx
    fritz = hall.cast[Persona.FOREIGN]
    other = home.env.create_guild("Elsewhere", owner=fritz.user)
    channel = other.create_text_channel("general")
    await home.env.advance_time(QUIET_SECONDS)
    guild_id = await insert_guild(ctx, other.id, name="Others")
    othera, _ = await insert_characters(ctx, guild_id, *(Toon(name, rank=3) for name in ("Othera", "Otherb")))
    # Members and roster count as read: nothing is refused for want of them.
    async with ctx.sessions.begin() as session:
        (await session.get_one(Server, other.id)).members_synced_at = ctx.clock()
    await aliases.set_alias(ctx, other.id, name=ALIAS, character_id=othera, actor_id=fritz.id)
    await pipeline.follow_up(ctx, other.id)
    there = home.bot.get_channel(channel.id)
    assert isinstance(there, discord.TextChannel)
    post = await there.send(view=card("A post of Muster's"))
    texts_there = texts_of(home) | {"character": "Othera", "link remove character": "Otherb"}
    actor = simcord.MemberActor(home.env, other, fritz.user)
    place = Place(channel, post.id, Filler(actor, other.create_role("Any"), channel, texts_there))
    before = await dump(ctx)
    answers = []
    for act in ACTS:
        result = await hall.perform(actor, act, place)
        assert is_allowed(act, result), f"{act} was answered: {result}"
        answers += [*result.answers, *result.choices, place.card()]
    written = changes(before, await dump(ctx))
    assert {"guild_identity.action_log", "guild_identity.guild_ranks", "guild_identity.servers"} <= set(written)
    assert not {"common.guild_memberships", "common.held_departures"} & set(written)
    assert [row for rows in written.values() for row in rows if str(home.server.id) in row] == []
    theirs = (MASTER, "Council", "Stewards", hall.council.id, hall.stewards.id, hall.cast[Persona.PROVEN].id)
    assert [told for told in answers for secret in map(str, theirs) if secret in told] == []
    acknowledge(hall)


def _id(row: Row) -> str:
    return row.name.format(shown="0" * 12, claim="0" * 8, council="1", stewards="1")
