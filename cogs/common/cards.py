"""The shape of every card: containers in the colour of what they say."""

from typing import Any

from discord import ui

from domain.audit import HEADER_COLOUR, Severity

PLAIN_COLOUR = HEADER_COLOUR
WARNING_COLOUR = Severity.WARNING.colour
ERROR_COLOUR = Severity.ERROR.colour


def card(*parts: str | ui.Item[Any], colour: int = PLAIN_COLOUR) -> ui.LayoutView:
    """Show texts and rows of controls in one container."""
    return ui.LayoutView(timeout=None).add_item(container(*parts, colour=colour))


def container(*parts: str | ui.Item[Any], colour: int = PLAIN_COLOUR) -> ui.Container[ui.LayoutView]:
    """Give one of several containers of a message."""
    items = (ui.TextDisplay(part) if isinstance(part, str) else part for part in parts)
    return ui.Container(*items, accent_colour=colour)
