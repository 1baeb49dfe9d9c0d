"""What role sync would change or has left out, in lines."""

from collections.abc import Callable, Iterable, Sequence

import discord

from bot.services.roles import Failure
from cogs.common import role_texts as texts
from domain.role_sync import Change, RoleAct, RolePlan

ROLES_SHOWN = 2

ShowRole = Callable[[int], str]
"""Gives a role as a line shows it."""


def roles_of(server: discord.Guild | None) -> ShowRole:
    """Mention a role that the server has, and say so of one that was deleted; in an outage, when none is known, all."""

    def show(role_id: int) -> str:
        gone = server is not None and not server.unavailable and server.get_role(role_id) is None
        return texts.DELETED_ROLE if gone else f"<@&{role_id}>"

    return show


def change_lines(plan: RolePlan, user_ids: Iterable[int], role: ShowRole) -> list[str]:
    """Tell what each of these members would get and lose."""
    per_member: dict[int, list[Change]] = {}
    for change in plan.changes:
        per_member.setdefault(change.user_id, []).append(change)
    return [
        texts.change_line(user_id, *(_roles(per_member[user_id], act, role) for act in (RoleAct.GIVE, RoleAct.TAKE)))
        for user_id in user_ids
    ]


def trouble_lines(plan: RolePlan, role: ShowRole) -> list[str]:
    """Tell which roles are out of reach, and who does not get one that gives a power."""
    blocked = [texts.blocked(role(one.role_id), one.block, one.members) for one in plan.blocked]
    return blocked + [texts.withheld(one.user_id, one.role_id, one.power) for one in plan.withheld]


def left_out_line(one: Failure, role: ShowRole) -> str:
    """Tell why a change was not made."""
    return texts.left_out(one.user_id, one.act, role(one.role_id), one.state, one.reason)


def _roles(changes: Sequence[Change], act: RoleAct, role: ShowRole) -> str:
    roles = [role(change.role_id) for change in changes if change.act is act]
    return texts.more_roles(roles[:ROLES_SHOWN], max(0, len(roles) - ROLES_SHOWN))
