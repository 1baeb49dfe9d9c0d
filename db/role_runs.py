"""Runs of role changes: begun with their rows in the outbox, ended one change at a time."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from db.recordset import with_rows
from db.tables.audit import Action
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.roles import RoleChange, RoleRun
from domain.role_sync import Change, ChangeState, RoleAct, RunKind

ADD = with_rows(
    """
    WITH made AS (
        INSERT INTO guild_identity.role_changes (server_id, run_id, user_id, role_id, act, state)
        SELECT :server_id, :run_id, user_id, role_id, act, 'planned'
        FROM jsonb_to_recordset(:changes) AS row (place integer, user_id bigint, role_id bigint, act text)
        ORDER BY place
        RETURNING id, user_id
    )
    INSERT INTO guild_identity.outbox
        (server_id, kind, user_id, payload, dedupe_key, state, attempts, due_at, created_at)
    SELECT :server_id, :kind, user_id, jsonb_build_object('change', id), id::text, 'pending', 0, :now, :now
    FROM made ORDER BY id
    """,
    "changes",
)
"""Each change waits in the outbox of its member: theirs are made one after the other, in this order."""

WITHDRAW = sa.text(
    """
    WITH withdrawn AS (
        DELETE FROM guild_identity.outbox AS waiting USING guild_identity.role_changes AS change
        WHERE change.run_id = :run_id AND change.state = 'planned'
            AND waiting.server_id = :server_id AND waiting.kind = :kind AND waiting.dedupe_key = change.id::text
            AND waiting.state = 'pending' AND waiting.attempts = 0
        RETURNING change.id
    )
    UPDATE guild_identity.role_changes AS change SET state = 'skipped', finished_at = :now, reason = :reason
    FROM withdrawn WHERE withdrawn.id = change.id
    """
)

CLOSE_LOST = sa.text(
    """
    WITH lost AS MATERIALIZED (
        SELECT change.id FROM guild_identity.role_changes AS change
        WHERE change.server_id = :server_id AND change.state = 'planned' AND NOT EXISTS (
            SELECT FROM guild_identity.outbox AS waiting
            WHERE waiting.channel_id IS NULL AND waiting.user_id = change.user_id
                AND waiting.state IN ('pending', 'sending')
                AND (waiting.server_id, waiting.kind, waiting.dedupe_key) = (:server_id, :kind, change.id::text)
        )
    )
    UPDATE guild_identity.role_changes AS change SET
        state = 'failed', finished_at = coalesce(sent.finished_at, :now), reason = coalesce(sent.reason, 'taken back')
    FROM lost LEFT JOIN LATERAL (
        SELECT ended.finished_at, ended.reason FROM guild_identity.outbox AS ended
        WHERE ended.server_id = :server_id AND ended.kind = :kind AND ended.dedupe_key = lost.id::text
        ORDER BY ended.id DESC LIMIT 1
    ) AS sent ON true
    WHERE change.id = lost.id AND change.state = 'planned'
    """
)
"""A change whose row of the outbox failed, or was withdrawn, is nobody's work any more."""

