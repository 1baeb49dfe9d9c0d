"""Roles as Discord has them now, turned into what the rules decide by."""

import discord

from domain.ranks import Power, RoleFacts
from domain.role_sync import ServerRoles

_BITS = {
    Power.ADMINISTRATOR: "administrator",
    Power.MANAGE_ROLES: "manage_roles",
    Power.MANAGE_SERVER: "manage_guild",
    Power.BAN_MEMBERS: "ban_members",
    Power.KICK_MEMBERS: "kick_members",
    Power.TIMEOUT_MEMBERS: "moderate_members",
    Power.MANAGE_CHANNELS: "manage_channels",
    Power.MANAGE_MESSAGES: "manage_messages",
    Power.MANAGE_NICKNAMES: "manage_nicknames",
    Power.MANAGE_THREADS: "manage_threads",
    Power.MANAGE_WEBHOOKS: "manage_webhooks",
    Power.MENTION_EVERYONE: "mention_everyone",
}


def role_facts(role: discord.Role) -> RoleFacts:
    """Give what the rules ask about a role."""
    return RoleFacts(
        id=role.id,
        name=role.name,
        is_everyone=role.is_default(),
        managed=role.managed,
        below_bot=role < role.guild.me.top_role,
        powers=powers_of(role.permissions),
    )


def powers_of(permissions: discord.Permissions) -> frozenset[Power]:
    """Give those of some permissions that count."""
    return frozenset(power for power, bit in _BITS.items() if getattr(permissions, bit))


def server_roles(server: discord.Guild | None) -> ServerRoles | None:
    """Give a server's roles, None while Discord does not show the server."""
    if server is None or server.unavailable:
        return None
    return ServerRoles(
        owner_id=server.owner_id,
        roles={role.id: role_facts(role) for role in server.roles},
        may_manage=server.me.guild_permissions.manage_roles,
    )
