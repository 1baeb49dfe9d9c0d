"""`/setup ranks`: an officer names the guild's ranks, maps them to roles, and chooses who else is an officer."""

import re
from typing import Any, Final, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.services import pipeline, ranks
from bot.services.context import Context
from bot.services.ranks import Chooser, RanksView, RankView
from cogs.common.access import OfficerItem, officers_server, require_server
from cogs.common.bot import MusterBot, bot_of
from cogs.common.cards import card
from cogs.common.item import make_id
from cogs.common.live_roles import role_facts
from cogs.common.modals import Form, Values, modal_handler
from cogs.common.paginator import PageButton
from cogs.common.text import clean
from cogs.setup import ranks_texts as texts
from cogs.setup.ranks_roles import (
    NO_ROLE,
    TEXT_LIMIT,
    Offer,
    chooser_of,
    count_beyond_reach,
    offer,
    officers_shown,
    plain,
    shown,
    trouble,
)
from domain.errors import NotFound, Unavailable
from domain.ranks import NAME_LIMIT, RankTruth, RoleFacts, Verdict, judge_officer_role, judge_rank_role

HOME: Final = "home"
OFFICERS: Final = "officers"
FIELD: Final = "name"
ROLE_NAME_LIMIT: Final = 100


class RanksCommand(commands.Cog):
    """The command; a part of the cog `Setup`, which has these two."""

    bot: MusterBot
    ctx: Context

    @app_commands.command(name="ranks", description=texts.COMMAND)
    async def show_ranks(self, interaction: discord.Interaction) -> None:
        """Show the ranks and what can be done about them."""
        await officers_server(self.ctx, interaction)
        await interaction.response.send_message(
            view=await _card(interaction, HOME), ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )


class OpenButton(OfficerItem, template=r"ranks:v1:open:(?P<what>home|officers)"):
    """Open the card of all ranks or of the officer role."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            ui.Button(
                label=texts.BACK_BUTTON if what == HOME else texts.OFFICERS_BUTTON,
                style=discord.ButtonStyle.secondary,
                custom_id=make_id("ranks", 1, "open", what),
            )
        )

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read what to open from the id."""
        return cls(match["what"])

    async def run(self, interaction: discord.Interaction) -> None:
        """Open it in place."""
        await interaction.response.edit_message(view=await _card(interaction, self.what))


class RankMenu(OfficerItem, template=r"ranks:v1:rank"):
    """Choose the rank to name or map."""

    def __init__(self, options: list[discord.SelectOption]) -> None:
        self.menu: ui.Select[Any] = ui.Select(
            custom_id=make_id("ranks", 1, "rank"), placeholder=texts.CHOOSE_RANK, options=options
        )
        super().__init__(self.menu)

    @classmethod
    async def load(cls, _interaction: discord.Interaction, _match: re.Match[str]) -> Self:
        """Make the menu again; Discord sends what was chosen."""
        return cls([])

    async def run(self, interaction: discord.Interaction) -> None:
        """Open the rank's card in place."""
        await interaction.response.edit_message(view=await _card(interaction, self.menu.values[0]))


class TruthMenu(OfficerItem, template=r"ranks:v1:truth"):
    """Choose what decides about rank roles."""

    def __init__(self, truth: RankTruth | None = None) -> None:
        self.menu: ui.Select[Any] = ui.Select(
            custom_id=make_id("ranks", 1, "truth"),
            options=[
                discord.SelectOption(label=label, value=value.value, description=description, default=value is truth)
                for value, (label, description) in texts.TRUTHS.items()
            ],
        )
        super().__init__(self.menu)

    @classmethod
    async def load(cls, _interaction: discord.Interaction, _match: re.Match[str]) -> Self:
        """Make the menu again; Discord sends what was chosen."""
        return cls()

    async def run(self, interaction: discord.Interaction) -> None:
        """Choose it."""
        ctx, server = bot_of(interaction).services.ctx, _server(interaction)
        await interaction.response.defer()
        truth = RankTruth(self.menu.values[0])
        changed = await ranks.choose_truth(ctx, server.id, truth, actor_id=interaction.user.id)
        await _redraw(interaction, HOME, changed=changed)


