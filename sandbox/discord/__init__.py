"""A Discord of one's own: REST and gateway over loopback sockets, and users who act."""

from simcord.backend.errors import SetupError

from sandbox.discord.answers import Shown
from sandbox.discord.cards import accent, buttons, plain_text, sections
from sandbox.discord.records import Exchange, Fault, Frame
from sandbox.discord.standin import DiscordStandIn
from sandbox.discord.world import Server, World

__all__ = [
    "DiscordStandIn",
    "Exchange",
    "Fault",
    "Frame",
    "Server",
    "SetupError",
    "Shown",
    "World",
    "accent",
    "buttons",
    "plain_text",
    "sections",
]
