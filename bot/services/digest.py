"""The weekly digest: once a week, when it is due, what is open and how that came about is queued for the channel."""

import logging
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.services.context import Context
from db import digest, outbox
from db.digest import Reader
from domain.audit import Severity
from domain.digest import WEEK, is_due, weeks_back

log = logging.getLogger(__name__)

DIGEST: Final = "digest"


async def queue_due(ctx: Context) -> int:
    """Queue the digests that are due; give how many. One that fails is logged, is due still, and stops no other."""
    async with ctx.sessions() as session:
        found = await digest.readers(session)
    queued = 0
    for reader in found:
        try:
            if is_due(ctx.clock(), ZoneInfo(reader.time_zone), last=reader.last_at, since=reader.followed_at):
                queued += await _queue(ctx, reader)
        except Exception:
            log.exception("the digest of server %s could not be made", reader.server_id)
    return queued


async def _queue(ctx: Context, reader: Reader) -> bool:
    """Queue a server's digest with the note that it was made; a week in which nothing stood or happened has none."""
    now = ctx.clock()
    since = now - WEEK
    async with ctx.sessions.begin() as session:
        if not await digest.take_turn(session, reader, now):
            return False
        types = await digest.count_types(session, reader.server_id)
        week = await digest.week(session, reader.server_id, since)
        if not types and week.is_quiet:
            return False
        moments = weeks_back(now, reader.followed_at)
        counts = await digest.trend(session, reader.server_id, moments)
        await outbox.queue(
            session,
            server_id=reader.server_id,
            kind=DIGEST,
            channel_id=reader.channel_id,
            payload={
                "guild": reader.guild_name,
                "time_zone": reader.time_zone,
                "types": [
                    {"rule": rule, "severity": severity.value, "total": total} for rule, severity, total in types
                ],
                "opened": week.opened,
                "resolved": week.resolved,
                "by_officers": week.by_officers,
                "ignored": week.ignored,
                "trend": [_point(moment, counts) for moment in moments],
            },
            dedupe_key=DIGEST,
            now=now,
        )
    return True


def _point(moment: datetime, counts: dict[tuple[datetime, Severity], int]) -> dict[str, Any]:
    return {
        "at": moment.isoformat(),
        "open": {one.value: counts[moment, one] for one in Severity if (moment, one) in counts},
    }
