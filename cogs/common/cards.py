"""The shape of every card: one container in the colour of what it says."""

from typing import Any

from discord import ui

from domain.audit import HEADER_COLOUR, Severity

PLAIN_COLOUR = HEADER_COLOUR
WARNING_COLOUR = Severity.WARNING.colour
ERROR_COLOUR = Severity.ERROR.colour


def card(*parts: str | ui.Item[Any], colour: int = PLAIN_COLOUR) -> ui.LayoutView:
    """Show texts and rows of controls in one container."""
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=colour)
    for part in parts:
        container.add_item(ui.TextDisplay(part) if isinstance(part, str) else part)
    return ui.LayoutView(timeout=None).add_item(container)
