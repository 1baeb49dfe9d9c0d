"""The form in which officers say that a player is away."""

from typing import Any, Final

from discord import ui

from cogs.common import texts
from cogs.common.modals import Form, Values
from domain.hiatus import REASON_LIMIT

UNTIL: Final = "until"
REASON: Final = "reason"
UNTIL_LIMIT: Final = 20


def hiatus_form(custom_id: str) -> Form:
    """Ask for the end, where it is known, and the reason."""
    form = Form(title=texts.HIATUS_TITLE, custom_id=custom_id)
    until: ui.TextInput[Any] = ui.TextInput(custom_id=UNTIL, required=False, max_length=UNTIL_LIMIT)
    form.add_item(ui.Label(text=texts.HIATUS_UNTIL, description=texts.HIATUS_UNTIL_HELP, component=until))
    reason: ui.TextInput[Any] = ui.TextInput(custom_id=REASON, max_length=REASON_LIMIT)
    return form.add_item(ui.Label(text=texts.HIATUS_REASON, description=texts.HIATUS_REASON_HELP, component=reason))


def said(values: Values) -> dict[str, str]:
    """Give what was typed, as `bot.services.hiatus` takes it."""
    return {"until": values.text(UNTIL), "reason": values.text(REASON)}
