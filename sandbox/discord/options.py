"""What a user's client sends for a command or a control: found, checked and resolved as Discord would."""

from collections.abc import Iterable, Mapping
from typing import Any

from simcord.backend import Backend, serializers
from simcord.backend.access import channel_accessible
from simcord.backend.command_access import command_access
from simcord.backend.errors import SetupError
from simcord.components import walk_components
from simcord.enums import AppCommandType, ComponentType, OptionType
from simcord.interactions import nest_options, validate_option_value, walk_to_subcommand

_ENTITY_OPTIONS = {
    OptionType.USER: ("users",),
    OptionType.ROLE: ("roles",),
    OptionType.CHANNEL: ("channels",),
    OptionType.MENTIONABLE: ("users", "roles"),
}
_ENTITY_SELECTS = {
    ComponentType.USER_SELECT: ("users",),
    ComponentType.ROLE_SELECT: ("roles",),
    ComponentType.CHANNEL_SELECT: ("channels",),
    ComponentType.MENTIONABLE_SELECT: ("users", "roles"),
}


class Resolver:
    """Turns ids into the `resolved` block of an interaction."""

    def __init__(self, backend: Backend, user_id: int, server_id: int | None) -> None:
        self._backend = backend
        self._user_id = user_id
        self._server_id = server_id
        self.block: dict[str, dict[str, Any]] = {}

    def add(self, entity_id: Any, kinds: Iterable[str], what: str, channel_types: Iterable[int] = ()) -> str:
        """Resolve one id as one of the kinds; raise SetupError when a user could not have picked it."""
        if not isinstance(entity_id, int) or isinstance(entity_id, bool):
            raise SetupError(f"{what} expects an id as int, got {entity_id!r}")
        if not any(getattr(self, f"_add_{kind}")(entity_id, tuple(channel_types)) for kind in kinds):
            raise SetupError(f"{what}: {entity_id} is none of the {' or '.join(kinds)} that this user can pick")
        return str(entity_id)

    def _add_users(self, user_id: int, _types: tuple[int, ...]) -> bool:
        if user_id not in self._backend.users:
            return False
        self._put("users", user_id, serializers.user_payload(self._backend.users[user_id]))
        server = self._backend.guilds.get(self._server_id or 0)
        if server is not None and user_id in server.members:
            member = dict(serializers.member_payload(self._backend, server, server.members[user_id], with_user=False))
            member["permissions"] = str(self._backend.compute_permissions(server.id, user_id))
            self._put("members", user_id, member)
        return True

    def _add_roles(self, role_id: int, _types: tuple[int, ...]) -> bool:
        server = self._backend.guilds.get(self._server_id or 0)
        if server is None or role_id not in server.roles:
            return False
        self._put("roles", role_id, serializers.role_payload(server.roles[role_id]))
        return True

    def _add_channels(self, channel_id: int, types: tuple[int, ...]) -> bool:
        channel = self._backend.channels.get(channel_id)
        if channel is None or channel.guild_id is None or channel.guild_id != self._server_id:
            return False
        if not channel_accessible(self._backend, channel_id, self._user_id) or (types and channel.type not in types):
            return False
        payload = dict(serializers.channel_payload(self._backend, channel))
        permissions = self._backend.compute_permissions(channel.guild_id, self._user_id, channel_id)
        self._put("channels", channel_id, {**payload, "permissions": str(permissions)})
        return True

    def _put(self, kind: str, entity_id: int, payload: Mapping[str, Any]) -> None:
        self.block.setdefault(kind, {})[str(entity_id)] = payload


