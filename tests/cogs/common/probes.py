"""A small bot with one control, one form, one list and a few commands that fail in every way there is."""

import asyncio
import re
from typing import Any, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.common.errors import MusterTree, guard_autocomplete
from cogs.common.interactions import InteractionListener
from cogs.common.item import MusterItem, make_id
from cogs.common.modals import Form, Values, modal_handler
from cogs.common.paginator import Page, PageButton, paginate
from cogs.common.progress import Progress, status_view
from domain.errors import InvalidInput, NotFound, Refused


class Poke(MusterItem, template=r"probe:v1:poke:(?P<what>[a-z-]+)"):
    """Do what its id says."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(ui.Button(label=what, custom_id=make_id("probe", 1, "poke", what)))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        if match["what"] == "load-raises":
            raise RuntimeError("the row is broken")
        if match["what"] == "load-misses":
            raise NotFound("That order is no longer there.")
        return cls(match["what"])

    async def allowed(self, interaction: discord.Interaction) -> None:
        if self.what == "officers" and not interaction.permissions.manage_guild:
            raise Refused("Officers only.")

    async def run(self, interaction: discord.Interaction) -> None:
        if self.what.startswith("defer"):
            await interaction.response.defer(ephemeral=True, thinking=True)
        if self.what.endswith("raises"):
            raise RuntimeError("the control is broken")
        if self.what == "silent":
            return
        if self.what == "form":
            await interaction.response.send_modal(note_form("probe:v1:note:7"))
        elif self.what == "old-form":
            await interaction.response.send_modal(note_form("probe:v1:forgotten:7"))
        elif self.what == "drops-others":
            view = card("row", "drops-others", Tick())
            await interaction.response.edit_message(view=view)
            view.clear_items()
            view.add_item(ui.ActionRow(Poke("drops-others")))
            await interaction.edit_original_response(view=view)
        elif interaction.response.is_done():
            await interaction.followup.send(f"did {self.what}", ephemeral=True)
        else:
            await interaction.response.send_message(f"did {self.what}", ephemeral=True)


class Tick(MusterItem, template=r"probe:v1:tick"):
    """Answer, and stand for the controls of other messages."""

    def __init__(self) -> None:
        super().__init__(ui.Button(label="tick", custom_id="probe:v1:tick"))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, _match: re.Match[str]) -> Self:
        return cls()

    async def run(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message("tock", ephemeral=True)


class NumberPages(PageButton, area="probe-pages"):
    """Page through the numbers below the subject."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        return number_card(subject, number)


def number_card(subject: str, number: int) -> ui.LayoutView:
    """Show three numbers and the buttons."""
    page: Page[int] = paginate(range(int(subject)), number, 3)
    view = status_view(", ".join(map(str, page.items)))
    return view.add_item(NumberPages.buttons(subject, page))


def note_form(custom_id: str) -> Form:
    """Ask for a note."""
    form = Form(title="Note", custom_id=custom_id)
    form.add_item(ui.Label(text="Note", component=ui.TextInput(custom_id="note", required=False)))
    form.add_item(ui.Label(text="Loud", component=ui.Checkbox(custom_id="loud")))
    return form


@modal_handler(r"probe:v1:note:(?P<subject>[0-9]+)")
async def note_submitted(interaction: discord.Interaction, match: re.Match[str], values: Values) -> None:
    """Repeat what was typed, or fail as it asks."""
    match values.text("note"):
        case "":
            raise InvalidInput("A note needs text.")
        case "raise":
            raise RuntimeError("the handler is broken")
        case "silent":
            return
        case note:
            said = note.upper() if values.checked("loud") else note
            await interaction.response.send_message(f"{match['subject']}: {said}", ephemeral=True)


def card(place: str, *controls: MusterItem | str) -> ui.LayoutView:
    """Put controls into an action row, a container or a section."""
    items = [Poke(control) if isinstance(control, str) else control for control in controls]
    view = ui.LayoutView(timeout=None)
    match place:
        case "row":
            view.add_item(ui.ActionRow(*items))
        case "container":
            view.add_item(ui.Container(ui.TextDisplay("a card"), ui.ActionRow(*items)))
        case "section":
            view.add_item(ui.Container(ui.Section("a line", accessory=items[0])))
    return view


class Probes(commands.Cog):
    """Commands that fail, search and take long."""

    @app_commands.command()
    async def fail(self, interaction: discord.Interaction, how: str) -> None:
        """Fail."""
        if how.startswith("deferred"):
            await interaction.response.defer(ephemeral=True)
        if how.startswith("answered"):
            await interaction.response.send_message("begun", ephemeral=True)
        if how.startswith("late"):
            await asyncio.sleep(10)
        if how.endswith("domain"):
            raise NotFound("No such guild.")
        raise RuntimeError("the command is broken")

    @app_commands.command()
    @app_commands.checks.has_permissions(manage_guild=True)
    async def locked(self, interaction: discord.Interaction) -> None:
        """Be for managers."""
        await interaction.response.send_message("open", ephemeral=True)

    @app_commands.command()
    async def search(self, interaction: discord.Interaction, name: str) -> None:
        """Search."""
        await interaction.response.send_message(name, ephemeral=True)

    @search.autocomplete("name")
    @guard_autocomplete
    async def names(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        if current == "raise":
            raise RuntimeError("the search is broken")
        if current == "away":
            raise ConnectionRefusedError("no server at the address")
        if current == "refuse":
            raise Refused("Not yours.")
        return [app_commands.Choice(name=f"{current}{number}", value=str(number)) for number in range(30)]

    @app_commands.command()
    async def work(self, interaction: discord.Interaction, seconds: int, how: str) -> None:
        """Take so long, with a status each half second or only one, then give a result or an error."""
        async with Progress(interaction, ephemeral="public" not in how) as progress:
            for step in range(1 if "long" in how else seconds * 2):
                await progress.update(f"step {step}")
                await asyncio.sleep(seconds if "long" in how else 0.5)
            if "raise" in how:
                raise RuntimeError("the work is broken")
            if "refuse" in how:
                raise NotFound("The realm is gone.")
            late = status_view("done, for all eyes") if "late" in how else None
            await progress.finish(view=status_view("the result"), late=late)


class ProbeBot(commands.Bot):
    """The least bot that the foundations need."""

    def __init__(self) -> None:
        super().__init__("!", intents=discord.Intents.default(), tree_cls=MusterTree)

    async def setup_hook(self) -> None:
        await self.add_cog(Probes())
        await self.add_cog(InteractionListener(self))
        await self.tree.sync()


def texts_of(message: Any) -> list[str]:
    """Give the texts of a V2 message, in order."""
    found: list[str] = []
    pending = list(message.components)
    while pending:
        component = pending.pop(0)
        raw = component if isinstance(component, dict) else component.to_dict()
        if raw["type"] == 10:
            found.append(raw["content"])
        pending = [*raw.get("components", []), *pending]
    return found
