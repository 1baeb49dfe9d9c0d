"""Findings one by one: shown, listed, ignored, resolved and brought back by officers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import actions, findings, locks, servers
from db.findings import Filters
from db.tables.audit import Issue
from domain.audit import Finding, Fix, Rule, State, SubjectKind
from domain.audit_rules import RULES, rule_of
from domain.audit_state import finding_note
from domain.errors import Conflict, InvalidInput, NotFound, quoted
from domain.moments import parse_until
from domain.names import fold
from domain.visible import one_line

__all__ = ["Filters"]

CHOICES: Final = 25
"""What a Discord autocomplete can list."""
GONE: Final = "This finding does not exist any more."


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding with its whole state; `note` is what an officer said when they ignored or resolved it.

    `muted` tells that they put it aside: it does not come back while it is the same problem.
    """

    finding: Finding
    subject: SubjectKind
    state: State
    opened_at: datetime
    note: str | None
    ignored_by: int | None
    ignored_until: datetime | None
    resolved_at: datetime | None
    resolved_by: int | None
    muted: bool = False

    @property
    def rule(self) -> Rule:
        """Give the rule that found it."""
        return rule_of(self.finding.rule, self.finding.severity)

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is left to be done about it."""
        return self.state is State.RESOLVED


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list of findings; `page` counts from 0 and lies within the list, whatever was asked for."""

    findings: tuple[Finding, ...]
    total: int
    page: int
    pages: int


async def show(ctx: Context, server_id: int, public_id: str) -> FindingView:
    """Load a finding, settled ones too; raises NotFound for one that this server does not have."""
    async with ctx.sessions() as session:
        issue = await findings.by_public_id(session, server_id, public_id)
    if issue is None:
        raise NotFound(GONE)
    return _view(issue)


async def show_next(ctx: Context, server_id: int, public_id: str) -> FindingView | None:
    """Load the finding of the same type that stands next after this one; None without any other."""
    async with ctx.sessions() as session:
        issue = await findings.by_public_id(session, server_id, public_id)
        if issue is None:
            raise NotFound(GONE)
        following = await findings.next_standing(session, issue)
    return None if following is None else await show(ctx, server_id, following)


async def first(ctx: Context, server_id: int, filters: Filters) -> FindingView | None:
    """Load the first finding of a list; None when the list is empty."""
    async with ctx.sessions() as session:
        found = await findings.listed(session, server_id, filters, limit=1)
    return await show(ctx, server_id, found[0].public_id) if found else None


