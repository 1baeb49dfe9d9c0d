"""Roles of the members whom one finding is about: looked at first, then set."""

from bot.services import roles
from bot.services.context import Context
from bot.services.findings import in_hand
from domain.audit import Fix
from domain.role_sync import RolePlan, RunKind


async def look(ctx: Context, server_id: int, public_id: str) -> RolePlan:
    """Give what would change for the members of a finding.

    Raises NotFound for a finding that this server does not have, Conflict for one that is settled, saying by whom.
    """
    user_ids = await _members(ctx, server_id, public_id)
    return await roles.preview(ctx, server_id, ctx.roles(server_id), user_ids=user_ids)


async def begin(ctx: Context, server_id: int, public_id: str, *, key: str, actor_id: int) -> str:
    """Begin the changes that a look showed as this key; give the run's public id.

    Raises what `look` and `roles.start` raise.
    """
    user_ids = await _members(ctx, server_id, public_id)
    return await roles.start(
        ctx,
        server_id,
        key=key,
        facts=ctx.roles(server_id),
        kind=RunKind.FIX,
        actor_id=actor_id,
        user_ids=user_ids,
    )


async def _members(ctx: Context, server_id: int, public_id: str) -> tuple[int, ...]:
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.SET_ROLE)
        return tuple(issue.facts["user_ids"])
