"""Texts of `/player rank`, and of the group."""

from bot.services.links import OverrideView
from cogs.common.text import escape, timestamp
from domain.ranks import rank_label

GROUP = "Who you are in the guild, and what officers say about players."
RANK = "Say which rank a player has, whatever the game says; or let the game decide again."
MEMBER = "A member of this server who is proven: by an officer's word, a sign-in, an invitation."
RANK_CHOICE = "A rank of the guild, or: as in the game."
REASON = "Why; other officers will see it beside the rank."
UNTIL = "How long: 30d, 6w or 2026-12-31. Without it, until an officer takes it back."

AS_IN_GAME = "As in the game"


def rank_choice(index: int, name: str | None) -> str:
    """Name a rank in the list."""
    return f"{name} (rank {index})" if name else rank_label(index, name)


def told(user_id: int, word: OverrideView | None, *, changed: bool) -> str:
    """Say what stands about a member's rank now."""
    if word is None and changed:
        return f"The game decides <@{user_id}>'s rank again. `/whois` shows it."
    if word is None:
        return f"Nothing changed: no officer's word stands about <@{user_id}>'s rank, so the game decides."
    end = f"until {timestamp(word.ends_at, 'f')}" if word.ends_at else "until an officer takes it back"
    stands = f"<@{user_id}> has the rank **{escape(word.label)}** by an officer's word, {end}: {escape(word.reason)}"
    return stands if changed else f"Nothing changed: {stands}"
