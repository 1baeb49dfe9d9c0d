"""Many findings of one type fixed at once: previewed, confirmed by a key, done one by one, failures told."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from bot.battlenet.client import BattleNetClient
from bot.services import audit, fixes, player_fixes, refresh
from bot.services.context import Context
from bot.services.members import MemberList
from db import actions, bulk_fixes, locks, servers
from domain.audit import Finding, State, SubjectKind
from domain.audit_rules import RULES
from domain.audit_state import finding_note
from domain.bulk_fixes import Bulk, BulkAct, acts_for, at_once, fits, key_of, proposal
from domain.errors import Conflict, MusterError, NotFound, Unavailable
from domain.moments import parse_until

log = logging.getLogger(__name__)

BROKEN: Final = "It could not be done; the log of Muster's process says why."
CHANGED: Final = "What would be done has changed meanwhile, and nothing was done. This is how it stands now."

PATIENCE: Final = 3
"""How many in a row may find a service or the database away before the rest is left."""

Told = Callable[[int, int], Awaitable[None]]
"""Is told how many are done, of how many."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bulk would be done to; `key` stands for all of it.

    `left_out` findings need a person's choice, `later` ones are more than one confirmation may be about.
    """

    bulk: Bulk
    key: str
    findings: tuple[Finding, ...]
    left_out: int
    later: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A finding that could not be fixed, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What became of a bulk; `untried` are left because a service does not answer, as the last of `failed` say."""

    done: int
    failed: tuple[Failure, ...] = ()
    untried: int = 0


async def plan(ctx: Context, server_id: int, bulk: Bulk) -> Plan:
    """Say what a bulk would be done to; the rule is run first, so that nothing is shown that was solved since.

    Raises NotFound for an unknown rule, Conflict for an act that its findings do not offer in bulk.
    """
    async with ctx.sessions.begin() as session:
        return await _look(ctx, session, server_id, bulk)


async def put_aside(
    ctx: Context, server_id: int, bulk: Bulk, *, key: str, note: str, until: str | None = None, actor_id: int
) -> int:
    """Ignore or resolve at once all that a plan showed; give how many.

    `until` ends the ignoring, as `domain.moments` reads it. Raises InvalidInput for what can't be read, and Conflict
    when it would be other findings by now.
    """
    said = finding_note(note)
    async with ctx.sessions.begin() as session:
        shown = await _look(ctx, session, server_id, bulk)
        batch = await _begin(ctx, session, server_id, shown, key=key, actor_id=actor_id)
        now = ctx.clock()
        server = await servers.required_server(session, server_id)
        return await bulk_fixes.put_aside(
            session,
            server_id,
            [one.id for one in shown.findings],
            State.IGNORED if bulk.act is BulkAct.IGNORE else State.RESOLVED,
            note=said,
            until=parse_until(until, now=now, zone=ZoneInfo(server.time_zone)) if until else None,
            batch=batch,
            by=actor_id,
            now=now,
        )


async def fix(
    ctx: Context, battlenet: BattleNetClient, server_id: int, bulk: Bulk, *, key: str, actor_id: int, told: Told
) -> BulkOutcome:
    """Fix one by one what a plan showed, each checked again in a transaction of its own; what fails is told at the end.

    Raises Conflict when other findings would be fixed by now, or while a bulk is under way on this server.
    """
    if (busy := ctx.fixing.get(server_id)) is not None:
        raise Conflict(f"<@{busy}> is fixing many findings right now. Look again when that is done.")
    ctx.fixing[server_id] = actor_id
    try:
        async with ctx.sessions.begin() as session:
            shown = await _look(ctx, session, server_id, bulk)
            batch = await _begin(ctx, session, server_id, shown, key=key, actor_id=actor_id)
        with actions.of_batch(batch):
            return await _fix_each(ctx, battlenet, server_id, shown, actor_id=actor_id, told=told)
    finally:
        del ctx.fixing[server_id]


