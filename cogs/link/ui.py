"""What `/link` answers."""

from bot.services.links import LinkChange
from cogs.common.characters import rank_text, title
from cogs.common.text import escape
from cogs.link import texts


def added(change: LinkChange) -> str:
    """Tell what adding did."""
    name, half = _name(change), change.character.half
    if not change.changed and half is not None:
        return texts.unchanged(name, change.user_ids, half.source)
    replaced = None if half is None or half.source.is_proof else half.source
    return texts.added(name, change.user_ids, replaced)


def removed(change: LinkChange) -> str:
    """Tell what removing did."""
    assert change.character.half is not None
    return texts.removed(_name(change), change.user_ids, change.character.half.source)


def _name(change: LinkChange) -> str:
    return f"{title(change.character)} ({escape(rank_text(change.character))})"
