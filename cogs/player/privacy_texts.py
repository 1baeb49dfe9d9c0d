"""Texts of `/player privacy`."""

from collections.abc import Iterable
from datetime import datetime

from cogs.common.text import timestamp

PRIVACY = "Say whether Muster's rules may match you with characters."

OPT_OUT_BUTTON = "Opt out"
OPT_IN_BUTTON = "Let rules match me again"

MATCHED = """## Privacy
Muster's rules may match you: they compare your Discord names and the guild's notes with its characters, and link you \
where the evidence stands. Such links are shown to officers and give no rank and no role.
**If you opt out**
- no rule matches you or suggests you for a character;
- what rules have found about you is taken back at once, and officers see only that you opted out;
- what is proven stays, since your rank and roles rest on it: ask an officer to remove it;
- it holds until you say otherwise, also if you leave this server and come back."""
OPT_IN_MEANS = "If you opt in again, rules may match you from then on, by the names that you bear then."


def opted_out(at: datetime) -> str:
    """Say that no rule matches them."""
    return f"## Privacy\nYou have opted out {timestamp(at)}: no rule matches you, and officers see only that."


def taken_back(names: Iterable[str]) -> str:
    """Say which inferred links ended."""
    return f"**Taken back**: {', '.join(names)}"


NOTHING_TAKEN_BACK = "No inferred link was there to take back."


def kept(names: Iterable[str]) -> str:
    """Say which proven links stay, and who can end them."""
    return (
        f"**Still linked, since it is proven**: {', '.join(names)}. If you do not want that, ask an officer: "
        "`/link remove` ends it, and with it the rank and roles that rest on it."
    )


OPTED_IN = "## Privacy\nRules may match you again. `/player me` shows what they find."