def command_data(
    backend: Backend,
    resolver: Resolver,
    *,
    user_id: int,
    channel_id: int,
    name: str,
    options: Mapping[str, Any],
    focused: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Build the data of a slash command, or of its autocomplete when an option is focused.

    Raises SetupError for what a user could not do: an unknown or hidden command, a missing or malformed option.
    """
    root, leaf, nesting = _find(backend, user_id, channel_id, name)
    declared = {option["name"]: option for option in leaf.get("options") or ()}
    for option in options.keys() - declared.keys():
        raise SetupError(f"/{name} has no option {option!r}; it has {sorted(declared)}")
    built = [
        {"name": key, "type": declared[key]["type"], "value": _value(resolver, name, declared[key], value)}
        for key, value in options.items()
    ]
    if focused is None:
        missing = [key for key, option in declared.items() if option.get("required") and key not in options]
        if missing:
            raise SetupError(f"/{name} requires {', '.join(missing)}")
    else:
        key, text = focused
        if not declared.get(key, {}).get("autocomplete"):
            raise SetupError(f"option {key!r} of /{name} has no autocomplete")
        built.append({"name": key, "type": declared[key]["type"], "value": text, "focused": True})
    data: dict[str, Any] = {
        "id": root["id"],
        "name": root["name"],
        "type": int(AppCommandType.CHAT_INPUT),
        "options": nest_options(root, nesting, built),
    }
    if root.get("guild_id"):
        data["guild_id"] = root["guild_id"]
    if resolver.block and focused is None:
        data["resolved"] = resolver.block
    return data


def _find(
    backend: Backend, user_id: int, channel_id: int, name: str
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    root_name, *path = name.removeprefix("/").split()
    root = backend.find_command(root_name, backend.get_channel(channel_id).guild_id)
    if root is None:
        known = sorted({key for scope in backend.commands.values() for key, _type in scope})
        raise SetupError(f"no command /{root_name} is registered; there are {known}")
    access = command_access(backend, root, user_id=user_id, channel_id=channel_id)
    if not access.allowed:
        raise SetupError(f"/{root_name} is not visible to this user here ({access.reason})")
    leaf, nesting = walk_to_subcommand(root, path)
    if any(child.get("type") in (1, 2) for child in leaf.get("options") or ()):
        raise SetupError(f"/{name} is a group; name one of its commands")
    return root, leaf, nesting


def _value(resolver: Resolver, command: str, option: dict[str, Any], value: Any) -> Any:
    kinds = _ENTITY_OPTIONS.get(option["type"])
    if kinds is None:
        return validate_option_value(command, option, value)
    return resolver.add(value, kinds, f"option {option['name']!r} of /{command}", option.get("channel_types") or ())


def find_control(components: Any, types: Iterable[int], custom_id: str | None, label: str | None) -> dict[str, Any]:
    """Find the one control that a user means; raise SetupError if there is none, several, or it is disabled."""
    controls = [component for component in walk_components(components) if component.get("type") in tuple(types)]
    found = [
        control
        for control in controls
        if (custom_id is None or control.get("custom_id") == custom_id)
        and (label is None or control.get("label") == label)
    ]
    if len(found) != 1:
        there = [control.get("label") or control.get("custom_id") for control in controls]
        raise SetupError(f"{len(found)} controls fit custom_id={custom_id!r}, label={label!r}; there are {there}")
    if found[0].get("disabled"):
        raise SetupError(f"the control {found[0].get('label') or found[0].get('custom_id')!r} is disabled")
    return found[0]


def picked(menu: Mapping[str, Any], values: Iterable[Any], resolver: Resolver, *, optional: bool = False) -> list[str]:
    """Check the values picked in a select: strings for its own options, ids for users, roles and channels."""
    chosen = list(values)
    what = f"select {menu['custom_id']!r}"
    if len(set(chosen)) != len(chosen):
        raise SetupError(f"{what}: a value is picked twice")
    least, most = menu.get("min_values", 1), menu.get("max_values", 1)
    if not least <= len(chosen) <= most and not (optional and not chosen):
        raise SetupError(f"{what} takes {least} to {most} values, got {len(chosen)}")
    kinds = _ENTITY_SELECTS.get(menu["type"])
    if kinds is not None:
        return [resolver.add(value, kinds, what, menu.get("channel_types") or ()) for value in chosen]
    offered = [option["value"] for option in menu.get("options") or ()]
    for value in chosen:
        if value not in offered:
            raise SetupError(f"{what} does not offer {value!r}; it offers {offered}")
    return chosen
