"""What a member is told of what Muster knows of them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from bot.services import links
from bot.services.context import Context
from db import claims, people, servers
from db.claims import ClaimView
from db.people import CharacterView, MemberView, PlayerView
from domain.errors import NotKnownYet

__all__ = ["CharacterView", "ClaimView", "MemberView", "PlayerView"]

LATELY: Final = timedelta(days=30)
"""How long a decided claim is told: who closed their direct messages reads it here."""
DECIDED_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class OwnView:
    """A member as they see themselves: their player, the claims that wait, and those that officers decided lately."""

    me: MemberView
    player: PlayerView
    open: tuple[ClaimView, ...]
    decided: tuple[ClaimView, ...]


async def look(ctx: Context, server_id: int, user_id: int) -> OwnView:
    """Tell a member what is known of them; raises NotKnownYet for who was never seen here.

    A player's other members are left out while only a rule says that this one is the player.
    """
    async with ctx.sessions() as session:
        if await people.member(session, server_id, user_id) is None:
            raise NotKnownYet
    player = await links.whois_member(ctx, server_id, user_id)
    [me] = [member for member in player.members if member.user_id == user_id]
    if me.half is None or not me.half.source.is_proof:
        player = replace(player, members=(me,))
    async with ctx.sessions() as session:
        guild = await servers.followed_guild(session, server_id)
        guild_id = None if guild is None else guild.id
        waiting = await claims.open_by(session, server_id, user_id)
        decided = await claims.decided_by_others(
            session, server_id, user_id, since=ctx.clock() - LATELY, limit=DECIDED_SHOWN
        )
        views = await claims.views(session, server_id, guild_id, [*waiting, *decided])
    return OwnView(me, player, views[: len(waiting)], views[len(waiting) :])
