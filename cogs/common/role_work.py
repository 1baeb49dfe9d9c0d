"""What of the outbox is not said but done: one role of one member, given or taken."""

import discord
from discord.ext import commands

from bot.services import role_changes
from bot.services.context import Context
from bot.services.outbox import Delivery
from bot.services.role_changes import LEFT, Work
from cogs.common.live_roles import server_roles
from cogs.common.members import facts_of
from domain.errors import Unavailable
from domain.role_sync import RoleAct

UNKNOWN_MEMBER, UNKNOWN_ROLE, UNKNOWN_USER = 10007, 10011, 10013
GONE = frozenset({UNKNOWN_MEMBER, UNKNOWN_USER})
MISSING_PERMISSIONS = 50013
REFUSALS = {
    UNKNOWN_ROLE: "the role was deleted: choose another one with /setup ranks",
    MISSING_PERMISSIONS: "Discord does not let Muster: its role needs Manage Roles and a place above this one",
}
TRIED_AGAIN = frozenset({401, 429})


class RoleWork:
    """Make a change of a role: checked right before, noted right after, and taken up again after a crash between."""

    def __init__(self, bot: commands.Bot, ctx: Context) -> None:
        self._bot = bot
        self._ctx = ctx

    async def __call__(self, delivery: Delivery) -> None:
        """Make it, or note why not; raises what a later try may mend."""
        server = self._bot.get_guild(delivery.server_id)
        live = server_roles(server)
        if server is None or live is None:
            raise Unavailable("Discord does not show the server.")
        assert delivery.user_id is not None
        member = await _member(server, delivery.user_id)
        held = None if member is None else facts_of(member).role_ids
        change_id: int = delivery.payload["change"]
        work = await role_changes.check(self._ctx, server.id, change_id, live, held)
        if work is not None and member is not None:
            await self._make(server, member, work)

    async def _make(self, server: discord.Guild, member: discord.Member, work: Work) -> None:
        change = member.add_roles if work.act is RoleAct.GIVE else member.remove_roles
        try:
            await change(discord.Object(work.role_id), reason=_reason(work), atomic=True)
        except discord.HTTPException as error:
            if error.status in TRIED_AGAIN or error.status >= 500:
                raise
            if error.code in GONE:
                await role_changes.skipped(self._ctx, server.id, work.change_id, LEFT)
            else:
                refusal = REFUSALS.get(error.code, f"Discord refused it with error {error.code or error.status}")
                await role_changes.failed(self._ctx, server.id, work.change_id, refusal)
        else:
            await role_changes.made(self._ctx, server.id, work.change_id)


async def _member(server: discord.Guild, user_id: int) -> discord.Member | None:
    """Give a member as Discord has them now, None for one who has left."""
    try:
        return server.get_member(user_id) or await server.fetch_member(user_id)
    except discord.NotFound:
        return None


def _reason(work: Work) -> str:
    """Say in the server's own audit log why."""
    if work.actor_id is None:
        return "Role sync: the member's rank in the guild"
    return f"Role sync, applied by {work.actor_id}"
