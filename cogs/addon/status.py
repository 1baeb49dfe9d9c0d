"""`/addon status`: what was uploaded last, how old the notes are, and which rows did not fit."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.services import servers, upload_keys, uploads
from bot.services.context import Context
from bot.services.uploads import UploadView
from cogs.addon import status_texts as texts
from cogs.common.access import OfficerItem, officers_server, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import PLAIN_COLOUR, WARNING_COLOUR, card
from cogs.common.item import make_id
from cogs.common.paginator import TEXT_LIMIT, PageButton, check_budget, paginate, show_own
from domain.errors import FollowsNoGuild, NotFound
from domain.uploads import UploadState

SHOWN: Final = 10
NAMED: Final = 5
PER_PAGE: Final = 15


class StatusCommand(commands.Cog):
    """The command; a part of the cog `Addon`, which has the context."""

    ctx: Context

    @app_commands.command(name="status", description=texts.COMMAND)
    async def show_status(self, interaction: discord.Interaction) -> None:
        """Show what was uploaded."""
        server_id = await officers_server(self.ctx, interaction)
        view = status_card(await load(self.ctx, server_id))
        check_budget(view)
        await interaction.response.send_message(
            view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )


@dataclass(frozen=True, slots=True)
class Status:
    """What the card shows of a server at a moment: its last uploads, the last one first, and how many keys it has."""

    guild: str
    limit_days: int
    keys: int
    uploads: Sequence[UploadView]
    now: datetime


class BackButton(OfficerItem, template=r"addon-status:v1:list"):
    """Go back to the last uploads."""

    def __init__(self) -> None:
        custom_id = make_id("addon-status", 1, "list")
        super().__init__(ui.Button(label=texts.BACK, style=discord.ButtonStyle.secondary, custom_id=custom_id))

    @classmethod
    async def load(cls, _interaction: discord.Interaction, _match: re.Match[str]) -> Self:
        """Make the button again."""
        return cls()

    async def run(self, interaction: discord.Interaction) -> None:
        """Show the uploads as they are at the click."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        await show_own(interaction, status_card(await load(ctx, server_id)))


class UnfitPages(OfficerItem, PageButton, area="addon-status"):
    """Page through the rows of an upload that were not applied."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Show one page of an upload of this server; raises NotFound for one that is not among its last."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        for upload in await uploads.recent(ctx, server_id, SHOWN):
            if upload.public_id == subject:
                return unfit_card(upload, number)
        raise NotFound(texts.NOT_LISTED)


async def load(ctx: Context, server_id: int) -> Status:
    """Load what the card shows; raises FollowsNoGuild."""
    server = await servers.view(ctx, server_id)
    if server.guild is None:
        raise FollowsNoGuild
    return Status(
        guild=server.guild.name,
        limit_days=server.options.note_days,
        keys=len(await upload_keys.listed(ctx, server_id)),
        uploads=await uploads.recent(ctx, server_id, SHOWN),
        now=ctx.clock(),
    )


def status_card(status: Status) -> ui.LayoutView:
    """Show the age of the notes and the last uploads, as many as a message holds; without any what leads there."""
    if not status.uploads:
        return card(texts.title(status.guild), texts.steps(status.keys))
    lines, is_old = _ages(status)
    head = "\n".join([texts.title(status.guild), *lines])
    blocks: list[str | ui.Item[Any]] = [head]
    room = TEXT_LIMIT - len(head)
    for number, upload in enumerate(status.uploads):
        told = "\n".join(_told(upload, named=NAMED if number == 0 else 0))
        room -= len(told)
        if room < 0:
            break
        has_more = any(True for _ in _unfit(upload))
        more = UnfitPages(upload.public_id, 0, label=texts.SHOW_ALL)
        blocks.append(ui.Section(told, accessory=more) if has_more else told)
    failed = status.uploads[0].state is UploadState.FAILED
    return card(*blocks, colour=WARNING_COLOUR if is_old or failed or not status.keys else PLAIN_COLOUR)


def unfit_card(upload: UploadView, number: int) -> ui.LayoutView:
    """Show one page of the rows of an upload that were not applied."""
    lines = list(_unfit(upload))
    page = paginate(lines, number, PER_PAGE)
    parts: list[str | ui.Item[Any]] = [
        "\n".join([texts.unfit_title(len(lines)), texts.head(upload), texts.read_by(upload)]),
        "\n".join(page.items) or texts.NOTHING_LEFT_OUT,
    ]
    if (upload.result or {}).get("unknown"):
        parts.append(texts.EXPLAINED)
    if page.count > 1:
        parts += [page.label, UnfitPages.buttons(upload.public_id, page)]
    return card(*parts, ui.ActionRow(BackButton()))


def _ages(status: Status) -> tuple[list[str], bool]:
    """Say how old the notes are; tell whether that is older than the server's limit."""
    lines = [] if status.keys else [texts.NO_KEY]
    applied = [one for one in status.uploads if one.state is UploadState.APPLIED]
    if not applied:
        return [texts.NONE_APPLIED, *lines], False
    notes_at = max(one.exported_at for one in applied)
    officer_notes_at = max((one.exported_at for one in applied if one.officer_notes), default=None)
    is_old = status.now - notes_at > timedelta(days=status.limit_days)
    told = [texts.age(texts.ALL_NOTES if notes_at == officer_notes_at else texts.NOTES, notes_at, status.limit_days)]
    if officer_notes_at is None:
        told.append(texts.NO_OFFICER_NOTES)
    elif officer_notes_at != notes_at:
        told.append(texts.age(texts.OFFICER_NOTES, officer_notes_at))
    if is_old:
        told.append(texts.TOO_OLD)
    return told + lines, is_old


def _told(upload: UploadView, *, named: int) -> Iterator[str]:
    """Tell what an upload is and what became of it, naming so many of each kind of row that did not fit."""
    result = upload.result or {}
    yield texts.head(upload)
    if upload.state is UploadState.APPLIED:
        yield texts.counts(result.get("applied", 0), result.get("unchanged", 0), result.get("emptied", 0))
    if upload.state is UploadState.FAILED:
        yield texts.failed(result.get("reason", ""))
    for kind, words in texts.UNFIT.items():
        if found := result.get(kind):
            yield texts.unfit_count(len(found), words, found[:named])
    if invalid := result.get("invalid"):
        yield texts.wrong_count(len(invalid))
    yield texts.read_by(upload)


def _unfit(upload: UploadView) -> Iterator[str]:
    """Give a line for each row that was not applied."""
    result = upload.result or {}
    for kind, words in texts.UNFIT.items():
        for name in result.get(kind, ()):
            yield texts.unfit(name, words)
    for row in result.get("invalid", ()):
        yield texts.wrong(row["row"], row["field"], row["problem"])
