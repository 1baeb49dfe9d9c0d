"""Texts of what role sync would change or has changed, wherever that is shown."""

from collections.abc import Sequence

from bot.services import role_plans
from cogs.common.text import count_of
from domain.ranks import Power
from domain.role_sync import Block, ChangeState, RoleAct

DELETED_ROLE = "a deleted role"


def change_line(user_id: int, given: str, taken: str) -> str:
    """Tell what a member gets and loses."""
    parts = [*([f"gets {given}"] if given else []), *([f"loses {taken}"] if taken else [])]
    return f"- <@{user_id}> · {', '.join(parts)}"


def more_roles(shown: Sequence[str], left_out: int) -> str:
    """List roles, the first by name."""
    return ", ".join(shown) + (f" +{left_out}" if left_out else "")


def blocked(role: str, block: Block, members: int) -> str:
    """Say why a role is left as it is, for how many, and what to do."""
    return f"⚠️ {role} is left as it is for {count_of(members, 'member')}: {role_plans.BLOCKS[block]}."


def withheld(user_id: int, role_id: int, power: Power) -> str:
    """Say why a member does not get a role that gives a power."""
    return f"⚠️ <@{user_id}> does not get <@&{role_id}>: {role_plans.withheld(power)}."


def left_out(user_id: int, act: RoleAct, role: str, state: ChangeState, reason: str) -> str:
    """Say why a change of a run was not made; the reason is Muster's own words."""
    mark = "❌" if state is ChangeState.FAILED else "⏭️"
    done = "given" if act is RoleAct.GIVE else "taken"
    return f"{mark} <@{user_id}> · {role} not {done}: {reason}"


def counts(done: int, skipped: int, failed: int, planned: int) -> str:
    """Count a run's changes."""
    numbers = {"✅ made": done, "⏳ on their way": planned, "⏭️ not needed any more": skipped, "❌ failed": failed}
    return " · ".join(f"{count:,} {what}" for what, count in numbers.items() if count) or "Nothing was to be done."
