"""`/audit log`: who changed what, page by page."""

from datetime import UTC, datetime
from typing import Any, Final

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.services import action_log
from bot.services.action_log import LogFilters, LogPage
from bot.services.context import Context
from cogs.audit import log_texts as texts
from cogs.common.access import OfficerItem, officers_server, require_server
from cogs.common.bot import bot_of
from cogs.common.cards import card
from cogs.common.paginator import Page, PageButton, check_budget
from domain.acts import ActKind, Doer

SIZE: Final = 10
_ANY: Final = "~"
DOERS = [app_commands.Choice(name=word, value=one.value) for one, word in texts.DOERS.items()]
KINDS = [app_commands.Choice(name=word, value=one.value) for one, word in texts.KINDS.items()]
SinceText = app_commands.Range[str, 1, 20]


class LogCommand(commands.Cog):
    """The command; a part of the cog `Audit`, which has the context."""

    ctx: Context

    @app_commands.command(name="log", description=texts.LOG)
    @app_commands.describe(member=texts.MEMBER, by=texts.BY, kind=texts.KIND, since=texts.SINCE)
    @app_commands.choices(by=DOERS, kind=KINDS)
    async def show_log(
        self,
        interaction: discord.Interaction,
        member: discord.User | None = None,
        by: str = Doer.PEOPLE.value,
        kind: str | None = None,
        since: SinceText | None = None,
    ) -> None:
        """Show the last acts that fit."""
        server_id = await officers_server(self.ctx, interaction)
        filters = await action_log.filters(
            self.ctx,
            server_id,
            actor_id=None if member is None else member.id,
            by=Doer(by),
            kind=None if kind is None else ActKind(kind),
            since=since,
        )
        view = log_card(await action_log.read(self.ctx, server_id, filters, page=0, size=SIZE), filters)
        check_budget(view)
        await interaction.response.send_message(
            view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )


class LogPages(OfficerItem, PageButton, area="audit-log"):
    """Page through the log; its filters are kept in the id."""

    async def page(self, interaction: discord.Interaction, subject: str, number: int) -> ui.LayoutView:
        """Show one page as the log stands at the click."""
        ctx, server_id = bot_of(interaction).services.ctx, require_server(interaction)
        filters = filters_of(subject)
        return log_card(await action_log.read(ctx, server_id, filters, page=number, size=SIZE), filters)


def log_card(log: LogPage, filters: LogFilters) -> ui.LayoutView:
    """Show a page of acts, the last one first."""
    if not log.entries:
        return card(f"{texts.title(filters, 0)}\n{texts.EMPTY}")
    page = Page(log.entries, log.page, log.pages)
    head = [texts.title(filters, log.total), *([page.label] if page.count > 1 else [])]
    parts: list[str | ui.Item[Any]] = ["\n".join([*head, *(texts.line(entry) for entry in page.items)])]
    if page.count > 1:
        parts.append(LogPages.buttons(subject_of(filters), page))
    return card(*parts)


def subject_of(filters: LogFilters) -> str:
    """Write filters as a part of a custom id."""
    kind = None if filters.kind is None else filters.kind.value
    since = None if filters.since is None else int(filters.since.timestamp())
    return ".".join(_ANY if part is None else str(part) for part in (filters.actor_id, filters.by.value, kind, since))


def filters_of(subject: str) -> LogFilters:
    """Read filters from a part of a custom id."""
    actor_id, by, kind, since = (None if part == _ANY else part for part in subject.split("."))
    return LogFilters(
        None if actor_id is None else int(actor_id),
        Doer.ALL if by is None else Doer(by),
        None if kind is None else ActKind(kind),
        None if since is None else datetime.fromtimestamp(int(since), UTC),
    )