async def listed(ctx: Context, server_id: int, filters: Filters, *, page: int, size: int) -> Listed:
    """Load a page of a list of findings, or the nearest one if the list has become shorter."""
    async with ctx.sessions() as session:
        total = await findings.count(session, server_id, filters)
        pages = max(1, -(-total // size))
        number = min(max(page, 0), pages - 1)
        found = await findings.listed(session, server_id, filters, limit=size, offset=number * size)
    return Listed(tuple(found), total, number, pages)


async def search(ctx: Context, server_id: int, text: str) -> list[Finding]:
    """List findings that are not settled by a part of their subject's name or of their type's title; at most 25."""
    wanted = one_line(text)
    key = fold(wanted)
    rules = [rule.name for rule in RULES.values() if key and key in fold(f"{rule.title} {rule.name}")]
    async with ctx.sessions() as session:
        return await findings.search(session, server_id, wanted, rules, limit=CHOICES)


async def resolve_text(ctx: Context, server_id: int, text: str) -> FindingView:
    """Give the finding that an autocompleted id or a typed name means.

    Raises NotFound, or InvalidInput when several fit.
    """
    async with ctx.sessions() as session:
        issue = await findings.by_public_id(session, server_id, one_line(text))
    if issue is not None:
        return _view(issue)
    match await search(ctx, server_id, text):
        case [only]:
            return await show(ctx, server_id, only.public_id)
        case []:
            raise NotFound(f"No open finding is about {quoted(text)}. Choose one from the list.")
        case _:
            raise InvalidInput(f"Several findings are about {quoted(text)}. Choose one from the list.")


async def in_hand(session: AsyncSession, server_id: int, public_id: str, fix: Fix | None) -> Issue:
    """Take a finding in hand to act on it: hold the lock on the server's people and load the finding.

    Raises NotFound for one that this server does not have, Conflict for one that is settled, saying by whom, and for a
    fix that its rule does not offer.
    """
    await locks.hold(session, locks.Lock.PEOPLE, server_id)
    issue = await _locked(session, server_id, public_id)
    if issue.state is State.RESOLVED:
        raise Conflict(await _settled(session, issue))
    if fix is not None and fix not in rule_of(issue.rule, issue.severity).fixes:
        raise Conflict("This is not what mends this finding any more. Open it again to see what does.")
    return issue


async def ignore(
    ctx: Context,
    server_id: int,
    public_id: str,
    *,
    reason: str,
    until: str | None,
    actor_id: int,
    batch: str | None = None,
) -> FindingView:
    """Leave a finding out of reports until its cause changes, or until a moment as `domain.moments` reads it.

    Raises InvalidInput for what can't be read, NotFound, and Conflict when another officer settled or ignored it.
    """
    said = finding_note(reason)
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, None)
        now = ctx.clock()
        if issue.state is State.IGNORED and (issue.ignored_until is None or issue.ignored_until > now):
            raise Conflict(f"<@{issue.ignored_by}> ignores this finding already.")
        server = await servers.required_server(session, server_id)
        ends_at = parse_until(until, now=now, zone=ZoneInfo(server.time_zone)) if until else None
        before = issue.state
        issue.state, issue.muted, issue.note = State.IGNORED, True, said
        issue.ignored_at, issue.ignored_by, issue.ignored_until = now, actor_id, ends_at
        await _log(session, issue, "finding.ignore", before, actor_id=actor_id, now=now, batch=batch)
    return _view(issue)


async def resolve(
    ctx: Context, server_id: int, public_id: str, *, note: str, actor_id: int, batch: str | None = None
) -> FindingView:
    """Settle a finding by a person's word; it comes back only as another problem.

    Raises InvalidInput for a note that can't be kept, NotFound, and Conflict when it was settled meanwhile.
    """
    said = finding_note(note)
    async with ctx.sessions.begin() as session:
        issue = await in_hand(session, server_id, public_id, None)
        await resolve_in(session, issue, note=said, actor_id=actor_id, now=ctx.clock(), batch=batch)
    return _view(issue)


async def resolve_in(
    session: AsyncSession, issue: Issue, *, note: str, actor_id: int, now: datetime, batch: str | None = None
) -> None:
    """Settle by a person's word a finding that the caller's transaction has in hand."""
    before = issue.state
    issue.state, issue.muted, issue.note = State.RESOLVED, True, note
    issue.resolved_at, issue.resolved_by = now, actor_id
    # An end of the ignoring would bring back what is resolved.
    issue.ignored_at = issue.ignored_by = issue.ignored_until = None
    await _log(session, issue, "finding.resolve", before, actor_id=actor_id, now=now, batch=batch)


async def reopen(
    ctx: Context, server_id: int, public_id: str, *, actor_id: int, batch: str | None = None
) -> FindingView:
    """Watch again what a person ignored or resolved; the next audit says whether its cause is still there.

    Raises NotFound, and Conflict for a finding that nobody put aside, or not any more.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        issue = await _locked(session, server_id, public_id)
        if not issue.muted:
            raise Conflict(await _not_aside(session, issue))
        before = issue.state
        if before is State.IGNORED or issue.resolved_by is not None:
            issue.state = State.OPEN if issue.notified_at is None else State.NOTIFIED
            issue.resolved_at = issue.resolved_by = None
        issue.muted, issue.note = False, None
        issue.ignored_at = issue.ignored_by = issue.ignored_until = None
        await _log(session, issue, "finding.reopen", before, actor_id=actor_id, now=ctx.clock(), batch=batch)
    return _view(issue)


async def _locked(session: AsyncSession, server_id: int, public_id: str) -> Issue:
    issue = await findings.by_public_id(session, server_id, public_id, lock=True)
    if issue is None:
        raise NotFound(GONE)
    return issue


async def _settled(session: AsyncSession, issue: Issue) -> str:
    """Say who settled a finding, or by whose act its cause is gone."""
    if issue.resolved_by is not None:
        said = f": {quoted(issue.note)}" if issue.note else ""
        return f"<@{issue.resolved_by}> resolved this finding meanwhile{said}."
    act = await findings.last_act(session, issue)
    by = "" if act is None else f" The last one who acted on it is <@{act.actor_id}>."
    return f"This finding is settled: its cause is gone.{by}"


async def _not_aside(session: AsyncSession, issue: Issue) -> str:
    if issue.state is not State.RESOLVED:
        return "This finding is watched already."
    if issue.resolved_by is not None:
        return "What this finding was about changed since. If anything is left of it, a new finding tells."
    return f"{await _settled(session, issue)} If it comes back, it is a new one."


async def _log(
    session: AsyncSession,
    issue: Issue,
    name: str,
    before: State,
    *,
    actor_id: int,
    now: datetime,
    batch: str | None,
) -> None:
    until = None if issue.ignored_until is None else issue.ignored_until.isoformat()
    told: dict[str, Any] = {"note": issue.note, "until": until, "batch": batch}
    change = actions.action(
        name,
        issue.subject_kind,
        issue.subject_id,
        actor_id=actor_id,
        rule=issue.rule,
        rule_version=issue.rule_version,
        before={"finding": issue.public_id, "facts": issue.facts, "state": before.value},
        after={"finding": issue.public_id, "state": issue.state.value}
        | {key: value for key, value in told.items() if value is not None},
    )
    await actions.log(session, issue.server_id, [change], now)


def _view(issue: Issue) -> FindingView:
    return FindingView(
        Finding(issue.id, issue.public_id, issue.rule, issue.severity, issue.subject_id, issue.facts),
        issue.subject_kind,
        issue.state,
        issue.opened_at,
        issue.note,
        issue.ignored_by,
        issue.ignored_until,
        issue.resolved_at,
        issue.resolved_by,
        issue.muted,
    )