class RoleMenu(OfficerItem, template=r"ranks:v1:role:(?P<subject>officers|[0-9])"):
    """Choose the role of a rank, or the officer role."""

    def __init__(self, subject: str, options: list[discord.SelectOption]) -> None:
        self.subject = subject
        self.menu: ui.Select[Any] = ui.Select(
            custom_id=make_id("ranks", 1, "role", subject),
            placeholder=texts.CHOOSE_OFFICER_ROLE if subject == OFFICERS else texts.CHOOSE_ROLE,
            options=options,
        )
        super().__init__(self.menu)

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read whose role it is from the id; Discord sends what was chosen."""
        return cls(match["subject"], [])

    async def run(self, interaction: discord.Interaction) -> None:
        """Choose it as the role is now; ask for the name of a powerful one first."""
        ctx, server = bot_of(interaction).services.ctx, _server(interaction)
        value = self.menu.values[0]
        role = None if value == NO_ROLE else _role(server, int(value))
        chooser = chooser_of(interaction)
        if self.subject == OFFICERS:
            await interaction.response.defer()
            await ranks.choose_officer_role(ctx, server.id, role, chooser=chooser)
            await _redraw(interaction, OFFICERS, changed=False)
            return
        if role is not None:
            decision = judge_rank_role(role, chooser.powers, (await ranks.view(ctx, server.id)).officer_role_id)
            if decision.verdict is Verdict.CONFIRM:
                await interaction.response.send_modal(_confirm_form(self.subject, role, decision.reason))
                return
        await interaction.response.defer()
        changed = await ranks.map_role(ctx, server.id, int(self.subject), role, chooser=chooser)
        await _redraw(interaction, self.subject, changed=changed)


class RolePages(OfficerItem, PageButton, area="ranks"):
    """Page through the roles that may be chosen, as they are at the click."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Show one page of a rank's or of the officers' menu."""
        return await _card(interaction, subject, number)


