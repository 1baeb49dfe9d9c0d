"""Texts of `/setup`."""

from collections.abc import Sequence
from datetime import datetime

from cogs.common.text import count_of, escape, timestamp
from domain.links import LinkMode
from domain.options import Language, Options

GROUP = "Set Muster up on this server."
GUILD = "Choose the World of Warcraft guild that this server follows."
REGION = "The guild's region."
REALM = "The guild's home realm: type a part of its name, in any language, and choose from the list."
GUILD_NAME = "The guild's name, as it is written in the game."
REPLACE = "Only to follow another guild: the name of the guild that this server gives up."
CHANNELS = "Choose where Muster posts."
AUDIT_CHANNEL = "Where audit findings and held departures are posted: a channel for officers only."
CHECK = "See what Muster needs, what is missing, and what to do about it."

OPTIONS = "See the server's options, or change those that you fill in."
OPTION_HELP = {
    "time_zone": "The server's time zone: type a city and choose from the list.",
    "locale": "The language of what Muster posts for everybody.",
    "link_mode": "What Muster does where names fit.",
    "roster_hours": "Hours between two reads of the roster; of two servers of one guild the shorter counts.",
    "member_minutes": "Minutes between two comparisons of the members.",
    "profile_hours": "Hours for which a character's profile counts as fresh.",
    "stale_days": "Days without a login after which a character is reported.",
    "report_lines": "How many findings of one type a report names.",
    "data_days": "Days without a whole roster or member list after which that is reported.",
    "note_days": "Days without notes from the game after which that is reported, where an uploader has a key.",
    "digest": "Whether the audit channel gets a digest each Monday at 9:00, by the server's time zone.",
}
LANGUAGES = {
    Language.ENGLISH: "English",
    Language.GERMAN: "Deutsch",
    Language.SPANISH: "Español",
    Language.FRENCH: "Français",
    Language.PORTUGUESE: "Português do Brasil",
    Language.RUSSIAN: "Русский",
    Language.KOREAN: "한국어",
}
NOT_TRANSLATED = " (Muster's texts are in English until they are translated)"
LINK_MODES = {
    LinkMode.AUTOMATIC: "Muster links by itself where the evidence is strong, marked as inferred",
    LinkMode.SUGGEST: "Muster only suggests; officers link. Links that exist stay",
    LinkMode.OFF: "Muster neither links nor suggests. Links that exist stay",
}
DIGEST_ON = "Mondays at 9:00 in the audit channel"
DIGEST_OFF = "off"
CHANGED = "**✏️ {}**"
OPTIONS_TITLE = "## Options"
OPTIONS_HINT = "Change one by filling it in: `/setup options`."

LOOKING_UP = "Looking for the guild on Battle.net…"
CHECKING = "Checking…"

FACTIONS = {"ALLIANCE": "Alliance", "HORDE": "Horde", "NEUTRAL": "Neutral"}
PERMISSIONS = {"view_channel": "View Channel", "send_messages": "Send Messages"}

NEXT = "**Next**"
NEXT_ROSTER = "`/sync roster` reads its roster."
NEXT_CHANNELS = "`/setup channels` chooses where findings are posted."
NEXT_CHECK = "`/setup check` tells whether anything is missing."

TRIAL = "-# A trial: Muster can post here."

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
NO_OFFICER_ROLE = "Officers: who has Manage Server. `/setup ranks` can choose a role beside it."
OFFICER_ROLE_GONE = "Officers: the officer role was deleted. Choose another with `/setup ranks`."
NO_GUILD = "Guild: none. Choose one with `/setup guild`."
NEVER_ROSTER = "Roster: never read. Run `/sync roster`."
NEVER_MEMBERS = "Members: never read. Run `/sync members`."
TIMERS_OFF = (
    "Timers: off, so nothing is read by itself; `/sync roster` and `/sync members` work, but profiles (item level, "
    "last login) wait. Whoever runs Muster sets `MUSTER_ENV=production` to switch them on."
)
BATTLENET_ANSWERS = "Battle.net: answers."
ROLE_SYNC_ON = "Role sync: on, and every role of a rank is within Muster's reach."
ROLE_SYNC_IDLE = (
    "Role sync: on, but nothing decides about rank roles, so none is changed. Choose “The game decides” with "
    "`/setup ranks`, or switch it off with `/setup roles`."
)
ROLE_SYNC_FORBIDDEN = (
    "Role sync: Muster's role lacks **Manage Roles**, so no role is given or taken. Give it that in Server Settings, "
    "Roles."
)
DELIVERED = "Posts: the last one arrived, or there was none yet."


def options_title(changed: int) -> str:
    """Head the options; say how many were changed, or how to change them."""
    hint = f"{count_of(changed, 'option')} changed." if changed else OPTIONS_HINT
    return f"{OPTIONS_TITLE}\n{hint}"


