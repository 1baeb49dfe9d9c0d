"""Everything that Muster offers on Discord, read from what is loaded: commands, their options, controls and forms."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import discord
from discord import AppCommandOptionType, app_commands
from discord.ext import commands

from cogs.common.item import known_items
from cogs.common.modals import known_forms


@dataclass(frozen=True, slots=True)
class Leaf:
    """A command that can be called, by its whole name, with its options."""

    name: str
    options: tuple[app_commands.Parameter, ...]

    @property
    def group(self) -> str:
        """Give the name that stands in Discord's list of commands."""
        return self.name.partition(" ")[0]

    @property
    def completed(self) -> tuple[str, ...]:
        """Give the names of the options that offer choices while somebody types."""
        return tuple(option.display_name for option in self.options if option.autocomplete)


def leaves(bot: commands.Bot) -> tuple[Leaf, ...]:
    """Give every command that can be called, by name; AssertionError for a kind that is not walked."""
    for kind in (discord.AppCommandType.user, discord.AppCommandType.message):
        assert not bot.tree.get_commands(type=kind), "context menus are not walked yet"
    found = (one for one in bot.tree.walk_commands() if isinstance(one, app_commands.Command))
    return tuple(sorted((Leaf(one.qualified_name, tuple(one.parameters)) for one in found), key=lambda leaf: leaf.name))


def control_templates() -> frozenset[str]:
    """Give the templates of every control of a feature."""
    return frozenset(template for template, item in known_items().items() if item.__module__.startswith("cogs."))


def form_templates() -> frozenset[str]:
    """Give the templates of every form of a feature."""
    return frozenset(
        template for template, form in known_forms().items() if form.handler.__module__.startswith("cogs.")
    )


@dataclass(frozen=True, slots=True)
class Filler:
    """Choose valid values: handles of SimCord for users, roles and channels, and texts by the name of their option.

    A text for one command alone stands under "command option".
    """

    user: Any
    role: Any
    channel: Any
    texts: Mapping[str, Any] = field(default_factory=dict)

    def value(self, leaf: Leaf, option: app_commands.Parameter) -> Any:
        """Give a value for an option; LookupError for a text that nobody can guess."""
        for name in (f"{leaf.name} {option.display_name}", option.display_name):
            if name in self.texts:
                return self.texts[name]
        if option.choices:
            return option.choices[0].value
        by_kind = {
            AppCommandOptionType.user: self.user,
            AppCommandOptionType.role: self.role,
            AppCommandOptionType.channel: self.channel,
            AppCommandOptionType.integer: 1 if option.min_value is None else option.min_value,
            AppCommandOptionType.boolean: True,
        }
        if option.type in by_kind:
            return by_kind[option.type]
        raise LookupError(
            f"which text goes into the option {option.display_name!r} of /{leaf.name}? Add it to the filler"
        )

    def required(self, leaf: Leaf) -> dict[str, Any]:
        """Give the values without which a command cannot be called."""
        return {option.display_name: self.value(leaf, option) for option in leaf.options if option.required}

    def calls(self, leaf: Leaf) -> Iterator[dict[str, Any]]:
        """Give the options of some calls: the required ones alone, and with each other one."""
        required = self.required(leaf)
        yield required
        for option in leaf.options:
            if not option.required:
                yield required | {option.display_name: self.value(leaf, option)}


COMPONENT_KINDS = {3: "options", 5: "user", 6: "role", 8: "channel"}
BUTTON, TEXT_INPUT = 2, 4


def components_of(message: Any) -> Iterator[dict[str, Any]]:
    """Give all components of a message or a form, nested ones too, in their order."""
    pending = [one if isinstance(one, dict) else one.to_dict() for one in _components(message)]
    while pending:
        component = pending.pop(0)
        yield component
        inner = [component[key] for key in ("accessory", "component") if key in component]
        pending = [*component.get("components", []), *inner, *pending]


def can_be_used(component: Mapping[str, Any]) -> bool:
    """Tell whether somebody can press it or choose in it."""
    return bool(component.get("custom_id")) and not component.get("disabled") and component["type"] != TEXT_INPUT


def choices_of(component: Mapping[str, Any], filler: Filler) -> list[Any]:
    """Choose the least that a menu takes, at least one value."""
    if component["type"] == 3:
        count = max(1, component.get("min_values", 1))
        return [option["value"] for option in component["options"][:count]]
    return [getattr(filler, COMPONENT_KINDS[component["type"]])]


def answers_of(form: Mapping[str, Any], filler: Filler) -> dict[str, Any]:
    """Fill in a form: each text by its field's name, "word" where none is given."""
    filled: dict[str, Any] = {}
    for component in components_of(form):
        if component["type"] == TEXT_INPUT:
            filled[component["custom_id"]] = filler.texts.get(component["custom_id"], "word")
        elif component.get("custom_id"):
            filled[component["custom_id"]] = choices_of(component, filler)
    return filled


def _components(message: Any) -> list[Any]:
    return list(message["components"] if isinstance(message, Mapping) else message.components)
