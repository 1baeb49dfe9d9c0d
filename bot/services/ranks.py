"""Ranks of a server: what each is called and maps to, which role makes officers, and what decides about rank roles."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import actions, locks, ranks, servers
from db.ranks import RankView
from domain.audit import SubjectKind
from domain.errors import InvalidInput, NotFound, Refused, quoted
from domain.ranks import (
    Power,
    RankTruth,
    RoleDecision,
    RoleFacts,
    Verdict,
    judge_officer_role,
    judge_rank_role,
    may_choose_officers,
)
from domain.ranks import rank_name as name_to_keep
from domain.visible import one_line

__all__ = ["RankView"]


@dataclass(frozen=True, slots=True)
class RanksView:
    """The ranks of the guild that a server follows; `roster_at` tells how old the counts are, None: never read."""

    guild_name: str
    roster_at: datetime | None
    ranks: tuple[RankView, ...]
    officer_role_id: int | None
    truth: RankTruth
    role_sync: bool = False
    """Whether Muster gives and takes the roles of ranks; it does so only while the game decides."""

    def rank(self, index: int) -> RankView:
        """Give a rank, also one that no longer occurs and has neither name nor role."""
        return next((rank for rank in self.ranks if rank.index == index), RankView(index, None, None, 0))


@dataclass(frozen=True, slots=True)
class Chooser:
    """Who chooses: the user, and which of the permissions that count they have on the server."""

    user_id: int
    powers: frozenset[Power]


async def view(ctx: Context, server_id: int) -> RanksView:
    """Load a server's ranks; raises FollowsNoGuild where there is no guild."""
    async with ctx.sessions() as session:
        guild = await servers.required_guild(session, server_id)
        server = await servers.required_server(session, server_id)
        found = await ranks.ranks(session, server_id, guild.id)
    return RanksView(
        guild.name, guild.roster_synced_at, found, server.officer_role_id, server.rank_truth, server.role_sync
    )


async def rename(ctx: Context, server_id: int, index: int, typed: str, *, actor_id: int) -> bool:
    """Call a rank by a name, or by its number when nothing is typed; tells whether that changed anything.

    Raises InvalidInput for a name that is too long.
    """
    name = name_to_keep(typed)
    async with ctx.sessions.begin() as session:
        guild_id, rank = await _rank(session, server_id, index)
        if rank.name == name:
            return False
        await ranks.store_rank(session, server_id, guild_id, index, name=name, titled=False)
        change = actions.action(
            "rank.name",
            SubjectKind.RANK,
            index,
            actor_id=actor_id,
            before={"guild_id": guild_id, "name": rank.name},
            after={"guild_id": guild_id, "name": name},
        )
        await actions.log(session, server_id, [change], ctx.clock())
    return True


async def map_role(
    ctx: Context, server_id: int, index: int, role: RoleFacts | None, *, chooser: Chooser, typed: str | None = None
) -> bool:
    """Let a Discord role stand for a rank, or none; tells whether that changed anything.

    Raises Refused for a role that may never stand for one, InvalidInput when its name had to be typed and was not.
    """
    async with ctx.sessions.begin() as session:
        guild_id, rank = await _rank(session, server_id, index)
        server = await servers.required_server(session, server_id)
        if role is not None:
            _require(judge_rank_role(role, chooser.powers, server.officer_role_id), role, typed)
        role_id = None if role is None else role.id
        if rank.role_id == role_id:
            return False
        await ranks.store_rank(session, server_id, guild_id, index, role_id=role_id)
        change = actions.action(
            "rank.map",
            SubjectKind.RANK,
            index,
            actor_id=chooser.user_id,
            before={"guild_id": guild_id, "role_id": rank.role_id},
            after={"guild_id": guild_id, "role_id": role_id},
        )
        await actions.log(session, server_id, [change], ctx.clock())
    return True


async def choose_officer_role(ctx: Context, server_id: int, role: RoleFacts | None, *, chooser: Chooser) -> bool:
    """Let a role make officers, or only Manage Server; tells whether that changed anything.

    Raises Refused for who has not Manage Server, and for a role that can't make officers.
    """
    require_officer_choice(chooser)
    if role is not None:
        _require(judge_officer_role(role), role)
    role_id = None if role is None else role.id
    return await _change_server(
        ctx, server_id, "officer_role_id", role_id, action="setup.officer-role", actor_id=chooser.user_id
    )


def require_officer_choice(chooser: Chooser) -> None:
    """Raise Refused for who may not say who is an officer."""
    if not may_choose_officers(chooser.powers):
        raise Refused("Only members with Manage Server choose who is an officer. Nothing was changed.")


async def choose_truth(ctx: Context, server_id: int, truth: RankTruth, *, actor_id: int) -> bool:
    """Choose what decides about rank roles; tells whether that changed anything."""
    return await _change_server(ctx, server_id, "rank_truth", truth, action="setup.rank-truth", actor_id=actor_id)


async def _change_server(
    ctx: Context, server_id: int, column: str, value: int | str | None, *, action: str, actor_id: int
) -> bool:
    """Set a column of the server with a row of the log; False, and nothing written, where it says so already."""
    async with ctx.sessions.begin() as session:
        server = await servers.required_server(session, server_id, lock=True)
        before = getattr(server, column)
        if before == value:
            return False
        setattr(server, column, value)
        change = actions.action(
            action,
            SubjectKind.SERVER,
            server_id,
            actor_id=actor_id,
            before={column: before},
            after={column: value},
        )
        await actions.log(session, server_id, [change], ctx.clock())
    return True


def _require(decision: RoleDecision, role: RoleFacts, typed: str | None = None) -> None:
    if decision.verdict is Verdict.REFUSED:
        raise Refused(f"{quoted(role.name)} can't be chosen: {decision.reason}. Nothing was changed.")
    # Compared as they are seen: nobody can type what a name hides.
    if decision.verdict is Verdict.CONFIRM and not (typed and one_line(typed) == one_line(role.name)):
        raise InvalidInput(
            f"That is not the role's name, so nothing was changed. {quoted(role.name)} asks for it because "
            f"{decision.reason}: choose the role again and type its name exactly."
        )


async def _rank(session: AsyncSession, server_id: int, index: int) -> tuple[int, RankView]:
    """Load a rank for a change, with its guild's id; raises NotFound for one that the guild has not."""
    await locks.hold(session, locks.Lock.PEOPLE, server_id)
    guild = await servers.required_guild(session, server_id)
    for rank in await ranks.ranks(session, server_id, guild.id):
        if rank.index == index:
            return guild.id, rank
    raise NotFound(f"No character of {guild.name} has this rank any more. Open `/setup ranks` again.")
