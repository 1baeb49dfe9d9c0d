"""Texts that every feature shares."""

from collections.abc import Sequence
from datetime import datetime

from cogs.common.text import timestamp
from domain.links import Source

OLD_CONTROL = "This button is from an older version of Muster. Run the command again to get a fresh one."
OLD_FORM = "This form is from an older version of Muster. Open it again, please."
COMMANDS_UPDATED = "Muster's commands were just updated. Try again in a minute; reloading Discord helps too."
SERVER_ONLY = "This works only in a server."
OFFICERS_ONLY = "Only officers may do this: members who can manage the server or hold the officer role."
NOT_ALLOWED = "You may not use this command here."
BAD_VALUE = "That value can't be used here. Choose one from the list, please."
DISCORD_FAILED = (
    "Discord failed while Muster was answering. What you asked for may be done: look before you do it again."
)
CARD_GONE = (
    "The message that Muster wanted to answer in is gone, so it can't show the outcome there. What you asked for may "
    "be done: look before you do it again."
)
WORKING = "Working…"
LATE_RESULT = "The long work you started has ended. Its answer is private, so run the command again to read it."
PREVIOUS_PAGE = "Previous"
NEXT_PAGE = "Next"
LINKED = "linked"
UNLINKED = "unlinked"
NOT_IN_GUILD = "not in the guild"
HIATUS_BUTTON = "Mark hiatus…"
HIATUS_TITLE = "Mark hiatus"
HIATUS_UNTIL = "Until"
HIATUS_UNTIL_HELP = "Days (30d), weeks (6w) or a date (2026-12-31). Leave it empty if nobody knows."
HIATUS_REASON = "Reason"
HIATUS_REASON_HELP = "Other officers read it in /whois."

SOURCES = {
    Source.BATTLENET_OAUTH: "a Battle.net sign-in",
    Source.OFFICER: "an officer's word",
    Source.INVITE: "an invitation",
    Source.CLAIM: "a claim that an officer confirmed",
    Source.MIGRATED_SHEET: "the earlier spreadsheet",
    Source.ALIAS: "a known alias",
    Source.OFFICER_NOTE: "an officer note",
    Source.GUILD_NOTE: "a guild note",
    Source.NAME: "equal name",
    Source.SIMILAR_NAME: "similar name",
}


def page(number: int, count: int) -> str:
    """Say which page of how many this is; the first is 1."""
    return f"-# Page {number} of {count}"


def unknown_reason(rule: str) -> str:
    """Name a reason that this release has no words for."""
    return f"a reason of another release of Muster ({rule})"


def and_more(count: int) -> str:
    """Say how many of a list are left out."""
    return f"… and {count:,} more"


def roster_age(at: datetime) -> str:
    """Say how old the ranks are."""
    return f"-# Ranks as the roster had them {timestamp(at)}; the game may be ahead."


def rules_failed(names: Sequence[str]) -> str:
    """Say which rules an audit had to leave out."""
    rules = ", ".join(f"`{name}`" for name in names)
    failed = f"The rule {rules} failed and was" if len(names) == 1 else f"The rules {rules} failed and were"
    return f"⚠️ {failed} left out; the others ran. Whoever runs Muster finds the error in the log."


def missing_permissions(names: list[str]) -> str:
    """Say which permissions the user lacks."""
    return f"You need these permissions for this: {_readable(names)}."


def bot_missing_permissions(names: list[str]) -> str:
    """Say which permissions Muster lacks."""
    return f"Muster needs these permissions for this: {_readable(names)}."


def cooldown(seconds: float) -> str:
    """Say how long to wait."""
    return f"Not so fast: try again in {max(1, round(seconds))} s."


def unexpected(error_id: str) -> str:
    """Say that something broke, with the id under which the log tells what."""
    return f"Something went wrong on Muster's side. Tell whoever runs it this error id: `{error_id}`."


def _readable(names: list[str]) -> str:
    return ", ".join(name.replace("_", " ").replace("guild", "server").title() for name in names)
