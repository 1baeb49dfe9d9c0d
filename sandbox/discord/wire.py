"""The last step before the socket: SimCord's payloads made as full as Discord's."""

from collections.abc import Mapping
from typing import Any

from simcord.backend import Backend
from simcord.enums import InteractionType

# Keys that tell what an object is, and what Discord's documents require in it beyond SimCord.
_REQUIRED: tuple[tuple[frozenset[str], dict[str, Any]], ...] = (
    (frozenset({"username", "discriminator"}), {"primary_guild": None}),
    (frozenset({"pending", "mute", "roles"}), {"banner": None}),
    (frozenset({"permission_overwrites", "position"}), {"flags": 0}),
    (frozenset({"recipients"}), {"flags": 0}),
    (frozenset({"default_member_permissions", "options"}), {"version": "1", "nsfw": False}),
    (
        frozenset({"owner_id", "verification_level"}),
        {
            "home_header": None,
            "hub_type": None,
            "incidents_data": None,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "nsfw": False,
            "nsfw_level": 0,
            "region": "deprecated",
            "safety_alerts_channel_id": None,
            "widget_channel_id": None,
            "widget_enabled": False,
        },
    ),
    (
        frozenset({"verify_key", "owner"}),
        {
            "approximate_guild_count": 1,
            "approximate_user_authorization_count": 0,
            "approximate_user_install_count": 0,
            "eligible_oauth2_scopes": [],
            "explicit_content_filter": 0,
            "interactions_endpoint_url": None,
            "redirect_uris": [],
            "role_connections_verification_url": None,
            "type": None,
        },
    ),
)
_ABSENT_RATHER_THAN_NULL = ("nonce", "response_message_id", "integration_types")
_ABSENT_IN_A_FILE = ("description", "content_type")


class Wire:
    """Completes payloads from what the backend knows.

    openers: interaction id of a modal's submission -> id of the interaction that opened the modal.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.openers: dict[int, int] = {}

    def completed(self, value: Any) -> Any:
        """Return a payload with what Discord always sends added, and what it never sends as null left out."""
        if isinstance(value, list | tuple):
            return [self.completed(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        absent = _ABSENT_IN_A_FILE if {"filename", "size"} <= value.keys() else _ABSENT_RATHER_THAN_NULL
        full = {key: self.completed(item) for key, item in value.items() if item is not None or key not in absent}
        if "attachment_id" in full:
            # SimCord names the file that a picture comes from, and not the picture itself.
            full.setdefault("id", full["attachment_id"])
        for marks, required in _REQUIRED:
            if marks <= full.keys():
                full = {**required, **full}
        if isinstance(full.get("default_member_permissions"), int):
            full["default_member_permissions"] = str(full["default_member_permissions"])
        if "mention_roles" in full:
            # SimCord lists a role as often as the text names it.
            full["mention_roles"] = list(dict.fromkeys(full["mention_roles"]))
        if isinstance(full.get("interaction_metadata"), Mapping):
            full["interaction_metadata"] = self._origin(full["interaction_metadata"])
        if "global_name" in full and full["global_name"] == full["username"]:
            # SimCord shows the user name where a user has chosen no display name; Discord says null.
            user = self._backend.users.get(int(full["id"]))
            full["global_name"] = None if user is None else user.global_name
        return full

    def _origin(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Add the message that was clicked, or the act that opened the modal."""
        interaction_id = int(metadata["id"])
        full = dict(metadata)
        if metadata["type"] == InteractionType.MESSAGE_COMPONENT:
            full["interacted_message_id"] = str(self._backend.interactions[interaction_id].source_message_id)
        if metadata["type"] == InteractionType.MODAL_SUBMIT:
            opener = self._backend.interactions[self.openers[interaction_id]]
            trigger = {**metadata, "id": str(opener.id), "type": opener.type}
            full["triggering_interaction_metadata"] = self._origin(trigger)
        return full
