"""Texts of `/addon key`."""

from typing import Final

from bot.services.upload_keys import KeyView
from cogs.addon.texts import COMPANION, INTO_ADDONS, UPLOAD_PATH
from cogs.common.text import clean, escape, timestamp
from domain.upload_keys import KEY_NAME_LIMIT

COMMAND = "The keys of those who upload notes from the game: create, rotate, revoke."
CHOOSE = "Choose a key to rotate or revoke it…"
CREATE = "Create…"
ROTATE = "Rotate…"
REVOKE = "Revoke…"
ROTATE_NOW = "Rotate now"
REVOKE_NOW = "Revoke now"
BACK = "Back"
FORM_TITLE = "A key for an uploader"
FORM_LABEL = "Whose is it?"
FORM_HELP = "The player, and the PC if they have several. Officers see it beside each upload."
FORM_EXAMPLE = "Olga's gaming PC"
OPTION_LIMIT: Final = 100
NO_KEYS = "Nobody has a key yet. **Create…** makes one; give each uploader their own."
GONE = "This key is not in force any more: `/audit log` tells who revoked it."


def title(guild: str) -> str:
    """Head the panel, and say what keys are for."""
    return (
        f"## Keys for {_plain(guild)}\n"
        "With a key, the companion on a player's PC sends the guild's notes from the game to this server."
    )


def line(key: KeyView) -> str:
    """Show a key: whose it is, who made it and when, and what came with it."""
    return f"{_bold(key.name)} · {_last_upload(key)}\n-# {_made(key)}"


def option(key: KeyView) -> str:
    """Name a key in a menu."""
    return clean(key.name, OPTION_LIMIT) or key.public_id


def card(key: KeyView) -> str:
    """Show one key."""
    return f"## {_plain(key.name)}\n{_made(key)}\n{_last_upload(key)}"


def ask_rotate(name: str) -> str:
    """Ask before a key is replaced."""
    return (
        f"**Rotate the key of {_plain(name)}?**\nYou are shown a new one. The old one stops working at "
        "once, and their companion waits until it is given the new one: `muster-companion setup`."
    )


def ask_revoke(name: str) -> str:
    """Ask before a key is ended."""
    return f"**Revoke the key of {_plain(name)}?**\nIt stops working at once, for good. What they uploaded stays."


def created(name: str) -> str:
    """Say that a key was made."""
    return f"✅ {_bold(name)} has a key now. It is shown below, to you alone."


def rotated(name: str) -> str:
    """Say that a key was replaced."""
    return f"✅ The key of {_bold(name)} is another one now. It is shown below, to you alone."


def revoked(name: str) -> str:
    """Say that a key was ended."""
    return f"✅ The key of {_bold(name)} is revoked."


def not_done(reason: str) -> str:
    """Say why nothing was done."""
    return f"⚠️ {reason}"


def not_shown(name: str) -> str:
    """Say that a key is in force that perhaps nobody has seen."""
    return (
        f"{_bold(name)} has a new key, but Discord failed while Muster was showing it. If you can't "
        "see it, open `/addon key` and rotate it: that gives another one."
    )


def new_key(name: str, guild: str, text: str, public_url: str | None) -> tuple[str, str, str]:
    """Show a key that nobody can see again, with its address and what to do with it."""
    guild = _plain(guild)
    head = (
        f"## The key of {_plain(name)}\n⚠️ **Shown only this once.** Whoever has it can send notes of "
        f"{guild} in this server's name, and nothing else. Give it to them in private; `/addon key` rotates it.\n"
        f"```\n{text}\n```"
    )
    steps = (
        f"1. Addon: {INTO_ADDONS}.\n"
        f"2. Companion, on the same PC: {COMPANION}; it asks for address and key.\n"
        "3. In the game `/muster`, then `/reload`. `/addon status` shows what came."
    )
    return head, _address(public_url), steps


def _address(public_url: str | None) -> str:
    if public_url is None:
        return (
            "**Address**: not known here. Whoever runs Muster sets `MUSTER_PUBLIC_URL`, and can tell it: uploads go to "
            f"`{UPLOAD_PATH}` below it."
        )
    plain = "" if public_url.startswith("https:") else "-# Over http:// the companion sends to its own PC alone.\n"
    return f"**Address**\n```\n{public_url.rstrip('/')}\n```{plain}"


def _plain(name: str) -> str:
    return escape(name, KEY_NAME_LIMIT)


def _bold(name: str) -> str:
    return f"**{_plain(name)}**"


def _made(key: KeyView) -> str:
    renewed = f" · rotated {timestamp(key.rotated_at)}" if key.rotated_at else ""
    return f"made by <@{key.created_by}> {timestamp(key.created_at)}{renewed}"


def _last_upload(key: KeyView) -> str:
    return f"last upload {timestamp(key.last_upload_at)}" if key.last_upload_at else "no upload yet"
