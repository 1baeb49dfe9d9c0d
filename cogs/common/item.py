"""The base of every button and menu: state in the custom id, alive after a restart, always answered."""

import re
from typing import Any, ClassVar, Self, final

import discord
from discord import ui

from cogs.common.errors import answer_error
from cogs.common.watch import watch

CUSTOM_ID_LIMIT = 100
_HEAD = re.compile(r"[a-z][a-z0-9-]*:v[1-9][0-9]*:")
_AREA = re.compile(r"[a-z][a-z0-9-]*")
_PART = re.compile(r"[A-Za-z0-9_.~-]+")

_items: dict[str, type["MusterItem"]] = {}


def make_id(area: str, version: int, *parts: str | int) -> str:
    """Build `area:v1:part:…`, at most 100 characters; ValueError for anything that a template could misread."""
    if not _AREA.fullmatch(area) or version < 1 or not parts:
        raise ValueError(f"not an area, a version from 1 and at least one part: {area!r}, {version}, {parts!r}")
    for part in parts:
        if not _PART.fullmatch(str(part)):
            raise ValueError(f"not a part of a custom id: {part!r}")
    custom_id = ":".join((area, f"v{version}", *map(str, parts)))
    if len(custom_id) > CUSTOM_ID_LIMIT:
        raise ValueError(f"custom id over {CUSTOM_ID_LIMIT} characters: {custom_id!r}")
    return custom_id


def is_ours(custom_id: str) -> bool:
    """Tell an id of ours, of any version, from one that discord.py made up for a view in memory."""
    return _HEAD.match(custom_id) is not None


def check_template(template: str) -> str:
    """Give the template back if it begins with a literal `area:v1:`; ValueError otherwise."""
    if not is_ours(template):
        raise ValueError(f"a template begins with a literal area and version, like 'audit:v1:': {template!r}")
    return template


class MusterItem(ui.DynamicItem[ui.Item[Any]], template=r"$^"):
    """A control whose custom id carries its state; a subclass with a template is known by being defined."""

    __discord_ui_compiled_template__: ClassVar[re.Pattern[str]]

    def __init_subclass__(cls, *, template: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(template=r"$^" if template is None else check_template(template), **kwargs)
        if template is None:
            return
        known = _items.get(template)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(f"{cls.__qualname__} and {known.__qualname__} share the template {template!r}")
        _items[template] = cls

    @classmethod
    async def load(cls, interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Make the item of a matched custom id again; what it raises reaches the user as an answer."""
        raise NotImplementedError

    async def allowed(self, interaction: discord.Interaction) -> None:
        """Raise `domain.errors.Refused` if this person may not use the control now; asked at each click."""

    async def run(self, interaction: discord.Interaction) -> None:
        """Do what the control is for."""
        raise NotImplementedError

    @final
    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Any:
        """Load the item; one that can't be loaded is answered here and does nothing afterwards."""
        watch(interaction, "control", cls.__qualname__)
        try:
            return await cls.load(interaction, match)
        except Exception as error:
            await answer_error(interaction, error)
            # Raising would end it too, but with a second log record of the same error.
            return _Spent(item)

    @final
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Check the permission and run; every click gets an answer."""
        try:
            await self.allowed(interaction)
            await self.run(interaction)
            if not interaction.response.is_done():
                await interaction.response.defer()
        except Exception as error:
            await answer_error(interaction, error)
        finally:
            # Editing a message twice through one view object makes discord.py 2.7 forget, for every message,
            # the templates of the dynamic items that the second edit left out (ViewStore.add_view).
            register_items(interaction.client)


class _Spent(ui.DynamicItem[ui.Item[Any]], template=r"[\s\S]*"):
    """Stand in for an item whose failure to load was already answered."""

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do nothing."""


def known_items() -> dict[str, type[MusterItem]]:
    """Give every defined item by its template."""
    return dict(_items)


def matching_items(custom_id: str) -> list[type[MusterItem]]:
    """Give the items whose whole template fits: exactly one for a living control, none for an old one."""
    return [item for item in _items.values() if item.__discord_ui_compiled_template__.fullmatch(custom_id)]


def register_items(bot: discord.Client) -> None:
    """Make the bot answer every item defined so far; call it once all extensions are loaded."""
    bot.add_dynamic_items(*_items.values())