async def _fix_each(
    ctx: Context, battlenet: BattleNetClient, server_id: int, shown: Plan, *, actor_id: int, told: Told
) -> BulkOutcome:
    total, failed, in_vain = len(shown.findings), list[Failure](), 0
    for number, finding in enumerate(shown.findings):
        if in_vain == PATIENCE:
            # The others would wait for the same, one time-out after the other.
            return BulkOutcome(number - len(failed), tuple(failed), untried=total - number)
        await told(number, total)
        try:
            await _fix_one(ctx, battlenet, server_id, shown.bulk.act, finding, actor_id=actor_id)
            in_vain = 0
        except MusterError as error:
            failed.append(Failure(finding, error.text))
            in_vain = in_vain + 1 if isinstance(error, Unavailable) else 0
        except Exception:
            log.exception("finding %s of server %s could not be fixed in bulk", finding.public_id, server_id)
            failed.append(Failure(finding, BROKEN))
            in_vain += 1
    return BulkOutcome(total - len(failed), tuple(failed))


async def _fix_one(
    ctx: Context, battlenet: BattleNetClient, server_id: int, act: BulkAct, finding: Finding, *, actor_id: int
) -> None:
    public_id = finding.public_id
    match act:
        case BulkAct.CHOOSE:
            user_id = proposal(finding)
            assert user_id is not None
            # A suggestion is checked by its candidate; a key belongs to links that something contradicts.
            await fixes.choose(ctx, server_id, public_id, user_id=user_id, key="", actor_id=actor_id)
        case BulkAct.UNLINK if RULES[finding.rule].subject is SubjectKind.MEMBER:
            await player_fixes.unlink_departed(ctx, server_id, public_id, actor_id=actor_id)
        case BulkAct.UNLINK:
            await fixes.unlink(ctx, server_id, public_id, actor_id=actor_id)
        case BulkAct.NO_MAIN:
            for which in finding.facts["which"]:
                await player_fixes.choose_main(
                    ctx, server_id, public_id, which=which, character_id=None, actor_id=actor_id
                )
        case BulkAct.SYNC:
            await refresh.refresh(ctx, battlenet, server_id, public_id, fetch=_no_members, actor_id=actor_id)
        case BulkAct.IGNORE | BulkAct.RESOLVE:
            raise ValueError(f"{act} is done to all at once, by put_aside")


async def _no_members() -> MemberList:
    """Stand in for the member list, which no finding that is synced in bulk is about."""
    raise Conflict("The member list is read by `/sync members`.")


async def _look(ctx: Context, session: AsyncSession, server_id: int, bulk: Bulk) -> Plan:
    """Run the rule and load what a bulk is about, holding the lock on the server's people."""
    if bulk.rule not in RULES:
        raise NotFound("There is no such type of findings any more.")
    if bulk.act not in acts_for(bulk.rule):
        raise Conflict("These findings cannot be fixed that way all at once. Open them one by one.")
    await locks.hold(session, locks.Lock.PEOPLE, server_id)
    await audit.run_rules(ctx, session, server_id=server_id, only=bulk.rule)
    standing = await bulk_fixes.standing(session, server_id, bulk)
    fitting = [one for one in standing if fits(bulk.act, one.finding)]
    chosen = fitting[: at_once(bulk.act)]
    return Plan(
        bulk,
        key_of(bulk, chosen),
        tuple(one.finding for one in chosen),
        left_out=len(standing) - len(fitting),
        later=len(fitting) - len(chosen),
    )


async def _begin(ctx: Context, session: AsyncSession, server_id: int, shown: Plan, *, key: str, actor_id: int) -> str:
    """Check that a plan is the one that was confirmed, and log that it is begun; give the id of its batch."""
    if shown.key != key or not shown.findings:
        first = await bulk_fixes.begun_by(session, server_id, key)
        raise Conflict(CHANGED if first is None else f"<@{first}> confirmed this already. This is what is left.")
    batch, bulk = ctx.new_public_id(), shown.bulk
    begun = actions.action(
        bulk_fixes.BEGUN,
        SubjectKind.SERVER,
        server_id,
        actor_id=actor_id,
        rule=bulk.rule,
        rule_version=RULES[bulk.rule].version,
        after={"batch": batch, "act": bulk.act.value, "rank": bulk.rank, "findings": len(shown.findings), "key": key},
    )
    await actions.log(session, server_id, [begun], ctx.clock())
    return batch