def option_lines(options: Options) -> dict[str, str]:
    """Tell each option in a line, by its name."""
    language = LANGUAGES[Language(options.locale)] if options.locale in set(Language) else escape(options.locale)
    return {
        "time_zone": f"Time zone: {escape(options.time_zone)}",
        "locale": f"Language: {language}{'' if options.locale == Language.ENGLISH else NOT_TRANSLATED}",
        "link_mode": f"Links: {LINK_MODES[options.link_mode]}",
        "roster_hours": f"Roster: every {count_of(options.roster_hours, 'hour')} or more often",
        "member_minutes": f"Members: every {count_of(options.member_minutes, 'minute')}",
        "profile_hours": f"Profiles: fresh for {count_of(options.profile_hours, 'hour')}",
        "stale_days": f"Long away: after {count_of(options.stale_days, 'day')} without a login",
        "report_lines": f"Reports: {count_of(options.report_lines, 'finding')} of one type by name",
        "data_days": f"Out of date: after {count_of(options.data_days, 'day')} without a roster or a member list",
        "note_days": f"Old notes: after {count_of(options.note_days, 'day')} without an upload, where there is a key",
        "digest": f"Weekly digest: {DIGEST_ON if options.digest else DIGEST_OFF}",
    }


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


def guild_chat(channel_id: int) -> str:
    """Say that a channel belongs to the guild's chat, and that the choice was not stored."""
    return (
        f"<#{channel_id}> is linked to the guild's chat in the game: Discord lets no app write there, and the whole "
        "guild would read what officers find. Choose another channel, one for officers only. Nothing was changed."
    )


def channel_shut(channel_id: int, reason: str) -> str:
    """Say that a channel did not take a trial post, and that the choice was not stored."""
    return (
        f"Muster tried to post in <#{channel_id}>, and Discord refused: {reason}. Mend that in the channel's settings, "
        "Permissions, or choose another channel. Nothing was changed."
    )


def channel_set(channel_id: int) -> str:
    """Say what will be posted where."""
    return (
        f"## Audit channel\n<#{channel_id}> gets:\n"
        "- new audit findings, after each sync that finds some\n"
        "- who joined, left, or moved in rank, and that something can't be read for an hour or more\n"
        "- a digest each week (`/setup options` switches it off)\n"
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


def officer_role(role_id: int) -> str:
    """Name the officer role, and what Discord hides from who has nothing else."""
    return (
        f"Officers: who has Manage Server or <@&{role_id}>. Who has only the role sees the officers' commands once the "
        "server grants them in Server Settings → Integrations → Muster."
    )


def rank_roles_gone(ranks: Sequence[str]) -> str:
    """Say which ranks stand for a role that no longer exists."""
    names = ", ".join(f"**{escape(rank)}**" for rank in ranks)
    gone = f"the role of {names} was" if len(ranks) == 1 else f"the roles of {names} were"
    return f"Ranks: {gone} deleted, so everybody of that rank seems to lack it. Choose again with `/setup ranks`."


def role_sync_blocked(rank: str, role_id: int, reason: str) -> str:
    """Say why Muster can't give the role of a rank, and what to do."""
    return f"Role sync: <@&{role_id}> of **{escape(rank)}** is left as it is: {reason}."


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


def timers_on(roster_hours: int, member_minutes: int) -> str:
    """Say how often the timers read; another server of the same guild may have its roster read more often."""
    return (
        f"Timers: on. The roster is read at least every {count_of(roster_hours, 'hour')}, members every "
        f"{count_of(member_minutes, 'minute')}."
    )


def battlenet_silent(reason: str) -> str:
    """Say why Battle.net can't be used."""
    return (
        f"Battle.net: does not answer usefully ({escape(reason, 300)}). Try again later; if it stays so, whoever runs "
        "Muster checks the Battle.net client with `muster doctor`."
    )


def undelivered(reason: str) -> str:
    """Say why the last post did not arrive."""
    return f"Posts: the last one could not be delivered: {escape(reason, 300)}."


def role_lost(ranks: Sequence[str], *, officers: bool) -> str:
    """Tell officers that a role was deleted which stood for ranks, made officers, or both."""
    lines = ["## A role was deleted"]
    if ranks:
        names = ", ".join(f"**{escape(rank)}**" for rank in ranks)
        lines.append(f"It stood for {names}, so everybody of that rank seems to lack it.")
    if officers:
        lines.append("It made officers: until another one is chosen, only Manage Server does.")
    return "\n".join([*lines, "Choose again with `/setup ranks`."])


def channel_lost(channel: str | None, server: str, reason: str) -> str:
    """Tell who chose the audit channel that it takes no message any more."""
    name = "the audit channel" if channel is None else f"**#{escape(channel)}**"
    return (
        f"## Posts do not arrive\nMuster can no longer post in {name} of **{escape(server)}**: {escape(reason)}. "
        "In that server `/setup channels` chooses another, and `/setup check` shows what is missing. Findings that "
        "were not posted come with the next report."
    )


def _names(permissions: Sequence[str]) -> str:
    return " and ".join(f"**{PERMISSIONS[name]}**" for name in permissions)
