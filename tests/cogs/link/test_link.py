from typing import Any

import pytest
import simcord
import sqlalchemy as sa

from bot.services import audit, links, pipeline, servers
from cogs.common import texts as common_texts
from db.tables.audit import Action
from db.tables.people import PlayerCharacter, PlayerMember
from domain.links import Source
from sandbox.world import Character
from tests.cogs.home import Home, card_of
from tests.cogs.link.small import read_all, shrink


@pytest.fixture
async def strangers(home: Home) -> list[Character]:
    """A guild that was read once: the namesakes are linked by it, these four are nobody's."""
    strangers = shrink(home, 4)
    home.sample.world.rename(strangers[0], "Élùneþor")
    await read_all(home)
    return strangers


async def link(home: Home, command: str, actor: simcord.MemberActor | None = None, **options: Any) -> str:
    return card_of(await (actor or home.officer).slash(home.general, f"link {command}", **options))


async def id_of(home: Home, name: str) -> int:
    return await links.resolve_character(home.services.ctx, home.server.id, name)


async def halves(home: Home, name: str, server_id: int | None = None) -> tuple[Source, Source, int] | None:
    """Give the character's half, the member's half and the member."""
    async with home.services.ctx.sessions() as session:
        row = (
            await session.execute(
                sa.select(PlayerCharacter.source, PlayerMember.source, PlayerMember.user_id)
                .join(
                    PlayerMember,
                    sa.and_(
                        PlayerMember.player_id == PlayerCharacter.player_id,
                        PlayerMember.server_id == PlayerCharacter.server_id,
                    ),
                )
                .where(
                    PlayerCharacter.server_id == (server_id or home.server.id),
                    PlayerCharacter.character_id == await id_of(home, name),
                )
            )
        ).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def standing(home: Home) -> set[tuple[str, int]]:
    """Give rule and subject of what the audit holds open."""
    findings = await audit.standing(home.services.ctx, home.server.id)
    return {(finding.rule, finding.subject_id) for finding in findings}


async def choices(home: Home, current: str, actor: simcord.MemberActor | None = None) -> list[dict[str, Any]]:
    found = [
        await (actor or home.officer).autocomplete(home.general, f"link {command}", "character", current)
        for command in ("add", "remove")
    ]
    assert found[0] == found[1]
    return found[0]


async def test_adding_says_what_was_done_and_for_whom_and_pings_nobody(home: Home, strangers: list[Character]) -> None:
    name = strangers[1].name
    said = await link(home, "add", character=name, member=home.plain)
    assert said.startswith(f"**{name}** · ")
    assert f"is now linked to <@{home.plain.id}>: proven, by your word." in said
    assert "inferred" not in said
    assert await halves(home, name) == (Source.OFFICER, Source.OFFICER, home.plain.id)
    [*_, call] = [call for call in home.env.http_requests if call.method == "PATCH" and "@original" in call.path]
    assert call.json["allowed_mentions"] == {"parse": []}


async def test_an_answer_is_for_the_officer_alone(home: Home, strangers: list[Character]) -> None:
    result = await home.officer.slash(home.general, "link add", character=strangers[1].name, member=home.plain)
    assert result.ephemeral
    assert not home.general.history(viewer=home.plain)


async def test_adding_again_says_that_nothing_changed(home: Home, strangers: list[Character]) -> None:
    await link(home, "add", character=strangers[1].name, member=home.plain)
    said = await link(home, "add", home.deputy, character=strangers[1].name, member=home.plain)
    assert said.startswith("Nothing changed")
    assert "proven by an officer's word" in said


