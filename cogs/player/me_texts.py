"""Texts of `/player me`."""

from datetime import datetime

from cogs.common.text import escape, timestamp
from cogs.common.texts import SOURCES
from domain.links import Confidence, Source

ME = "What Muster knows of you: your characters, your rank, and why; and what you can do about it."

ACCOUNTS = "**Your Discord accounts**"
CHARACTERS = "**Your characters**"
OPEN_CLAIMS = "**Claims that wait for an officer**"
DECIDED_CLAIMS = "**Claims decided lately**"
MAIN = "main"
NO_RANK = "**Rank**: none. It needs a proven character that is in the guild now."
ROSTER_NEVER_READ = "-# The guild's roster was not read yet."
NOT_LINKED = (
    "Muster links you to no character yet. Claim yours with `/player claim`: an officer confirms it, and then it is "
    "proven and counts for your rank."
)
CLAIM_MORE = "-# Is one missing? `/player claim` asks an officer."
WHAT_PROVEN_MEANS = "-# **Proven**: somebody vouched for it or you signed in. It counts for your rank and your roles."
WHAT_INFERRED_MEANS = (
    "-# **Inferred**: a rule of Muster's found it; officers see it, and it gives no rank and no role. If it is yours, "
    "`/player claim` has it confirmed. If not, tell an officer, or opt out of all of it: `/player privacy`."
)
PRIVACY_ON = "**Privacy**: rules may match you. `/player privacy` changes that."
CONFIRMED = "confirmed"
REFUSED = "refused: talk to an officer if that is a mistake"


def rank(label: str) -> str:
    """Say which rank counts for them."""
    return f"**Rank**: {escape(label)}, the highest of your proven characters."


def rank_by_word(label: str, ends_at: datetime | None) -> str:
    """Say which rank counts for them, because an officer said so; why is for officers."""
    end = f", until {timestamp(ends_at, 'f')}" if ends_at else ""
    return f"**Rank**: {escape(label)}, by an officer's word{end}."


def proven(source: Source) -> str:
    """Say that a link counts, and by what."""
    return f"✅ proven · {SOURCES[source]}"


def inferred_player(source: Source) -> str:
    """Say that the character is proven to be a player's, and that only a rule says that this is them."""
    return f"🔎 inferred to be yours · {SOURCES[source]}"


def inferred(confidence: Confidence) -> str:
    """Say that a link only shows, and how sure it is."""
    return f"🔎 inferred, {confidence.value} confidence"


def opted_out(at: datetime) -> str:
    """Say that no rule matches them."""
    return f"**Privacy**: you have opted out {timestamp(at)}, so no rule matches you. `/player privacy` changes that."


def open_claim(character: str, at: datetime) -> str:
    """Name a claim that waits."""
    return f"{character}\n-# asked {timestamp(at)}"


def decided_claim(character: str, at: datetime, *, confirmed: bool) -> str:
    """Name a claim that was decided; who decided is for officers."""
    return f"- {character}: {CONFIRMED if confirmed else REFUSED} · {timestamp(at)}"
