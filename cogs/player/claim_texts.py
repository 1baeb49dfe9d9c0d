"""Texts of claims: `/player claim`, `/player claims`, the officers' card, and what the member is told."""

from collections.abc import Iterable
from datetime import datetime

from cogs.common.text import count_of, escape, timestamp
from cogs.common.texts import SOURCES
from domain.links import Source

CLAIM = "Say that a character is yours; an officer decides, and until then nothing changes."
CLAIMS = "For officers: the claims that wait for a decision."
CHARACTER = "A character of the guild: type a part of its name and choose from the list."

CONFIRM_BUTTON = "Confirm"
REFUSE_BUTTON = "Refuse"
WITHDRAW_BUTTON = "Withdraw"

NOTHING_WAITS = "No claim waits for a decision."
SPEAKS_FOR_IT = "What speaks for it:"
NOTHING_SPEAKS = "Muster's rules found nothing that speaks for it."
WHAT_CONFIRM_DOES = (
    "-# Confirm makes it proven, so it counts for their rank and roles. Who types a name proves nothing: ask them to "
    "write to you in the game."
)
GUILD_MASTER = "⚠️ This is the **guild master's** character."
NOT_IN_GUILD_ANY_MORE = "⚠️ It has left the guild since: it can't be confirmed now."
LEFT_THE_SERVER = "⚠️ They have left the server: it can't be confirmed now."
NOBODYS = "Linked to nobody so far."
THEIRS_BY_NOW = "Proven to be theirs by now: Confirm only closes the claim."
WAITS = (
    "⏳ Confirmed, and it waits as a finding: they are linked to another player. Merge the two or reject it with "
    "`/audit list`."
)
UNPROVEN_THEIRS = "Linked to them already, unproven: that gives no rank."


def asked(character: str, *, has_card: bool) -> str:
    """Answer a claim; nothing is said of whom the character belongs to."""
    how = (
        "The officers have been asked."
        if has_card
        else "This server has no channel where Muster asks officers: tell one that it waits in `/player claims`."
    )
    return (
        f"You have claimed {character}. {how} Until one confirms it nothing changes: a claim gives no rank and no "
        "role. You will be told by direct message; `/player me` shows how it stands, and lets you withdraw it."
    )


def card_title(character: str) -> str:
    """Head the officers' card."""
    return f"### Claim: {character}"


def said_by(user_id: int, name: str, username: str, at: datetime) -> str:
    """Say who claims, and since when."""
    return f"<@{user_id}> {name} ({username}) says that it is theirs · {timestamp(at)}"


def proven_for(owners: Iterable[tuple[int, Source]], *, is_player: bool) -> str:
    """Warn that the character is somebody else's by proof, and say what Confirm does for who is a player already."""
    whose = ", ".join(f"<@{user_id}> by {SOURCES[source]}" for user_id, source in owners)
    then = (
        "Confirm lets it wait as a finding, where officers merge the two players or reject it."
        if is_player
        else "It can be confirmed only after `/link remove`."
    )
    return f"⚠️ **Proven to be another's**: {whose}. {then}"


def unproven_for(user_ids: Iterable[int]) -> str:
    """Say whose it is by a link that proves nothing: a rule's, or the earlier spreadsheet's."""
    return f"Linked to {_mentions(user_ids)} so far, unproven: Confirm moves it."


def rivals(user_ids: Iterable[int]) -> str:
    """Warn that others claim the same character."""
    return f"⚠️ Also claimed by {_mentions(user_ids)}."


def refused_before(at: datetime) -> str:
    """Warn that an officer has said no before."""
    return f"⚠️ An officer said {timestamp(at)} that it is not theirs."


def confirmed(by: int, at: datetime) -> str:
    """Say who confirmed."""
    return f"✅ Confirmed by <@{by}> {timestamp(at)}"


def refused(by: int, at: datetime) -> str:
    """Say who refused."""
    return f"❌ Refused by <@{by}> {timestamp(at)}"


def withdrawn(at: datetime) -> str:
    """Say that the member took it back."""
    return f"↩️ Withdrawn by the member {timestamp(at)}"


def waiting(count: int) -> str:
    """Head the officers' list."""
    return f"## {count_of(count, 'claim')} to decide"


def rest(count: int) -> str:
    """Say how many claims find no room."""
    return f"-# {count_of(count, 'later claim')} will show up here as these are decided."


def told(server: str, character: str, *, confirmed: bool) -> str:
    """Tell the member, as a direct message, what became of the claim."""
    if confirmed:
        return (
            f"## Claim confirmed\nAn officer of **{escape(server)}** confirmed that {character} is yours. It is proven "
            "now and counts for your rank there."
        )
    return (
        f"## Claim refused\nAn officer of **{escape(server)}** did not confirm that {character} is yours. If that is a "
        "mistake, talk to an officer there."
    )


def _mentions(user_ids: Iterable[int]) -> str:
    return ", ".join(f"<@{user_id}>" for user_id in user_ids)
