"""Findings about roles, from a role given by hand in Discord to the report that tells of it."""

import discord
import pytest
import simcord

from bot.services import audit, links
from db.tables.servers import GuildRank
from tests.cogs.home import Home, text_of
from tests.cogs.link.small import read_all, shrink

QUIET = 6


@pytest.fixture
async def hall(home: Home) -> Home:
    """A server whose three namesakes are proven, and whose officers hear of what is found."""
    shrink(home, 0)
    await read_all(home)
    for name, member in home.namesakes.items():
        character_id = await links.resolve_character(home.services.ctx, home.server.id, name)
        await links.add(
            home.services.ctx,
            home.server.id,
            character_id=character_id,
            user_id=member.id,
            actor_id=home.officer.id,
        )
    return home


async def map_ranks(home: Home, roles: dict[int, simcord.RoleHandle]) -> None:
    guild = await home.follow()
    async with home.services.ctx.sessions.begin() as session:
        session.add_all(
            GuildRank(server_id=home.server.id, guild_id=guild.id, rank_index=index, name=role.name, role_id=role.id)
            for index, role in roles.items()
        )


async def give(home: Home, member: simcord.MemberActor, *roles: simcord.RoleHandle) -> None:
    """Let an officer set somebody's roles by hand, and let the follow-up come."""
    server = home.bot.get_guild(home.server.id)
    assert server is not None
    found = server.get_member(member.id)
    assert found is not None
    await found.edit(roles=[discord.Object(role.id) for role in roles])
    await home.env.advance_time(QUIET)


async def about(home: Home, member: simcord.MemberActor) -> set[str]:
    """Give the rules with a finding about a member's roles."""
    findings = await audit.standing(home.services.ctx, home.server.id)
    return {finding.rule for finding in findings if member.id in finding.facts.get("user_ids", ())}


async def two_roles(home: Home) -> tuple[str, simcord.MemberActor, simcord.RoleHandle, simcord.RoleHandle]:
    """Map the rank of a namesake to one role and the next rank to another; give the name, the member and both."""
    name, member = next(iter(home.namesakes.items()))
    rank = next(one.rank for one in home.sample.world.members(home.sample.guild) if one.name == name)
    assert rank is not None
    right, wrong = home.server.create_role("Right"), home.server.create_role("Wrong")
    await map_ranks(home, {rank: right, (rank + 1) % 10: wrong})
    await home.report_to(home.audit)
    return name, member, right, wrong


async def test_the_right_role_given_by_hand_closes_the_finding(hall: Home) -> None:
    name, member, right, wrong = await two_roles(hall)

    await give(hall, member, wrong)
    assert await about(hall, member) == {"role_mismatch"}
    report = text_of(hall.audit.history()[-1])
    assert f"<@{member.id}> · **{name}** · Right (rank " in report
    assert f" · lacks <@&{right.id}>, has <@&{wrong.id}>" in report

    await give(hall, member)
    assert await about(hall, member) == {"no_guild_role"}

    await give(hall, member, right)
    assert await about(hall, member) == set()


async def test_a_report_calls_a_deleted_role_so(hall: Home) -> None:
    _, member, right, wrong = await two_roles(hall)
    await give(hall, member, wrong)
    server = hall.bot.get_guild(hall.server.id)
    assert server is not None
    role = server.get_role(right.id)
    assert role is not None
    await role.delete()

    await hall.officer.slash(hall.general, "audit report")

    report = text_of(hall.audit.history()[-1])
    assert f"lacks a deleted role, has <@&{wrong.id}>" in report
    assert f"<@&{right.id}>" not in report
    assert "-# Roster as of <t:" in report
