"""Servers, roles, channels and members: built before the bot comes, changed while it listens."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import discord
from simcord._clock import Clock
from simcord.backend import Backend, serializers
from simcord.backend.models import Overwrite
from simcord.enums import ChannelType, OverwriteType


class WallClock(Clock):
    """Real time, moved ahead by what was asked: discord.py measures an interaction's age on its own clock."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.elapsed)


@dataclass(frozen=True, slots=True)
class Server:
    """A Discord server as it was made."""

    id: int
    owner_id: int
    bot_role_id: int


class World:
    """Builds and changes the servers; every change reaches a connected bot as the events Discord would send."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.locales: dict[int, str] = {}

    @property
    def bot_id(self) -> int:
        """The bot's user id."""
        return self._backend.bot_user.id

    def add_server(
        self, name: str, *, owner: str = "owner", bot_permissions: discord.Permissions | None = None
    ) -> Server:
        """Make a server that the bot is in; without bot_permissions it has all but Administrator."""
        owner_id = self._backend.make_user(owner).id
        made = self._backend.create_guild(name, owner_id=owner_id)
        server = Server(made.id, owner_id, made.members[self.bot_id].role_ids[0])
        if bot_permissions is not None:
            self.set_bot_permissions(server, bot_permissions)
        return server

    def set_bot_permissions(self, server: Server, permissions: discord.Permissions) -> None:
        """Change what the bot's own role allows; @everyone keeps its own."""
        self._backend.edit_role(server.id, server.bot_role_id, {"permissions": permissions.value})

    def set_everyone_permissions(self, server_id: int, permissions: discord.Permissions) -> None:
        """Change what everybody may do."""
        self._backend.edit_role(server_id, server_id, {"permissions": permissions.value})

    def remove_bot(self, server_id: int) -> None:
        """Remove the bot from a server, which deletes the server here."""
        self._backend.remove_guild(server_id)

    def add_role(
        self, server_id: int, name: str, *, permissions: discord.Permissions | None = None, color: int = 0
    ) -> int:
        """Make a role just above @everyone, below the bot's; return its id."""
        value = permissions.value if permissions is not None else 0
        return self._backend.create_role(server_id, name, permissions=value, color=color).id

    def move_role(self, server_id: int, role_id: int, position: int) -> None:
        """Set a role's position."""
        self._backend.reorder_roles(server_id, [{"id": role_id, "position": position}])

    def remove_role(self, server_id: int, role_id: int) -> None:
        """Delete a role from the server and its members."""
        self._backend.delete_role(server_id, role_id)

    def add_channel(
        self,
        server_id: int,
        name: str,
        *,
        kind: ChannelType = ChannelType.TEXT,
        hidden_from_bot: bool = False,
        only_for: Iterable[int] = (),
    ) -> int:
        """Make a channel; return its id. only_for: roles that see it, beside the bot, while @everyone does not."""
        view = discord.Permissions.view_channel.flag
        overwrites = []
        if hidden_from_bot:
            overwrites.append(Overwrite(self.bot_id, OverwriteType.MEMBER, deny=view))
        if roles := list(only_for):
            overwrites.append(Overwrite(server_id, OverwriteType.ROLE, deny=view))
            overwrites.append(Overwrite(self.bot_id, OverwriteType.MEMBER, allow=view))
            overwrites += [Overwrite(role, OverwriteType.ROLE, allow=view) for role in roles]
        return self._backend.create_channel(server_id, name, type=kind, overwrites=overwrites).id

    def remove_channel(self, channel_id: int) -> None:
        """Delete a channel with its messages."""
        self._backend.delete_channel(channel_id)

    def add_user(
        self, username: str, *, global_name: str | None = None, bot: bool = False, locale: str = "en-US"
    ) -> int:
        """Make a user who is in no server yet; return its id."""
        user_id = self._backend.make_user(username, global_name=global_name, bot=bot).id
        self.locales[user_id] = locale
        return user_id

    def add_member(
        self,
        server_id: int,
        username: str,
        *,
        global_name: str | None = None,
        nick: str | None = None,
        roles: Iterable[int] = (),
        bot: bool = False,
        locale: str = "en-US",
    ) -> int:
        """Make a user who has been in the server all along; return its id. No event is sent: see join."""
        user_id = self.add_user(username, global_name=global_name, bot=bot, locale=locale)
        self._backend.add_member(server_id, user_id, roles=roles, nick=nick)
        return user_id

    def join(
        self, server_id: int, user_id: int, *, nick: str | None = None, roles: Iterable[int] = (), pending: bool = False
    ) -> None:
        """Let a user join; pending: still in rules screening."""
        member = self._backend.add_member(server_id, user_id, roles=roles, nick=nick)
        member.pending = pending
        payload = dict(serializers.member_payload(self._backend, self._backend.get_guild(server_id), member))
        self._backend.emit("GUILD_MEMBER_ADD", {**payload, "guild_id": str(server_id)})

    def accept_rules(self, server_id: int, user_id: int) -> None:
        """End a member's rules screening."""
        self._backend.get_member(server_id, user_id).pending = False
        self._backend.announce_member_update(server_id, user_id)

    def leave(self, server_id: int, user_id: int) -> None:
        """Let a member leave."""
        self._backend.remove_member(server_id, user_id)

    def set_nick(self, server_id: int, user_id: int, nick: str | None) -> None:
        """Change a member's nickname."""
        self._backend.edit_member(server_id, user_id, {"nick": nick})

    def set_roles(self, server_id: int, user_id: int, roles: Iterable[int]) -> None:
        """Replace a member's roles."""
        self._backend.edit_member(server_id, user_id, {"role_ids": list(roles)})

    def rename_user(self, user_id: int, *, username: str | None = None, global_name: str | None = None) -> None:
        """Change a user's own names; each server shared with the bot sends a member update, as Discord does."""
        user = self._backend.get_user(user_id)
        user.name = username or user.name
        user.global_name = global_name or user.global_name
        for server in self._backend.guilds.values():
            if user_id in server.members:
                self._backend.announce_member_update(server.id, user_id)

    def dm_channel(self, user_id: int) -> int:
        """Return the id of the channel between the bot and a user."""
        return self._backend.get_dm_channel(user_id).id
