"""A small real discord.py bot, and what the tests say about it."""

import io
import re
from collections.abc import Awaitable, Callable

import discord
from discord import app_commands
from discord.ext import commands

from sandbox.discord import Exchange, Frame

TOKEN = "a.stand-in.token"


class Question(discord.ui.Modal, title="A question"):
    answer = discord.ui.TextInput(label="Your answer", custom_id="answer", max_length=20)
    colour = discord.ui.Label(
        text="A colour",
        component=discord.ui.Select(
            custom_id="colour", options=[discord.SelectOption(label="Red", value="red")], required=False
        ),
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.colour.component, discord.ui.Select)
        text = f"{self.answer.value} {self.colour.component.values}"
        await interaction.response.send_message(text, ephemeral=True)


class Panel(discord.ui.View):
    @discord.ui.button(label="Ask me", custom_id="panel:ask")
    async def ask(self, interaction: discord.Interaction, _button: discord.ui.Button) -> None:
        await interaction.response.send_modal(Question())

    @discord.ui.button(label="Count", custom_id="panel:count")
    async def count(self, interaction: discord.Interaction, _button: discord.ui.Button) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="counted")

    @discord.ui.button(label="Gone", custom_id="panel:gone", disabled=True)
    async def gone(self, _interaction: discord.Interaction, _button: discord.ui.Button) -> None:
        raise AssertionError

    @discord.ui.select(
        cls=discord.ui.Select,
        custom_id="panel:pick",
        options=[discord.SelectOption(label="Horde", value="h"), discord.SelectOption(label="Alliance", value="a")],
    )
    async def pick(self, interaction: discord.Interaction, select: discord.ui.Select) -> None:
        await interaction.response.edit_message(content=f"picked {select.values[0]}")

    @discord.ui.select(cls=discord.ui.RoleSelect, custom_id="panel:role")
    async def role(self, interaction: discord.Interaction, select: discord.ui.RoleSelect) -> None:
        await interaction.response.send_message(f"role {select.values[0].name}", ephemeral=True)


@app_commands.command(description="answers at once")
async def hello(interaction: discord.Interaction, who: discord.Member, realm: str) -> None:
    await interaction.response.send_message(f"{interaction.locale} {who.display_name} of {realm}", ephemeral=True)


@hello.autocomplete("realm")
async def realms(_interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    names = ["Stormrage", "Silvermoon", "Area 52"]
    return [app_commands.Choice(name=n, value=n.lower()) for n in names if n.lower().startswith(current.lower())]


@app_commands.command(description="shows the panel")
async def panel(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("Pick one", view=Panel(timeout=None))


@app_commands.command(description="hidden from most")
@app_commands.default_permissions(manage_guild=True)
async def officer(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("secret")


@app_commands.command(description="never answers")
async def silent(_interaction: discord.Interaction) -> None:
    return None


class Chart(discord.ui.LayoutView):
    """A picture with words, and a menu of which several may be picked."""

    def __init__(self, title: str) -> None:
        super().__init__(timeout=None)
        menu: discord.ui.Select[Chart] = discord.ui.Select(
            custom_id="chart:pick",
            max_values=3,
            options=[discord.SelectOption(label=letter.upper(), value=letter) for letter in "abc"],
        )
        self.add_item(
            discord.ui.Container(
                discord.ui.TextDisplay(title),
                discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://chart.png", description=title)),
                discord.ui.ActionRow(menu),
            )
        )

    @staticmethod
    def picture(content: bytes) -> discord.File:
        return discord.File(io.BytesIO(content), filename="chart.png", description="a chart")


class Redraw(discord.ui.DynamicItem[discord.ui.Select], template="chart:pick"):
    """The menu of a chart."""

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, item: discord.ui.Item, _match: re.Match[str]
    ) -> "Redraw":
        assert isinstance(item, discord.ui.Select)
        return cls(item)

    async def callback(self, interaction: discord.Interaction) -> None:
        picked = " ".join(self.item.values)
        await interaction.response.edit_message(view=Chart(picked), attachments=[Chart.picture(picked.encode())])


@app_commands.command(description="shows a picture, at once or later")
async def chart(interaction: discord.Interaction, later: bool) -> None:
    if not later:
        await interaction.response.send_message(view=Chart("at once"), file=Chart.picture(b"at once"), ephemeral=True)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    await interaction.edit_original_response(view=Chart("later"), attachments=[Chart.picture(b"later")])


sync = app_commands.Group(name="sync", description="sync")


@sync.command(description="defers, edits twice, follows up")
async def roster(interaction: discord.Interaction) -> None:
    await interaction.response.defer(thinking=True)
    await interaction.edit_original_response(content="step 1")
    await interaction.edit_original_response(content="done")
    await interaction.followup.send("and one more", ephemeral=True)


class Client(commands.Bot):
    """A small bot with one of each kind of answer; remembers the events it heard."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__(commands.when_mentioned, intents=intents)
        self._connection.guild_ready_timeout = 0.05
        self.seen: list[tuple[str, int]] = []

    async def setup_hook(self) -> None:
        self.add_view(Panel(timeout=None))
        self.add_dynamic_items(Redraw)
        for command in (hello, panel, officer, silent, chart, sync):
            self.tree.add_command(command)
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Identify anew without discord.py's pause of 5 s."""

    async def on_member_join(self, member: discord.Member) -> None:
        self.seen.append(("join", member.id))

    async def on_member_remove(self, member: discord.Member) -> None:
        self.seen.append(("leave", member.id))

    async def on_member_update(self, _before: discord.Member, after: discord.Member) -> None:
        self.seen.append(("update", after.id))

    async def on_user_update(self, _before: discord.User, after: discord.User) -> None:
        self.seen.append(("rename", after.id))


class Recorded(list[Exchange | Frame]):
    """What the stand-in's recorder was called with."""

    def paths(self, method: str) -> list[tuple[str, int | None]]:
        return [(e.path, e.status) for e in self if isinstance(e, Exchange) and e.method == method]


Start = Callable[..., Awaitable[Client]]
