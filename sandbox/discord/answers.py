"""What a user sees after acting: the answer, how it changed, and what followed."""

from collections.abc import Callable
from typing import Any

from simcord.backend import Backend, serializers
from simcord.backend.errors import SetupError
from simcord.backend.models import EPHEMERAL_FLAG, Interaction
from simcord.backend.models.interaction import ResponseKind

from sandbox.discord.cards import plain_text
from sandbox.discord.history import History
from sandbox.discord.waiting import PATIENCE, Changes


class Shown:
    """The bot's answer to one act, always as it stands now."""

    def __init__(self, backend: Backend, changes: Changes, history: History, interaction: Interaction) -> None:
        self._backend = backend
        self._changes = changes
        self._history = history
        self.interaction = interaction
        self._source_edited = self._edited_at()

    def __repr__(self) -> str:
        return f"<Shown {self.kind} ephemeral={self.ephemeral} {self.lines!r}>"

    @property
    def kind(self) -> ResponseKind | None:
        """How the bot answered; a deferred answer becomes a message when it is completed."""
        return self.interaction.response_kind

    @property
    def loading(self) -> bool:
        """Whether the user still waits: "is thinking", or a deferred click that has changed nothing yet."""
        if self.kind is ResponseKind.DEFERRED_UPDATE:
            return not self.interaction.followup_ids and self._edited_at() == self._source_edited
        return self.kind in (None, ResponseKind.DEFERRED)

    @property
    def message(self) -> dict[str, Any] | None:
        """The answer, or the message that a click updates; None when there is none or it was deleted."""
        return self._payload(self.interaction.message_id)

    @property
    def versions(self) -> list[dict[str, Any]]:
        """The answer as it was at each step, oldest first."""
        return self._history.of(self.interaction.message_id) if self.interaction.message_id else []

    @property
    def followups(self) -> list[dict[str, Any]]:
        """Messages that followed the answer and still stand."""
        payloads = (self._payload(message_id) for message_id in self.interaction.followup_ids)
        return [payload for payload in payloads if payload is not None]

    @property
    def ephemeral(self) -> bool:
        """Whether only this user sees the answer."""
        message = self.message
        return bool(message["flags"] & EPHEMERAL_FLAG) if message else self.interaction.ephemeral

    @property
    def content(self) -> str:
        """The answer's content."""
        message = self.message
        return message["content"] if message else ""

    @property
    def embeds(self) -> list[dict[str, Any]]:
        """The answer's embeds."""
        message = self.message
        return message["embeds"] if message else []

    @property
    def components(self) -> list[dict[str, Any]]:
        """The answer's components."""
        message = self.message
        return message["components"] if message else []

    @property
    def modal(self) -> dict[str, Any] | None:
        """The modal that was opened."""
        return self.interaction.modal

    @property
    def choices(self) -> list[dict[str, Any]]:
        """The choices that autocomplete offered."""
        return self.interaction.autocomplete_choices or []

    @property
    def lines(self) -> list[str]:
        """The answer, and what followed, as plain text."""
        shown = [self.message or self.modal, *self.followups]
        return [line for payload in shown if payload is not None for line in plain_text(payload)]

    @property
    def text(self) -> str:
        """The lines in one string."""
        return "\n".join(self.lines)

    async def finished(self, predicate: Callable[["Shown"], bool] | None = None, within: float = PATIENCE) -> "Shown":
        """Wait until a deferred answer is completed and, if given, the predicate holds; raise TimeoutError."""

        def look() -> bool:
            return not self.loading and (predicate is None or predicate(self))

        await self._changes.until(look, within, f"the end of {self.interaction.command_name or 'an act'}")
        return self

    def opened_modal(self) -> dict[str, Any]:
        """Return the modal; raise SetupError if none was opened or it is submitted already."""
        if self.interaction.modal is None or self.interaction.modal_consumed:
            raise SetupError(f"no modal is open: {self!r}")
        return self.interaction.modal

    def _payload(self, message_id: int | None) -> dict[str, Any] | None:
        message = self._backend.messages.get(self.interaction.channel_id, {}).get(message_id or 0)
        return None if message is None else dict(serializers.message_payload(self._backend, message))

    def _edited_at(self) -> str | None:
        source = self._payload(self.interaction.source_message_id)
        return source["edited_timestamp"] if source else None
