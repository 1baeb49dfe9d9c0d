"""`/addon key`: the keys of a server's uploaders, made, replaced and ended by officers.

A new key stands in one private message without controls, so that no click needs its text again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.services import servers, upload_keys
from bot.services.context import Context
from bot.services.upload_keys import KeyView, NewKey
from cogs.addon import keys_texts as texts
from cogs.common.access import OfficerItem, officers_server, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import WARNING_COLOUR, card
from cogs.common.errors import DISCORD_ERRORS
from cogs.common.item import make_id
from cogs.common.modals import Form, Values, modal_handler
from cogs.common.paginator import PageButton, check_budget, paginate, show_own
from domain.errors import FollowsNoGuild, MusterError, NotFound, Unavailable
from domain.upload_keys import KEY_NAME_LIMIT

PER_PAGE: Final = 10
EVERYTHING: Final = "all"
FIELD: Final = "name"
_KEY: Final = r"(?P<key>[0-9a-f]{12})"


class KeyCommand(commands.Cog):
    """The command; a part of the cog `Addon`, which has the context."""

    ctx: Context

    @app_commands.command(name="key", description=texts.COMMAND)
    async def show_keys(self, interaction: discord.Interaction) -> None:
        """Show the keys in force and what can be done about them."""
        view = panel(await load(self.ctx, await officers_server(self.ctx, interaction)))
        check_budget(view)
        await interaction.response.send_message(
            view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )


@dataclass(frozen=True, slots=True)
class Keys:
    """The guild that a server follows, and its keys in force."""

    guild: str
    listed: Sequence[KeyView]

    def key(self, public_id: str) -> KeyView:
        """Give a key; raises NotFound for one that is not in force, or another server's."""
        for key in self.listed:
            if key.public_id == public_id:
                return key
        raise NotFound(texts.GONE)


class KeyPages(OfficerItem, PageButton, area="addon-key"):
    """Page through the keys."""

    async def page(self, interaction: discord.Interaction, _subject: str, number: int) -> ui.LayoutView:
        """Give the keys as they are at the click."""
        return panel(await _load(interaction), number)


class ListButton(OfficerItem, template=r"addon-key:v1:list"):
    """Go back to the keys."""

    def __init__(self) -> None:
        custom_id = make_id("addon-key", 1, "list")
        super().__init__(ui.Button(label=texts.BACK, style=discord.ButtonStyle.secondary, custom_id=custom_id))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, _match: re.Match[str]) -> Self:
        """Make the button again."""
        return cls()

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the keys as they are at the click."""
        await show_own(interaction, panel(await _load(interaction)))


class KeyMenu(OfficerItem, template=r"addon-key:v1:choose"):
    """Choose a key."""

    def __init__(self, keys: Sequence[KeyView] = ()) -> None:
        self.menu: ui.Select[Any] = ui.Select(
            custom_id=make_id("addon-key", 1, "choose"),
            placeholder=texts.CHOOSE,
            options=[discord.SelectOption(label=texts.option(key), value=key.public_id) for key in keys],
        )
        super().__init__(self.menu)

    @classmethod
    async def load(cls, _interaction: discord.Interaction, _match: re.Match[str]) -> Self:
        """Make the menu again; Discord sends what was chosen."""
        return cls()

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the key."""
        await show_own(interaction, key_card((await _load(interaction)).key(self.menu.values[0])))


class CreateButton(OfficerItem, template=r"addon-key:v1:create"):
    """Ask whose a new key is."""

    def __init__(self) -> None:
        custom_id = make_id("addon-key", 1, "create")
        super().__init__(ui.Button(label=texts.CREATE, style=discord.ButtonStyle.primary, custom_id=custom_id))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, _match: re.Match[str]) -> Self:
        """Make the button again."""
        return cls()

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the form."""
        form = Form(title=texts.FORM_TITLE, custom_id=make_id("addon-key", 1, "created"))
        field: ui.TextInput[Any] = ui.TextInput(
            custom_id=FIELD, placeholder=texts.FORM_EXAMPLE, max_length=KEY_NAME_LIMIT
        )
        form.add_item(ui.Label(text=texts.FORM_LABEL, description=texts.FORM_HELP, component=field))
        await interaction.response.send_modal(form)


class _KeyButton(OfficerItem):
    """A button about one key."""

    act: ClassVar[str]
    label: ClassVar[str]
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.danger

    def __init__(self, public_id: str) -> None:
        self.public_id = public_id
        custom_id = make_id("addon-key", 1, self.act, public_id)
        super().__init__(ui.Button(label=self.label, style=self.style, custom_id=custom_id))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the key from the id."""
        return cls(match["key"])


class AskRotateButton(_KeyButton, template=rf"addon-key:v1:ask-rotate:{_KEY}"):
    """Ask before a key is replaced."""

    act, label, style = "ask-rotate", texts.ROTATE, discord.ButtonStyle.secondary

    async def run(self, interaction: discord.Interaction) -> None:
        """Ask about the key as it is at the click."""
        key = (await _load(interaction)).key(self.public_id)
        buttons = ui.ActionRow[Any](RotateButton(key.public_id, key.version), ListButton())
        await show_own(interaction, card(texts.ask_rotate(key.name), buttons, colour=WARNING_COLOUR))


