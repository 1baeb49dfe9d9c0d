"""Hiatus: officers say that a player is away, so that nobody takes their characters for forgotten ones."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from bot.services.findings import in_hand
from db import actions, hiatus, links, locks, people, servers
from db.hiatus import HiatusView
from db.people import PlayerView
from domain.audit import Fix, SubjectKind
from domain.errors import Conflict, NotFound
from domain.hiatus import hiatus_end, hiatus_reason

__all__ = ["HiatusView"]


@dataclass(frozen=True, slots=True)
class OnHiatus:
    """Whose hiatus was marked, by the members of the player, and what was said."""

    user_ids: tuple[int, ...]
    word: HiatusView


async def mark(ctx: Context, server_id: int, public_id: str, *, until: str, reason: str, actor_id: int) -> OnHiatus:
    """Mark the player of a finding's character as away.

    `until` as `domain.moments` reads it, "" where nobody knows. Raises InvalidInput for what can't be read or kept,
    NotFound and Conflict where the finding is settled, nobody's, or another officer was first.
    """
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, Fix.HIATUS)
        owned = await links.character_half(session, server_id, issue.subject_id)
        if owned is None:
            raise Conflict("This character is nobody's any more, so nobody can be marked as away.")
        told = {"finding": public_id}
        said = {"until": until, "reason": reason}
        word = await _mark(ctx, session, server_id, owned.player_id, **said, actor_id=actor_id, told=told)
        members = await links.members_of(session, server_id, owned.player_id)
    return OnHiatus(tuple(one.user_id for one in members), word)


async def mark_player(
    ctx: Context, server_id: int, player: str, *, until: str, reason: str, actor_id: int
) -> PlayerView:
    """Mark a player, known by their public id, as away, and show them; `until` and errors as `mark` has them."""
    async with ctx.sessions.begin() as session:
        player_id = await _player(session, server_id, player)
        await _mark(ctx, session, server_id, player_id, until=until, reason=reason, actor_id=actor_id, told={})
        return await _view(ctx, session, server_id, player_id)


async def end(ctx: Context, server_id: int, player: str, *, actor_id: int) -> PlayerView:
    """Say that a player, known by their public id, is back, and show them.

    Raises NotFound for a player that this server does not have, Conflict for one who is not away.
    """
    async with ctx.sessions.begin() as session:
        player_id = await _player(session, server_id, player)
        now = ctx.clock()
        before = await hiatus.hiatus(session, server_id, player_id, now)
        if before is None:
            raise Conflict("This player is not on hiatus any more.")
        await hiatus.delete_hiatus(session, server_id, player_id)
        change = actions.action("player.hiatus", SubjectKind.PLAYER, player_id, actor_id=actor_id, before=before.facts)
        await actions.log(session, server_id, [change], now)
        return await _view(ctx, session, server_id, player_id)


async def _mark(
    ctx: Context,
    session: AsyncSession,
    server_id: int,
    player_id: int,
    *,
    until: str,
    reason: str,
    actor_id: int,
    told: dict[str, str],
) -> HiatusView:
    now = ctx.clock()
    before = await hiatus.hiatus(session, server_id, player_id, now)
    if before is not None:
        raise Conflict(f"<@{before.set_by}> has marked this player as away already.")
    server = await servers.required_server(session, server_id)
    ends_at = hiatus_end(until, now=now, zone=ZoneInfo(server.time_zone))
    word = HiatusView(ends_at, hiatus_reason(reason), actor_id, now)
    await hiatus.store_hiatus(session, server_id, player_id, word)
    change = actions.action(
        "player.hiatus", SubjectKind.PLAYER, player_id, actor_id=actor_id, after={**told, **word.facts}
    )
    await actions.log(session, server_id, [change], now)
    return word


async def _player(session: AsyncSession, server_id: int, public_id: str) -> int:
    """Hold the lock on a server's people and give a player's row id."""
    await locks.hold(session, locks.Lock.PEOPLE, server_id)
    player_id = await people.player_id(session, server_id, public_id)
    if player_id is None:
        raise NotFound("This player does not exist any more. Ask `/whois` again.")
    return player_id


async def _view(ctx: Context, session: AsyncSession, server_id: int, player_id: int) -> PlayerView:
    guild = await servers.followed_guild(session, server_id)
    return await people.player(session, server_id, player_id, guild, now=ctx.clock())