FINISH = sa.text(
    """
    UPDATE guild_identity.role_runs AS run SET finished_at = :now
    WHERE run.server_id = :server_id AND run.finished_at IS NULL AND NOT EXISTS (
        SELECT FROM guild_identity.role_changes AS change WHERE change.run_id = run.id AND change.state = 'planned'
    )
    """
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A change of a run that was not made, and why, in words for officers."""

    user_id: int
    role_id: int
    act: RoleAct
    state: ChangeState
    reason: str


@dataclass(frozen=True, slots=True)
class RunView:
    """How far a run has come: how many of its changes stand where, and those that failed or were skipped.

    `finished_at` None: some are still to be done. `undone_by`: the officer who undid it.
    """

    public_id: str
    kind: RunKind
    actor_id: int | None
    started_at: datetime
    finished_at: datetime | None
    undone_by: int | None
    planned: int
    done: int
    skipped: int
    failed: int
    left_out: tuple[Failure, ...]

    @property
    def total(self) -> int:
        """Count its changes."""
        return self.planned + self.done + self.skipped + self.failed

    @property
    def can_be_undone(self) -> bool:
        """Tell whether it changed anything, or will, that nobody took back."""
        return self.undone_by is None and self.done + self.planned > 0


class Going(NamedTuple):
    """A role of a member that a run of some kind is about to change."""

    user_id: int
    role_id: int
    kind: RunKind


async def planned(session: AsyncSession, server_id: int) -> list[Going]:
    """Load what runs are about to change."""
    found = await session.execute(
        sa.select(RoleChange.user_id, RoleChange.role_id, RoleRun.kind)
        .join(RoleRun, RoleRun.id == RoleChange.run_id)
        .where(RoleChange.server_id == server_id, RoleChange.state == ChangeState.PLANNED)
    )
    return [Going(*row) for row in found]


async def failed_since(session: AsyncSession, server_id: int, since: datetime) -> set[Change]:
    """Load the changes that failed for good since a moment."""
    found = await session.execute(
        sa.select(RoleChange.user_id, RoleChange.act, RoleChange.role_id).where(
            RoleChange.server_id == server_id,
            RoleChange.state == ChangeState.FAILED,
            RoleChange.finished_at >= since,
        )
    )
    return {Change(user_id, act, role_id) for user_id, act, role_id in found}


async def start(
    session: AsyncSession,
    *,
    server_id: int,
    public_id: str,
    kind: RunKind,
    actor_id: int | None,
    changes: Iterable[Change],
    outbox_kind: str,
    now: datetime,
    undoes: int | None = None,
) -> None:
    """Write a run with its changes, each with its row of the outbox; one without changes is over at once."""
    wanted = list(changes)
    begun = RoleRun(
        public_id=public_id,
        server_id=server_id,
        kind=kind,
        actor_id=actor_id,
        started_at=now,
        finished_at=None if wanted else now,
        undoes=undoes,
    )
    session.add(begun)
    await session.flush()
    await add(session, begun, wanted, outbox_kind=outbox_kind, now=now)


async def add(
    session: AsyncSession, to: RoleRun, changes: Iterable[Change], *, outbox_kind: str, now: datetime
) -> None:
    """Write changes of a run, each with its row of the outbox."""
    rows = [
        {"place": place, "user_id": one.user_id, "role_id": one.role_id, "act": one.act.value}
        for place, one in enumerate(changes)
    ]
    values = {"server_id": to.server_id, "run_id": to.id, "kind": outbox_kind, "now": now, "changes": rows}
    await session.execute(ADD, values)


async def withdraw(session: AsyncSession, found: RoleRun, *, outbox_kind: str, reason: str, now: datetime) -> None:
    """Skip the changes of a run that nobody has tried to make yet."""
    values = {"server_id": found.server_id, "run_id": found.id, "kind": outbox_kind, "reason": reason, "now": now}
    await session.execute(WITHDRAW, values)
    await session.execute(FINISH, values)
    await session.refresh(found)


async def close_lost(session: AsyncSession, server_id: int, *, outbox_kind: str, now: datetime) -> None:
    """End the changes that nobody will make any more, and the runs that are over."""
    values = {"server_id": server_id, "kind": outbox_kind, "now": now}
    await session.execute(CLOSE_LOST, values)
    await session.execute(FINISH, values)


async def change(session: AsyncSession, server_id: int, change_id: int) -> tuple[RoleChange, RoleRun] | None:
    """Load a change that is still to be made, with its run."""
    row = (
        await session.execute(
            sa.select(RoleChange, RoleRun)
            .join(RoleRun, RoleRun.id == RoleChange.run_id)
            .where(
                RoleChange.server_id == server_id,
                RoleChange.id == change_id,
                RoleChange.state == ChangeState.PLANNED,
            )
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def settle(
    session: AsyncSession, made: RoleChange, state: ChangeState, *, now: datetime, reason: str | None = None
) -> None:
    """End a change, and its run if that was the last one; the caller holds the lock on the server's people."""
    made.state, made.finished_at, made.reason = state, now, reason
    await session.flush()
    await session.execute(FINISH, {"server_id": made.server_id, "now": now})


async def last_run(session: AsyncSession, server_id: int) -> RoleRun | None:
    """Load the newest run that is no undoing."""
    return await session.scalar(
        sa.select(RoleRun)
        .where(RoleRun.server_id == server_id, RoleRun.kind != RunKind.UNDO)
        .order_by(RoleRun.id.desc())
        .limit(1)
    )


async def run(session: AsyncSession, server_id: int, public_id: str) -> RoleRun | None:
    """Load a run."""
    return await session.scalar(
        sa.select(RoleRun).where(RoleRun.server_id == server_id, RoleRun.public_id == public_id)
    )


async def undoing(session: AsyncSession, found: RoleRun) -> RoleRun | None:
    """Load the run that undoes another one."""
    return await session.scalar(
        sa.select(RoleRun).where(RoleRun.server_id == found.server_id, RoleRun.undoes == found.id).limit(1)
    )


async def changes_of(session: AsyncSession, found: RoleRun) -> list[RoleChange]:
    """Load the changes of a run in the order in which they are made."""
    return list(
        await session.scalars(sa.select(RoleChange).where(RoleChange.run_id == found.id).order_by(RoleChange.id))
    )


async def view(session: AsyncSession, found: RoleRun) -> RunView:
    """Tell how far a run has come."""
    changes = await changes_of(session, found)
    undone = await undoing(session, found)
    states = Counter(one.state for one in changes)
    return RunView(
        public_id=found.public_id,
        kind=found.kind,
        actor_id=found.actor_id,
        started_at=found.started_at,
        finished_at=found.finished_at,
        undone_by=None if undone is None else undone.actor_id,
        planned=states[ChangeState.PLANNED],
        done=states[ChangeState.DONE],
        skipped=states[ChangeState.SKIPPED],
        failed=states[ChangeState.FAILED],
        left_out=tuple(
            Failure(one.user_id, one.role_id, one.act, one.state, one.reason or "")
            for one in changes
            if one.state in (ChangeState.FAILED, ChangeState.SKIPPED)
        ),
    )


async def is_told(
    session: AsyncSession,
    *,
    server_id: int,
    kind: str,
    dedupe_key: str,
    since: datetime | None,
    news: Sequence[str],
    try_again: datetime,
    cured_by: int | None = None,
) -> bool:
    """Tell whether such a card went to the audit channel, not longer ago than `since`, and nothing happened after it.

    What happens: an act named in `news`, or a change of the role `cured_by`. A card that could not be delivered counts
    until `try_again`.
    """
    card = OutboxMessage
    acts = sa.select(Action.id).where(
        Action.server_id == server_id, Action.action.in_(news), Action.at > card.created_at
    )
    cures = sa.select(RoleChange.id).where(
        RoleChange.server_id == server_id,
        RoleChange.role_id == cured_by,
        RoleChange.state == ChangeState.DONE,
        RoleChange.finished_at > card.created_at,
    )
    told = sa.exists().where(
        card.server_id == server_id,
        card.kind == kind,
        card.dedupe_key == dedupe_key,
        sa.or_(card.state != OutboxState.FAILED, card.finished_at > try_again),
        ~acts.exists(),
        ~cures.exists(),
    )
    if since is not None:
        told = told.where(card.created_at >= since)
    return bool(await session.scalar(sa.select(told)))
