"""`/setup options`: an officer sees and sets how often things are read, and how Muster behaves on the server."""

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.services import options, pipeline
from bot.services.context import Context
from bot.services.options import ChangedOptions
from cogs.common.access import officers_server
from cogs.common.bot import MusterBot
from cogs.common.cards import card
from cogs.common.errors import Choices, guard_autocomplete
from cogs.common.progress import Progress
from cogs.setup import texts
from domain.links import LinkMode
from domain.options import (
    DATA_DAYS,
    MEMBER_MINUTES,
    NOTE_DAYS,
    PROFILE_HOURS,
    REPORT_LINES,
    ROSTER_HOURS,
    STALE_DAYS,
    Language,
    find_time_zones,
)

RULES_HEED = frozenset({"link_mode", "stale_days", "data_days", "note_days"})
"""Options that change what rules link and find: both follow at once."""

TimeZoneText = app_commands.Range[str, 1, 100]


class OptionsCommand(commands.Cog):
    """The command; a part of the cog `Setup`, which has these two."""

    bot: MusterBot
    ctx: Context

    @app_commands.command(description=texts.OPTIONS)
    @app_commands.describe(**texts.OPTION_HELP)
    @app_commands.choices(
        locale=[app_commands.Choice(name=texts.LANGUAGES[code], value=code.value) for code in Language],
        link_mode=[app_commands.Choice(name=texts.LINK_MODES[mode], value=mode.value) for mode in LinkMode],
    )
    async def options(
        self,
        interaction: discord.Interaction,
        *,
        time_zone: TimeZoneText | None = None,
        locale: str | None = None,
        link_mode: str | None = None,
        roster_hours: app_commands.Range[int, ROSTER_HOURS.least, ROSTER_HOURS.most] | None = None,
        member_minutes: app_commands.Range[int, MEMBER_MINUTES.least, MEMBER_MINUTES.most] | None = None,
        profile_hours: app_commands.Range[int, PROFILE_HOURS.least, PROFILE_HOURS.most] | None = None,
        stale_days: app_commands.Range[int, STALE_DAYS.least, STALE_DAYS.most] | None = None,
        report_lines: app_commands.Range[int, REPORT_LINES.least, REPORT_LINES.most] | None = None,
        data_days: app_commands.Range[int, DATA_DAYS.least, DATA_DAYS.most] | None = None,
        note_days: app_commands.Range[int, NOTE_DAYS.least, NOTE_DAYS.most] | None = None,
        digest: bool | None = None,
    ) -> None:
        """Set the options that are given, and show all."""
        given = {
            "time_zone": time_zone,
            "locale": locale,
            "link_mode": link_mode,
            "roster_hours": roster_hours,
            "member_minutes": member_minutes,
            "profile_hours": profile_hours,
            "stale_days": stale_days,
            "report_lines": report_lines,
            "data_days": data_days,
            "note_days": note_days,
            "digest": digest,
        }
        async with Progress(interaction) as progress:
            server_id = await officers_server(self.ctx, interaction)
            now = await options.change(
                self.ctx,
                server_id,
                {name: value for name, value in given.items() if value is not None},
                actor_id=interaction.user.id,
            )
            await progress.finish(view=options_card(now))
            if not RULES_HEED.isdisjoint(now.changed):
                await pipeline.follow_up(self.ctx, server_id)
                self.bot.deliverer.wake()

    @options.autocomplete("time_zone")
    @guard_autocomplete
    async def time_zones(self, interaction: discord.Interaction, current: str) -> Choices[str]:
        """Offer the time zones whose name holds what is typed."""
        await officers_server(self.ctx, interaction)
        return [app_commands.Choice(name=name, value=name) for name in find_time_zones(current)]


def options_card(now: ChangedOptions) -> ui.LayoutView:
    """Show all options as they are now, those that were just changed marked."""
    lines = texts.option_lines(now.options)
    return card(
        texts.options_title(len(now.changed)),
        "\n".join(texts.CHANGED.format(line) if name in now.changed else line for name, line in lines.items()),
    )
