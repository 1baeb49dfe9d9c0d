"""Texts of `/addon status`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.services.upload_format import WHOLE
from bot.services.uploads import UploadView
from cogs.addon.texts import COMPANION, INTO_ADDONS
from cogs.common.text import count_of, escape, timestamp
from cogs.common.texts import and_more
from domain.uploads import UploadState

COMMAND = "What was uploaded from the game: when, by whom, and what did not fit."
SHOW_ALL = "Show all"
BACK = "Back"
NAME_LIMIT: Final = 40
ROW_LIMIT: Final = 60
REASON_LIMIT: Final = 200

STATES = {
    UploadState.RECEIVED: ("⏳", "received, its turn comes"),
    UploadState.APPLIED: ("✅", "applied"),
    UploadState.OLDER: ("💤", "kept, not applied: a newer one had told it"),
    UploadState.FAILED: ("❌", "not applied"),
}
ALL_NOTES = "Guild and officer notes"
NOTES = "Guild notes"
OFFICER_NOTES = "Officer notes"
TOO_OLD = (
    "⚠️ That is too old: an uploader plays with the addon and types `/reload` while the companion runs. "
    "`/setup options` sets the limit."
)
NONE_APPLIED = "**None of the last uploads was applied**, so no note is news."
NO_OFFICER_NOTES = (
    "None of the last uploads that were applied could see **officer notes**: those need an uploader whose rank in the "
    "game may read them."
)
NO_KEY = "⚠️ No key is in force, so nothing can come: `/addon key` makes one."
UNFIT: Final = {"unknown": "no character of the guild", "ambiguous": "more than one character of the guild"}
"""What rows fit, by their kind in an upload's result."""
EXPLAINED = (
    "-# What fits no character is new, renamed or gone since the last roster: `/sync roster` reads it, and the next "
    "upload tries again."
)
NOTHING_LEFT_OUT = "All of its rows fit."
NOT_LISTED = "This upload is not among the server's last ones any more. `/addon status` shows those."


def title(guild: str) -> str:
    """Head the card."""
    return f"## Notes from the game · {escape(guild, NAME_LIMIT)}"


def age(what: str, at: datetime, limit_days: int | None = None) -> str:
    """Say how old notes are, perhaps against the server's limit."""
    limit = "" if limit_days is None else f" · limit: {count_of(limit_days, 'day')}"
    return f"**{what}** as of {timestamp(at)}{limit}"


def steps(keys: int) -> str:
    """Tell how the first upload comes, where so many keys are in force."""
    verb = "is" if keys == 1 else "are"
    first = f"✅ {count_of(keys, 'key')} {verb} in force." if keys else "`/addon key`, Create…: one for each uploader."
    return (
        "**Nothing was uploaded yet.** It takes a guild member whose rank may read officer notes, and their PC:\n"
        f"1. {first}\n"
        f"2. The addon: {INTO_ADDONS}.\n"
        f"3. The companion: {COMPANION}, which asks for address and key.\n"
        "4. In the game `/muster`, then `/reload`: the game writes its files only then, and at logout."
    )


def head(upload: UploadView) -> str:
    """Say how an upload stands, when it came, and from whom."""
    symbol, words = STATES[upload.state]
    by = f"**{escape(upload.uploader, NAME_LIMIT)}**"
    return f"{symbol} {timestamp(upload.received_at)} by {by}: {words}"


def read_by(upload: UploadView) -> str:
    """Say which character read the roster, when, and what it saw."""
    exporter = escape(upload.exporter, ROW_LIMIT) if upload.exporter else "an unnamed character"
    seen = "officer notes seen" if upload.officer_notes else "officer notes not seen"
    when = timestamp(upload.exported_at)
    return f"-# read {when} by {exporter} · {count_of(upload.rows, 'row')} · {seen} · `{upload.public_id}`"


def counts(applied: int, unchanged: int, emptied: int) -> str:
    """Count the characters whose notes are news, those of them that lost a note, and those whose notes are not."""
    lost = f" ({emptied:,} lost a note)" if emptied else ""
    return f"{count_of(applied, 'character')} with news{lost}, {unchanged:,} unchanged"


def failed(reason: str) -> str:
    """Say why an upload was not applied, and what to do."""
    why = f"{escape(reason, REASON_LIMIT).rstrip('.')}. " if reason else ""
    return (
        f"{why}The next export is tried anew: `/muster` in the game, then `/reload`. If that fails too, give whoever "
        "runs Muster the id below."
    )


def unfit_count(count: int, words: str, first: Sequence[str]) -> str:
    """Count the rows that fit nobody or several, and name the first ones."""
    told = ", ".join(escape(name, ROW_LIMIT) for name in first)
    more = f" {and_more(count - len(first))}" if first and count > len(first) else ""
    verb = "fits" if count == 1 else "fit"
    return f"⚠️ {count_of(count, 'row')} {verb} {words}" + (f": {told}{more}" if told else "")


def wrong_count(count: int) -> str:
    """Count the rows that could not be read."""
    return f"⚠️ {count_of(count, 'row')} left out, since a field is wrong"


def unfit_title(count: int) -> str:
    """Head the rows of an upload that were not applied."""
    return f"## {count_of(count, 'row')} not applied"


def unfit(name: str, words: str) -> str:
    """Show a row that fits nobody or several."""
    return f"- **{escape(name, ROW_LIMIT)}** fits {words}"


def wrong(row: int, field: str, problem: str) -> str:
    """Show a row that could not be read; people count rows from 1."""
    what = f"Row {row + 1:,}" if field == WHOLE else f"Row {row + 1:,}: {escape(field, NAME_LIMIT)}"
    return f"- {what} is {escape(problem, ROW_LIMIT)}"
