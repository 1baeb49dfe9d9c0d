"""Texts of the lines that tell findings."""

from collections.abc import Iterable
from datetime import datetime

from cogs.common.text import count_of, timestamp

CHOOSE_ROLE = "choose its role with `/setup ranks`"
SEE_LOG = "whoever runs Muster finds the error in the log"
DATA = {"roster": "Guild roster", "members": "Member list"}
SEND_NOTES = "an uploader plays with the addon and types `/reload` while the companion runs"
MAINS = {"main": "main", "offspec": "off-spec"}


def named_rank(name: str, index: int) -> str:
    """Name a rank as the guild does, with its index."""
    return f"{name} (rank {index})"


def roles(expected: str, held: str) -> str:
    """Say which role a rank asks for and which roles of ranks are held, "" for none."""
    return f"lacks {expected}, has {held}" if held else f"lacks {expected}"


def contradicted(linked: str, others: str, *, by_note: bool) -> str:
    """Say whose a character is and for whom something else speaks; what a note says is not for this channel."""
    return f"linked to {linked or 'nobody here'}, but {'a note' if by_note else 'a name'} speaks for {others}"


def last_login(moment: datetime) -> str:
    """Say when a character was last logged in."""
    return f"last login {timestamp(moment)}"


def level(number: int) -> str:
    """Name a level."""
    return f"level {number}"


def also_proven(others: str, source: str) -> str:
    """Say whom a proof makes a member too, "" for a player without members, and what the proof is."""
    return f"the same person as {others or 'a player without members'} by {source}"


def missing(characters: int, guild: str, names: str) -> str:
    """Say how many characters were missing from a roster, and who."""
    return f"**{count_of(characters, 'character')}** missing from {guild}: {names}"


def left(moment: datetime) -> str:
    """Say when a member left the server."""
    return f"left {timestamp(moment)}"


def leaves_behind(characters: int, best: str) -> str:
    """Say how many characters in the guild are still linked to who left, and which is the highest of them."""
    return f"still linked: {best}" if characters == 1 else f"still linked: {count_of(characters, 'character')}, {best}"


def not_read(source: str, days: int, moment: datetime | None) -> str:
    """Say what was not read whole for so many days, and when it last was."""
    read = "never read whole" if moment is None else f"last read whole {timestamp(moment)}"
    return f"**{DATA[source]}** · {read} · limit: {count_of(days, 'day')}"


def not_uploaded(days: int, moment: datetime | None) -> str:
    """Say for how long no notes came from the game, and what brings them."""
    read = "never uploaded" if moment is None else f"last read in the game {timestamp(moment)}"
    return f"**Notes** · {read} · limit: {count_of(days, 'day')} · {SEND_NOTES}"


def suggested(members: str, *, surely: bool) -> str:
    """Say whose a character may be; `surely` where only the server's way of linking leaves it to officers."""
    return f"likely {members}" if surely else f"perhaps {members}"


def main_gone(which: Iterable[str]) -> str:
    """Say what of a player's choice is no character in the guild any more."""
    return f"{' and '.join(MAINS[one] for one in which)} not in the guild"


def unknown_reference(kind: str, number: int) -> str:
    """Name an id of the game that has no name yet."""
    return f"{kind.capitalize()} {number}"


def such_as(characters: int, name: str) -> str:
    """Say how many characters have something, with one of them by name."""
    return f"{count_of(characters, 'character')}, such as {name}"
