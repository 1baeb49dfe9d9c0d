"""Budgets of a message, and pages that keep no state but their custom id."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

import discord
from discord import ui

from cogs.common import texts
from cogs.common.item import MusterItem, make_id

COMPONENT_LIMIT = 40
TEXT_LIMIT = 4000
_TEXT_DISPLAY = 10

T = TypeVar("T")


class BudgetError(ValueError):
    """Say that a message holds more than Discord takes."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `number` counts from 0 and lies within the list, whatever was asked for."""

    items: tuple[T, ...]
    number: int
    count: int

    @property
    def label(self) -> str:
        """Say which page of how many this is."""
        return texts.page(self.number + 1, self.count)


def paginate(items: Sequence[T], number: int, size: int) -> Page[T]:
    """Cut one page of `size` items; a number outside the list, which may have changed, gives the nearest page."""
    count = max(1, -(-len(items) // size))
    number = min(max(number, 0), count - 1)
    return Page(tuple(items[number * size : (number + 1) * size]), number, count)


def fit_lines(lines: Iterable[str], limit: int) -> tuple[tuple[str, ...], int]:
    """Give the leading lines that fit into `limit` characters joined by newlines, and how many are left out."""
    lines = tuple(lines)
    used = -1
    for index, line in enumerate(lines):
        used += 1 + len(line)
        if used > limit:
            return lines[:index], len(lines) - index
    return lines, 0


def count_components(view: ui.LayoutView | ui.View) -> int:
    """Count components as Discord does: nested ones too."""
    return sum(1 for _ in _walk(view))


def count_text(view: ui.LayoutView | ui.View) -> int:
    """Count the characters of all text displays."""
    return sum(len(component["content"]) for component in _walk(view) if component["type"] == _TEXT_DISPLAY)


def check_budget(view: ui.LayoutView | ui.View) -> None:
    """Raise BudgetError for a view with over 40 components, over 4,000 characters, or an id used twice."""
    components, text = count_components(view), count_text(view)
    if components > COMPONENT_LIMIT or text > TEXT_LIMIT:
        raise BudgetError(f"{components} of {COMPONENT_LIMIT} components, {text} of {TEXT_LIMIT} characters")
    ids = [component["custom_id"] for component in _walk(view) if "custom_id" in component]
    if len(ids) != len(set(ids)):
        raise BudgetError(f"a custom id stands twice: {sorted(ids)}")


async def show_own(interaction: discord.Interaction, view: ui.LayoutView) -> None:
    """Answer a click with a view: in place if the message is the user's own, in a private copy otherwise."""
    check_budget(view)
    nobody = discord.AllowedMentions.none()
    if interaction.message is not None and interaction.message.flags.ephemeral:
        await interaction.response.edit_message(view=view, allowed_mentions=nobody)
    else:
        await interaction.response.send_message(view=view, ephemeral=True, allowed_mentions=nobody)


class PageButton(MusterItem):
    """A button that opens one page of a subject; subclass with `area="…"` and implement `page`.

    A public message stays as it is for everybody: its buttons open an own copy for the one who clicks.
    """

    area: ClassVar[str]

    def __init_subclass__(cls, *, area: str | None = None, **kwargs: Any) -> None:
        if area is not None:
            cls.area = area
            kwargs["template"] = rf"{area}:v1:page:(?P<subject>[A-Za-z0-9_.~-]+):(?P<page>[0-9]+)"
        super().__init_subclass__(**kwargs)

    def __init__(self, subject: str, page: int, *, label: str = texts.NEXT_PAGE, disabled: bool = False) -> None:
        self.subject = subject
        self.number = page
        super().__init__(
            ui.Button(
                label=label,
                style=discord.ButtonStyle.secondary,
                disabled=disabled,
                custom_id=make_id(self.area, 1, "page", subject, page),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read subject and page from the id."""
        return cls(match["subject"], int(match["page"]))

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Give the view of that page, or of the nearest one if the list has become shorter."""
        raise NotImplementedError

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the page in place if the message is the user's own, in a private copy otherwise."""
        await show_own(interaction, await self.page(interaction, self.subject, self.number))

    @classmethod
    def buttons(cls, subject: str, page: Page[Any]) -> ui.ActionRow[Any]:
        """Give the row with the buttons to the pages before and after."""
        return ui.ActionRow(
            cls(subject, max(page.number - 1, 0), label=texts.PREVIOUS_PAGE, disabled=page.number == 0),
            cls(subject, page.number + 1, label=texts.NEXT_PAGE, disabled=page.number + 1 >= page.count),
        )


def _walk(view: ui.LayoutView | ui.View) -> Iterable[dict[str, Any]]:
    pending: list[Any] = list(view.to_components())
    while pending:
        component = pending.pop()
        yield component
        pending += component.get("components", [])
        if "accessory" in component:
            pending.append(component["accessory"])
