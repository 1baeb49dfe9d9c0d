"""`docs/rules.md`: the rules of the audit as a page, made from their registry.

`python -m tests.support.rules_page` writes it.
"""

from pathlib import Path

from domain.audit import Fix, Rule, SubjectKind
from domain.audit_rules import RULES

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"

SUBJECTS = {
    SubjectKind.CHARACTER: "a character",
    SubjectKind.MEMBER: "a member",
    SubjectKind.PLAYER: "a player",
    SubjectKind.RANK: "a rank",
    SubjectKind.SERVER: "the server",
    SubjectKind.REFERENCE: "an id of the game",
    SubjectKind.RULE: "a rule",
}
FIXES = {
    Fix.LINK: "Link",
    Fix.CHOOSE: "Choose candidate",
    Fix.UNLINK: "Unlink",
    Fix.SET_ROLE: "Set role",
    Fix.ALIAS: "Add alias",
    Fix.HIATUS: "Mark hiatus",
    Fix.SYNC: "Sync now",
    Fix.MAIN: "Choose main",
    Fix.MERGE: "Merge",
    Fix.REJECT: "Reject",
    Fix.DEPARTURES: "Apply, Discard",
    Fix.MAP_ROLE: "Map role",
}
COLUMNS = ("Rule", "Version", "Severity", "About", "What it finds", "New when this changes", "Closes when", "Fixes")
HEAD = """\
# Rules of the audit

What Muster looks for after each sync, in the order in which the rules are run. Made from `domain/audit_rules.py` by
`python -m tests.support.rules_page`: change the rules there.

Each finding can also be ignored, until a day or until it changes, and resolved by hand. Neither comes back unless what
stands under *New when this changes* did. Every finding closes by itself when its cause is gone, also when its rule is
switched off (`/audit rules`) or another guild is followed.
"""


def page() -> str:
    """Make the page."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(_row(rule) for rule in RULES.values())]
    return HEAD + "\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(rule: Rule) -> tuple[str, ...]:
    return (
        f"{rule.symbol} `{rule.name}`",
        str(rule.version),
        rule.severity.value,
        SUBJECTS[rule.subject],
        rule.description,
        rule.fingerprint,
        rule.closes,
        ", ".join(FIXES[fix] for fix in rule.fixes) or "none",
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
