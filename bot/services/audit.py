"""The audit: rules open and close findings, and what is new is queued for the audit channel."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.context import Context
from db import audit, locks, outbox, servers
from db.audit import Difference
from db.tables.servers import Server
from domain.audit import Finding, Rule, Severity
from domain.audit_groups import FindingGroup, group_findings
from domain.audit_rules import RULES
from domain.audit_state import Step
from domain.errors import NotFound

log = logging.getLogger(__name__)

REPORT = "audit_report"
NEW, ALL = "new", "all"
"""What a report is about, and the key by which a newer one replaces it before it is sent."""
WITH_CARD: Final = tuple(rule.name for rule in RULES.values() if rule.has_card)
TRY_AGAIN = timedelta(hours=1)
NAMED_AT_FIRST: Final = 20
"""The first report of a server names no more findings than that; of more it gives the counts alone."""


@dataclass(frozen=True, slots=True)
class AuditOutcome:
    """What an audit changed, what stands after it by severity, and the rules that could not be run."""

    opened: int
    resolved: int
    standing: dict[Severity, int]
    failed: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Count the findings that stand."""
        return sum(self.standing.values())


async def run_rules(
    ctx: Context, session: AsyncSession, *, server_id: int, run_id: int | None = None, only: str | None = None
) -> AuditOutcome:
    """Run all rules, or `only` one, for a server in the caller's transaction, which holds the lock on its people.

    Nothing is detected before both the roster and the member list were read whole once: unknown is not missing. A rule
    that fails changes nothing, is logged and a finding itself, and does not stop the others.
    """
    where = await audit.scope(session, server_id)
    opened = resolved = 0
    failed: list[Rule] = []
    for rule in RULES.values():
        if only not in (None, rule.name):
            continue
        try:
            async with session.begin_nested():
                found = await audit.compare(session, rule, where, now=ctx.clock(), failed=failed)
                opened += await _apply(ctx, session, rule, found, server_id=server_id, run_id=run_id)
        except Exception:
            log.exception("rule %s failed on server %s", rule.name, server_id)
            failed.append(rule)
        else:
            resolved += sum(one.step is Step.RESOLVE for one in found)
    standing = await audit.count_findings(session, server_id)
    return AuditOutcome(opened, resolved, standing, tuple(rule.name for rule in failed))


async def _apply(
    ctx: Context,
    session: AsyncSession,
    rule: Rule,
    found: Sequence[Difference],
    *,
    server_id: int,
    run_id: int | None,
) -> int:
    """Open, change and close a rule's findings; give how many there are to tell that were not before."""
    now = ctx.clock()
    fresh = [one for one in found if one.step in (Step.OPEN, Step.REPLACE)]
    stood = [one for one in found if one.step not in (Step.OPEN, Step.LEAVE)]
    opened = sum(one.step is Step.RENEW for one in found)
    if fresh:
        given = [(ctx.new_public_id(), one) for one in fresh]
        opened += await audit.open_findings(session, rule, given, server_id=server_id, run_id=run_id, now=now)
    if stood:
        await audit.change_findings(session, rule, stood, run_id=run_id, now=now)
    return opened


async def queue_new(ctx: Context, session: AsyncSession, *, server_id: int, begin: bool = True) -> bool:
    """Queue a report of the findings that no report tells yet; False without any, or without a channel.

    The first one about a guild, if there are many, only counts them by type. Findings that have a card of their own are
    left to that.

    A report that waits is replaced by the newer one, or taken back when nothing of it stands. After a delivery that
    failed for good, the channel is tried again an hour later, or when another one is chosen. With `begin` False only a
    report that waits is brought up to date: what else is new is left to the next one.
    """
    server = await session.get(Server, server_id)
    if server is None or server.audit_channel_id is None or server.left_at is not None:
        return False
    if await is_hopeless(ctx, session, server_id, server.audit_channel_id):
        return False
    await audit.mark_departures_shown(session, server_id, now=ctx.clock())
    waits = await outbox.hold_waiting(session, server_id=server_id, kind=REPORT, dedupe_key=NEW)
    if not (waits or begin):
        return False
    told = outbox.on_the_way(server_id, REPORT, "counted", but=NEW)
    findings = await audit.untold_findings(session, server_id, told_by=told, but=WITH_CARD)
    if findings:
        is_flood = len(findings) > NAMED_AT_FIRST and await audit.is_first_report(session, server_id, told_by=told)
        await _queue(
            ctx, session, server, findings, channel_id=server.audit_channel_id, scope=NEW, counts_only=is_flood
        )
    else:
        await outbox.withdraw(session, server_id=server_id, kind=REPORT, dedupe_key=NEW)
    return bool(findings)


async def queue_report(ctx: Context, server_id: int) -> int:
    """Queue a report of everything that stands to the audit channel; give how many findings it is about.

    Raises NotFound while no audit channel is set.
    """
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        server = await session.get(Server, server_id)
        if server is None or server.audit_channel_id is None:
            raise NotFound("No audit channel is set. Choose one with `/setup channels`.")
        findings = await audit.standing_findings(session, server_id)
        await _queue(ctx, session, server, findings, channel_id=server.audit_channel_id, scope=ALL)
        return len(findings)


async def standing(ctx: Context, server_id: int, *, rule: str | None = None) -> list[Finding]:
    """Load the findings, of one rule or of all, that stand, ignored ones left out."""
    async with ctx.sessions() as session:
        return await audit.standing_findings(session, server_id, rule=rule)


async def is_hopeless(ctx: Context, session: AsyncSession, server_id: int, channel_id: int) -> bool:
    """Tell whether a channel took no message lately, and is not tried again before an hour is over."""
    failure = await outbox.last_failure(session, server_id)
    return (
        failure is not None
        and failure.channel_id == channel_id
        and failure.finished_at is not None
        and ctx.clock() < failure.finished_at + TRY_AGAIN
    )


async def _queue(
    ctx: Context,
    session: AsyncSession,
    server: Server,
    findings: Sequence[Finding],
    *,
    channel_id: int,
    scope: str,
    counts_only: bool = False,
) -> None:
    lines = 0 if counts_only else server.report_lines
    guild = await servers.followed_guild(session, server.id)
    roster_at = None if guild is None else guild.roster_synced_at
    await outbox.queue(
        session,
        server_id=server.id,
        kind=REPORT,
        channel_id=channel_id,
        payload={
            "groups": [_group(group) for group in group_findings(findings, lines)],
            "counted": [finding.id for finding in findings],
            "scope": scope,
            "counts_only": counts_only,
            "made_at": ctx.clock().isoformat(),
            "roster_at": None if roster_at is None else roster_at.isoformat(),
        },
        dedupe_key=scope,
        now=ctx.clock(),
    )


def _group(group: FindingGroup) -> dict[str, Any]:
    return {
        "rule": group.rule.name,
        "severity": group.severity.value,
        "total": group.total,
        "findings": [
            {"id": f.id, "public_id": f.public_id, "subject_id": f.subject_id, "facts": dict(f.facts)}
            for f in group.findings
        ],
    }
