from collections import Counter
from typing import Any

import pytest
import simcord
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import audit, links, pipeline, servers
from cogs.common import texts as common_texts
from db import audit as audit_rows
from db.tables.audit import Issue
from db.tables.outbox import OutboxMessage, OutboxState
from db.tables.servers import Server
from domain.audit import Rule, State
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import join, read_all, shrink

STRANGERS = 45


@pytest.fixture
async def hall(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A server with 45 characters of nobody in its guild, of whom no report has told yet; others have been told."""
    monkeypatch.setattr(audit, "NAMED_AT_FIRST", 1_000)
    shrink(home, STRANGERS)
    await read_all(home)
    return home


async def states(home: Home, rule: str = "orphan_wow") -> Counter[tuple[State, bool]]:
    """Count a rule's findings by state and by whether a report counted them."""
    async with home.services.ctx.sessions() as session:
        rows = await session.execute(sa.select(Issue.state, Issue.counted_at).where(Issue.rule == rule))
    return Counter((row[0], row[1] is not None) for row in rows)


async def outbox(home: Home) -> list[tuple[OutboxState, str | None]]:
    async with home.services.ctx.sessions() as session:
        rows = await session.execute(sa.select(OutboxMessage.state, OutboxMessage.reason).order_by(OutboxMessage.id))
    return [(row[0], row[1]) for row in rows]


def name_of_a_stranger(home: Home) -> str:
    members = home.sample.world.members(home.sample.guild)
    return next(character.name for character in members if character.name not in home.namesakes)


def reports(home: Home) -> list[str]:
    return [text_of(message) for message in home.audit.history()]


async def run(home: Home, command: str, actor: simcord.MemberActor | None = None) -> str:
    return card_of(await (actor or home.officer).slash(home.general, f"audit {command}"))


async def test_new_findings_land_in_the_channel_and_only_what_was_shown_is_notified(hall: Home) -> None:
    await hall.report_to(hall.audit)
    said = await run(hall, "run")
    assert f"What is new goes to <#{hall.audit.id}>" in said
    [report] = reports(hall)
    assert "new since the last report" in report
    assert f"### 👤 Characters without a Discord member ({STRANGERS})" in report
    assert f"… and {STRANGERS - 20} more" in report
    assert f"<@{hall.plain.id}> mia" in report
    assert await states(hall) == {(State.NOTIFIED, True): 20, (State.OPEN, True): STRANGERS - 20}
    assert set(await states(hall, "orphan_discord")) == {(State.NOTIFIED, True)}


async def test_a_report_pings_nobody(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await run(hall, "run")
    [call] = [call for call in hall.env.http_requests if call.path.endswith(f"/channels/{hall.audit.id}/messages")]
    assert call.json["allowed_mentions"] == {"parse": []}


async def test_a_second_run_posts_nothing_new(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await run(hall, "run")
    said = await run(hall, "run")
    assert "New: **0** · Solved: **0**" in said
    await hall.deliver()
    assert len(reports(hall)) == 1


async def test_a_later_report_tells_only_what_is_new(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await run(hall, "run")
    await join(hall, "newcomer")
    assert len(reports(hall)) == 2
    assert "**1 finding** new since the last report" in reports(hall)[1]
    assert "newcomer" in reports(hall)[1]


async def test_a_run_tells_what_was_opened_solved_and_what_stands(hall: Home) -> None:
    before = len(await audit.standing(hall.services.ctx, hall.server.id))
    character_id = await links.resolve_character(hall.services.ctx, hall.server.id, name_of_a_stranger(hall))
    officers_word = {"user_id": hall.plain.id, "actor_id": hall.officer.id}
    await links.add(hall.services.ctx, hall.server.id, character_id=character_id, **officers_word)
    said = await run(hall, "run")
    assert "New: **0** · Solved: **2**" in said
    assert f"Open now: **{before - 2}**\n🟠 {before - 2} warnings" in said
    assert "No audit channel is set" in said


async def test_a_rule_that_failed_is_named_on_the_cards(hall: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    compare = audit_rows.compare

    async def fail_at_one(session: AsyncSession, rule: Rule, *where: Any, **options: Any) -> Any:
        if rule.name == "orphan_wow":
            raise RuntimeError("broken")
        return await compare(session, rule, *where, **options)

    monkeypatch.setattr(audit_rows, "compare", fail_at_one)
    warning = "⚠️ The rule `orphan_wow` failed and was left out; the others ran."
    for command in ("audit run", "sync roster", "sync members"):
        assert warning in card_of(await hall.officer.slash(hall.general, command)), command


async def test_a_report_on_demand_goes_to_the_channel_with_everything(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await run(hall, "run")
    result = await hall.officer.slash(hall.general, "audit report")
    total = len(await audit.standing(hall.services.ctx, hall.server.id))
    assert card_of(result) == f"The report goes to <#{hall.audit.id}>: **{total} findings** open now."
    assert result.ephemeral
    assert f"**{total} findings** open now" in reports(hall)[1]
    assert await states(hall) == {(State.NOTIFIED, True): 20, (State.OPEN, True): STRANGERS - 20}


async def test_without_a_channel_the_report_is_shown_to_the_officer_alone(hall: Home) -> None:
    result = await hall.officer.slash(hall.general, "audit report")
    assert result.ephemeral
    assert "Choose one with `/setup channels`" in card_of(result)
    assert f"({STRANGERS})" in card_of(result)
    assert await outbox(hall) == []
    assert await states(hall) == {(State.OPEN, False): STRANGERS}
    await hall.officer.click(result.response, label="Show all")
    assert "-# Page 1 of 5" in card_of(result)


async def test_before_the_first_whole_read_no_finding_is_not_called_all_well(home: Home) -> None:
    for command in ("report", "run"):
        said = await run(home, command)
        assert "Run `/sync roster` and `/sync members` first." in said
        assert "Nothing" not in said
    assert home.env.errors


async def test_a_report_waits_in_the_outbox_for_the_next_bot(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await pipeline.follow_up(hall.services.ctx, hall.server.id)
    assert reports(hall) == []
    await hall.restart()
    await hall.deliver()
    assert len(reports(hall)) == 1


async def test_show_all_pages_after_a_restart_from_the_database(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await run(hall, "run")
    [message] = hall.audit.history()
    await hall.restart()
    result = await hall.deputy.click(message, label="Show all")
    assert result.ephemeral
    assert "### 👤 Characters without a Discord member\n**45 findings** · open\n-# Page 1 of 5" in card_of(result)
    assert card_of(result).count("· level") == 10
    assert labels_of(result.response).count("Open") == 10
    assert "Previous" not in labels_of(result.response)
    await hall.deputy.click(result.response, label="Next")
    await hall.restart()
    for _ in range(3):
        await hall.deputy.click(result.response, label="Next")
    assert "-# Page 5 of 5" in card_of(result)
    assert card_of(result).count("· level") == STRANGERS - 40
    assert len(hall.audit.history()) == 1


async def test_show_all_of_a_list_that_became_shorter_shows_its_nearest_page(hall: Home) -> None:
    await hall.report_to(hall.audit)
    await run(hall, "run")
    result = await hall.officer.click(hall.audit.history()[0], label="Show all")
    for _ in range(3):
        await hall.officer.click(result.response, label="Next")
    hall.leave(6)
    await hall.sync_roster()
    await hall.officer.click(result.response, label="Next")
    assert "-# Page 4 of 4" in card_of(result)
    async with hall.services.ctx.sessions.begin() as session:
        await session.execute(sa.update(Issue).values(state=State.RESOLVED))
    await hall.officer.click(result.response, label="Previous")
    assert "Nothing of this kind is open." in card_of(result)


async def test_show_all_asks_at_the_click_who_is_an_officer(hall: Home) -> None:
    await hall.report_to(hall.general)
    await run(hall, "run")
    [message] = hall.general.history()
    chosen = hall.server.create_role("Council")
    councillor = hall.server.add_member(hall.env.create_user("cora"), roles=[chosen])
    await hall.env.advance_time(6)
    for reader in (hall.plain, councillor):
        result = await reader.click(message, label="Show all")
        assert result.ephemeral
        assert card_of(result) == common_texts.OFFICERS_ONLY
    async with hall.services.ctx.sessions.begin() as session:
        await session.execute(sa.update(Server).values(officer_role_id=chosen.id))
    assert "-# Page 1 of 5" in card_of(await councillor.click(message, label="Show all"))
    assert card_of(await hall.plain.click(message, label="Show all")) == common_texts.OFFICERS_ONLY


async def test_the_commands_are_refused_to_who_is_no_officer(hall: Home) -> None:
    await hall.report_to(hall.audit)
    hall.allow("audit", hall.plain)
    assert [await run(hall, command, hall.plain) for command in ("run", "report")] == [common_texts.OFFICERS_ONLY] * 2
    assert reports(hall) == []
    assert hall.env.errors


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (10003, 404, "the channel no longer exists"),
        (50001, 403, "Muster can't see the channel"),
        (50013, 403, "Muster may not write in the channel"),
    ],
)
async def test_a_channel_out_of_reach_fails_with_the_reason_and_nothing_else_stops(
    hall: Home, code: int, status: int, reason: str
) -> None:
    await hall.report_to(hall.audit)
    hall.env.inject_error("POST", "/channels/*/messages", status=status, code=code)
    said = await run(hall, "run")
    assert "## Audit done" in said
    word_to_the_officer = (OutboxState.DELIVERED, None)
    assert await outbox(hall) == [(OutboxState.FAILED, reason), word_to_the_officer]
    assert set(await states(hall)) == {(State.OPEN, False)}
    assert (await servers.view(hall.services.ctx, hall.server.id)).undelivered == reason
    await hall.report_to(hall.general)
    said = await run(hall, "report")
    assert f"The last message there did not arrive: {reason}." in said
    assert "open now" in text_of(hall.general.history()[0])
    assert (await states(hall))[State.NOTIFIED, True] == 20


async def test_a_reloaded_audit_renders_reports_again(hall: Home) -> None:
    await hall.bot.reload_extension("cogs.audit")
    await hall.report_to(hall.audit)
    await run(hall, "run")
    assert len(reports(hall)) == 1
