"""The choice among those for whom something speaks: its card, and the buttons that decide."""

import re
from typing import Any, Self

import discord
from discord import ui

from bot.services import fixes
from bot.services.context import Context
from bot.services.fixes import Choice
from cogs.audit.finding_state import ShowButton
from cogs.audit.finding_ui import ID, FindingButton
from cogs.audit.fixes import links_texts as texts
from cogs.common.candidates import candidate, labels, more_candidates, notes, shown_reasons
from cogs.common.cards import WARNING_COLOUR, card

KEY = r"(?P<key>[0-9a-f]{12})"


class PickButton(FindingButton, template=rf"finding:v1:pick:{ID}:(?P<user>[0-9]{{1,20}}):{KEY}", act="pick"):
    """Say that the character belongs to a candidate."""

    style = discord.ButtonStyle.primary

    def __init__(self, public_id: str, user_id: int, key: str, label: str = "?") -> None:
        self.user_id, self.key = user_id, key
        super().__init__(public_id, user_id, key, label=label)

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the finding, the member and the mark of what was shown from the id."""
        return cls(match["finding"], int(match["user"]), match["key"])

    async def act(self, ctx: Context, server_id: int, actor_id: int) -> str:
        """Link them."""
        decided = await fixes.choose(
            ctx, server_id, self.public_id, user_id=self.user_id, key=self.key, actor_id=actor_id
        )
        return texts.linked(decided.character.name, decided.user_ids)


class _KeyButton(FindingButton):
    """Decide about all that was shown."""

    def __init__(self, public_id: str, key: str) -> None:
        self.key = key
        super().__init__(public_id, key)

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the finding and the mark of what was shown from the id."""
        return cls(match["finding"], match["key"])


class RefuseButton(_KeyButton, template=rf"finding:v1:none:{ID}:{KEY}", act="none"):
    """Say that the character belongs to none of those shown."""

    label = texts.NOT_A_MATCH
    style = discord.ButtonStyle.danger

    async def act(self, ctx: Context, server_id: int, actor_id: int) -> str:
        """Remember it."""
        decided = await fixes.refuse(ctx, server_id, self.public_id, key=self.key, actor_id=actor_id)
        return texts.refused(decided.character.name, decided.user_ids)


class KeepButton(_KeyButton, template=rf"finding:v1:keep:{ID}:{KEY}", act="keep"):
    """Say that the link is right, whatever speaks against it."""

    label = texts.KEEP
    style = discord.ButtonStyle.success

    async def act(self, ctx: Context, server_id: int, actor_id: int) -> str:
        """Prove it."""
        decided = await fixes.keep(ctx, server_id, self.public_id, key=self.key, actor_id=actor_id)
        return texts.kept(decided.character.name, decided.user_ids)


def choice_card(public_id: str, choice: Choice) -> ui.LayoutView:
    """Show those for whom something speaks, and why, with a button for each."""
    named = labels(choice.candidates)
    picks = [PickButton(public_id, one.user_id, choice.key, named[one.user_id]) for one in choice.candidates]
    facts = [
        texts.title(choice.character.name),
        *([texts.owners(choice.owner_ids)] if choice.owner_ids else []),
        *notes(*choice.notes),
        *(f"- {reason}" for reason in shown_reasons(choice.reasons)),
    ]
    parts: list[str | ui.Item[Any]] = [
        "\n".join(facts),
        ui.Separator(),
        *map(candidate, choice.candidates),
        *([] if choice.candidates else [texts.GONE]),
        *([more_candidates(choice.more)] if choice.more else []),
        *([ui.ActionRow(*picks)] if picks else []),
        ui.ActionRow(*_others(public_id, choice)),
    ]
    return card(*parts, colour=WARNING_COLOUR)


def _others(public_id: str, choice: Choice) -> list[ui.Item[Any]]:
    back = ShowButton(public_id, label=texts.BACK)
    if choice.owner_ids:
        return [*([KeepButton(public_id, choice.key)] if choice.can_keep else []), back]
    return [RefuseButton(public_id, choice.key), back]
