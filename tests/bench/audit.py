"""An audit: the product's statements per rule beside a look at each subject, first and when nothing changed."""

import time
from dataclasses import dataclass
from statistics import median

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.services import audit
from bot.services.context import Context
from db.engine import create_engine, create_sessions
from db.tables.audit import Action, Issue
from db.tables.guilds import Membership
from db.tables.people import Member, PlayerCharacter, PlayerMember
from domain.audit import Severity, State, SubjectKind
from domain.audit_rules import RULES
from tests.bench.data import row_versions
from tests.bench.figures import Figure
from tests.support.crowd import plant_problems, populate
from tests.support.people import insert_guild, insert_server

SIZES = (1_000, 10_000)
"""Characters, and as many members; something is wrong with most of them, in every way that a rule looks for."""
ONE_BY_ONE = 1_000
"""The size at which the plain way is measured too."""
ROUNDS = 5
TABLES = ("guild_identity.audit_issues", "guild_identity.action_log")
FIRST_PERSON = 50_000_000
SAVEPOINT = "SAVEPOINT"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one audit cost; `per_rule` counts the statements of the costliest rule."""

    seconds: float
    per_rule: int
    opened: int


async def measure(url: str) -> list[Figure]:
    """Audit servers with much to find, first, again and in the plain way; the figures are medians."""
    engine = create_engine(url)
    ctx = Context(create_sessions(engine))
    found = [figure for size in SIZES for figure in await _measure(ctx, engine, size)]
    await engine.dispose()
    return found


async def _measure(ctx: Context, engine: AsyncEngine, size: int) -> list[Figure]:
    work = f"audit of {size:,} x {size:,}"
    server_id = await insert_server(ctx, FIRST_PERSON + size)
    guild_id = await insert_guild(ctx, server_id, name=f"Audited {size}")
    people = (FIRST_PERSON + size, FIRST_PERSON + 2 * size - 1)
    await populate(ctx, guild_id, *people, server_id=server_id)
    await plant_problems(ctx, guild_id, *people, server_id=server_id)
    first, again, apart = [], [], []
    written = 0
    for _ in range(ROUNDS):
        first.append(await _audit(ctx, engine, server_id))
        before = await row_versions(ctx, *TABLES)
        again.append(await _audit(ctx, engine, server_id))
        written += len(before ^ await row_versions(ctx, *TABLES))
        await _forget(ctx, server_id)
        if size == ONE_BY_ONE:
            apart.append(await _one_by_one(ctx, server_id, guild_id))
            await _forget(ctx, server_id)
    at_first, repeated = (median(cost.seconds for cost in costs) for costs in (first, again))
    figures = [
        Figure(work, "rules", len(RULES)),
        Figure(work, "findings", first[0].opened),
        Figure(work, "first", at_first * 1000, "ms"),
        Figure(work, "repeat", repeated * 1000, "ms"),
        Figure(work, "statements a rule, first", max(cost.per_rule for cost in first), at_most=3),
        Figure(work, "statements a rule, repeat", max(cost.per_rule for cost in again), at_most=3),
        Figure(work, "rows written, repeat", written, at_most=0),
    ]
    if apart:
        plain = median(seconds for seconds, _ in apart)
        figures += [
            Figure(work, "two of the rules, one by one", plain * 1000, "ms"),
            Figure(work, "findings, one by one", apart[0][1]),
            Figure(work, "times faster, all rules", plain / at_first),
        ]
    return figures


async def _forget(ctx: Context, server_id: int) -> None:
    """Delete a server's findings, so that the next audit is a first one."""
    async with ctx.sessions.begin() as session:
        for table in (Issue, Action):
            await session.execute(sa.delete(table).where(table.server_id == server_id))


async def _audit(ctx: Context, engine: AsyncEngine, server_id: int) -> Cost:
    rules: list[int] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        # Each rule stands between a savepoint and its release.
        if statement.startswith(SAVEPOINT):
            rules.append(0)
        elif rules and "SAVEPOINT" not in statement:
            rules[-1] += 1

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    start = time.perf_counter()
    async with ctx.sessions.begin() as session:
        outcome = await audit.run_rules(ctx, session, server_id=server_id)
    seconds = time.perf_counter() - start
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    if outcome.failed or len(rules) != len(RULES):
        raise RuntimeError(f"{outcome.failed} failed, {len(rules)} rules were seen")
    rules[-1] -= 1  # what stands in the end is counted once for all rules
    return Cost(seconds, max(rules), outcome.opened)


async def _one_by_one(ctx: Context, server_id: int, guild_id: int) -> tuple[float, int]:
    """Look at each character and each member as it is usually done: is it linked, is it known, store it."""
    start = time.perf_counter()
    async with ctx.sessions.begin() as session:
        characters = await session.scalars(
            sa.select(Membership.character_id).where(Membership.guild_id == guild_id, Membership.left_at.is_(None))
        )
        opened = 0
        for character_id in characters.all():
            link = sa.select(PlayerMember.user_id).join(
                PlayerCharacter,
                sa.and_(
                    PlayerCharacter.server_id == PlayerMember.server_id,
                    PlayerCharacter.player_id == PlayerMember.player_id,
                ),
            )
            mine = link.where(PlayerCharacter.server_id == server_id, PlayerCharacter.character_id == character_id)
            if await session.scalar(mine) is None:
                opened += await _open_one(
                    ctx, session, server_id, "orphan_wow", kind=SubjectKind.CHARACTER, subject_id=character_id
                )
        present = await session.scalars(
            sa.select(Member.user_id).where(Member.server_id == server_id, Member.left_at.is_(None))
        )
        for user_id in present.all():
            attached = sa.select(PlayerMember.player_id).where(
                PlayerMember.server_id == server_id, PlayerMember.user_id == user_id
            )
            if await session.scalar(attached) is None:
                opened += await _open_one(
                    ctx, session, server_id, "orphan_discord", kind=SubjectKind.MEMBER, subject_id=user_id
                )
    return time.perf_counter() - start, opened


async def _open_one(
    ctx: Context, session: AsyncSession, server_id: int, rule: str, kind: SubjectKind, *, subject_id: int
) -> bool:
    known = sa.select(Issue.id).where(
        Issue.server_id == server_id, Issue.rule == rule, Issue.subject_id == subject_id, Issue.state != State.RESOLVED
    )
    if await session.scalar(known) is not None:
        return False
    finding = {
        "public_id": ctx.new_public_id(),
        "server_id": server_id,
        "rule": rule,
        "rule_version": 1,
        "severity": Severity.WARNING,
        "subject_kind": kind,
        "subject_id": subject_id,
        "fingerprint": "",
        "facts": {},
        "state": State.OPEN,
        "opened_at": ctx.clock(),
    }
    await session.execute(sa.insert(Issue).values(**finding))
    return True
