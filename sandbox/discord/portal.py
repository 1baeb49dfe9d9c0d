"""The application as its owner set it up in Discord's developer portal."""

from typing import Any

import discord

_LIMITED_FLAGS = {
    "presences": discord.ApplicationFlags.gateway_presence_limited.flag,
    "members": discord.ApplicationFlags.gateway_guild_members_limited.flag,
    "message_content": discord.ApplicationFlags.gateway_message_content_limited.flag,
}


class Portal:
    """The token and the privileged intents that are switched on."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.intents = discord.Intents.all()

    @property
    def flags(self) -> int:
        """The application's flags, which tell a bot what is switched on."""
        return sum(flag for name, flag in _LIMITED_FLAGS.items() if getattr(self.intents, name))

    def application(self, application_id: int) -> dict[str, Any]:
        """Return the part of the application that READY carries."""
        return {"id": str(application_id), "flags": self.flags, "flags_new": str(self.flags)}

    def refuses(self, wanted: discord.Intents) -> bool:
        """Whether a privileged intent is wanted that is not switched on."""
        return any(getattr(wanted, name) and not getattr(self.intents, name) for name in _LIMITED_FLAGS)
