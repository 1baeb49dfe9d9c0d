"""The fixes of links on a finding's card: link, choose, unlink, and say what a name in notes means."""

import re
from typing import Any, Final

import discord
from discord import ui

from bot.services import findings, fixes
from bot.services.aliases import NAME_LIMIT, AliasView
from bot.services.context import Context
from bot.services.findings import FindingView
from bot.services.links import LinkChange
from cogs.audit import finding_texts
from cogs.audit.finding_ui import ID, FindingButton, FormButton, finding_card, mend_by_form
from cogs.audit.fixes import links_texts as texts
from cogs.audit.fixes.choice import choice_card
from cogs.common.access import require_server
from cogs.common.bot import bot_of
from cogs.common.candidates import notes
from cogs.common.item import make_id
from cogs.common.modals import Form, Values, modal_handler
from cogs.common.paginator import show_own
from domain.audit import Fix, SubjectKind
from domain.errors import InvalidInput, MusterError

MEMBER: Final = "member"
CHARACTER: Final = "character"
NAME: Final = "name"
CHARACTER_LIMIT: Final = 100


class LinkButton(FormButton, template=rf"finding:v1:link:{ID}", act="link", fix=Fix.LINK):
    """Ask whose the character is, or which character is the member's."""

    label = texts.LINK
    style = discord.ButtonStyle.primary

    async def form(self, _ctx: Context, _server_id: int, view: FindingView) -> Form:
        """Ask for what the finding lacks."""
        name = str(view.finding.facts.get("name") or "")
        if view.subject is SubjectKind.MEMBER:
            form = Form(title=texts.which(name), custom_id=make_id("finding", 1, "to-character", self.public_id))
            typed: ui.TextInput[Any] = ui.TextInput(custom_id=CHARACTER, max_length=CHARACTER_LIMIT)
            return form.add_item(ui.Label(text=texts.CHARACTER, description=texts.CHARACTER_HELP, component=typed))
        form = Form(title=texts.whose(name), custom_id=make_id("finding", 1, "to-member", self.public_id))
        menu: ui.UserSelect[Any] = ui.UserSelect(custom_id=MEMBER, required=True)
        return form.add_item(ui.Label(text=texts.MEMBER, description=texts.MEMBER_HELP, component=menu))


class ChooseButton(FindingButton, template=rf"finding:v1:choose:{ID}", act="choose", fix=Fix.CHOOSE):
    """Show those for whom something speaks, with the reasons, to choose among them."""

    label = texts.CHOOSE
    style = discord.ButtonStyle.primary

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the choice, or how the finding stands and why there is none any more."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        try:
            view = choice_card(self.public_id, await fixes.choice(ctx, server_id, self.public_id))
        except MusterError as error:
            found = await findings.show(ctx, server_id, self.public_id)
            view = finding_card(found, interaction.guild, done=finding_texts.not_done(error.text))
        await show_own(interaction, view)


class UnlinkButton(FindingButton, template=rf"finding:v1:unlink:{ID}", act="unlink", fix=Fix.UNLINK):
    """Take the character from those whose it is."""

    label = texts.UNLINK
    style = discord.ButtonStyle.danger

    @classmethod
    def fits(cls, view: FindingView) -> bool:
        """Fit findings about characters."""
        return view.subject is SubjectKind.CHARACTER

    async def act(self, ctx: Context, server_id: int, actor_id: int) -> str:
        """Take it away."""
        change = await fixes.unlink(ctx, server_id, self.public_id, actor_id=actor_id)
        return texts.unlinked(change.character.name, change.user_ids)


class AliasButton(FormButton, template=rf"finding:v1:alias:{ID}", act="alias", fix=Fix.ALIAS):
    """Ask what a name in the character's notes means."""

    label = texts.ALIAS

    async def form(self, ctx: Context, server_id: int, view: FindingView) -> Form:
        """Show the notes, and ask for the name and whom it means."""
        form = Form(title=texts.ALIAS_TITLE, custom_id=make_id("finding", 1, "aliased", self.public_id))
        form.add_item(ui.TextDisplay("\n".join(notes(*await fixes.notes(ctx, server_id, view.finding.subject_id)))))
        name: ui.TextInput[Any] = ui.TextInput(custom_id=NAME, max_length=NAME_LIMIT)
        form.add_item(ui.Label(text=texts.ALIAS_NAME, component=name))
        member: ui.UserSelect[Any] = ui.UserSelect(custom_id=MEMBER, required=False)
        form.add_item(ui.Label(text=texts.ALIAS_MEMBER, component=member))
        character: ui.TextInput[Any] = ui.TextInput(custom_id=CHARACTER, required=False, max_length=CHARACTER_LIMIT)
        help_text = texts.ALIAS_CHARACTER_HELP
        return form.add_item(ui.Label(text=texts.ALIAS_CHARACTER, description=help_text, component=character))


@modal_handler(rf"finding:v1:to-member:{ID}")
async def member_submitted(interaction: discord.Interaction, match: re.Match[str], values: Values) -> None:
    """Link the finding's character to the chosen member."""

    async def act(ctx: Context, server_id: int, actor_id: int) -> str:
        user_id = _member(values)
        if user_id is None:
            raise InvalidInput(texts.CHOOSE_MEMBER)
        return _linked(await fixes.link(ctx, server_id, match["finding"], user_id=user_id, actor_id=actor_id))

    await mend_by_form(interaction, match["finding"], act)


@modal_handler(rf"finding:v1:to-character:{ID}")
async def character_submitted(interaction: discord.Interaction, match: re.Match[str], values: Values) -> None:
    """Link the finding's member to the character that was typed."""

    async def act(ctx: Context, server_id: int, actor_id: int) -> str:
        character = values.text(CHARACTER)
        return _linked(
            await fixes.link_member(ctx, server_id, match["finding"], character=character, actor_id=actor_id)
        )

    await mend_by_form(interaction, match["finding"], act)


@modal_handler(rf"finding:v1:aliased:{ID}")
async def alias_submitted(interaction: discord.Interaction, match: re.Match[str], values: Values) -> None:
    """Let a name in notes mean the member who was chosen, or the character that was typed."""

    async def act(ctx: Context, server_id: int, actor_id: int) -> str:
        change = await fixes.add_alias(
            ctx,
            server_id,
            match["finding"],
            name=values.text(NAME),
            user_id=_member(values),
            character=values.text(CHARACTER) or None,
            actor_id=actor_id,
        )
        assert change.after is not None
        before = None if change.before is None else _meaning(change.before)
        return texts.alias(change.after.alias, _meaning(change.after), before)

    await mend_by_form(interaction, match["finding"], act)


def _member(values: Values) -> int | None:
    chosen = values.choices(MEMBER)
    return int(chosen[0]) if chosen else None


def _linked(change: LinkChange) -> str:
    tell = texts.linked if change.changed else texts.unchanged
    return tell(change.character.name, change.user_ids)


def _meaning(alias: AliasView) -> str:
    return texts.character(alias.target) if alias.user_id is None else texts.mentions([alias.user_id])
