"""A role that stood for a rank or made officers and was deleted: said once, in the audit channel."""

from collections.abc import Collection
from itertools import groupby
from typing import Final

from bot.services.audit import is_hopeless
from bot.services.context import Context
from db import lost_roles, outbox
from db.tables.servers import Server

ROLE_LOST: Final = "role_lost"


async def note_roles(ctx: Context, server_id: int, existing: Collection[int]) -> int:
    """Queue a word on each chosen role that is not among those that exist; give how many. Ids never come back."""
    async with ctx.sessions.begin() as session:
        server = await session.get(Server, server_id)
        if server is None or server.audit_channel_id is None or server.left_at is not None:
            return 0
        lost = await lost_roles.lost_roles(session, server_id, existing, untold_as=ROLE_LOST)
        if not lost or await is_hopeless(ctx, session, server_id, server.audit_channel_id):
            return 0
        by_role = {role_id: list(group) for role_id, group in groupby(lost, key=lambda one: one.role_id)}
        for role_id, uses in by_role.items():
            ranks = [{"index": one.rank_index, "name": one.rank_name} for one in uses if one.rank_index is not None]
            await outbox.queue(
                session,
                server_id=server_id,
                kind=ROLE_LOST,
                channel_id=server.audit_channel_id,
                payload={"ranks": ranks, "officers": len(ranks) < len(uses)},
                dedupe_key=str(role_id),
                now=ctx.clock(),
            )
    return len(by_role)
