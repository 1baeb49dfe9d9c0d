"""Texts of `/sync`."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from cogs.common.text import count_of, escape, timestamp
from cogs.common.texts import and_more
from domain.runs import RunSource, RunStatus

GROUP = "Read the roster and the members now, and decide about departures."
ROSTER = "Read the guild's roster from Battle.net now."
MEMBERS = "Compare the members of this server now."
STATUS = "See the last syncs, and the departures that wait for a decision."
APPLY = "Let the held departures leave: these characters are gone from the guild."
DISCARD = "Keep the held departures as members; asked again only when more go missing."

ROSTER_LATE = "The roster sync that you started is done. `/sync status` shows how it ended."
MEMBERS_LATE = "The member sync that you started is done. `/sync status` shows how it ended."
PROFILES_FOLLOW = "Profiles (item level, last login) follow in the background; `/sync status` shows them."
PROFILES_WAIT = "Profiles (item level, last login) wait: timers are off in this copy of Muster."
READING_MEMBERS = "Reading the members from Discord…"
NOTHING_CHANGED = "Nothing changed."
MEMBERS_FIRST = "Links and findings come once the members were read: run `/sync members`."
FOLLOW_UP_FAILED = (
    "⚠️ Links and findings of this server could not be brought up to date; the next sync makes up for it. Whoever runs "
    "Muster finds the error in the log."
)
GUILD_FIRST = "Links and findings come once this server follows a guild: run `/setup guild`."
ROSTER_FIRST = "Links and findings come once the roster was read: run `/sync roster`."

STATUS_TITLE = "## Sync status"
NOTHING_SYNCED = "Nothing was read yet. Begin with `/sync roster` and `/sync members`."
SOURCES = {
    RunSource.BLIZZARD_API: "Roster",
    RunSource.BLIZZARD_PROFILES: "Profiles",
    RunSource.DISCORD_BOT: "Members",
    RunSource.ADDON_UPLOAD: "Addon upload",
    RunSource.CRAFTING_SYNC: "Professions",
    RunSource.STATIC_DATA: "Game data",
}
STATUSES = {
    RunStatus.RUNNING: "🔄 running, begun",
    RunStatus.SUCCESS: "✅ success,",
    RunStatus.PARTIAL: "⚠️ partial,",
    RunStatus.ERROR: "❌ failed,",
}
# What a run counts, in the words of its cards; a count that stands nowhere here is not shown.
COUNTS = {
    "characters": ("character", None),
    "members": ("member", None),
    "new": ("new", "new"),
    "joined": ("joined", "joined"),
    "returned": ("returned", "returned"),
    "changed": ("changed", "changed"),
    "renamed": ("renamed", "renamed"),
    "rank_moved": ("rank move", None),
    "departed": ("departed", "departed"),
    "left": ("left", "left"),
    "held": ("held", "held"),
    "profiles_checked": ("profile checked", "profiles checked"),
    "profiles_changed": ("updated", "updated"),
    "profiles_failed": ("not read", "not read"),
    "uploads": ("upload", None),
    "notes_new": ("character with other notes", "characters with other notes"),
    "uploads_older": ("older", "older"),
    "uploads_failed": ("failed", "failed"),
}

APPLY_BUTTON = "Apply"
DISCARD_BUTTON = "Discard"
DECIDED_MEANWHILE = "They have been decided about meanwhile: `/sync status` shows how things stand."
SET_CHANGED = "**The departures changed meanwhile.** Look again before you decide."
HOW_TO_DECIDE = (
    "**Apply**: they left the guild. **Discard**: they stay members, and Muster asks again only when more go missing."
)
APPLY_QUESTION = "They will count as departed. A character that is in the next roster comes back with its history."
DISCARD_QUESTION = "They will stay members, whatever the roster says. Muster asks again only when more go missing."


def counts(found: Mapping[str, int], *, leave_out: Sequence[str] = ()) -> str:
    """List counts that are not zero; "" without any."""
    return " · ".join(
        count_of(found[name], *words) for name, words in COUNTS.items() if found.get(name) and name not in leave_out
    )


def roster_title(guild: str, characters: int) -> str:
    """Head the result of a roster sync."""
    return f"## {escape(guild)}\n**{count_of(characters, 'character')}** in the guild."


def roster_failed(guild: str, reason: str) -> str:
    """Say why a roster was not applied."""
    return (
        f"## {escape(guild)}: the roster could not be read\n{escape(reason, 300)}.\n"
        "**Nothing was changed.** Try again later; `/setup check` tells whether Battle.net answers."
    )


def members_title(members: int) -> str:
    """Head the result of a member sync."""
    return f"## Members\n**{count_of(members, 'member')}** on this server, bots left out."


def follow_up(linked: int, suggested: int, opened: int, resolved: int, standing: int) -> str:
    """Say what followed on this server."""
    links = f"{count_of(linked, 'link')} made by Muster's rules" if linked else "No new links"
    if suggested:
        links += f" · {count_of(suggested, 'new suggestion')}: `/link review`"
    moved = " · ".join(f"{number:,} {word}" for number, word in ((opened, "new"), (resolved, "resolved")) if number)
    return f"{links}.\n{count_of(standing, 'finding')}{f' ({moved})' if moved else ''}. `/audit report` posts them."


def status_line(source: RunSource, status: RunStatus, moment: datetime, found: str, reason: str | None) -> str:
    """Say how the last run of a source went."""
    line = f"**{SOURCES[source]}** · {STATUSES[status]} {timestamp(moment)}"
    details = [text for text in (found, escape(reason, 300) if reason else "") if text]
    return "\n".join([line, *details])


def held_title(waiting: int, kept: int) -> str:
    """Head the list of held departures."""
    lines = []
    if waiting:
        lines.append(f"**{held_words(waiting)} for a decision**: missing from the roster, still members.")
    if kept:
        lines.append(f"{count_of(kept, 'character')} missing from the roster, kept by an officer.")
    return "\n".join(lines)


def held_words(waiting: int) -> str:
    """Say how many departures wait."""
    return f"{waiting:,} {'departure waits' if waiting == 1 else 'departures wait'}"


def held_line(name: str, realm: str, since: datetime, *, kept: bool) -> str:
    """Name a held character."""
    return f"- {escape(name)} · {escape(realm)} · {'kept, missing' if kept else 'held'} since {timestamp(since, 'd')}"


def more(count: int) -> str:
    """Say how many names are left out."""
    return f"{and_more(count)}: `/sync status` lists them."


def question_title(waiting: int, *, apply: bool) -> str:
    """Ask before a decision."""
    whom = count_of(waiting, "character")
    return f"## Let {whom} go?" if apply else f"## Keep {whom}?"


def confirm_button(waiting: int, *, apply: bool) -> str:
    """Label the button that decides."""
    return f"{'Apply' if apply else 'Keep'}: {count_of(waiting, 'character')}"


def decided(guild: str, characters: int, *, apply: bool) -> str:
    """Say what one's decision did."""
    whom = count_of(characters, "character")
    if apply:
        return f"## Departures applied\n{whom} left **{escape(guild)}**."
    again = "Muster asks again only when more go missing."
    return f"## Departures discarded\n{whom} {_stay(characters)} in **{escape(guild)}**. {again}"


def notice_held(guild: str, characters: int) -> str:
    """Tell officers that departures wait."""
    return (
        f"## Departures held\n{count_of(characters, 'character')} went missing from the roster of **{escape(guild)}** "
        "at once. They stay members until an officer decides."
    )


def notice_decided(guild: str, characters: int, *, apply: bool, by: int, elsewhere: bool) -> str:
    """Tell officers who decided what."""
    who = f"<@{by}>, an officer of another server," if elsewhere else f"<@{by}>"
    whom = count_of(characters, "character")
    if apply:
        return f"## Departures applied\n{who} applied the held departures: {whom} left **{escape(guild)}**."
    return (
        f"## Departures discarded\n{who} discarded the held departures: {whom} {_stay(characters)} in "
        f"**{escape(guild)}**."
    )


def _stay(characters: int) -> str:
    return "stays" if characters == 1 else "stay"
