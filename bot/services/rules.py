"""The rules of the audit as a server has them: shown, switched off and on, and run by officers."""

from dataclasses import dataclass

from bot.services import audit
from bot.services.audit import AuditOutcome
from bot.services.context import Context
from db import actions, locks, rules
from db.rules import Switched
from domain.audit import Rule, SubjectKind
from domain.audit_rules import RULES
from domain.errors import Conflict, NotFound, Refused

__all__ = ["Switched"]


@dataclass(frozen=True, slots=True)
class RuleState:
    """A rule on one server: who last switched it, None for nobody, and how many of its findings stand."""

    rule: Rule
    switched: Switched | None
    standing: int

    @property
    def is_on(self) -> bool:
        """Tell whether the audit runs it."""
        return self.switched is None or self.switched.enabled

    @property
    def can_be_off(self) -> bool:
        """Tell whether officers may switch it off; that a rule broke is always to be seen."""
        return can_be_off(self.rule)


def can_be_off(rule: Rule) -> bool:
    """Tell whether officers may switch a rule off."""
    return rule.subject is not SubjectKind.RULE


async def states(ctx: Context, server_id: int) -> tuple[RuleState, ...]:
    """Load all rules as they stand on a server, the gravest first."""
    async with ctx.sessions() as session:
        switched = await rules.switched(session, server_id)
        standing = await rules.standing_counts(session, server_id)
    return tuple(RuleState(rule, switched.get(name), standing.get(name, 0)) for name, rule in RULES.items())


async def switch(ctx: Context, server_id: int, name: str, *, enabled: bool, actor_id: int) -> Rule:
    """Switch a rule on or off; the next audit closes what a rule that is off has found.

    Raises NotFound for a rule that this release does not have, Refused for one that can't be off, Conflict when it
    stands so already.
    """
    rule = RULES.get(name)
    if rule is None:
        raise NotFound("Muster has no such rule any more. Run `/audit rules` again.")
    if not can_be_off(rule):
        raise Refused("This rule can't be switched off: it tells when another one breaks.")
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        before = (await rules.switched(session, server_id)).get(name)
        if enabled == (before is None or before.enabled):
            by = "" if before is None else f", by <@{before.by}>"
            raise Conflict(f"This rule is switched {_word(enabled)} already{by}.")
        now = ctx.clock()
        await rules.store(session, server_id, name, Switched(enabled, actor_id, now))
        change = actions.action(
            "rule.switch",
            SubjectKind.RULE,
            rule.number,
            actor_id=actor_id,
            before={"enabled": not enabled},
            after={"rule": name, "enabled": enabled},
        )
        await actions.log(session, server_id, [change], now)
    return rule


async def run(ctx: Context, server_id: int, name: str) -> AuditOutcome:
    """Run one rule now and queue a report of what is new.

    Raises NotFound for a rule that is not run by itself, Conflict for one that is switched off.
    """
    rule = RULES.get(name)
    if rule is None or not can_be_off(rule):
        raise NotFound("Muster has no such rule to run. Choose one from the list.")
    async with ctx.sessions.begin() as session:
        await locks.hold(session, locks.Lock.PEOPLE, server_id)
        word = (await rules.switched(session, server_id)).get(name)
        if word is not None and not word.enabled:
            raise Conflict(f"<@{word.by}> switched this rule off. Switch it on with `/audit rules` first.")
        outcome = await audit.run_rules(ctx, session, server_id=server_id, only=name)
        await audit.queue_new(ctx, session, server_id=server_id)
    return outcome


def _word(enabled: bool) -> str:
    return "on" if enabled else "off"
