"""Texts of what is done to all findings of a type at once."""

from cogs.common.text import count_of, escape
from domain.audit import Fix, Rule
from domain.bulk_fixes import BulkAct
from domain.ranks import rank_label

FIX_ALL = "Fix all…"
BACK = "Back"
LIST = "What is left"
AGAIN = "Again"
TITLE_LIMIT = 60
FORM_TITLE_LIMIT = 45
REASON_LIMIT = 300
QUESTION = "What shall be done? You see first to which findings, and nothing is done before you confirm it."
ROLES_HINT = "-# Roles are given to everybody at once by `/setup roles`, which shows each change first."
WORKING = "Looking at the findings…"
NOTHING = "Nothing of this type can be done all at once now."

LABELS = {
    BulkAct.CHOOSE: "Link to the one proposed",
    BulkAct.UNLINK: "Unlink",
    BulkAct.NO_MAIN: "Choose none",
    BulkAct.SYNC: "Ask Battle.net now",
    BulkAct.IGNORE: "Ignore…",
    BulkAct.RESOLVE: "Resolve…",
}
HEADS = {
    BulkAct.CHOOSE: "Link {} to the one member proposed",
    BulkAct.UNLINK: "Unlink {}",
    BulkAct.NO_MAIN: "Choose no main for {}",
    BulkAct.SYNC: "Ask Battle.net about {}",
    BulkAct.IGNORE: "Ignore {}",
    BulkAct.RESOLVE: "Resolve {}",
}
EFFECTS = {
    BulkAct.CHOOSE: "Each character becomes proven to be its member's by your word: that gives ranks and roles.",
    BulkAct.UNLINK: "Each link ends. Nothing is deleted: the history keeps who it was.",
    BulkAct.NO_MAIN: "A main or off-spec that is gone is emptied; who has one in the guild keeps it.",
    BulkAct.SYNC: "Each character's profile is read anew. That takes a while, and you can watch it.",
    BulkAct.IGNORE: "They are left out of reports until they change, or until the time that you say.",
    BulkAct.RESOLVE: "They count as settled by you, and come back only as other problems.",
}
CONFIRM = {
    BulkAct.CHOOSE: "Link {:,}",
    BulkAct.UNLINK: "Unlink {:,}",
    BulkAct.NO_MAIN: "Empty {:,}",
    BulkAct.SYNC: "Ask about {:,}",
    BulkAct.IGNORE: "Ignore {:,}…",
    BulkAct.RESOLVE: "Resolve {:,}…",
}


def title(rule: Rule, rank: int | None) -> str:
    """Head the choice of what to do."""
    of_rank = "" if rank is None else f" · {rank_label(rank, None)}"
    return f"### {rule.symbol} {escape(rule.title, TITLE_LIMIT)}{of_rank}"


def hint(rule: Rule) -> str:
    """Say where else findings of a type are fixed all at once, "" for nowhere."""
    return ROLES_HINT if Fix.SET_ROLE in rule.fixes else ""


def plan(act: BulkAct, count: int, left_out: int, later: int) -> str:
    """Say what would be done to how many findings, what is left to a person, and what comes after it."""
    lines = [f"**{HEADS[act].format(count_of(count, 'finding'))}?**", EFFECTS[act]] if count else [NOTHING]
    if left_out:
        several = "has several candidates" if left_out == 1 else "have several candidates"
        lines.append(f"-# {left_out:,} {several}: choose for them one by one.")
    if later:
        lines.append(f"-# {later:,} more come after these: nobody vouches for more than a page at once.")
    return "\n".join(lines)


def form_title(act: BulkAct) -> str:
    """Head the form that asks for a reason."""
    return HEADS[act].format("all these findings")


def progress(act: BulkAct, done: int, total: int) -> str:
    """Tell how far it is."""
    return f"{LABELS[act].rstrip('…')}: {done:,} of {total:,}…"


def put_aside(act: BulkAct, count: int) -> str:
    """Say how many findings were ignored or resolved."""
    done = "ignored" if act is BulkAct.IGNORE else "resolved"
    return f"✅ {count_of(count, 'finding')} {done}. `/audit undo` takes that back."


def outcome(act: BulkAct, done: int, failed: int, untried: int) -> str:
    """Say how many were done, failed and were left."""
    lines = [f"{'⚠️' if failed else '✅'} **{LABELS[act]}**: {done:,} of {done + failed + untried:,} done."]
    if failed:
        lines.append(f"{count_of(failed, 'finding')} could not be fixed:")
    return "\n".join(lines)


def untried(count: int) -> str:
    """Say that the rest was not tried."""
    return f"-# {count:,} more were not tried after that. Fix them again later."


def failure(line: str, reason: str) -> str:
    """Show a finding that could not be fixed, and why."""
    return f"- {line}\n  -# {reason}"


def followed(opened: int, resolved: int) -> str:
    """Say what the audit found after it, "" for nothing."""
    found = [count_of(resolved, "finding") + " solved"] if resolved else []
    found += [count_of(opened, "new finding")] if opened else []
    return f"-# The audit after it: {', '.join(found)}." if found else ""


def not_done(reason: str) -> str:
    """Say why nothing was done, or what did not follow."""
    return f"⚠️ {reason}"
