"""Forms whose typed text survives a restart: handled by custom id, never by an object in memory."""

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui

from cogs.common.item import check_template

FORM_TIMEOUT = 900.0


class Values:
    """What was typed or chosen in a form, by the custom id of each field."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._fields = {field["custom_id"]: field for field in _fields(data.get("components", []))}

    def text(self, field: str) -> str:
        """Give what was typed, "" if nothing was or there is no such field."""
        return str(self._fields.get(field, {}).get("value") or "").strip()

    def checked(self, field: str) -> bool:
        """Tell whether a check box is on; one that is absent is off."""
        return self._fields.get(field, {}).get("value") is True

    def choices(self, field: str) -> tuple[str, ...]:
        """Give the chosen values, or ids of users, roles and channels, in the order picked."""
        return tuple(self._fields.get(field, {}).get("values") or ())


Handler = Callable[[discord.Interaction, re.Match[str], Values], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class FormRoute:
    """Say which function handles the forms of one template."""

    template: re.Pattern[str]
    handler: Handler


_routes: dict[str, FormRoute] = {}


class Form(ui.Modal):
    """A modal that does nothing itself: the interaction listener hands what it held to its handler."""

    def __init__(self, *, title: str, custom_id: str) -> None:
        # The time-out only lets discord.py forget the object; a later submit is handled all the same.
        super().__init__(title=title, custom_id=custom_id, timeout=FORM_TIMEOUT)


def modal_handler(template: str) -> Callable[[Handler], Handler]:
    """Register a module's function for every form whose whole custom id fits the template."""
    pattern = re.compile(check_template(template))

    def register(handler: Handler) -> Handler:
        known = _routes.get(template)
        if known is not None and _origin(known.handler) != _origin(handler):
            raise ValueError(f"two handlers for the form template {template!r}")
        _routes[template] = FormRoute(pattern, handler)
        return handler

    return register


def known_forms() -> dict[str, FormRoute]:
    """Give every registered form by its template."""
    return dict(_routes)


def matching_forms(custom_id: str) -> list[tuple[FormRoute, re.Match[str]]]:
    """Give the routes whose whole template fits: exactly one for a living form, none for an old one."""
    found = ((route, route.template.fullmatch(custom_id)) for route in _routes.values())
    return [(route, match) for route, match in found if match is not None]


def _fields(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for component in components:
        if "custom_id" in component:
            yield component
        yield from _fields(component.get("components", []))
        if "component" in component:
            yield from _fields([component["component"]])


def _origin(handler: Handler) -> tuple[Any, Any]:
    return getattr(handler, "__module__", None), getattr(handler, "__qualname__", None)
