"""Texts of `/link match`."""

from collections.abc import Mapping, Sequence

from cogs.common.text import clean, count_of, escape
from domain.evidence import RULES, RuleName
from domain.links import Confidence, LinkMode

COMMAND = "Show which links the rules would make, and why; then apply them, or choose among them."

MATCHING = "Comparing names and notes…"
CHOOSE = "Choose…"
CANCEL = "Cancel"
BACK = "Back"
ALL_OF_PAGE = "Link all of this page"
PICK = "Choose the links that are right"
CANCELLED = "Nothing was linked. `/link match` shows the links again."
CHANGED = "⚠️ What would be linked has changed meanwhile. This is how it stands now."
HOW_TO_CHOOSE = "What you choose is linked at once; the rest stays as it is. You can choose again on each page."
INFERRED = (
    "-# Links by rules only tell who is who: they give no role and no rank. `/link remove` takes a wrong one back."
)
HITS_HEAD = "Decided by, in pass"
MODES = {
    LinkMode.AUTOMATIC: (
        "-# Mode automatic: links of high confidence are made after each sync anyway; the others only here, or one by "
        "one in `/link review`."
    ),
    LinkMode.SUGGEST: "-# Mode suggestions only: nothing is linked by itself; here you can.",
    LinkMode.OFF: "-# Matching is **off**: nothing is linked or suggested by itself; here you still can.",
}

NAME_LIMIT = 32
REASON_LIMIT = 80
OPTION_LIMIT = 100
PASSES = 3
"""Passes with a column of their own; later ones share the last."""


def title(high: int, medium: int) -> str:
    """Say how many links would be made, of which confidence."""
    grades = [f"**{count:,}** with {name} confidence" for count, name in ((high, "high"), (medium, "medium")) if count]
    return f"## {count_of(high + medium, 'link')} could be made\n{', '.join(grades)}."


def link(character: str, user_id: int, member: str, reason: str, confidence: Confidence) -> str:
    """Show one link with the reason that decided."""
    grade = "" if confidence is Confidence.HIGH else f" · *{confidence.value}*"
    return (
        f"- **{escape(character, NAME_LIMIT)}** → {escape(member, NAME_LIMIT)} · <@{user_id}>{grade}\n"
        f"  -# {escape(reason, REASON_LIMIT)}"
    )


def option(character: str, member: str) -> str:
    """Give a link as one option of a menu, where nothing is formatted."""
    return clean(f"{character} → {member}", OPTION_LIMIT)


def option_reason(reason: str, confidence: Confidence) -> str:
    """Give the reason for a link as the second line of its option."""
    grade = "" if confidence is Confidence.HIGH else f"{confidence.value}: "
    return clean(f"{grade}{reason}", OPTION_LIMIT)


def hits(counted: Mapping[RuleName, Sequence[int]], *, later: bool) -> str:
    """Show as a table how often each rule decided, in which pass; `later` ones are in the last column too."""
    passes = max(len(counts) for counts in counted.values())
    heads = [f"{number}+" if later and number == passes else str(number) for number in range(1, passes + 1)]
    rows = [(HITS_HEAD, heads), *((RULES[rule].title, counts) for rule, counts in counted.items())]
    width = max(len(title) for title, _ in rows)
    lines = (f"{title:<{width}}" + "".join(f"{cell or '·':>5}" for cell in cells) for title, cells in rows)
    return "```\n" + "\n".join(lines) + "\n```"


def others(suggestions: int, groups: int, contradictions: int, mode: LinkMode) -> str:
    """Say what else the rules found, and where it is decided."""
    found = []
    if suggestions:
        where = "that would wait in" if mode is LinkMode.OFF else "for"
        found.append(f"{count_of(suggestions, 'suggestion')} {where} `/link review`")
    if groups:
        found.append(f"{count_of(groups, 'group')} of alts whose player is unknown")
    if contradictions:
        found.append(
            f"{count_of(contradictions, 'link')} that a note or a name speaks against (`/audit report` once made)"
        )
    return f"Also found: {', '.join(found)}." if found else ""


def nothing(suggestions: int, mode: LinkMode) -> str:
    """Say that no link stands on its own, and what to do next."""
    if mode is LinkMode.OFF:
        next_ = "Matching is **off** on this server: `/setup options` switches it on. `/link add` links whom you know."
    elif suggestions:
        next_ = "No evidence is enough for a link by itself; what it suggests waits for your word in `/link review`."
    else:
        next_ = (
            "The rules find nobody new. `/link coverage` shows who is unlinked; `/link add` links those whom you know, "
            "and `/link alias` says what a nickname in the notes means."
        )
    return f"## Nothing to link\n{next_}"


def apply_button(count: int, *, whole: bool) -> str:
    """Name what Apply applies: the `whole` plan, or what of it is sure."""
    return f"Apply {count_of(count, 'link')}" if whole else f"Apply {count:,} of high confidence"


def done(count: int) -> str:
    """Say how many links were made."""
    return f"✅ {count_of(count, 'link')} made."


def followed(linked: int, opened: int, resolved: int) -> str:
    """Say what matching and audit found after it."""
    found = []
    if linked:
        found.append(f"{count_of(linked, 'link')} that followed from {'it' if linked == 1 else 'them'}")
    if opened:
        found.append(f"{count_of(opened, 'new finding')}")
    if resolved:
        found.append(f"{count_of(resolved, 'finding')} solved")
    return f"Then: {', '.join(found)}." if found else ""


def applied(count: int, then: str) -> str:
    """Say what applying did, and what comes next."""
    lines = [f"## {count_of(count, 'link')} made", *([then] if then else []), INFERRED]
    return "\n".join(lines) + "\n-# `/link match` shows what is left, `/link review` what needs your word."


def not_done(text: str) -> str:
    """Say why nothing was applied."""
    return f"⚠️ {text}"
