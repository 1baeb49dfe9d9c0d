"""What the guild master does on the stage, shown as Discord would show it, and what must be seen after it."""

import re
from collections.abc import Container, Iterable
from functools import partial
from typing import Any

from sandbox.discord import Shown, accent, plain_text
from sandbox.screen import Screen, readable
from sandbox.stage import LONG, Stage


class NotSeen(Exception):
    """Say what should have been seen, and what was there instead."""


class Acting:
    """The acts of which a play is made; `step` names the one at hand."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        self.stage = stage
        self.screen = screen
        self.sample = stage.sample
        self.step = "the start"

    @property
    def _here(self) -> tuple[int, int, int]:
        """Who acts, and where: the guild master, in the tavern."""
        return self.stage.owner_id, self.stage.server_id, self.stage.lounge

    @property
    def _me(self) -> str:
        return self.sample.owner.shown_name

    async def _command(self, name: str, options: dict[str, Any], *, sees: str, again: bool = False) -> str:
        """Run a command and give its answer; with `again` over and over until it shows what it must."""
        self.step = f"/{name}"
        shown = await self.stage.command(name, options, until=sees if again else None)
        if sees not in shown.text:
            raise NotSeen(f"{sees!r}, but: {shown.text}")
        self._show(f"{self._me} runs /{name}", shown.lines)
        return shown.text

    async def _card(self, name: str, *any_of: str) -> Shown:
        """Run a command whose answer is a card to act on, and show it; it must say one of these."""
        self.step = f"/{name}"
        shown = await self.stage.command(name)
        if not any(words in shown.text for words in any_of):
            raise NotSeen(f"{' or '.join(map(repr, any_of))}, but: {shown.text}")
        self._show(f"{self._me} runs /{name}", shown.lines)
        return shown

    async def _click(self, shown: Shown, button: dict[str, Any], *, quiet: bool = False) -> str:
        """Press a button that changes its own message; give what the message says then."""
        self.step = f"a click on {button['label']!r}"
        before = shown.text
        await self.stage.discord.click(self.stage.owner_id, shown, button["custom_id"])
        await shown.finished(lambda now: now.text != before, within=LONG)
        if not quiet:
            self._show(f"{self._me} clicks [ {button['label']} ]", shown.lines)
        return shown.text

    async def _fill(self, shown: Shown, label: str, values: dict[str, Any], *, sees: str) -> None:
        """Press a button that opens a form, send that, and see what the message says then."""
        self.step = f"{sees!r} after {label!r}"
        form = await self.stage.discord.click(self.stage.owner_id, shown, label=label)
        await self.stage.discord.submit_modal(form, values)
        await shown.finished(partial(says, sees), within=LONG)
        self._show(f"{self._me} clicks [ {label} ] and fills in the form", shown.lines)

    async def _posted(self, sees: str, *, besides: Container[str] = ()) -> dict[str, Any]:
        """Wait for a message in the audit channel and show it."""

        def fits(message: dict[str, Any]) -> bool:
            return message["id"] not in besides and sees in "\n".join(plain_text(message))

        self.step = f"{sees!r} in #audit"
        message = await self.stage.discord.wait_for_message(self.stage.audit_channel, fits, within=LONG)
        self._show("Muster posts in #audit", plain_text(message), accent(message))
        return message

    def _show(self, title: str, lines: Iterable[str], colour: int | None = None) -> None:
        backend, server_id = self.stage.discord.backend, self.stage.server_id
        self.screen.show(title, [readable(line, backend, server_id) for line in lines], colour)


def says(what: str, shown: Shown) -> bool:
    """Tell whether an answer says something."""
    return what in shown.text


def number_in(pattern: str, text: str, *, default: int | None = None) -> int:
    """Give the number that a text tells, or the default; raises NotSeen where it tells none and there is no default."""
    found = re.search(pattern, text)
    if found is not None:
        return int(found[1].replace(",", ""))
    if default is None:
        raise NotSeen(f"{pattern!r}, but: {text}")
    return default