async def test_adding_to_an_inferred_link_makes_it_proven_and_says_so(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    said = await link(home, "add", character=name, member=namesake)
    assert "It had an inferred link (equal name); your word replaces that." in said
    assert await halves(home, name) == (Source.OFFICER, Source.OFFICER, namesake.id)


async def test_a_proven_link_to_somebody_else_stands(home: Home, strangers: list[Character]) -> None:
    await link(home, "add", character=strangers[1].name, member=home.plain)
    said = await link(home, "add", character=strangers[1].name, member=home.deputy)
    assert f"is linked to <@{home.plain.id}> by an officer's word. Remove that link first." in said
    assert await halves(home, strangers[1].name) == (Source.OFFICER, Source.OFFICER, home.plain.id)
    assert home.env.errors


async def test_removing_an_inferred_link_keeps_the_rules_from_making_it_again(
    home: Home, strangers: list[Character]
) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    said = await link(home, "remove", character=name)
    assert f"is no longer linked to <@{namesake.id}>. It was an inferred link (equal name)." in said
    assert "No rule will link them again" in said
    assert await halves(home, name) is None
    await pipeline.follow_up(home.services.ctx, home.server.id)
    assert await halves(home, name) is None
    said = await link(home, "remove", character=name)
    assert said == f"{name} has no link to remove."
    assert home.env.errors


async def test_after_a_removal_an_officer_can_link_them_again(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    await link(home, "remove", character=name)
    assert "is now linked" in await link(home, "add", character=name, member=namesake)
    said = await link(home, "remove", character=name)
    assert "It was a proven link (an officer's word)." in said


async def test_a_change_is_followed_by_the_audit(home: Home, strangers: list[Character]) -> None:
    name, namesake = next(iter(home.namesakes.items()))
    await link(home, "add", character=name, member=home.plain)
    assert await halves(home, name) == (Source.OFFICER, Source.OFFICER, home.plain.id)
    assert ("orphan_discord", namesake.id) in await standing(home)
    assert ("orphan_discord", home.plain.id) not in await standing(home)


async def test_each_change_is_one_row_of_the_action_log_with_its_officer(
    home: Home, strangers: list[Character]
) -> None:
    await link(home, "add", character=strangers[1].name, member=home.plain)
    await link(home, "remove", home.deputy, character=strangers[1].name)
    async with home.services.ctx.sessions() as session:
        rows = await session.execute(
            sa.select(Action.action, Action.actor_id)
            .where(Action.subject_id == await id_of(home, strangers[1].name), Action.actor_id.is_not(None))
            .order_by(Action.id)
        )
    assert [tuple(row) for row in rows] == [
        ("link.add", home.officer.id),
        ("link.remove", home.deputy.id),
    ]


async def test_a_character_is_found_by_its_folded_name_and_chosen_by_its_id(
    home: Home, strangers: list[Character]
) -> None:
    [choice] = await choices(home, "elunetho")
    accented = strangers[0]
    assert choice["name"] == f"Élùneþor-{accented.realm.name} · Rank {accented.rank} · unlinked"
    assert choice["value"] == str(await id_of(home, "elunethor"))
    await link(home, "add", character=choice["value"], member=home.plain)
    [choice] = await choices(home, "ÉLÙNEÞOR")
    assert choice["name"].endswith(" · linked")


async def test_nothing_typed_offers_the_first_characters(home: Home, strangers: list[Character]) -> None:
    assert len(await choices(home, "")) == len(strangers) + len(home.namesakes)


async def test_who_is_no_officer_is_offered_nothing_and_refused(home: Home, strangers: list[Character]) -> None:
    home.allow("link", home.plain)
    assert await choices(home, "elune", home.plain) == []
    said = await link(home, "add", home.plain, character=strangers[1].name, member=home.plain)
    assert said == common_texts.OFFICERS_ONLY
    assert await link(home, "remove", home.plain, character=strangers[1].name) == common_texts.OFFICERS_ONLY
    assert await halves(home, strangers[1].name) is None
    assert home.env.errors


async def test_without_manage_server_the_commands_are_not_even_shown(home: Home) -> None:
    shown = home.plain.available_commands(home.general)
    assert not {"link add", "link remove", "whois", "audit run", "audit report"} & set(shown)
    assert {"link add", "link remove"} <= set(home.officer.available_commands(home.general))


async def test_a_name_that_two_characters_bear_is_asked_for_with_its_realm(
    home: Home, strangers: list[Character]
) -> None:
    other, one = strangers[:2]
    home.sample.world.rename(other, one.name)
    await home.sync_roster()
    said = await link(home, "add", character=one.name, member=home.plain)
    assert said.startswith("Several characters have this name: ")
    assert f"{one.name}-{one.realm.name}" in said
    said = await link(home, "add", character=f"{one.name}-{one.realm.name}", member=home.plain)
    assert f"**{one.name}** · " in said
    assert "is now linked" in said
    assert home.env.errors


async def test_a_character_outside_the_guild_cannot_be_linked(home: Home, strangers: list[Character]) -> None:
    departed = strangers[1]
    [choice] = await choices(home, departed.name)
    home.sample.world.leave(departed)
    await home.sync_roster()
    for typed in ("Nobody", departed.name, choice["value"]):
        said = await link(home, "add", character=typed, member=home.plain)
        assert said.startswith(f"No character `{typed}` is in {home.sample.guild.name}.")
    assert home.env.errors


async def test_a_bot_cannot_be_linked(home: Home, strangers: list[Character]) -> None:
    helper = home.server.add_member(home.env.create_user("helper", bot=True))
    said = await link(home, "add", character=strangers[1].name, member=helper)
    assert "Bots are left out" in said
    assert await halves(home, strangers[1].name) is None
    assert home.env.errors


async def test_a_text_of_any_length_gets_an_answer(home: Home, strangers: list[Character]) -> None:
    with pytest.raises(simcord.SetupError, match="100"):
        await home.officer.slash(home.general, "link remove", character="x" * 101)
    assert await link(home, "remove", character="x" * 100)
    assert home.env.errors


async def test_a_server_without_a_guild_says_what_to_do_first(home: Home) -> None:
    said = await link(home, "add", character="Thrall", member=home.plain)
    assert "/setup guild" in said
    assert await choices(home, "T") == []
    assert home.env.errors


async def test_linking_in_one_server_leaves_the_other_alone(home: Home, strangers: list[Character]) -> None:
    ctx, name = home.services.ctx, strangers[1].name
    other = home.env.create_guild("Elsewhere", owner=home.env.create_user("other_owner"))
    other.add_member(home.plain.user)
    await home.env.advance_time(6)
    here = await home.follow()
    guild = home.sample.guild
    there = await servers.follow_guild(
        ctx,
        home.services.battlenet,
        other.id,
        region=here.region,
        realm=guild.realm.slug,
        name=guild.name,
        actor_id=home.officer.id,
    )
    assert there.id == here.id
    await link(home, "add", character=name, member=home.plain)
    assert await halves(home, name) is not None
    assert await halves(home, name, other.id) is None
    view = await links.whois_member(ctx, other.id, home.plain.id)
    assert (view.public_id, view.characters) == (None, ())
