"""The cards of `/sync`."""

from dataclasses import asdict
from typing import Any

import discord
from discord import ui

from bot.services import departures, status
from bot.services.context import Context
from bot.services.departures import HeldCharacter
from bot.services.pipeline import FollowUp, MemberSync, RosterSync
from bot.services.servers import ServerView
from bot.services.status import RunView
from cogs.common.access import OfficerItem
from cogs.common.bot import bot_of
from cogs.common.cards import ERROR_COLOUR, PLAIN_COLOUR, WARNING_COLOUR, card
from cogs.common.paginator import PageButton, paginate
from cogs.common.texts import rules_failed
from cogs.sync import texts
from cogs.sync.decisions import ask_buttons, held_line
from domain.roster import Departure
from domain.runs import RunStatus

HELD_PER_PAGE = 15


def roster_card(sync: RosterSync, before: ServerView, *, timers: bool) -> ui.LayoutView:
    """Show how a roster sync ended and what followed on this server, whose view is from before it.

    Profiles are read only by a process that runs `timers`.
    """
    outcome = sync.outcome
    if outcome.status is RunStatus.ERROR:
        return card(texts.roster_failed(outcome.guild_name, outcome.reason or ""), colour=ERROR_COLOUR)
    found = texts.counts(asdict(outcome), leave_out=("characters", "held"))
    parts: list[str | ui.Item[Any]] = [
        f"{texts.roster_title(outcome.guild_name, outcome.characters)}\n{found or texts.NOTHING_CHANGED}"
    ]
    if before.members_synced_at is None:
        parts.append(texts.MEMBERS_FIRST)
    else:
        follow_up = sync.on(before.server_id)
        parts.append(texts.FOLLOW_UP_FAILED if follow_up is None else _followed(follow_up))
    parts.append(texts.PROFILES_FOLLOW if timers else texts.PROFILES_WAIT)
    if outcome.held:
        parts += [texts.held_title(outcome.held, 0), texts.HOW_TO_DECIDE, ask_buttons()]
    return card(*parts, colour=WARNING_COLOUR if outcome.held else PLAIN_COLOUR)


def members_card(sync: MemberSync, view: ServerView) -> ui.LayoutView:
    """Show how a member sync ended and what followed."""
    found = texts.counts(asdict(sync.outcome.changes)) or texts.NOTHING_CHANGED
    if view.guild is None:
        then = texts.GUILD_FIRST
    elif view.guild.roster_synced_at is None:
        then = texts.ROSTER_FIRST
    else:
        then = _followed(sync.follow_up)
    return card(f"{texts.members_title(sync.outcome.present)}\n{found}", then)


async def status_card(ctx: Context, server_id: int, number: int = 0) -> ui.LayoutView:
    """Show the last runs, and one page of the held departures."""
    runs = await status.last_runs(ctx, server_id)
    held = await departures.list_held(ctx, server_id)
    lines = "\n".join(_run_line(run) for run in runs) or texts.NOTHING_SYNCED
    parts: list[str | ui.Item[Any]] = [f"{texts.STATUS_TITLE}\n{lines}"]
    waiting = sum(one.state is Departure.HELD for one in held)
    if held:
        parts += _held_parts(held, waiting, number)
    return card(*parts, colour=WARNING_COLOUR if waiting else PLAIN_COLOUR)


class HeldPages(OfficerItem, PageButton, area="sync-status"):
    """Page through the held departures of a status card."""

    async def page(self, interaction: discord.Interaction, _subject: str, number: int) -> ui.LayoutView:
        """Give the status as it is now, at that page."""
        assert interaction.guild_id is not None
        return await status_card(bot_of(interaction).services.ctx, interaction.guild_id, number)


def _held_parts(held: list[HeldCharacter], waiting: int, number: int) -> list[str | ui.Item[Any]]:
    page = paginate(held, number, HELD_PER_PAGE)
    lines = [held_line(one) for one in page.items]
    if page.count > 1:
        lines.append(page.label)
    parts: list[str | ui.Item[Any]] = [texts.held_title(waiting, len(held) - waiting), "\n".join(lines)]
    if page.count > 1:
        parts.append(HeldPages.buttons("held", page))
    if waiting:
        parts += [texts.HOW_TO_DECIDE, ask_buttons()]
    return parts


def _run_line(run: RunView) -> str:
    moment = run.finished_at or run.started_at
    return texts.status_line(run.source, run.status, moment, texts.counts(run.counts), run.reason)


def _followed(follow_up: FollowUp) -> str:
    audit = follow_up.audit
    followed = texts.follow_up(follow_up.linked, follow_up.suggested, audit.opened, audit.resolved, audit.total)
    return f"{followed}\n{rules_failed(audit.failed)}" if audit.failed else followed
