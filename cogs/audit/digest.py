"""The weekly digest as it is posted: what is open, what the week changed, and a chart of the weeks before."""

import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import discord
from discord import ui

from bot.services import charts
from bot.services.charts import Column, Series, StackedColumns
from bot.services.outbox import Delivery
from cogs.audit import digest_texts as texts
from cogs.audit.summary import by_severity, counts_of, type_parts
from cogs.audit.texts import severities
from cogs.common.bot import MusterBot
from cogs.common.cards import card
from cogs.common.delivery import Rendered
from domain.audit import Severity

log = logging.getLogger(__name__)

PICTURE = "trend.png"
POINTS_NEEDED = 2
"""One column alone is no trend."""
COLOURS = {
    Severity.CRITICAL: charts.DARK_RED,
    Severity.ERROR: charts.RED,
    Severity.WARNING: charts.AMBER,
    Severity.INFO: charts.BLUE,
}


@dataclass(frozen=True, slots=True)
class Point:
    """How many findings were open at a moment, by the server's clocks, by severity."""

    at: datetime
    open: Mapping[Severity, int]


def points_of(payload: Mapping[str, Any]) -> tuple[Point, ...]:
    """Read the trend of a queued digest, the oldest first."""
    zone = ZoneInfo(payload["time_zone"])
    return tuple(
        Point(
            datetime.fromisoformat(one["at"]).astimezone(zone),
            {Severity(name): count for name, count in one["open"].items()},
        )
        for one in payload["trend"]
    )


def chart_of(points: Sequence[Point]) -> StackedColumns | None:
    """Make what is drawn, the gravest at the bottom; None for what is no trend, or never was more than nothing."""
    occurring = [severity for severity in Severity if any(point.open.get(severity) for point in points)]
    if len(points) < POINTS_NEEDED or not occurring:
        return None
    return StackedColumns(
        tuple(Series(texts.SERIES[severity], COLOURS[severity]) for severity in occurring),
        tuple(Column(texts.day(point.at), tuple(point.open.get(one, 0) for one in occurring)) for point in points),
    )


def digest_card(payload: Mapping[str, Any], *, pictured: bool, lacks_permission: bool = False) -> ui.LayoutView:
    """Show a digest, with the picture where it is `pictured`: attached as PICTURE."""
    counts = counts_of(payload["types"])
    standing = sum(one.total for one in counts)
    head = [texts.title(payload["guild"]), texts.open_now(standing) if standing else texts.NOTHING_OPEN]
    head += [severities(by_severity(counts))] if counts else []
    head.append(texts.week(*(payload[name] for name in ("opened", "resolved", "by_officers", "ignored"))))
    parts: list[str | ui.Item[Any]] = ["\n".join(head)]
    if pictured:
        weeks = [(point.at, sum(point.open.values())) for point in points_of(payload)]
        picture = discord.MediaGalleryItem(f"attachment://{PICTURE}", description=texts.described(weeks))
        parts.append(ui.MediaGallery(picture))
    hint = f"{texts.NO_PICTURE}\n{texts.HINT}" if lacks_permission else texts.HINT
    return card(*parts, *type_parts(counts), hint)


async def render_digest(bot: MusterBot, delivery: Delivery) -> Rendered:
    """Render a queued digest, without its chart where that can't be drawn, or not be attached in the channel."""
    payload = delivery.payload
    chart = chart_of(points_of(payload))
    lacks_permission = chart is not None and not _may_attach(bot, delivery)
    picture = None
    if chart is not None and not lacks_permission:
        try:
            picture = await bot.services.ctx.compute(charts.stacked_columns, chart)
        except Exception:
            # The words are what matters: a message put off for its picture would hold up those behind it.
            log.exception("the chart of a digest could not be drawn")
    view = digest_card(payload, pictured=picture is not None, lacks_permission=lacks_permission)
    return Rendered(view, files=() if picture is None else (discord.File(io.BytesIO(picture), PICTURE),))


def _may_attach(bot: MusterBot, delivery: Delivery) -> bool:
    """Tell whether files may be posted; a channel that is not known now, Discord will say itself what is wrong with."""
    channel = None if delivery.channel_id is None else bot.get_channel(delivery.channel_id)
    if not isinstance(channel, discord.abc.GuildChannel):
        return True
    return channel.permissions_for(channel.guild.me).attach_files
