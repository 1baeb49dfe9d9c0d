"""A small guild, read once: profiles of 320 characters only take time."""

from bot.services import pipeline
from bot.services.members import MemberList
from cogs.common.members import facts_of
from domain.runs import Trigger
from sandbox.world import Character
from tests.cogs.home import Home


def shrink(home: Home, strangers: int) -> list[Character]:
    """Leave the namesakes' characters and so many others in the guild; give these, the first two of two realms."""
    world, guild = home.sample.world, home.sample.guild
    others = [character for character in world.members(guild) if character.name not in home.namesakes]
    neighbour = next(character for character in others if character.realm != others[0].realm)
    others.remove(neighbour)
    others.insert(1, neighbour)
    for character in others[strangers:]:
        world.leave(character)
    return others[:strangers]


async def read_all(home: Home) -> None:
    """Read the roster and the member list whole, as the timers do: the namesakes are linked by it."""
    await home.sync_roster()
    server = home.bot.get_guild(home.server.id)
    assert server is not None
    people = [facts_of(member) for member in server.members if not member.bot]
    read = MemberList(home.services.ctx.clock(), people, fetched=len(server.members), expected=server.member_count)

    async def fetch() -> MemberList:
        return read

    await pipeline.sync_members(home.services.ctx, server.id, fetch, trigger=Trigger.TIMER)


async def join(home: Home, username: str, nick: str | None = None) -> int:
    """Let a member join, and let matching and audit follow; give the member's id."""
    member = home.server.add_member(home.env.create_user(username), nick=nick)
    await home.env.advance_time(6)
    return member.id
