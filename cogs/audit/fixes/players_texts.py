"""Texts of what mends findings about players."""

from collections.abc import Sequence
from datetime import datetime

from bot.services.hiatus import OnHiatus
from bot.services.player_fixes import Parted
from bot.services.proofs import Collision
from bot.services.proofs import Decided as Proof
from bot.services.refresh import MembersRead, NameAsked, ProfileRead, Refreshed, RosterRead
from cogs.common.text import count_of, escape, timestamp
from cogs.common.texts import SOURCES, and_more

NAME_LIMIT = 24
NAMED = 5

BACK = "Back"

MAIN = "Choose main…"
MAIN_CARD = "Choose from their characters in the guild, or none."
NOTHING_TO_CHOOSE = "Their main or off-spec was chosen meanwhile."
POINTERS = {"main": "main", "offspec": "off-spec"}

UNLINK = "Unlink"

SYNC = "Sync now"

MERGE = "Merge…"
MERGE_NOW = "Merge the two players"
REJECT = "Reject"
WHAT_MERGE_DOES = (
    "-# Members and characters become one player's, with what officers said of rank and hiatus. What is not proven "
    "stays so. There is no way back but to unlink them one by one."
)


def marked(done: OnHiatus) -> str:
    """Say that a player is on hiatus."""
    who = _mentions(done.user_ids) or "A player without a member"
    until = "until somebody says otherwise" if done.word.until is None else f"until {timestamp(done.word.until, 'f')}"
    return f"✅ {who}: on hiatus {until}. `/whois` shows it and ends it."


def choose(which: str) -> str:
    """Say what a menu is for."""
    return f"Choose the {POINTERS[which]}"


def no_pointer(which: str) -> str:
    """Name the choice of none."""
    return f"No {POINTERS[which]}"


def option(rank: str, level: int, realm: str) -> str:
    """Describe a character in a menu."""
    return f"{rank} · level {level} · {realm}"


def chosen(which: str, name: str | None) -> str:
    """Say what the main or off-spec is now."""
    return f"✅ The {POINTERS[which]} is now {'none' if name is None else f'**{escape(name, NAME_LIMIT)}**'}."


def unlinked(done: Parted) -> str:
    """Say whose link ended, and which characters are nobody's by that."""
    if not done.characters:
        return f"✅ <@{done.user_id}> is no longer linked. The player has another member, who keeps the characters."
    names = _names([one.name for one in done.characters])
    return f"✅ <@{done.user_id}> is no longer linked. Nobody's now: {names}."


def refreshed(done: Refreshed) -> str:
    """Say what was read."""
    match done:
        case ProfileRead(changed, last_login_at):
            return _profile(last_login_at, changed=changed)
        case RosterRead(characters):
            return f"✅ The roster was read: {count_of(characters, 'character')} in the guild."
        case MembersRead(members):
            return f"✅ The members were read: {count_of(members, 'member')} in the server."
        case NameAsked(None):
            return "🟡 Battle.net does not tell what it is yet. Try again after its next update."
        case NameAsked(name):
            return f"✅ Battle.net calls it **{escape(str(name), NAME_LIMIT)}**."


def merging(collision: Collision) -> str:
    """Say what merging would make one."""
    own, other = collision.own, collision.other
    character = f"**{escape(collision.character.name, NAME_LIMIT)}**"
    question = (
        f"{character} is proven to be the second player's, and <@{collision.user_id}>'s by "
        f"{SOURCES[collision.source]}. Are they one person?"
    )
    players = (
        _player([one.user_id for one in player.members], [one.name for one in player.characters])
        for player in (own, other)
    )
    return "\n".join([question, *players])


def merged(done: Proof) -> str:
    """Say who is one player now."""
    return f"✅ <@{done.user_id}> and {_mentions(done.other_ids) or 'a player without a member'} are one player now."


def rejected(done: Proof) -> str:
    """Say who stays two players."""
    other = _mentions(done.other_ids) or "a player without a member"
    return f"✅ Rejected: <@{done.user_id}> is not {other}. It is remembered."


def _profile(last_login_at: datetime | None, *, changed: bool) -> str:
    login = "no login is known" if last_login_at is None else f"last login {timestamp(last_login_at)}"
    return f"✅ Read anew: {login}." if changed else f"🟡 Battle.net says nothing new: {login}."


def _player(user_ids: Sequence[int], names: Sequence[str]) -> str:
    return f"• {_mentions(user_ids) or 'nobody in this server'}: {_names(names) or 'no characters'}"


def _mentions(user_ids: Sequence[int]) -> str:
    return _some([f"<@{user_id}>" for user_id in user_ids])


def _names(names: Sequence[str]) -> str:
    return _some([f"**{escape(name, NAME_LIMIT)}**" for name in names])


def _some(items: Sequence[str]) -> str:
    more = len(items) - NAMED
    return ", ".join([*items[:NAMED], *([and_more(more)] if more > 0 else [])])
