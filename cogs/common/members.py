"""Members as Discord tells them, turned into what the services take."""

import discord

from bot.services.context import Context
from bot.services.members import MemberFacts, MemberList
from cogs.common.errors import DISCORD_ERRORS
from domain.errors import Unavailable


def facts_of(member: discord.Member) -> MemberFacts:
    """Give a member's facts; the default role, which everybody has, is left out."""
    return MemberFacts(
        user_id=member.id,
        username=member.name,
        global_name=member.global_name,
        nick=member.nick,
        role_ids=tuple(role for role in member._roles),
        pending=member.pending,
        joined_at=member.joined_at,
    )


async def read_members(ctx: Context, server: discord.Guild) -> MemberList:
    """Fetch all members of a server; raises Unavailable when the fetch does not end whole."""
    read_at = ctx.clock()
    try:
        fetched = [member async for member in server.fetch_members(limit=None)]
    except DISCORD_ERRORS as error:
        raise Unavailable(
            f"Discord did not give the whole member list ({_reason(error)}). Nobody was changed; try again later."
        ) from error
    return MemberList(
        read_at=read_at,
        members=[facts_of(member) for member in fetched if not member.bot],
        fetched=len(fetched),
        expected=server.member_count,
    )


def _reason(error: Exception) -> str:
    match error:
        case discord.HTTPException():
            return f"error {error.status}"
        case discord.RateLimited():
            return f"it asked to wait {error.retry_after:.0f} s"
        case discord.DiscordException():
            return "the Server Members intent is off: see `/setup check`"
        case _:
            return f"no answer: {type(error).__name__}"
