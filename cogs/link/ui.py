"""What `/link add`, `remove` and `confirm` answer."""

from bot.services.links import CharacterView, Confirmed, LinkChange
from cogs.common.characters import rank_text, title
from cogs.common.text import escape
from cogs.link import texts


def added(change: LinkChange) -> str:
    """Tell what adding did."""
    name, half = _name(change.character), change.character.half
    if not change.changed and half is not None:
        return texts.unchanged(name, change.user_ids, half.source)
    if change.waits:
        return texts.waits(name, change.user_ids, change.joined)
    if change.joined:
        return texts.joined(name, change.user_ids, change.joined)
    replaced = None if half is None or half.source.is_proof else half.source
    return texts.added(name, change.user_ids, replaced)


def removed(change: LinkChange) -> str:
    """Tell what removing did."""
    assert change.character.half is not None
    return texts.removed(_name(change.character), change.user_ids, change.character.half.source)


def confirmed(done: Confirmed) -> str:
    """Tell which links are proven now."""
    return texts.confirmed([_name(character) for character in done.characters], done.user_ids)


def _name(character: CharacterView) -> str:
    return f"{title(character)} ({escape(rank_text(character))})"