class AskRevokeButton(_KeyButton, template=rf"addon-key:v1:ask-revoke:{_KEY}"):
    """Ask before a key is ended."""

    act, label, style = "ask-revoke", texts.REVOKE, discord.ButtonStyle.secondary

    async def run(self, interaction: discord.Interaction) -> None:
        """Ask about the key as it is at the click."""
        key = (await _load(interaction)).key(self.public_id)
        buttons = ui.ActionRow[Any](RevokeButton(key.public_id), ListButton())
        await show_own(interaction, card(texts.ask_revoke(key.name), buttons, colour=WARNING_COLOUR))


class RotateButton(OfficerItem, template=rf"addon-key:v1:rotate:{_KEY}:(?P<version>[0-9]{{1,18}})"):
    """Replace a key, unless that was done since this was shown: whoever did it holds the one that works."""

    def __init__(self, public_id: str, version: int) -> None:
        self.public_id = public_id
        self.version = version
        custom_id = make_id("addon-key", 1, "rotate", public_id, version)
        super().__init__(ui.Button(label=texts.ROTATE_NOW, style=discord.ButtonStyle.danger, custom_id=custom_id))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the key, and when it was last replaced then, from the id."""
        return cls(match["key"], int(match["version"]))

    async def run(self, interaction: discord.Interaction) -> None:
        """Replace it, and show the new one."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        await interaction.response.defer()
        keys = await load(ctx, server_id)
        try:
            new = await upload_keys.rotate(
                ctx, server_id, self.public_id, version=self.version, actor_id=interaction.user.id
            )
        except MusterError as error:
            await _redraw(interaction, texts.not_done(error.text))
            return
        await _show_key(interaction, keys.guild, new)
        await _redraw(interaction, texts.rotated(new.key.name))


class RevokeButton(_KeyButton, template=rf"addon-key:v1:revoke:{_KEY}"):
    """End a key."""

    act, label = "revoke", texts.REVOKE_NOW

    async def run(self, interaction: discord.Interaction) -> None:
        """End it, or say who did."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        await interaction.response.defer()
        try:
            ended = await upload_keys.revoke(ctx, server_id, self.public_id, actor_id=interaction.user.id)
            done = texts.revoked(ended.name)
        except MusterError as error:
            done = texts.not_done(error.text)
        await _redraw(interaction, done)


@modal_handler(r"addon-key:v1:created")
async def name_submitted(interaction: discord.Interaction, _match: re.Match[str], values: Values) -> None:
    """Make a key for whom the form names, and show it."""
    ctx = bot_of(interaction).services.ctx
    server_id = await officers_server(ctx, interaction)
    await interaction.response.defer()
    guild = (await load(ctx, server_id)).guild
    try:
        new = await upload_keys.create(ctx, server_id, name=values.text(FIELD), actor_id=interaction.user.id)
    except MusterError as error:
        await _redraw(interaction, texts.not_done(error.text))
        return
    await _show_key(interaction, guild, new)
    await _redraw(interaction, texts.created(new.key.name))


async def load(ctx: Context, server_id: int) -> Keys:
    """Load a server's keys in force; raises FollowsNoGuild."""
    guild = (await servers.view(ctx, server_id)).guild
    if guild is None:
        raise FollowsNoGuild
    return Keys(guild.name, await upload_keys.listed(ctx, server_id))


def panel(keys: Keys, number: int = 0, *, done: str | None = None) -> ui.LayoutView:
    """Show one page of the keys, each to be chosen, below a line on what was just done."""
    page = paginate(keys.listed, number, PER_PAGE)
    head = texts.title(keys.guild) if done is None else f"{done}\n{texts.title(keys.guild)}"
    parts: list[str | ui.Item[Any]] = [head, "\n".join(map(texts.line, page.items)) or texts.NO_KEYS]
    if page.items:
        parts.append(ui.ActionRow(KeyMenu(page.items)))
    if page.count > 1:
        parts += [page.label, KeyPages.buttons(EVERYTHING, page)]
    return card(*parts, ui.ActionRow(CreateButton()))


def key_card(key: KeyView) -> ui.LayoutView:
    """Show a key with what can be done about it."""
    buttons = ui.ActionRow[Any](AskRotateButton(key.public_id), AskRevokeButton(key.public_id), ListButton())
    return card(texts.card(key), buttons)


async def _load(interaction: discord.Interaction) -> Keys:
    return await load(bot_of(interaction).services.ctx, require_server(interaction))


async def _show_key(interaction: discord.Interaction, guild: str, new: NewKey) -> None:
    """Show a new key to who asked for it, and to nobody else."""
    public_url = bot_of(interaction).services.public_url
    view = card(*texts.new_key(new.key.name, guild, new.text, public_url), colour=WARNING_COLOUR)
    try:
        await interaction.followup.send(view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())
    except DISCORD_ERRORS:
        # Without its cause: what Discord says of a request may repeat parts of it.
        raise Unavailable(texts.not_shown(new.key.name)) from None


async def _redraw(interaction: discord.Interaction, done: str) -> None:
    """Show what was done above the keys as they are now: in the panel, or privately where that is nobody's own."""
    view = panel(await _load(interaction), done=done)
    check_budget(view)
    nobody = discord.AllowedMentions.none()
    if interaction.message is not None and interaction.message.flags.ephemeral:
        await interaction.edit_original_response(view=view, allowed_mentions=nobody)
    else:
        await interaction.followup.send(view=view, ephemeral=True, allowed_mentions=nobody)
