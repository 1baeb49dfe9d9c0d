"""Texts of `/setup roles`."""

from datetime import datetime

from bot.services.role_plans import BLOCKS, STOPS
from cogs.common.text import count_of, timestamp
from domain.role_sync import AT_ONCE, Block, RunKind, Stop

COMMAND = "Let Discord roles follow the ranks of the game: see each change first, apply it, undo the last run."

TITLE = "## Role sync"
ON = "**On**: Muster gives and takes the roles of ranks."
OFF = "**Off**: Muster changes no role. Differences are only reported."
RULES = (
    "-# A role follows the best rank among the characters that are proven to be somebody's; what a rule only inferred "
    "gives none. Muster takes only roles that it gave itself: what people gave by hand stays."
)
BY_ITSELF = (
    f"-# While it is on, Muster changes the roles of up to {AT_ONCE} members by itself after each sync; more wait "
    "until an officer applies them."
)
NO_RUN = "-# Muster has not changed a role yet."
NOTHING = "## Nothing to change"
ALL_RIGHT = "Every role of a rank is where it belongs."
CHANGED = "⚠️ **The changes are others by now.** Look again before you apply them."
WATCHED = "-# The rest goes on by itself, also when you close this. “Look again” shows how far it is."
HELD_NO_MORE = "-# There is nothing to change any more."

PREVIEW_BUTTON = "What would change"
APPLY_BUTTON = "Apply"
ON_BUTTON = "Switch on"
OFF_BUTTON = "Switch off"
BACK_BUTTON = "Back"
RUN_BUTTON = "Show the last run"
AGAIN_BUTTON = "Look again"
UNDO_BUTTON = "Undo the last run…"
UNDO_NOW_BUTTON = "Undo it"
LOOK_BUTTON = "Look at the changes"

KINDS = {
    RunKind.SYNC: "Muster, by itself",
    RunKind.APPLY: "the changes that {} applied",
    RunKind.FIX: "a finding that {} mended",
    RunKind.UNDO: "{} took a run back",
}


def title(changes: int, members: int) -> str:
    """Head the preview."""
    return f"## {count_of(changes, 'change')} for {count_of(members, 'member')}"


def totals(give: int, take: int) -> str:
    """Say how many roles would be given and taken."""
    return f"{count_of(give, 'role')} to give, {count_of(take, 'role')} to take. Nothing was changed yet."


def not_done(reason: str) -> str:
    """Say that an act was not done, and why."""
    return f"⚠️ {reason}"


def waiting(changes: int, members: int) -> str:
    """Say what would change, in short."""
    if not changes:
        return "Nothing differs that Muster could change."
    return f"{count_of(changes, 'change')} for {count_of(members, 'member')} would follow now."


def run_title(*, planned: int, failed: int, total: int) -> str:
    """Head a run: how far it is, or how it ended."""
    changes = count_of(total, "role change")
    if planned:
        return f"## {total - planned} of {changes} done with"
    if failed:
        return f"## {changes} failed" if failed == total else f"## {failed} of {changes} failed"
    return "## Role changes done"


def run_facts(kind: RunKind, actor_id: int | None, started_at: datetime, undone_by: int | None) -> str:
    """Say what a run is, who started it and when, and who took it back."""
    who = KINDS[kind].format(f"<@{actor_id}>")
    undone = f"\n**Taken back** by <@{undone_by}>." if undone_by is not None else ""
    return f"-# {timestamp(started_at)} · {who}{undone}"


def undo_question(changes: int) -> str:
    """Ask whether the last run is to be taken back."""
    return (
        f"## Undo the last run?\n{count_of(changes, 'role change')} will be taken back: what was given is taken, what "
        "was taken is given again. What of the run was not done yet is not done any more.\n"
        "Role sync is switched off with it, else Muster would do the same again."
    )


def held(members: int, give: int, take: int) -> str:
    """Say that many role changes wait for an officer."""
    return (
        f"## Role changes wait\nThe roles of {count_of(members, 'member')} differ from their ranks: "
        f"{count_of(give, 'role')} to give, {count_of(take, 'role')} to take. Muster changes up to {AT_ONCE} members "
        "by itself; this is more, so an officer looks first. Nothing was changed."
    )


def role_blocked(role: str, block: Block, members: int) -> str:
    """Say in the audit channel that Muster can't give or take a role, and what to do."""
    return (
        f"## A role is out of reach\nMuster can neither give nor take {role}, which {count_of(members, 'member')} "
        f"should get or lose: {BLOCKS[block]}. All other roles are kept up. This is said once."
    )


def roles_forbidden(members: int) -> str:
    """Say in the audit channel that Muster can give and take no role, and what to do."""
    return (
        f"## Roles are out of reach\n{STOPS[Stop.NO_RIGHT]} Until then the roles of {count_of(members, 'member')} stay "
        "as they are. This is said once."
    )
