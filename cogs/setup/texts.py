"""Texts of `/setup`."""

from collections.abc import Sequence
from datetime import datetime

from cogs.common.text import count_of, escape, timestamp

GROUP = "Set Muster up on this server."
GUILD = "Choose the World of Warcraft guild that this server follows."
REGION = "The guild's region."
REALM = "The guild's home realm: type a part of its name, in any language, and choose from the list."
GUILD_NAME = "The guild's name, as it is written in the game."
REPLACE = "Only to follow another guild: the name of the guild that this server gives up."
CHANNELS = "Choose where Muster posts."
AUDIT_CHANNEL = "Where audit findings and held departures are posted: a channel for officers only."
CHECK = "See what Muster needs, what is missing, and what to do about it."

LOOKING_UP = "Looking for the guild on Battle.net…"
CHECKING = "Checking…"

FACTIONS = {"ALLIANCE": "Alliance", "HORDE": "Horde", "NEUTRAL": "Neutral"}
PERMISSIONS = {"view_channel": "View Channel", "send_messages": "Send Messages"}

NEXT = "**Next**"
NEXT_ROSTER = "`/sync roster` reads its roster."
NEXT_CHANNELS = "`/setup channels` chooses where findings are posted."
NEXT_CHECK = "`/setup check` tells whether anything is missing."

CHANNEL_WARNING = (
    "⚠️ **Everyone can read this channel.** Officers' notes and findings about members will be posted there. Take "
    "View Channel from @\u200beveryone in the channel's settings, or choose another channel."
)

CHECK_TITLE = "## Setup check"
ALL_THERE = "Everything that Muster needs is there."
INTENT_ON = "Server Members intent: on."
INTENT_OFF = (
    "Server Members intent: off. Whoever runs Muster switches it on in the Discord developer portal: the application, "
    "Bot, Privileged Gateway Intents, Server Members Intent. Then restart Muster."
)
INTENT_UNKNOWN = "Server Members intent: Discord did not tell. Run the check again in a minute."
PERMISSIONS_THERE = "Permissions: View Channel and Send Messages."
NO_CHANNEL = "Audit channel: none, so nothing is posted. Choose one with `/setup channels`."
CHANNEL_GONE = "Audit channel: it no longer exists. Choose another with `/setup channels`."
NO_GUILD = "Guild: none. Choose one with `/setup guild`."
NEVER_ROSTER = "Roster: never read. Run `/sync roster`."
NEVER_MEMBERS = "Members: never read. Run `/sync members`."
TIMERS_ON = "Timers: on. The roster is read every 6 hours, members every 15 minutes."
TIMERS_OFF = (
    "Timers: off, so nothing is read by itself; `/sync roster` and `/sync members` work. Whoever runs Muster sets "
    "`MUSTER_ENV=production` to switch them on."
)
BATTLENET_ANSWERS = "Battle.net: answers."
DELIVERED = "Posts: the last one arrived, or there was none yet."


def guild(name: str) -> str:
    """Head the card of a guild."""
    return f"## {escape(name)}"


def guild_facts(realm: str, region: str, faction: str | None, members: int | None) -> str:
    """Describe a guild in a line for each fact that is known."""
    lines = [f"Realm: {escape(realm)} ({region.upper()})"]
    if faction is not None:
        lines.append(f"Faction: {FACTIONS.get(faction, escape(faction.title()))}")
    if members is not None:
        lines.append(f"Characters: {members:,}")
    return "\n".join(lines)


def next_steps(steps: Sequence[str]) -> str:
    """List what to do next."""
    return "\n".join([NEXT, *(f"- {step}" for step in steps)])


def channel_refused(channel_id: int, missing: Sequence[str]) -> str:
    """Say what Muster lacks in a channel, and that the choice was not stored."""
    return (
        f"Muster can't post in <#{channel_id}>: it lacks {_names(missing)} there. Give Muster's role that in the "
        "channel's settings, Permissions, then choose the channel again. Nothing was changed."
    )


def channel_set(channel_id: int) -> str:
    """Say what will be posted where."""
    return (
        f"## Audit channel\n<#{channel_id}> gets:\n"
        "- new audit findings, after each sync that finds some\n"
        "- large departures that wait for an officer, and who decided them\n"
        "Nobody is pinged. `/audit report` posts what stands now."
    )


def missing(count: int) -> str:
    """Say how many things have to be done."""
    return f"**{count_of(count, 'thing')} to do**, marked ❌."


def permissions_missing(names: Sequence[str]) -> str:
    """Say which permissions Muster's role lacks in the server."""
    return (
        f"Permissions: Muster's role lacks {_names(names)}. Give it that in Server Settings, Roles; until then Muster "
        "posts only in channels that allow it themselves."
    )


def channel_unusable(channel_id: int, names: Sequence[str]) -> str:
    """Say what Muster lacks in the audit channel."""
    return (
        f"Audit channel: in <#{channel_id}> Muster lacks {_names(names)}. Give Muster's role that in the channel's "
        "settings, Permissions."
    )


def channel_public(channel_id: int) -> str:
    """Say that everybody reads what only officers should."""
    return (
        f"Audit channel: everyone can read <#{channel_id}>, officers' notes included. Take View Channel from "
        "@\u200beveryone there, or choose another with `/setup channels`."
    )


def channel_fine(channel_id: int) -> str:
    """Say that reports arrive."""
    return f"Audit channel: <#{channel_id}>."


def guild_followed(name: str, realm: str, region: str) -> str:
    """Name the guild."""
    return f"Guild: {escape(name)}, {escape(realm)} ({region.upper()})."


def run_good(what: str, moment: datetime) -> str:
    """Say that the last run of a source was good."""
    return f"{what}: read {timestamp(moment)}."


def run_going(what: str, moment: datetime) -> str:
    """Say that a source is being read."""
    return f"{what}: being read, begun {timestamp(moment)}."


def run_partial(what: str, moment: datetime, reason: str) -> str:
    """Say what the last run left out."""
    return f"{what}: read {timestamp(moment)}, not all of it: {escape(reason, 300)}."


def run_failed(what: str, moment: datetime, reason: str, remedy: str) -> str:
    """Say why the last run failed, and what to try."""
    return f"{what}: the last read failed {timestamp(moment)}: {escape(reason, 300)}. Nothing was changed. {remedy}"


def battlenet_silent(reason: str) -> str:
    """Say why Battle.net can't be used."""
    return (
        f"Battle.net: does not answer usefully ({escape(reason, 300)}). Try again later; if it stays so, whoever runs "
        "Muster checks the Battle.net client with `muster doctor`."
    )


def undelivered(reason: str) -> str:
    """Say why the last post did not arrive."""
    return f"Posts: the last one could not be delivered: {escape(reason, 300)}."


def _names(permissions: Sequence[str]) -> str:
    return " and ".join(f"**{PERMISSIONS[name]}**" for name in permissions)
