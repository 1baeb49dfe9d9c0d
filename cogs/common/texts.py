"""Texts that every feature shares."""

OLD_CONTROL = "This button is from an older version of Muster. Run the command again to get a fresh one."
OLD_FORM = "This form is from an older version of Muster. Open it again, please."
COMMANDS_UPDATED = "Muster's commands were just updated. Try again in a minute; reloading Discord helps too."
SERVER_ONLY = "This works only in a server."
OFFICERS_ONLY = "Only officers may do this: members who can manage the server or hold the officer role."
NOT_ALLOWED = "You may not use this command here."
BAD_VALUE = "That value can't be used here. Choose one from the list, please."
WORKING = "Working…"
LATE_RESULT = "The long work you started is done. Its answer is private, so run the command again to read it."
PREVIOUS_PAGE = "Previous"
NEXT_PAGE = "Next"


def missing_permissions(names: list[str]) -> str:
    """Say which permissions the user lacks."""
    return f"You need these permissions for this: {_readable(names)}."


def bot_missing_permissions(names: list[str]) -> str:
    """Say which permissions Muster lacks."""
    return f"Muster needs these permissions for this: {_readable(names)}."


def cooldown(seconds: float) -> str:
    """Say how long to wait."""
    return f"Not so fast: try again in {max(1, round(seconds))} s."


def unexpected(error_id: str) -> str:
    """Say that something broke, with the id under which the log tells what."""
    return f"Something went wrong on Muster's side. Tell whoever runs it this error id: `{error_id}`."


def _readable(names: list[str]) -> str:
    return ", ".join(name.replace("_", " ").replace("guild", "server").title() for name in names)
