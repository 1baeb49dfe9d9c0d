"""The answers of `/link alias`, and the buttons that page through the list."""

from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from bot.services import aliases
from bot.services.aliases import AliasChange, AliasView
from cogs.common.access import OfficerItem, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import card
from cogs.common.paginator import PageButton, paginate
from cogs.link import alias_texts as texts

PER_PAGE = 15
EVERYTHING = "all"


def changed(change: AliasChange) -> str:
    """Tell what was said, or taken back."""
    before, after = change.before, change.after
    if after is None:
        assert before is not None
        return texts.removed(before.alias, texts.meaning(before))
    if not change.changed:
        return texts.unchanged(after.alias, texts.meaning(after))
    return texts.said(after.alias, texts.meaning(after), None if before is None else texts.meaning(before))


def alias_page(found: Sequence[AliasView], number: int = 0) -> ui.LayoutView:
    """Show one page of a server's aliases."""
    page = paginate(found, number, PER_PAGE)
    parts: list[str | ui.Item[Any]] = [texts.TITLE, "\n".join(map(texts.line, page.items)) or texts.NONE]
    if page.count > 1:
        parts += [page.label, AliasPages.buttons(EVERYTHING, page)]
    return card(*parts)


class AliasPages(OfficerItem, PageButton, area="aliases"):
    """Page through the aliases."""

    async def page(self, interaction: discord.Interaction, _subject: str, number: int) -> ui.LayoutView:
        """Give the aliases as they are at the click."""
        ctx = bot_of(interaction).services.ctx
        return alias_page(await aliases.list_aliases(ctx, require_server(interaction)), number)
