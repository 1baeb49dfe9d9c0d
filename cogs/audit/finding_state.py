"""How far a finding has come, by an officer's word: ignored, resolved, watched again; and the way to the next one."""

import re
from typing import Any, Final

import discord
from discord import ui

from bot.services import findings
from bot.services.context import Context
from bot.services.findings import FindingView
from cogs.audit import finding_texts as texts
from cogs.audit.finding_ui import ID, FindingButton, FormButton, Place, finding_card, mend_by_form
from cogs.common.access import require_server
from cogs.common.bot import bot_of
from cogs.common.item import make_id
from cogs.common.modals import Form, Values, modal_handler
from cogs.common.paginator import show_own
from domain.audit import State
from domain.audit_state import NOTE_LIMIT

REASON: Final = "reason"
UNTIL: Final = "until"
UNTIL_LIMIT: Final = 20


class ShowButton(FindingButton, template=rf"finding:v1:show:{ID}", act="show"):
    """Open a finding's card."""

    label = texts.OPEN

    async def run(self, interaction: discord.Interaction) -> None:
        """Show it as it stands at the click."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        await show_own(
            interaction, finding_card(await findings.show(ctx, server_id, self.public_id), interaction.guild)
        )


class IgnoreButton(FormButton, template=rf"finding:v1:ignore:{ID}", act="ignore", place=Place.STATE):
    """Ask why and until when the finding is to be ignored."""

    label = texts.IGNORE

    @classmethod
    def fits(cls, view: FindingView) -> bool:
        """Fit what is watched."""
        return not view.is_settled and view.state is not State.IGNORED

    async def form(self, _ctx: Context, _server_id: int, _view: FindingView) -> Form:
        """Ask for a reason, and an end if there is one."""
        form = Form(title=texts.IGNORE_TITLE, custom_id=make_id("finding", 1, "ignored", self.public_id))
        form.add_item(reason_field(texts.IGNORE_HELP))
        return form.add_item(until_field())


class ResolveButton(FormButton, template=rf"finding:v1:resolve:{ID}", act="resolve", place=Place.STATE):
    """Ask why the finding counts as settled."""

    label = texts.RESOLVE

    @classmethod
    def fits(cls, view: FindingView) -> bool:
        """Fit what is not settled."""
        return not view.is_settled

    async def form(self, _ctx: Context, _server_id: int, _view: FindingView) -> Form:
        """Ask for a reason."""
        form = Form(title=texts.RESOLVE_TITLE, custom_id=make_id("finding", 1, "resolved", self.public_id))
        return form.add_item(reason_field(texts.RESOLVE_HELP))


class WatchButton(FindingButton, template=rf"finding:v1:watch:{ID}", act="watch", place=Place.STATE):
    """Watch again what a person put aside."""

    label = texts.WATCH

    @classmethod
    def fits(cls, view: FindingView) -> bool:
        """Fit what was put aside."""
        return view.muted

    async def act(self, ctx: Context, server_id: int, actor_id: int) -> str:
        """Bring it back; the audit that follows says whether its cause is still there."""
        await findings.reopen(ctx, server_id, self.public_id, actor_id=actor_id)
        return texts.WATCHED


class NextButton(FindingButton, template=rf"finding:v1:next:{ID}", act="next", place=Place.WAY):
    """Open the next finding of the same type."""

    label = texts.NEXT

    async def run(self, interaction: discord.Interaction) -> None:
        """Show it, or this one again where there is no other."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        following = await findings.show_next(ctx, server_id, self.public_id)
        done = texts.NO_OTHER if following is None else None
        view = following or await findings.show(ctx, server_id, self.public_id)
        await show_own(interaction, finding_card(view, interaction.guild, done=done))


@modal_handler(rf"finding:v1:ignored:{ID}")
async def ignore_submitted(interaction: discord.Interaction, match: re.Match[str], values: Values) -> None:
    """Ignore a finding for the reason and the time that were typed."""

    async def ignore(ctx: Context, server_id: int, actor_id: int) -> str:
        view = await findings.ignore(
            ctx,
            server_id,
            match["finding"],
            reason=values.text(REASON),
            until=values.text(UNTIL) or None,
            actor_id=actor_id,
        )
        return texts.ignored(view)

    await mend_by_form(interaction, match["finding"], ignore)


@modal_handler(rf"finding:v1:resolved:{ID}")
async def resolve_submitted(interaction: discord.Interaction, match: re.Match[str], values: Values) -> None:
    """Settle a finding with the note that was typed."""

    async def resolve(ctx: Context, server_id: int, actor_id: int) -> str:
        note = values.text(REASON)
        await findings.resolve(ctx, server_id, match["finding"], note=note, actor_id=actor_id)
        return texts.RESOLVED

    await mend_by_form(interaction, match["finding"], resolve)


def reason_field(help_text: str) -> ui.Label[Any]:
    """Ask why, in a field called REASON."""
    field: ui.TextInput[Any] = ui.TextInput(custom_id=REASON, style=discord.TextStyle.paragraph, max_length=NOTE_LIMIT)
    return ui.Label(text=texts.REASON, description=help_text, component=field)


def until_field() -> ui.Label[Any]:
    """Ask until when, in a field called UNTIL that may stay empty."""
    field: ui.TextInput[Any] = ui.TextInput(custom_id=UNTIL, required=False, max_length=UNTIL_LIMIT)
    return ui.Label(text=texts.UNTIL, description=texts.UNTIL_HELP, component=field)
