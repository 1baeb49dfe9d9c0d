"""Who may act: an officer is named by Discord's own rights or by a chosen role, never by a link."""

import discord

from bot.services import servers
from bot.services.context import Context
from cogs.common import texts
from cogs.common.bot import bot_of
from cogs.common.item import MusterItem
from domain.errors import Refused


def require_server(interaction: discord.Interaction) -> int:
    """Give the id of the server that this happens in; Refused in a direct message."""
    if interaction.guild_id is None:
        raise Refused(texts.SERVER_ONLY)
    return interaction.guild_id


def is_officer(interaction: discord.Interaction, officer_role_id: int | None) -> bool:
    """Tell whether the one who acts has Manage Server or the officers' role, as Discord says at this moment."""
    if interaction.guild_id is None:
        return False
    if manages_server(interaction):
        return True
    user = interaction.user
    return (
        officer_role_id is not None
        # The default role's id is the server's: holding it makes nobody an officer.
        and officer_role_id != interaction.guild_id
        and isinstance(user, discord.Member)
        and user.get_role(officer_role_id) is not None
    )


def manages_server(interaction: discord.Interaction) -> bool:
    """Tell whether the one who acts has Manage Server in the whole server."""
    user = interaction.user
    if isinstance(user, discord.Member) and not user.guild.unavailable:
        # Not what Discord says of this channel: who may edit its overwrites can allow themselves anything there.
        return user.guild_permissions.manage_guild
    return interaction.permissions.manage_guild


def require_officer(interaction: discord.Interaction, officer_role_id: int | None) -> int:
    """Give the server's id to an officer; Refused for anybody else and in a direct message."""
    server_id = require_server(interaction)
    if not is_officer(interaction, officer_role_id):
        raise Refused(texts.OFFICERS_ONLY)
    return server_id


async def officers_server(ctx: Context, interaction: discord.Interaction) -> int:
    """Give the server's id to one of its officers, by the role that the server chose; Refused for anybody else."""
    return require_officer(interaction, await servers.officer_role_id(ctx, require_server(interaction)))


class OfficerItem(MusterItem):
    """A control for officers only, whoever may see its message."""

    async def allowed(self, interaction: discord.Interaction) -> None:
        """Refuse whoever is no officer at the click."""
        await officers_server(bot_of(interaction).services.ctx, interaction)
