"""What mends findings about players: hiatus, another main, the end of a link, a sync, merge and rejection."""

import re
from functools import partial
from typing import Any, Final, Self

import discord
from discord import ui

from bot.services import findings, hiatus, player_fixes, proofs, refresh
from bot.services.context import Context
from bot.services.findings import FindingView
from bot.services.links import CharacterView
from cogs.audit.finding_state import ShowButton
from cogs.audit.finding_texts import not_done, title
from cogs.audit.finding_ui import ID, FindingButton, FormButton, mend, mend_by_form, redraw
from cogs.audit.fixes import players_texts as texts
from cogs.audit.lines import line, roles_of
from cogs.common import texts as common_texts
from cogs.common.access import OfficerItem, manages_server, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import card
from cogs.common.characters import rank_text
from cogs.common.hiatus import hiatus_form, said
from cogs.common.item import make_id
from cogs.common.members import read_members
from cogs.common.modals import Form, Values, modal_handler
from cogs.common.paginator import PageButton, check_budget, paginate
from cogs.common.text import clean
from domain.audit import Fix
from domain.errors import MusterError, Unavailable

LABEL_LIMIT: Final = 100
NO_CHARACTER: Final = "none"
MENU_SIZE: Final = 24
"""Characters in a menu of 25, of which one is none of them."""


class HiatusButton(FormButton, template=rf"finding:v1:hiatus:{ID}", act="hiatus", fix=Fix.HIATUS):
    """Ask until when and why the player of a character is away."""

    label = common_texts.HIATUS_BUTTON

    @classmethod
    def fits(cls, view: FindingView) -> bool:
        """Fit a character that is somebody's."""
        return bool(view.finding.facts.get("user_ids"))

    async def form(self, _ctx: Context, _server_id: int, _view: FindingView) -> Form:
        """Ask for the end, if it is known, and the reason."""
        return hiatus_form(make_id("finding", 1, "on-hiatus", self.public_id))


@modal_handler(rf"finding:v1:on-hiatus:{ID}")
async def hiatus_submitted(interaction: discord.Interaction, match: re.Match[str], values: Values) -> None:
    """Mark the player as away."""

    async def mark(ctx: Context, server_id: int, actor_id: int) -> str:
        return texts.marked(await hiatus.mark(ctx, server_id, match["finding"], **said(values), actor_id=actor_id))

    await mend_by_form(interaction, match["finding"], mark)


class MainButton(FindingButton, template=rf"finding:v1:main:{ID}", act="main", fix=Fix.MAIN):
    """Offer a player's characters as their main or off-spec."""

    label = texts.MAIN

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the menus in place."""
        await interaction.response.defer()
        try:
            view = await main_card(interaction, self.public_id, 0)
        except MusterError as error:
            await redraw(interaction, self.public_id, not_done(error.text))
            return
        await interaction.edit_original_response(view=view, allowed_mentions=discord.AllowedMentions.none())


class MainMenu(OfficerItem, template=rf"finding:v1:set-(?P<which>main|offspec):{ID}"):
    """Choose the main or the off-spec."""

    def __init__(self, which: str, public_id: str, options: list[discord.SelectOption]) -> None:
        self.which = which
        self.public_id = public_id
        self.menu: ui.Select[Any] = ui.Select(
            custom_id=make_id("finding", 1, f"set-{which}", public_id),
            placeholder=texts.choose(which),
            options=options,
        )
        super().__init__(self.menu)

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read what is chosen for which finding; Discord sends the choice."""
        return cls(match["which"], match["finding"], [])

    async def run(self, interaction: discord.Interaction) -> None:
        """Choose it."""
        await interaction.response.defer()
        await mend(interaction, self.public_id, self._choose(interaction))

    async def _choose(self, interaction: discord.Interaction) -> str:
        [value] = self.menu.values
        chosen = await player_fixes.choose_main(
            bot_of(interaction).services.ctx,
            require_server(interaction),
            self.public_id,
            which=self.which,
            character_id=None if value == NO_CHARACTER else int(value),
            actor_id=interaction.user.id,
        )
        return texts.chosen(self.which, None if chosen is None else chosen.name)


class MainPages(OfficerItem, PageButton, area="main-choice"):
    """Page through the characters of who has many."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Show other characters in the menus."""
        return await main_card(interaction, subject, number)


async def main_card(interaction: discord.Interaction, public_id: str, number: int) -> ui.LayoutView:
    """Show what can be a player's main or off-spec; raises as `player_fixes.main_choice` does."""
    ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
    choice = await player_fixes.main_choice(ctx, server_id, public_id)
    shown = paginate(choice.characters, number, MENU_SIZE)
    parts: list[str | ui.Item[Any]] = [await _head(interaction, public_id)]
    parts.append(texts.MAIN_CARD if choice.which else texts.NOTHING_TO_CHOOSE)
    parts += [ui.ActionRow(MainMenu(which, public_id, _options(which, shown.items))) for which in choice.which]
    if choice.which and shown.count > 1:
        parts += [shown.label, MainPages.buttons(public_id, shown)]
    view = card(*parts, ui.ActionRow(ShowButton(public_id, label=texts.BACK)))
    check_budget(view)
    return view


