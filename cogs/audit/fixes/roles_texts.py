"""Texts of setting the roles that a finding is about."""

SET_ROLE = "Set role"
APPLY = "Apply"
BACK = "Back"
TITLE = "### What would change"
NOTHING = (
    "Muster can change nothing here. A role that somebody gave by hand is not taken by Muster: give or take it in "
    "Discord."
)


def not_done(reason: str) -> str:
    """Say that an act was not done, and why."""
    return f"⚠️ {reason}"
