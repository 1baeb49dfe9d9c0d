"""What users do: commands, clicks, choices and forms, each sent to the bot as Discord sends it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simcord.backend import Backend, serializers
from simcord.backend.access import channel_accessible
from simcord.backend.errors import SetupError
from simcord.backend.models import Interaction
from simcord.enums import SELECT_TYPES, ComponentType, InteractionType
from simcord.interactions import base_payload

from sandbox.discord.answers import Shown
from sandbox.discord.forms import fill
from sandbox.discord.history import History
from sandbox.discord.options import Resolver, command_data, find_control, picked
from sandbox.discord.waiting import PATIENCE, Changes
from sandbox.discord.wire import Wire
from sandbox.discord.world import World

LINK_STYLES = (5, 6)


class Acts:
    """Users' acts.

    Each waits up to `within` seconds for the bot's first answer and raises TimeoutError without one; SetupError
    names what a real user could not have done.
    """

    def __init__(self, backend: Backend, world: World, changes: Changes, history: History, wire: Wire) -> None:
        self.backend = backend
        self.world = world
        self._changes = changes
        self._history = history
        self._wire = wire

    async def slash(
        self,
        user_id: int,
        server_id: int,
        channel_id: int,
        name: str,
        options: Mapping[str, Any] | None = None,
        *,
        within: float = PATIENCE,
    ) -> Shown:
        """Run a command, say "setup guild"; users, roles and channels among the options are ids."""
        self._check_place(user_id, server_id, channel_id)
        resolver = Resolver(self.backend, user_id, server_id)
        data = command_data(
            self.backend, resolver, user_id=user_id, channel_id=channel_id, name=name, options=options or {}
        )
        kind = InteractionType.APPLICATION_COMMAND
        return await self._act(kind, user_id, channel_id, data, what=f"/{name}", within=within)

    async def autocomplete(
        self,
        user_id: int,
        server_id: int,
        channel_id: int,
        name: str,
        *,
        option: str,
        text: str,
        options: Mapping[str, Any] | None = None,
        within: float = PATIENCE,
    ) -> list[dict[str, Any]]:
        """Type into an option and return the choices offered; options: those filled in before."""
        self._check_place(user_id, server_id, channel_id)
        resolver = Resolver(self.backend, user_id, server_id)
        data = command_data(
            self.backend,
            resolver,
            user_id=user_id,
            channel_id=channel_id,
            name=name,
            options=options or {},
            focused=(option, text),
        )
        kind = InteractionType.APPLICATION_COMMAND_AUTOCOMPLETE
        what = f"/{name} {option}: {text}"
        return (await self._act(kind, user_id, channel_id, data, what=what, within=within)).choices

    async def click(
        self,
        user_id: int,
        message: Mapping[str, Any] | Shown,
        custom_id: str | None = None,
        *,
        label: str | None = None,
        within: float = PATIENCE,
    ) -> Shown:
        """Press a button, named by its custom id or its label."""
        source = self._visible(user_id, message)
        button = find_control(source["components"], [ComponentType.BUTTON], custom_id, label)
        if button.get("style") in LINK_STYLES:
            raise SetupError(f"{button.get('label')!r} is a link and reaches no bot")
        return await self._use(user_id, source, button, {}, within)

    async def select(
        self,
        user_id: int,
        message: Mapping[str, Any] | Shown,
        custom_id: str | None,
        values: Iterable[Any],
        *,
        within: float = PATIENCE,
    ) -> Shown:
        """Choose in a select menu: strings of its options, or ids; custom_id None when the message has but one."""
        source = self._visible(user_id, message)
        menu = find_control(source["components"], SELECT_TYPES, custom_id, None)
        resolver = Resolver(self.backend, user_id, self._server_of(int(source["channel_id"])))
        data: dict[str, Any] = {"values": picked(menu, values, resolver)}
        if resolver.block:
            data["resolved"] = resolver.block
        return await self._use(user_id, source, menu, data, within)

    async def submit_modal(self, shown: Shown, values: Mapping[str, Any], *, within: float = PATIENCE) -> Shown:
        """Fill in and send the modal that an act has opened; values by custom id or label."""
        opened = shown.interaction
        modal = shown.opened_modal()
        data = fill(modal, values, Resolver(self.backend, opened.user_id, opened.guild_id))
        opened.modal_consumed = True
        source = self.backend.messages[opened.channel_id].get(opened.source_message_id or 0)
        return await self._act(
            InteractionType.MODAL_SUBMIT,
            opened.user_id,
            opened.channel_id,
            data,
            what=f"modal {modal.get('title')!r}",
            within=within,
            source=None if source is None else dict(serializers.message_payload(self.backend, source)),
            opener=opened,
        )

    def say(self, user_id: int, channel_id: int, content: str) -> int:
        """Write a message; return its id."""
        if not channel_accessible(self.backend, channel_id, user_id):
            raise SetupError("this user cannot see that channel")
        return self.backend.create_message(channel_id, user_id, content).id

    def messages(self, channel_id: int) -> list[dict[str, Any]]:
        """Return what stands in a channel for all to see, oldest first."""
        stored = sorted(self.backend.messages[channel_id].values(), key=lambda message: message.id)
        return [dict(serializers.message_payload(self.backend, m)) for m in stored if not m.is_ephemeral]

    async def wait_for_message(
        self, channel_id: int, predicate: Callable[[dict[str, Any]], bool] | None = None, within: float = PATIENCE
    ) -> dict[str, Any]:
        """Return the first message of a channel that fits, those there already included; raise TimeoutError."""

        def look() -> dict[str, Any] | None:
            fits = (message for message in self.messages(channel_id) if predicate is None or predicate(message))
            return next(fits, None)

        return await self._changes.until(look, within, f"a message in channel {channel_id}")

    async def until(self, look: Callable[[], Any], what: str, within: float = PATIENCE) -> Any:
        """Wait until look, asked after each request and event and every 50 ms, is true; raise TimeoutError."""
        return await self._changes.until(look, within, what)

    # -------------------------------------------------------------- plumbing

    async def _use(
        self, user_id: int, source: dict[str, Any], control: dict[str, Any], data: dict[str, Any], within: float
    ) -> Shown:
        data |= {"custom_id": control["custom_id"], "component_type": int(control["type"]), "id": control.get("id", 0)}
        what = f"a press on {control.get('label') or control['custom_id']!r}"
        kind = InteractionType.MESSAGE_COMPONENT
        channel_id = int(source["channel_id"])
        return await self._act(kind, user_id, channel_id, data, what=what, within=within, source=source)

    async def _act(
        self,
        kind: InteractionType,
        user_id: int,
        channel_id: int,
        data: dict[str, Any],
        *,
        what: str,
        within: float,
        source: dict[str, Any] | None = None,
        opener: Interaction | None = None,
    ) -> Shown:
        server_id = self._server_of(channel_id)
        record, payload = base_payload(
            self.backend, type=int(kind), channel_id=channel_id, guild_id=server_id, user_id=user_id, data=data
        )
        # Discord's three seconds, measured on a busy machine, would fail acts by chance: `make bench` looks at latency.
        record.initial_response_deadline = None
        payload["locale"] = self.world.locales.get(user_id, "en-US")
        payload["authorizing_integration_owners"] = {"0": str(server_id or 0)}
        if server_id is not None:
            payload["guild"] = {"id": str(server_id), "locale": payload["guild_locale"], "features": []}
        if source is not None:
            payload["message"] = source
            record.source_message_id = int(source["id"])
        if opener is not None:
            self._wire.openers[record.id] = opener.id
        shown = Shown(self.backend, self._changes, self._history, record)
        self.backend.emit("INTERACTION_CREATE", payload)
        await self._changes.until(lambda: record.responded, within, f"an answer to {what}")
        return shown

    def _server_of(self, channel_id: int) -> int | None:
        return self.backend.get_channel(channel_id).guild_id

    def _check_place(self, user_id: int, server_id: int, channel_id: int) -> None:
        if self._server_of(channel_id) != server_id or not channel_accessible(self.backend, channel_id, user_id):
            raise SetupError("this user cannot see that channel of that server")

    def _visible(self, user_id: int, message: Mapping[str, Any] | Shown) -> dict[str, Any]:
        payload = message.message if isinstance(message, Shown) else message
        if payload is None:
            raise SetupError("there is no message any more")
        channel_id = int(payload["channel_id"])
        stored = self.backend.get_message(channel_id, int(payload["id"]))
        if not channel_accessible(self.backend, channel_id, user_id) or not stored.visible_to(user_id):
            raise SetupError("this user cannot see that message")
        return dict(serializers.message_payload(self.backend, stored))
