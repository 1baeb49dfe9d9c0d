"""The terminal of the demo: cards as a member would see them, each with the time since the start."""

import re
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Console
from rich.panel import Panel
from rich.text import Text
from simcord.backend import Backend

WIDTH = 100
SECTION_LINES = 11
"""A longer section of a card, which begins with a heading, shows its first and last lines."""
FIRST_LINES, LAST_LINES = 6, 2
NO_COLOUR = 0x3A3A3E

MENTION = re.compile(r"<@!?(\d+)>")
CHANNEL = re.compile(r"<#(\d+)>")
ROLE = re.compile(r"<@&(\d+)>")
TIME_MARK = re.compile(r"<t:(\d+)(?::[a-zA-Z])?>")
ESCAPED = re.compile(r"\\([\\*_~`|\[\]()<>#+\-.])")


class Screen:
    """Prints what is said and shown; what went wrong goes to stderr, unwrapped."""

    def __init__(self) -> None:
        self._out = _console(sys.stdout.isatty())
        self._err = _console(sys.stderr.isatty(), stderr=True)
        self._began = time.monotonic()

    def line(self, text: str) -> None:
        """Print a line as it is."""
        self._out.print(text, markup=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print what happens next."""
        self._out.print(Text(f"{self._time()}  {text}", style="bold"), soft_wrap=True)

    def show(self, title: str, lines: Iterable[str], colour: int | None = None) -> None:
        """Print a card in its own colour (0xRRGGBB), long sections shortened."""
        style = f"#{NO_COLOUR if colour is None else colour:06x}"
        heading = Text(f"{self._time()}  {title}", style="bold default")
        body = Text("\n".join(shortened(lines)))
        self._out.print(Panel(body, title=heading, title_align="left", border_style=style))

    def complain(self, text: str, log: Iterable[str] = ()) -> None:
        """Print what went wrong, after the log lines that may tell why."""
        for line in log:
            self._err.print(line, markup=False, soft_wrap=True, style="dim")
        self._err.print(text, markup=False, soft_wrap=True, style="red")

    def _time(self) -> str:
        return f"{time.monotonic() - self._began:.1f} s"


def shortened(lines: Iterable[str]) -> list[str]:
    """Cut the middle out of each section that is too long for a terminal."""
    sections: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("#"):
            sections.append([])
        sections[-1].append(line)
    return [line for section in sections for line in _cut(section)]


def readable(line: str, backend: Backend, server_id: int) -> str:
    """Put names and times where a Discord client would, and take out the escapes."""
    line = MENTION.sub(lambda found: f"@{_shown_name(backend, server_id, int(found[1]))}", line)
    roles = backend.get_guild(server_id).roles
    line = ROLE.sub(lambda found: f"@{roles[int(found[1])].name}", line)
    line = CHANNEL.sub(lambda found: f"#{backend.get_channel(int(found[1])).name}", line)
    line = TIME_MARK.sub(lambda found: f"{datetime.fromtimestamp(int(found[1]), UTC):%Y-%m-%d %H:%M} UTC", line)
    return ESCAPED.sub(r"\1", line)


def _shown_name(backend: Backend, server_id: int, user_id: int) -> str:
    user, member = backend.get_user(user_id), backend.get_guild(server_id).members.get(user_id)
    return (member.nick if member else None) or user.global_name or user.name


def _cut(section: list[str]) -> list[str]:
    if len(section) <= SECTION_LINES:
        return section
    left_out = len(section) - FIRST_LINES - LAST_LINES
    return [*section[:FIRST_LINES], f"   ⋮  {left_out} more lines", *section[-LAST_LINES:]]


def _console(terminal: bool, *, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, highlight=False)
    console.width = min(console.width, WIDTH) if terminal else WIDTH
    return console
