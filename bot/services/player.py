"""Players: an officer's word about a player's rank, in place of the computed one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import role_plans
from bot.services.context import Context
from db import actions, links, locks, ranks, servers
from db.ranks import OverrideView, RankView
from domain.audit import SubjectKind
from domain.errors import InvalidInput, NotFound, Refused, quoted
from domain.moments import parse_until
from domain.names import fold
from domain.ranks import override_reason

AS_IN_GAME: Final = "as in the game"
"""What is said in place of a rank to take an officer's word back."""


@dataclass(frozen=True, slots=True)
class RankWord:
    """What stands about a member's rank after a command, None: what the game says."""

    override: OverrideView | None
    changed: bool


async def find_ranks(ctx: Context, server_id: int, text: str) -> list[RankView]:
    """List the server's ranks whose name or number holds a text."""
    async with ctx.sessions() as session:
        guild = await servers.required_guild(session, server_id)
        found = await ranks.ranks(session, server_id, guild.id)
    return [rank for rank in found if fold(text) in fold(f"{rank.index} {rank.label}")]


async def set_rank(
    ctx: Context, server_id: int, *, user_id: int, rank: str, reason: str | None, until: str | None, actor_id: int
) -> RankWord:
    """Give a member's player a rank by an officer's word, or take that word back with AS_IN_GAME.

    `rank` is an index or a name; `until` as `domain.moments` reads it, None for no end. Raises Refused for a member
    whose half of a link is not proven, NotFound or InvalidInput for what can't be read.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        guild = await servers.required_guild(session, server_id)
        known = await ranks.ranks(session, server_id, guild.id)
        now = ctx.clock()
        half = await links.member_half(session, server_id, user_id)
        before = None if half is None else await ranks.override(session, server_id, half.player_id, now)
        if fold(rank) == fold(AS_IN_GAME):
            if half is None or before is None:
                return RankWord(None, changed=False)
            await ranks.delete_override(session, server_id, half.player_id)
            await _log(session, server_id, half.player_id, before, None, actor_id=actor_id, now=now)
            await links.delete_empty_players(session, server_id, {half.player_id}, now)
            return RankWord(None, changed=True)
        if half is None or not half.source.is_proof:
            raise Refused(
                f"Nobody has vouched for who <@{user_id}> is, and a rank needs that. Link them to one of their "
                "characters first: `/link add`."
            )
        chosen = _choose(known, rank)
        why = override_reason(reason)
        server = await servers.required_server(session, server_id)
        ends_at = None if until is None else parse_until(until, now=now, zone=ZoneInfo(server.time_zone))
        after = OverrideView(chosen.index, chosen.name, why, actor_id, now, ends_at)
        # Said again, it is somebody else's word only where theirs does what the first one's could not.
        if (
            before is not None
            and _said(before) == _said(after)
            and not await role_plans.waits_for(
                session, server_id, ctx.roles(server_id), user_id, word_of=actor_id, now=now
            )
        ):
            return RankWord(before, changed=False)
        await ranks.store_override(session, server_id, half.player_id, after)
        await _log(session, server_id, half.player_id, before, after, actor_id=actor_id, now=now)
    return RankWord(after, changed=True)


def _choose(known: Sequence[RankView], text: str) -> RankView:
    key = fold(text)
    fitting = [rank for rank in known if str(rank.index) == text.strip()]
    fitting = fitting or [rank for rank in known if key and fold(rank.label) == key]
    match fitting:
        case [only]:
            return only
        case []:
            raise NotFound(f"This guild has no rank {quoted(text)}. Choose one from the list.")
        case _:
            raise InvalidInput(f"Several ranks are called {quoted(text)}. Choose one from the list.")


def _said(word: OverrideView) -> dict[str, object]:
    return ranks.override_facts(word.rank_index, word.reason, word.ends_at)


async def _log(
    session: AsyncSession,
    server_id: int,
    player_id: int,
    before: OverrideView | None,
    after: OverrideView | None,
    *,
    actor_id: int,
    now: datetime,
) -> None:
    change = actions.action(
        "player.rank",
        SubjectKind.PLAYER,
        player_id,
        actor_id=actor_id,
        before=None if before is None else _said(before),
        after=None if after is None else _said(after),
    )
    await actions.log(session, server_id, [change], now)
