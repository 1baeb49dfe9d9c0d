"""Characters as officers choose and read them."""

from discord import app_commands

from bot.services import links
from bot.services.context import Context
from bot.services.links import CharacterView
from cogs.common import texts
from cogs.common.errors import Choices
from cogs.common.text import clean, escape
from domain.ranks import rank_label

CharacterText = app_commands.Range[str, 1, 100]
"""An autocompleted id, a name, or Name-Realm."""

LABEL_LIMIT = 100
"""What Discord takes as the name of a choice."""


async def character_choices(ctx: Context, server_id: int, current: str) -> Choices[str]:
    """Offer the guild's characters whose folded name holds what is typed; the value is the character's id."""
    found = await links.find_characters(ctx, server_id, current)
    return [app_commands.Choice(name=label(view), value=str(view.id)) for view in found]


def label(view: CharacterView) -> str:
    """Give a character as one choice of a list."""
    state = texts.UNLINKED if view.half is None else texts.LINKED
    return clean(f"{view.name}-{view.realm} · {rank_text(view)} · {state}", LABEL_LIMIT)


def rank_text(view: CharacterView) -> str:
    """Give what a character's rank is called; free text."""
    return texts.NOT_IN_GUILD if view.rank is None else rank_label(view.rank, view.rank_name)


def title(view: CharacterView) -> str:
    """Give a character's name and realm, escaped."""
    return f"**{escape(view.name)}** · {escape(view.realm)}"
