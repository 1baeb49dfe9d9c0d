"""Texts of `/setup ranks`."""

from datetime import datetime

from cogs.common.text import count_of, escape, timestamp
from domain.ranks import RankTruth, rank_label

COMMAND = "Name the guild's ranks, map them to roles, and choose the officer role."

CHOOSE_RANK = "A rank: its name and its role"
CHOOSE_ROLE = "The role of this rank"
CHOOSE_OFFICER_ROLE = "The role that makes officers"
NO_ROLE = "No role"
NO_RANK_ROLE = "Nobody gets a role for this rank"
ONLY_MANAGE_SERVER = "Only Manage Server makes an officer"

NAME_BUTTON = "Name it"
OFFICERS_BUTTON = "Officer role"
BACK_BUTTON = "Back to all ranks"

DELETED_ROLE = "⚠️ deleted role"
DELETED_HINT = "⚠️ Its role was deleted. Choose another."
ROLE_GONE = "This role was deleted meanwhile. Choose another one."
SERVER_UNAVAILABLE = (
    "Discord does not tell this server's roles at the moment. Nothing was changed; try again in a minute."
)
NOT_READ = "The roster was never read, so no rank is known yet. Run `/sync roster` first."
OFFERED = "-# Offered are roles below Muster's own that no app manages and that give no power which you lack."
OFFERED_OFFICERS = "-# Any role but @\u200beveryone and those that an app manages. Muster only looks who has it."

OFFICERS_TITLE = "## Officer role"
GRANT_HINT = (
    "-# Who has only the role sees the officers' commands once the server grants them in Server Settings → "
    "Integrations → Muster."
)

TRUTH = "**Rank truth**\n-# Differences are reported; `/setup roles` lets Muster mend them, once the game decides."
TRUTHS = {
    RankTruth.GAME: ("The game decides", "Discord roles have to follow the ranks of the game"),
    RankTruth.REPORT_ONLY: ("Report only", "Nobody decides: Muster only tells where they differ"),
}

NAME_TITLE = "Name a rank"
NAME_LABEL = "What the guild calls this rank"
NAME_HELP = "As in the game. Leave it empty to call it by its number."
CONFIRM_TITLE = "A powerful role"
CONFIRM_LABEL = "Type the role's name"


def title(guild: str) -> str:
    """Head the card of all ranks."""
    return f"## Ranks of {escape(guild)}"


def rank_title(index: int, name: str | None) -> str:
    """Head the card of a rank."""
    return f"## {escape(rank_label(index, name))}{_number(index, name)}"


def rank_choice(index: int, name: str | None) -> str:
    """Name a rank in the menu, by its number too: the game lets two bear one name."""
    return f"{rank_label(index, name)}{_number(index, name)}"


def rank_line(index: int, name: str | None, role: str, characters: int) -> str:
    """Tell a rank in a line."""
    return f"`{index}` **{escape(rank_label(index, name))}** · {role} · {count(characters)}"


def count(characters: int) -> str:
    """Tell how many have a rank; one that is named or mapped is shown without any."""
    return count_of(characters, "character") if characters else "nobody now"


def role(role_id: int, *, usable: bool) -> str:
    """Show a role, marked when Muster could not give it."""
    return f"<@&{role_id}>" if usable else f"⚠️ <@&{role_id}>"


def unusable(reason: str) -> str:
    """Say why the role of a rank is of no use any more."""
    return f"⚠️ Muster can't use this role: {reason}."


def offered(beyond_reach: int) -> str:
    """Say which roles are offered, and how to have those offered that stand too high for Muster."""
    if not beyond_reach:
        return OFFERED
    stand = "1 role stands" if beyond_reach == 1 else f"{beyond_reach} roles stand"
    return f"{OFFERED} {stand} too high: to choose from all, move Muster's role up in Server Settings → Roles."


def role_line(role: str) -> str:
    """Tell the role of a rank."""
    return f"Role: {role}"


def age(roster_at: datetime) -> str:
    """Say how old the counts are."""
    return f"-# As the roster had it {timestamp(roster_at)}; the game may be hours ahead."


def officers(role: str | None) -> str:
    """Say who is an officer."""
    return f"**Officers**: who has Manage Server{f' or {role}' if role else '; no role makes officers yet'}."


def rank_option(role: str, characters: int) -> str:
    """Describe a rank in the menu."""
    return f"{role} · {count(characters)}"


def asks_for_name(reason: str) -> str:
    """Describe a powerful role in the menu."""
    return f"Careful: {reason}"


def confirm_help(reason: str) -> str:
    """Say why a name has to be typed."""
    return f"Everybody with this rank is meant to have it, and {reason}."


def _number(index: int, name: str | None) -> str:
    return f" (rank {index})" if name else ""
