"""The action log: who changed what, page by page."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.services.context import Context
from db import action_log, servers
from db.action_log import Act, LogFilters
from domain.acts import ActKind, Doer
from domain.audit import SubjectKind
from domain.moments import parse_since

__all__ = ["Act", "LogFilters"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An act with what its subject is called now: a character's name, a player's members; nothing where it is gone."""

    act: Act
    name: str | None
    user_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of the log; `page` counts from 0 and lies within the log, whatever was asked for."""

    entries: tuple[Entry, ...]
    total: int
    page: int
    pages: int


async def filters(
    ctx: Context, server_id: int, *, actor_id: int | None, by: Doer, kind: ActKind | None, since: str | None
) -> LogFilters:
    """Read what an officer looks for; `since` as `domain.moments.parse_since` reads it, else InvalidInput."""
    if since is None:
        return LogFilters(actor_id, by, kind)
    async with ctx.sessions() as session:
        server = await servers.required_server(session, server_id)
    return LogFilters(actor_id, by, kind, parse_since(since, now=ctx.clock(), zone=ZoneInfo(server.time_zone)))


async def read(ctx: Context, server_id: int, filters: LogFilters, *, page: int, size: int) -> LogPage:
    """Load a page of the log, the last act first."""
    async with ctx.sessions() as session:
        total = await action_log.count(session, server_id, filters)
        pages = max(1, -(-total // size))
        number = min(max(page, 0), pages - 1)
        acts = await action_log.acts(session, server_id, filters, limit=size, offset=number * size)
        names = await action_log.character_names(session, _subjects(acts, SubjectKind.CHARACTER))
        members = await action_log.player_members(session, server_id, _subjects(acts, SubjectKind.PLAYER))
    entries = (
        Entry(
            act,
            names.get(act.subject_id) if act.subject is SubjectKind.CHARACTER else None,
            tuple(members.get(act.subject_id, ())) if act.subject is SubjectKind.PLAYER else (),
        )
        for act in acts
    )
    return LogPage(tuple(entries), total, number, pages)


def _subjects(acts: list[Act], kind: SubjectKind) -> set[int]:
    return {act.subject_id for act in acts if act.subject is kind}
