"""Free text made fit to be shown: it formats, links and mentions nothing, and hides or reorders nothing around it."""

import re
from datetime import datetime
from typing import Literal

import discord

from domain.visible import one_line

DEFAULT_LIMIT = 200
_MARKDOWN = re.compile(r"([\\*_~`|\[\]()<>#+\-])")
# What Discord makes a link or an invitation of; no backslash stops it.
_LINK = re.compile(r":(?=//)|discord(?:app)?\.(?=\w+/)", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d+)\.")

TimestampStyle = Literal["f", "F", "d", "D", "t", "T", "R"]


def clean(text: str, limit: int = DEFAULT_LIMIT) -> str:
    """Give one line without control, format and invisible characters, cut to `limit` characters with "…"."""
    line = one_line(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def escape(text: str, limit: int = DEFAULT_LIMIT) -> str:
    """Clean free text for a message: no markdown, mention or link; `limit` counts characters as seen, unescaped."""
    line = _LINK.sub("\\g<0>\u200b", _MARKDOWN.sub(r"\\\1", clean(text, limit)))
    # Discord looks for @everyone in the raw content, where a backslash does not hide it.
    return _NUMBERED.sub(r"\1\\.", line).replace("@", "@\u200b")


def count_of(number: int, one: str, many: str | None = None) -> str:
    """Give a number with its noun: 1 character, 2 characters."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def timestamp(moment: datetime, style: TimestampStyle = "R") -> str:
    """Give Discord's own time mark, shown in each reader's zone and language; ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return discord.utils.format_dt(moment, style)
