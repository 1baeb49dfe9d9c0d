"""Claims as tests of services make and decide them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from bot.services import claims, links, matching
from bot.services.claims import ClaimView
from bot.services.context import Context
from db.tables.identity import Claim
from db.tables.outbox import OutboxMessage
from db.tables.people import PlayerMember
from domain.links import Confidence, Source
from tests.support.people import CHANNEL, OFFICER, SERVER, facts, insert_guild, insert_members, insert_server

MIA, MAX = 1, 2
MANY = [f"Alt{letter}" for letter in "abcdefghijkl"]


async def insert_claimers(ctx: Context) -> int:
    """Insert two members of a server with an audit channel, and the guild that it follows; give the guild's id."""
    guild = await insert_guild(ctx, await insert_server(ctx, channel_id=CHANNEL))
    await insert_members(ctx, facts(MIA), facts(MAX))
    return guild


async def ask(ctx: Context, character: int | str, user_id: int = MIA) -> str:
    """Claim a character; give the claim's public id."""
    await claims.ask(ctx, SERVER, character=str(character), user_id=user_id)
    async with ctx.sessions() as session:
        return (await session.scalars(sa.select(Claim.public_id).order_by(Claim.id.desc()).limit(1))).one()


async def confirm(ctx: Context, public_id: str, actor_id: int = OFFICER, *, manages: bool = False) -> ClaimView:
    """Confirm a claim, by default as another officer."""
    return await claims.confirm(ctx, SERVER, public_id=public_id, actor_id=actor_id, manages_server=manages)


async def refuse(ctx: Context, public_id: str) -> ClaimView:
    """Refuse a claim as an officer."""
    return await claims.refuse(ctx, SERVER, public_id=public_id, actor_id=OFFICER)


async def add(ctx: Context, character_id: int, user_id: int) -> None:
    """Give an officer's word."""
    await links.add(ctx, SERVER, character_id=character_id, user_id=user_id, actor_id=OFFICER)


async def infer(ctx: Context) -> None:
    """Let the rules link what they find."""
    assert (await matching.match_server(ctx, SERVER)).linked


async def join_by_a_rule(ctx: Context, user_id: int, other_id: int) -> None:
    """Let a rule take another member for the same player."""
    async with ctx.sessions.begin() as session:
        player_id = (await session.get_one(PlayerMember, (SERVER, user_id))).player_id
        half: dict[str, Any] = {"confidence": Confidence.HIGH, "evidence": {}, "linked_at": ctx.clock()}
        session.add(PlayerMember(server_id=SERVER, user_id=other_id, player_id=player_id, source=Source.NAME, **half))


async def messages(ctx: Context, kind: str) -> Sequence[OutboxMessage]:
    """Load what was queued of a kind, oldest first."""
    async with ctx.sessions() as session:
        query = sa.select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)
        return (await session.scalars(query)).all()


async def count(ctx: Context, table: Any) -> int:
    """Count the rows of a table."""
    async with ctx.sessions() as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
