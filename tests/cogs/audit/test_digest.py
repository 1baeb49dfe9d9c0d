"""The weekly digest as officers see it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest
import sqlalchemy as sa

from bot.services import charts, digest
from cogs.audit import digest_texts as texts
from cogs.audit.digest import PICTURE, chart_of, digest_card, points_of
from cogs.common.paginator import check_budget
from db.tables.servers import Server
from domain.audit import Severity
from domain.audit_rules import RULES
from tests.cogs.home import Home, text_of
from tests.cogs.link.small import read_all, shrink
from tests.support.tree import components_of

MEDIA_GALLERY = 12
SUNDAY = datetime(2026, 1, 11, 23, 30, tzinfo=UTC)


def payload(**others: Any) -> dict[str, Any]:
    return {
        "guild": "The Ember Vigil",
        "time_zone": "Asia/Seoul",
        "types": [{"rule": "orphan_wow", "severity": "warning", "total": 12}],
        "opened": 3,
        "resolved": 0,
        "by_officers": 0,
        "ignored": 0,
        "trend": [
            {"at": (SUNDAY - timedelta(weeks=1)).isoformat(), "open": {"error": 2, "warning": 9}},
            {"at": SUNDAY.isoformat(), "open": {"warning": 12}},
        ],
    } | others


def said(card: Any) -> list[str]:
    parts = card.to_components()[0]["components"]
    return "\n".join(part["content"] for part in parts if part["type"] == 10).splitlines()


@pytest.fixture
async def hall(home: Home) -> Home:
    """Give a server with findings whose first digest is due; what was found is told already."""
    shrink(home, 6)
    await read_all(home)
    await home.report_to(home.audit)
    await home.officer.slash(home.general, "audit run")
    assert len(home.audit.history()) == 1
    home.clock.now = datetime(2026, 1, 12, 9, tzinfo=UTC)
    return home


async def posted(home: Home) -> Any:
    """Queue what is due and deliver it; give the message that came."""
    assert await digest.queue_due(home.services.ctx) == 1
    await home.deliver()
    _, message = home.audit.history()
    return message


async def test_the_digest_arrives_with_its_chart_told_in_words_too_and_pings_nobody(hall: Home) -> None:
    message = await posted(hall)
    [attached] = message.attachments
    assert attached.filename == PICTURE
    [gallery] = [one for one in components_of(message) if one["type"] == MEDIA_GALLERY]
    assert gallery["items"][0]["description"].startswith("Open findings: 5 Jan: ")
    text = text_of(message)
    assert text.startswith(f"## The week in {hall.sample.guild.name}\n**")
    assert f"👤 {RULES['orphan_wow'].title}: **6**" in text
    assert texts.NO_PICTURE not in text
    call = [call for call in hall.env.http_requests if call.path.endswith(f"/channels/{hall.audit.id}/messages")][-1]
    assert call.json["allowed_mentions"] == {"parse": []}
    await hall.restart()
    [*_, message] = hall.audit.history()
    shown = await hall.officer.click(message, label=f"👤 {RULES['orphan_wow'].title}")
    assert shown.ephemeral


async def test_a_digest_whose_delivery_failed_at_first_is_told_once_with_its_picture(hall: Home) -> None:
    hall.env.inject_error("POST", f"/channels/{hall.audit.id}/messages", status=503)
    assert await digest.queue_due(hall.services.ctx) == 1
    await hall.deliver()
    await hall.restart()
    hall.clock.advance(minutes=5)
    await hall.deliver()
    assert await digest.queue_due(hall.services.ctx) == 0
    _, message = hall.audit.history()
    assert len(message.attachments) == 1


async def test_where_files_may_not_be_attached_the_words_come_alone_and_say_why(hall: Home) -> None:
    channel = hall.bot.get_channel(hall.audit.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.set_permissions(channel.guild.me, view_channel=True, send_messages=True, attach_files=False)
    await hall.env.settle()
    message = await posted(hall)
    assert message.attachments == []
    assert texts.NO_PICTURE in text_of(message)


async def test_a_chart_that_cannot_be_drawn_does_not_cost_the_digest(
    hall: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> bytes:
        raise RuntimeError("no ink")

    monkeypatch.setattr(charts, "stacked_columns", broken)
    message = await posted(hall)
    assert message.attachments == []
    assert "findings** open" in text_of(message)
    assert "the chart of a digest could not be drawn" in caplog.text


async def test_a_server_that_switched_it_off_gets_none(hall: Home) -> None:
    await hall.officer.slash(hall.general, "setup options", digest=False)
    assert await digest.queue_due(hall.services.ctx) == 0


def test_days_are_those_of_the_servers_own_zone() -> None:
    chart = chart_of(points_of(payload()))
    assert chart is not None
    assert [column.label for column in chart.columns] == ["5 Jan", "12 Jan"]
    assert [(one.label, *(column.counts[n] for column in chart.columns)) for n, one in enumerate(chart.series)] == [
        ("errors", 2, 0),
        ("warnings", 9, 12),
    ]


@pytest.mark.parametrize("trend", [[], [{"at": SUNDAY.isoformat(), "open": {"warning": 1}}]])
def test_one_week_alone_is_no_trend(trend: list[Any]) -> None:
    assert chart_of(points_of(payload(trend=trend))) is None


def test_weeks_in_which_nothing_was_ever_open_are_not_drawn() -> None:
    assert chart_of(points_of(payload(trend=[{"at": SUNDAY.isoformat(), "open": {}}] * 3))) is None


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "In the last seven days: 3 new"),
        ({"opened": 0}, texts.QUIET_WEEK),
        (
            {"resolved": 1_204, "by_officers": 4, "ignored": 2},
            "In the last seven days: 3 new · 1,204 solved (4 by officers) · 2 ignored",
        ),
    ],
)
def test_the_week_is_told_in_a_line(given: dict[str, int], line: str) -> None:
    assert line in said(digest_card(payload(**given), pictured=False))


def test_a_server_with_nothing_open_is_told_so() -> None:
    lines = said(digest_card(payload(types=[], resolved=3), pictured=False))
    assert lines[1:3] == [texts.NOTHING_OPEN, "In the last seven days: 3 new · 3 solved"]


def test_all_types_and_a_hostile_name_fit_into_one_message() -> None:
    types = [{"rule": rule.name, "severity": rule.severity.value, "total": 100_000} for rule in RULES.values()]
    trend = [{"at": SUNDAY.isoformat(), "open": {one.value: 10**6 for one in Severity}}] * 8
    card = digest_card(
        payload(guild="@everyone \u202e*_~`|[]()<>#" * 10, types=types, trend=trend),
        pictured=True,
        lacks_permission=True,
    )
    check_budget(card)
    title = said(card)[0]
    assert "\u202e" not in title
    assert "@everyone" not in title


async def test_the_digest_of_a_channel_that_is_gone_fails_and_is_not_told_twice(hall: Home) -> None:
    hall.env.backend.delete_channel(hall.audit.id)
    await hall.env.settle()
    assert await digest.queue_due(hall.services.ctx) == 1
    await hall.deliver()
    await hall.deliver()
    assert await digest.queue_due(hall.services.ctx) == 0
    async with hall.services.ctx.sessions() as session:
        assert await session.scalar(sa.select(Server.digest_at)) == hall.clock.now