class UnlinkDepartedButton(FindingButton, template=rf"finding:v1:unlink-left:{ID}", act="unlink-left", fix=Fix.UNLINK):
    """End the link of a member who left."""

    label = texts.UNLINK

    @classmethod
    def fits(cls, view: FindingView) -> bool:
        """Fit members who left; characters have a button of their own."""
        return view.finding.rule == "stale_discord_link"

    async def act(self, ctx: Context, server_id: int, actor_id: int) -> str:
        """End it, and the characters' links with the last member."""
        return texts.unlinked(await player_fixes.unlink_departed(ctx, server_id, self.public_id, actor_id=actor_id))


class SyncButton(FindingButton, template=rf"finding:v1:sync:{ID}", act="sync", fix=Fix.SYNC):
    """Ask Battle.net, or Discord, about the subject now."""

    label = texts.SYNC

    @classmethod
    def fits(cls, view: FindingView) -> bool:
        """Fit all but notes, which only a player can send."""
        return view.finding.facts.get("source") != refresh.NOTES

    async def run(self, interaction: discord.Interaction) -> None:
        """Ask, and show what came of it."""
        await interaction.response.defer()
        await mend(interaction, self.public_id, self._refresh(interaction))

    async def _refresh(self, interaction: discord.Interaction) -> str:
        services, server = bot_of(interaction).services, interaction.guild
        if server is None:
            raise Unavailable("Discord has not told of this server yet. Try again in a minute.")
        done = await refresh.refresh(
            services.ctx,
            services.battlenet,
            server.id,
            self.public_id,
            fetch=partial(read_members, services.ctx, server),
            actor_id=interaction.user.id,
        )
        return texts.refreshed(done)


class MergeButton(FindingButton, template=rf"finding:v1:merge:{ID}", act="merge", fix=Fix.MERGE):
    """Show what merging two players makes one."""

    label = texts.MERGE

    async def run(self, interaction: discord.Interaction) -> None:
        """Show both players in place, with the button that merges them."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        await interaction.response.defer()
        try:
            collision = await proofs.look(ctx, server_id, self.public_id)
        except MusterError as error:
            await redraw(interaction, self.public_id, not_done(error.text))
            return
        buttons = ui.ActionRow[Any](MergeNowButton(self.public_id), ShowButton(self.public_id, label=texts.BACK))
        head = await _head(interaction, self.public_id)
        view = card(head, f"{texts.merging(collision)}\n{texts.WHAT_MERGE_DOES}", buttons)
        check_budget(view)
        await interaction.edit_original_response(view=view, allowed_mentions=discord.AllowedMentions.none())


class MergeNowButton(FindingButton, template=rf"finding:v1:merge-now:{ID}", act="merge-now"):
    """Merge two players."""

    label = texts.MERGE_NOW
    style = discord.ButtonStyle.danger

    async def run(self, interaction: discord.Interaction) -> None:
        """Merge them."""
        await interaction.response.defer()
        await mend(interaction, self.public_id, self._merge(interaction))

    async def _merge(self, interaction: discord.Interaction) -> str:
        done = await proofs.merge(
            bot_of(interaction).services.ctx,
            require_server(interaction),
            self.public_id,
            actor_id=interaction.user.id,
            manages_server=manages_server(interaction),
        )
        return texts.merged(done)


class RejectProofButton(FindingButton, template=rf"finding:v1:reject:{ID}", act="reject", fix=Fix.REJECT):
    """Say that a member is not the player whom a proof names."""

    label = texts.REJECT

    async def act(self, ctx: Context, server_id: int, actor_id: int) -> str:
        """Reject the proof for good."""
        return texts.rejected(await proofs.reject(ctx, server_id, self.public_id, actor_id=actor_id))


async def _head(interaction: discord.Interaction, public_id: str) -> str:
    ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
    view = await findings.show(ctx, server_id, public_id)
    return f"{title(view.rule)}\n{line(view.finding, roles_of(interaction.guild))}"


def _options(which: str, shown: tuple[CharacterView, ...]) -> list[discord.SelectOption]:
    own = (
        discord.SelectOption(
            label=clean(one.name, LABEL_LIMIT),
            value=str(one.id),
            description=clean(texts.option(rank_text(one), one.level, one.realm), LABEL_LIMIT),
        )
        for one in shown
    )
    return [discord.SelectOption(label=texts.no_pointer(which), value=NO_CHARACTER), *own]
