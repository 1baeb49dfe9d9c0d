"""The plan of role sync as the database and Discord have it now, and what it says in words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from db import role_runs, roles
from db.roles import Scope
from domain.errors import NotFound
from domain.ranks import Power, role_powers
from domain.role_sync import Block, Person, RolePlan, RoleRules, RunKind, ServerRoles, Stop, plan_roles

STOPS: Final[Mapping[Stop, str]] = {
    Stop.UNSEEN: "Discord does not show this server to Muster right now. Try again in a minute.",
    Stop.NO_GUILD: "This server follows no guild yet. Choose one with `/setup guild`.",
    Stop.ROSTER_UNREAD: "The guild's roster was not read yet. Run `/sync roster` first.",
    Stop.MEMBERS_UNREAD: "The member list was not read whole yet. Run `/sync members` first.",
    Stop.REPORT_ONLY: "Ranks are only reported here: in `/setup ranks`, let the game decide about roles first.",
    Stop.OFF: "Role sync is off. Switch it on in `/setup roles` first.",
    Stop.NO_RIGHT: "Muster lacks Manage Roles. Give it that permission in Server Settings, Roles.",
}
"""What is said where nothing may be changed."""
BLOCKS: Final[Mapping[Block, str]] = {
    Block.DELETED: "the role was deleted: choose another one with /setup ranks",
    Block.EVERYONE: "everybody has the role: choose another one with /setup ranks",
    Block.MANAGED: "Discord or an app gives the role to its own members: choose another one with /setup ranks",
    Block.TOO_HIGH: "the role is not below Muster's own: move Muster's role above it in Server Settings, Roles",
}
"""Why a role can't be changed, with the remedy."""


def withheld(power: Power) -> str:
    """Say why somebody does not get a role with a power, and what helps."""
    return (
        f"the role gives {power}, and nobody who has that stands for this rank: give it by hand, or let somebody who "
        "has it link the character anew"
    )


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with what it was made of; `following`: the members whose roles Muster is changing by itself."""

    scope: Scope
    plan: RolePlan
    following: frozenset[int]


async def make(
    session: AsyncSession,
    server_id: int,
    live: ServerRoles | None,
    *,
    now: datetime,
    user_ids: tuple[int, ...] | None = None,
) -> Planned:
    """Plan the roles of all members, or of some, what is planned already left out; raises NotFound."""
    scope = await _scope(session, server_id)
    if scope.unread is not None:
        return Planned(scope, RolePlan(stop=scope.unread), frozenset())
    going = await role_runs.planned(session, server_id)
    people = await roles.people(session, server_id, scope, now=now, user_ids=user_ids)
    rules = await _rules(session, server_id, scope, people)
    plan = plan_roles(people, replace(rules, planned=frozenset((one.user_id, one.role_id) for one in going)), live)
    return Planned(scope, plan, frozenset(one.user_id for one in going if one.kind is RunKind.SYNC))


async def of_member(
    session: AsyncSession, server_id: int, live: ServerRoles, user_id: int, held: frozenset[int], *, now: datetime
) -> RolePlan:
    """Plan the roles of one member who holds these on Discord now; raises NotFound."""
    scope = await _scope(session, server_id)
    if scope.unread is not None:
        return RolePlan(stop=scope.unread)
    people = await roles.people(session, server_id, scope, now=now, user_ids=(user_id,))
    rules = await _rules(session, server_id, scope, people)
    return plan_roles([replace(person, held=held) for person in people], rules, live)


async def waits_for(
    session: AsyncSession, server_id: int, live: ServerRoles | None, user_id: int, *, word_of: int, now: datetime
) -> bool:
    """Tell whether a member lacks a role for want of a power which somebody has whose word would count; NotFound."""
    planned = await make(session, server_id, live, now=now, user_ids=(user_id,))
    if live is None or not planned.plan.withheld:
        return False
    here = await roles.roles_here(session, server_id, (word_of,))
    powers = live.powers(word_of, here[word_of]) if word_of in here else frozenset()
    officers = planned.scope.officer_role_id
    return any(role_powers(live.roles[one.role_id], officers) <= powers for one in planned.plan.withheld)


async def _scope(session: AsyncSession, server_id: int) -> Scope:
    scope = await roles.scope(session, server_id)
    if scope is None:
        raise NotFound("Muster does not know this server yet. Try again in a minute.")
    return scope


async def _rules(session: AsyncSession, server_id: int, scope: Scope, people: list[Person]) -> RoleRules:
    vouchers = {user_id for person in people for word in person.words for user_id in word}
    assert scope.guild_id is not None
    return RoleRules(
        role_of=await roles.rank_roles(session, server_id, scope.guild_id),
        officer_role_id=scope.officer_role_id,
        vouchers=await roles.roles_here(session, server_id, vouchers),
        stop=scope.stop,
    )
