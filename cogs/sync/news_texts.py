"""Texts of what the syncs tell in the audit channel by themselves."""

from collections.abc import Sequence
from datetime import datetime

from cogs.common.text import count_of, escape, timestamp
from cogs.common.texts import and_more
from domain.runs import RunSource

GUILD_LIMIT = 60
CHARACTER_LIMIT = 12
"""The game's own limit."""
REALM_LIMIT = 24
RANK_LIMIT = 16

LINKS_HELP = (
    "-# They are inferred: they give no role and no rank. `/link why` tells all reasons, `/link remove` undoes one."
)

CANNOT_BE_READ = {
    RunSource.BLIZZARD_API: "The roster can't be read",
    RunSource.DISCORD_BOT: "The member list can't be read",
}
READ_AGAIN = {
    RunSource.BLIZZARD_API: "The roster is read again",
    RunSource.DISCORD_BOT: "The member list is read again",
}


def title(guild: str) -> str:
    """Head the news of a roster."""
    return f"## {escape(guild, GUILD_LIMIT)}: the roster changed"


def joined(count: int, names: Sequence[str]) -> str:
    """Say who is new in the guild."""
    return f"➕ **{count_of(count, 'character')} joined**: {_names(count, names)}"


def returned(count: int, names: Sequence[str]) -> str:
    """Say who is in the guild again."""
    return f"↩️ **{count_of(count, 'character')} came back**: {_names(count, names)}"


def departed(count: int, names: Sequence[str]) -> str:
    """Say who left the guild."""
    return f"➖ **{count_of(count, 'character')} left**: {_names(count, names)}"


def renamed(before: str, after: str) -> str:
    """Say what a character is called now."""
    return f"✏️ {escape(before, CHARACTER_LIMIT)} → **{escape(after, CHARACTER_LIMIT)}**"


def transferred(name: str, before: str, after: str) -> str:
    """Say to which realm a character moved."""
    realms = f"{escape(before, REALM_LIMIT)} → {escape(after, REALM_LIMIT)}"
    return f"✏️ **{escape(name, CHARACTER_LIMIT)}**: {realms}"


def moved(name: str, before: str, after: str, *, is_promotion: bool) -> str:
    """Say between which ranks a character moved."""
    ranks = f"{escape(before, RANK_LIMIT)} → {escape(after, RANK_LIMIT)}"
    return f"{'⬆️' if is_promotion else '⬇️'} **{escape(name, CHARACTER_LIMIT)}**: {ranks}"


def links_title(count: int) -> str:
    """Head the news of links that notes of the game led to."""
    verb = "is" if count == 1 else "are"
    return f"## Notes from the game: {count_of(count, 'link')} {verb} new"


def linked(character: str, user_id: int, why: str) -> str:
    """Say whose a character is by what a note says."""
    return f"- **{escape(character, CHARACTER_LIMIT)}** → <@{user_id}>" + (f": {why}" if why else "")


def more_links(count: int) -> str:
    """Say how many links are not told one by one."""
    return f"… and {count_of(count, 'more link')}"


def more_renamed(count: int) -> str:
    """Say how many renames are not told one by one."""
    return f"… and {count_of(count, 'more rename')}"


def more_moved(count: int) -> str:
    """Say how many rank moves are not told one by one."""
    return f"… and {count_of(count, 'more rank move')}"


def failing(source: RunSource, since: datetime, failures: int, reason: str) -> str:
    """Say that a source gives nothing, and that nothing is lost."""
    return (
        f"## {CANNOT_BE_READ[source]}\n{count_of(failures, 'try', 'tries')} failed since {timestamp(since, 'f')}. "
        f"The last one: {escape(reason, 300)}.\n**Nothing was changed.** Muster keeps trying and says here when it "
        "works again; `/setup check` tells what is missing."
    )


def over(source: RunSource, since: datetime) -> str:
    """Say that a source is read again."""
    return f"✅ **{READ_AGAIN[source]}.** It could not be since {timestamp(since, 'f')}."


def _names(count: int, names: Sequence[str]) -> str:
    shown = ", ".join(escape(name, CHARACTER_LIMIT) for name in names)
    return f"{shown} {and_more(count - len(names))}" if count > len(names) else shown
