"""An audit channel that takes no message any more, as its officers live through it."""

from types import SimpleNamespace
from typing import Any

import pytest
import simcord
from simcord.backend import serializers

from cogs.audit.texts import NOTHING
from cogs.setup import texts
from tests.cogs.home import Home, card_of, text_of

GONE = "the channel no longer exists"
NO_RIGHT = "Muster may not write in the channel"


@pytest.fixture
async def hall(home: Home) -> Home:
    """Give a server with findings and a chosen audit channel."""
    await home.sync_roster()
    await home.sync_members()
    await home.report_to(home.audit)
    return home


async def report(home: Home) -> str:
    """Ask for a report."""
    return card_of(await home.officer.slash(home.general, "audit report"))


async def run(home: Home) -> None:
    """Audit, which reports what is new."""
    await home.officer.slash(home.general, "audit run")


async def last_check(home: Home) -> str:
    """Give the line of `/setup check` on posts."""
    return card_of(await home.officer.slash(home.general, "setup check")).splitlines()[-1]


def told(home: Home, actor: simcord.MemberActor) -> list[str]:
    """Give what stands in somebody's direct messages."""
    backend = home.env.backend
    messages: dict[int, Any] = backend.messages.get(backend.dm_channels.get(actor.id, 0), {})
    return [text_of(SimpleNamespace(**serializers.message_payload(backend, one))) for one in messages.values()]


def sends(home: Home) -> int:
    """Count the messages that the bot has tried to send."""
    return sum(call.method == "POST" and call.path.endswith("/messages") for call in home.env.http_requests)


async def test_a_deleted_audit_channel_is_told_once_to_who_chose_it(hall: Home) -> None:
    hall.env.backend.delete_channel(hall.audit.id)
    await hall.env.settle()
    await report(hall)
    await report(hall)
    assert told(hall, hall.officer) == [texts.channel_lost(None, "Ember Hall", GONE)]
    assert "`/setup channels` chooses another" in told(hall, hall.officer)[0]
    assert told(hall, hall.deputy) == []
    assert GONE in await last_check(hall)


async def test_a_channel_that_still_stands_is_told_by_its_name(hall: Home) -> None:
    hall.env.inject_error("POST", f"/channels/{hall.audit.id}/messages", status=403, code=50013)
    await report(hall)
    assert told(hall, hall.officer) == [texts.channel_lost("officers", "Ember Hall", NO_RIGHT)]
    assert "**#officers** of **Ember Hall**" in told(hall, hall.officer)[0]


async def test_with_closed_direct_messages_the_check_tells_and_nothing_is_tried_for_ever(hall: Home) -> None:
    hall.env.inject_error("POST", f"/channels/{hall.audit.id}/messages", status=403, code=50001, times=None)
    await hall.env.settle()
    dm = hall.env.backend.get_dm_channel(hall.officer.id).id
    hall.env.inject_error("POST", f"/channels/{dm}/messages", status=403, code=50007, times=None)
    await report(hall)
    tried = sends(hall)
    await hall.env.advance_time(600)
    assert sends(hall) == tried == 2
    assert told(hall, hall.officer) == []
    assert "Muster can't see the channel" in await last_check(hall)


async def test_findings_that_were_not_posted_come_with_the_report_after_the_repair(hall: Home) -> None:
    hall.env.inject_error("POST", f"/channels/{hall.audit.id}/messages", status=403, code=50013)
    await run(hall)
    assert hall.audit.history() == []
    hall.clock.advance(hours=1)
    await run(hall)
    [posted] = hall.audit.history()
    assert "at the first look" in text_of(posted)
    hall.clock.advance(hours=1)
    await run(hall)
    assert len(hall.audit.history()) == 1
    assert NOTHING not in text_of(posted)
    assert "the last one arrived" in await last_check(hall)


async def test_findings_that_were_not_posted_come_to_another_channel_at_once(hall: Home) -> None:
    hall.env.backend.delete_channel(hall.audit.id)
    await hall.env.settle()
    await run(hall)
    await hall.officer.slash(hall.general, "setup channels", audit=hall.general)
    await run(hall)
    [posted] = hall.general.history()
    assert "at the first look" in text_of(posted)
    assert len(told(hall, hall.officer)) == 1
