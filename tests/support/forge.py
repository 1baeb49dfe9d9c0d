"""Interactions that no client would send: what a leaked message, a copied custom id or a changed client can do."""

from typing import Any

import simcord
from simcord import interactions
from simcord.actors import _dispatch_actor_interaction
from simcord.backend import serializers
from simcord.enums import InteractionType

from tests.support.tree import BUTTON, TEXT_INPUT

ROW, MENU, LABEL = 1, 3, 18

Actor = simcord.MemberActor | simcord.UserHandle
"""A member, or somebody in a direct message."""


async def command(
    actor: simcord.UserHandle,
    name: str,
    options: dict[str, Any],
    *,
    as_seen_by: simcord.MemberActor,
    at: simcord.ChannelHandle,
) -> simcord.InteractionResult:
    """Send a server's command from a direct message, where Discord shows none, with what a member would fill in."""
    root, leaf, nesting = _leaf(as_seen_by, name)
    filled, resolved = interactions.build_options(as_seen_by, name, leaf, options, channel_id=at.id)
    data = _data(root, nesting, filled) | {"resolved": resolved}
    return await _dispatch_actor_interaction(actor, InteractionType.APPLICATION_COMMAND, actor.dm_channel, data)


async def completion(
    actor: simcord.UserHandle, name: str, option: str, options: dict[str, Any], *, as_seen_by: simcord.MemberActor
) -> list[dict[str, Any]]:
    """Type into an option of a server's command from a direct message; give the choices."""
    root, _, nesting = _leaf(as_seen_by, name)
    filled: list[dict[str, Any]] = [
        {"name": key, "type": 3, "value": value} for key, value in options.items() if isinstance(value, str)
    ]
    filled.append({"name": option, "type": 3, "value": "", "focused": True})
    kind = InteractionType.APPLICATION_COMMAND_AUTOCOMPLETE
    result = await _dispatch_actor_interaction(actor, kind, actor.dm_channel, _data(root, nesting, filled))
    return result.autocomplete_choices or []


async def use_control(
    actor: Actor, channel: simcord.ChannelHandle, message_id: int, custom_id: str, values: tuple[str, ...] = ()
) -> simcord.InteractionResult:
    """Press a button, or choose values in a menu, of a message of the bot's that holds this control alone."""
    chosen: dict[str, Any] = {"component_type": MENU, "values": list(values)} if values else {"component_type": BUTTON}
    control: dict[str, Any] = {"type": BUTTON, "style": 2, "label": "forged", "custom_id": custom_id}
    if values:
        options = [{"label": value, "value": value} for value in values]
        control = {"type": MENU, "custom_id": custom_id, "options": options}
    message = message_in(channel, message_id) | {"components": [{"type": ROW, "components": [control]}]}
    return await _dispatch_actor_interaction(
        actor,
        InteractionType.MESSAGE_COMPONENT,
        _place(actor, channel),
        {"custom_id": custom_id, **chosen},
        extra={"message": message},
        source_message_id=message_id,
    )


async def submit_form(
    actor: Actor, channel: simcord.ChannelHandle, message_id: int, custom_id: str, texts: dict[str, str]
) -> simcord.InteractionResult:
    """Hand in a form that was perhaps never opened."""
    fields = [
        {"type": LABEL, "component": {"type": TEXT_INPUT, "custom_id": name, "value": text}}
        for name, text in texts.items()
    ]
    return await _dispatch_actor_interaction(
        actor,
        InteractionType.MODAL_SUBMIT,
        _place(actor, channel),
        {"custom_id": custom_id, "components": fields},
        extra={"message": message_in(channel, message_id)},
        source_message_id=message_id,
    )


def message_in(channel: simcord.ChannelHandle, message_id: int) -> dict[str, Any]:
    """Give a message of a channel as Discord sends it."""
    backend = channel._env.backend
    return dict(serializers.message_payload(backend, backend.get_message(channel.id, message_id)))


def _leaf(member: simcord.MemberActor, name: str) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    head, *path = name.split()
    root = member._env.backend.find_command(head, member.guild.id)
    assert root is not None, name
    leaf, nesting = interactions.walk_to_subcommand(root, path)
    return root, leaf, nesting


def _data(root: dict[str, Any], nesting: list[str], options: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": root["id"],
        "name": root["name"],
        "type": 1,
        "options": interactions.nest_options(root, nesting, options),
    }


def _place(actor: Actor, channel: simcord.ChannelHandle) -> simcord.ChannelHandle:
    return actor.dm_channel if isinstance(actor, simcord.UserHandle) else channel