class NameButton(OfficerItem, template=r"ranks:v1:name:(?P<index>[0-9])"):
    """Ask what a rank is called."""

    def __init__(self, index: int) -> None:
        self.index = index
        super().__init__(ui.Button(label=texts.NAME_BUTTON, custom_id=make_id("ranks", 1, "name", index)))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, match: re.Match[str]) -> Self:
        """Read the rank from the id."""
        return cls(int(match["index"]))

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the form with the name that the rank has now."""
        view = await ranks.view(bot_of(interaction).services.ctx, require_server(interaction))
        await interaction.response.send_modal(_name_form(view.rank(self.index)))


@modal_handler(r"ranks:v1:named:(?P<index>[0-9])")
async def name_submitted(interaction: discord.Interaction, match: re.Match[str], values: Values) -> None:
    """Call a rank as it was typed."""
    ctx = bot_of(interaction).services.ctx
    await officers_server(ctx, interaction)
    server = _server(interaction)
    await interaction.response.defer()
    index = int(match["index"])
    changed = await ranks.rename(ctx, server.id, index, values.text(FIELD), actor_id=interaction.user.id)
    await _redraw(interaction, match["index"], changed=changed)


@modal_handler(r"ranks:v1:confirm:(?P<index>[0-9]):(?P<role_id>[0-9]{1,20})")
async def role_confirmed(interaction: discord.Interaction, match: re.Match[str], values: Values) -> None:
    """Map a powerful role if its name was typed."""
    ctx = bot_of(interaction).services.ctx
    await officers_server(ctx, interaction)
    server = _server(interaction)
    await interaction.response.defer()
    changed = await ranks.map_role(
        ctx,
        server.id,
        int(match["index"]),
        _role(server, int(match["role_id"])),
        chooser=chooser_of(interaction),
        typed=values.text(FIELD),
    )
    await _redraw(interaction, match["index"], changed=changed)


def ranks_card(view: RanksView, server: discord.Guild) -> ui.LayoutView:
    """Show all ranks, who is an officer, and what decides about rank roles."""
    parts: list[str | ui.Item[Any]] = [texts.title(view.guild_name)]
    if view.ranks:
        parts += [
            "\n".join(
                texts.rank_line(rank.index, rank.name, shown(rank.role_id, server), rank.characters)
                for rank in view.ranks
            )
        ]
    parts += [texts.NOT_READ if view.roster_at is None else texts.age(view.roster_at)]
    if view.ranks:
        parts += [ui.ActionRow(RankMenu([_option(rank, server) for rank in view.ranks]))]
    return card(
        *parts,
        f"{texts.officers(officers_shown(view.officer_role_id, server))}\n{texts.GRANT_HINT}",
        ui.ActionRow(OpenButton(OFFICERS)),
        texts.TRUTH,
        ui.ActionRow(TruthMenu(view.truth)),
    )


def rank_card(
    view: RanksView, index: int, server: discord.Guild, chooser: Chooser, number: int | None = None
) -> ui.LayoutView:
    """Show a rank with the menu of the roles that may stand for it."""
    rank = view.rank(index)
    lines = [texts.rank_title(index, rank.name), texts.count(rank.characters)]
    lines += [texts.NOT_READ if view.roster_at is None else texts.age(view.roster_at)]
    menu = offer(
        server,
        lambda role: judge_rank_role(role, chooser.powers, view.officer_role_id),
        chosen=rank.role_id,
        number=number,
        none_text=texts.NO_RANK_ROLE,
    )
    return card(
        "\n".join(lines),
        "\n".join([texts.role_line(shown(rank.role_id, server)), *trouble(rank.role_id, server)]),
        *_menu(str(index), menu),
        texts.offered(count_beyond_reach(server)),
        ui.ActionRow(NameButton(index), OpenButton(HOME)),
    )


def officers_card(view: RanksView, server: discord.Guild, number: int | None = None) -> ui.LayoutView:
    """Show who is an officer, with the menu of the roles that may make officers."""
    menu = offer(
        server,
        judge_officer_role,
        chosen=view.officer_role_id,
        number=number,
        none_text=texts.ONLY_MANAGE_SERVER,
    )
    return card(
        f"{texts.OFFICERS_TITLE}\n{texts.officers(officers_shown(view.officer_role_id, server))}",
        *_menu(OFFICERS, menu),
        f"{texts.OFFERED_OFFICERS}\n{texts.GRANT_HINT}",
        ui.ActionRow(OpenButton(HOME)),
    )


async def _card(interaction: discord.Interaction, subject: str, number: int | None = None) -> ui.LayoutView:
    """Give the card of all ranks, of one (its index), or of the officer role, as things are now."""
    server = _server(interaction)
    chooser = chooser_of(interaction)
    view = await ranks.view(bot_of(interaction).services.ctx, server.id)
    if subject == HOME:
        return ranks_card(view, server)
    if subject == OFFICERS:
        ranks.require_officer_choice(chooser)
        return officers_card(view, server, number)
    return rank_card(view, int(subject), server, chooser, number)


async def _redraw(interaction: discord.Interaction, subject: str, *, changed: bool) -> None:
    """Show the card as it is after an act; what was changed about ranks is matched and audited at once."""
    await interaction.edit_original_response(view=await _card(interaction, subject))
    if changed:
        bot = bot_of(interaction)
        await pipeline.follow_up(bot.services.ctx, require_server(interaction))
        bot.deliverer.wake()


def _server(interaction: discord.Interaction) -> discord.Guild:
    """Give the server with its roles; raises Unavailable while Discord has not told them, when none seems to exist.

    Asked before an act, not only for the card after it: the text says that nothing was changed.
    """
    if interaction.guild is None or interaction.guild.unavailable:
        raise Unavailable(texts.SERVER_UNAVAILABLE)
    return interaction.guild


def _role(server: discord.Guild, role_id: int) -> RoleFacts:
    """Give a role as it is now; raises NotFound for one that was deleted."""
    role = server.get_role(role_id)
    if role is None:
        raise NotFound(texts.ROLE_GONE)
    return role_facts(role)


def _menu(subject: str, menu: Offer) -> list[ui.Item[Any]]:
    rows: list[ui.Item[Any]] = [ui.ActionRow(RoleMenu(subject, menu.options()))]
    if menu.page.count > 1:
        rows += [ui.TextDisplay(menu.page.label), RolePages.buttons(subject, menu.page)]
    return rows


def _option(rank: RankView, server: discord.Guild) -> discord.SelectOption:
    return discord.SelectOption(
        label=clean(texts.rank_choice(rank.index, rank.name), TEXT_LIMIT),
        value=str(rank.index),
        description=clean(texts.rank_option(plain(rank.role_id, server), rank.characters), TEXT_LIMIT),
    )


def _name_form(rank: RankView) -> Form:
    form = Form(title=texts.NAME_TITLE, custom_id=make_id("ranks", 1, "named", rank.index))
    field: ui.TextInput[Any] = ui.TextInput(custom_id=FIELD, default=rank.name, required=False, max_length=NAME_LIMIT)
    return form.add_item(ui.Label(text=texts.NAME_LABEL, description=texts.NAME_HELP, component=field))


def _confirm_form(index: str, role: RoleFacts, reason: str) -> Form:
    form = Form(title=texts.CONFIRM_TITLE, custom_id=make_id("ranks", 1, "confirm", index, role.id))
    field: ui.TextInput[Any] = ui.TextInput(
        custom_id=FIELD, placeholder=clean(role.name, TEXT_LIMIT), max_length=ROLE_NAME_LIMIT
    )
    return form.add_item(ui.Label(text=texts.CONFIRM_LABEL, description=texts.confirm_help(reason), component=field))
