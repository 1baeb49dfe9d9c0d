"""A server whose ranks have roles, and whose three namesakes are proven and hold none of them yet."""

import sys

import discord
import pytest
import simcord

from bot.services import links, ranks, roles
from bot.services.ranks import Chooser
from cogs.members.cog import QUIET_SECONDS
from db.tables.servers import GuildRank
from domain.ranks import Power, RankTruth
from tests.cogs.home import Home
from tests.cogs.link.small import read_all, shrink


async def furnish(home: Home) -> None:
    """Prove the namesakes by an officer's word, map the ranks that they have, and let the game decide about roles."""
    ctx, server_id = home.services.ctx, home.server.id
    shrink(home, 0)
    await read_all(home)
    for name, member in home.namesakes.items():
        character_id = await links.resolve_character(ctx, server_id, name)
        await links.add(ctx, server_id, character_id=character_id, user_id=member.id, actor_id=home.officer.id)
    made = {rank: home.server.create_role(f"Rank {rank}") for rank in sorted(set(rank_of(home).values()))}
    await home.env.settle()
    guild = await home.follow()
    async with ctx.sessions.begin() as session:
        session.add_all(
            GuildRank(server_id=server_id, guild_id=guild.id, rank_index=rank, name=role.name, role_id=role.id)
            for rank, role in made.items()
        )
    await ranks.choose_truth(ctx, server_id, RankTruth.GAME, actor_id=home.officer.id)


def follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what follows a role change come without the wait for quiet, which is longer than all the rest of a test.

    SimCord waits in real time for what the bot begins while it is at work.
    """
    # By the name that the bot's own copy has: discord.py imports a cog anew for each bot.
    monkeypatch.setattr(sys.modules["cogs.members.cog"], "QUIET_SECONDS", 0.05)


async def switch(home: Home, *, on: bool) -> None:
    """Switch role sync, as an officer does below the preview."""
    await roles.switch(home.services.ctx, home.server.id, on, chooser=Chooser(home.officer.id, frozenset(Power)))


def rank_of(home: Home) -> dict[str, int]:
    """Give the rank of each namesake's character."""
    members = {one.name: one.rank for one in home.sample.world.members(home.sample.guild)}
    return {name: rank for name in home.namesakes if (rank := members[name]) is not None}


def server_of(home: Home) -> discord.Guild:
    server = home.bot.get_guild(home.server.id)
    assert server is not None
    return server


def role_named(home: Home, name: str) -> discord.Role:
    return next(role for role in server_of(home).roles if role.name == name)


async def give_by_hand(home: Home, member: simcord.MemberActor, role: discord.Role) -> None:
    """Let an officer give somebody a role on Discord, and let the follow-up come."""
    found = server_of(home).get_member(member.id)
    assert found is not None
    await found.add_roles(role)
    await home.env.advance_time(QUIET_SECONDS)


async def take_manage_roles(home: Home) -> None:
    """Take from Muster the permission to change roles."""
    server = server_of(home)
    for role in server.me.roles:
        rest = role.permissions
        rest.update(manage_roles=False, administrator=False)
        home.env.backend.edit_role(server.id, role.id, {"permissions": rest.value})
    await home.env.settle()


def held(home: Home) -> dict[str, set[str]]:
    """Give the roles of the namesakes on Discord itself."""
    guild = home.env.backend.get_guild(home.server.id)
    return {
        name: {guild.roles[role_id].name for role_id in guild.members[member.id].role_ids}
        for name, member in home.namesakes.items()
    }


def wanted(home: Home) -> dict[str, set[str]]:
    return {name: {f"Rank {rank}"} for name, rank in rank_of(home).items()}


def nobody(home: Home) -> dict[str, set[str]]:
    """Give what `held` gives where nobody has any role."""
    return {name: set() for name in home.namesakes}


def role_calls(home: Home) -> list[tuple[str, str]]:
    """Give the requests that changed a member's role."""
    return [
        (call.method, call.path)
        for call in home.env.http_requests
        if call.method in ("PUT", "DELETE") and "/members/" in call.path and "/roles/" in call.path
    ]
