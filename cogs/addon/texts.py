"""Texts that both commands of `/addon` share."""

from typing import Final

GROUP = "Notes from the game: the keys of those who upload them, and what came."
UPLOAD_PATH: Final = "/api/guild-sync/addon-upload"
"""Where uploads go, below the address of this Muster."""
INTO_ADDONS = "`wow_addon/Muster` from Muster's files goes into `World of Warcraft/_retail_/Interface/AddOns`"
COMPANION = "`pipx install ./companion_app`, then `muster-companion`"
