"""Findings on Discord: looked for, opened one after the other, ignored, resolved and watched again."""

import logging
from datetime import timedelta

import pytest
import simcord
import sqlalchemy as sa

from bot.services import findings, links, pipeline
from cogs.common import texts as common_texts
from db import audit as audit_rows
from domain.audit import Finding, State
from sandbox.world import Character
from tests.cogs.audit.acting import Result, character_id, open_card, standing, state_of
from tests.cogs.home import Home, card_of, labels_of, text_of
from tests.cogs.link.small import join, read_all, shrink
from tests.support.people import load_actions

STRANGERS = 4
WHY = "a bank alt"


@pytest.fixture
async def strangers(home: Home) -> list[Character]:
    """A guild that was read once: the namesakes are linked by it, these four are nobody's."""
    strangers = shrink(home, STRANGERS)
    await read_all(home)
    return strangers


@pytest.fixture
async def orphan(home: Home, strangers: list[Character]) -> Finding:
    """The finding about the first of them."""
    return (await standing(home, "orphan_wow"))[await character_id(home, strangers[0].name)]


async def press(home: Home, shown: Result, label: str, actor: simcord.MemberActor | None = None) -> str:
    result = await (actor or home.officer).click(shown.response, label=label)
    assert result.ephemeral or not result.followups
    return text_of(shown.response)


async def fill_in(
    home: Home, shown: Result, label: str, actor: simcord.MemberActor | None = None, **typed: str
) -> Result:
    """Press a button that opens a form, and hand that in; the card is edited in place."""
    actor = actor or home.officer
    form = await actor.click(shown.response, label=label)
    return await actor.submit_modal(form, typed)


async def follow_up(home: Home) -> None:
    await pipeline.follow_up(home.services.ctx, home.server.id)


async def listed(home: Home, **given: object) -> str:
    shown = await home.officer.slash(home.general, "audit list", **given)
    assert shown.ephemeral
    return card_of(shown)


async def test_a_finding_is_ignored_with_a_reason_and_does_not_come_back_on_the_next_run(
    home: Home, orphan: Finding
) -> None:
    shown = await open_card(home, orphan)
    assert "· open" in card_of(shown)

    await fill_in(home, shown, "Ignore…", reason=WHY)

    said = text_of(shown.response)
    assert said.startswith("✅ Ignored until it changes.")
    assert f"Ignored by <@{home.officer.id}>, until it changes: “{WHY}”" in said
    assert "Watch again" in labels_of(shown.response)
    assert "Ignore…" not in labels_of(shown.response)
    await follow_up(home)
    assert (await state_of(home, orphan)).state is State.IGNORED
    assert orphan.facts["name"] not in await listed(home)
    assert orphan.facts["name"] in await listed(home, state="ignored")


async def test_a_rule_that_broke_is_shown_ignored_and_closed_once_it_runs_again(
    home: Home, strangers: list[Character], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = audit_rows.COMPARE["orphan_discord"]
    monkeypatch.setitem(audit_rows.COMPARE, "orphan_discord", sa.text("SELECT 1 / 0"))
    await follow_up(home)
    [broken] = (await standing(home, "rule_failed")).values()
    shown = await open_card(home, broken)
    assert "`orphan_discord`" in card_of(shown)

    await fill_in(home, shown, "Ignore…", reason="whoever runs Muster knows")
    await follow_up(home)
    assert (await state_of(home, broken)).state is State.IGNORED

    monkeypatch.setitem(audit_rows.COMPARE, "orphan_discord", whole)
    await follow_up(home)
    assert (await state_of(home, broken)).state is State.RESOLVED


async def test_what_is_ignored_until_a_day_comes_back_after_it(home: Home, orphan: Finding) -> None:
    shown = await open_card(home, orphan)
    await fill_in(home, shown, "Ignore…", reason=WHY, until="2d")
    end = int((home.clock.now + timedelta(days=2)).timestamp())
    assert f"✅ Ignored until <t:{end}:f>, or until it changes." in text_of(shown.response)
    home.clock.now += timedelta(days=3)
    await follow_up(home)
    assert (await state_of(home, orphan)).state is State.OPEN


async def test_a_finding_is_resolved_with_a_note_and_watched_again(home: Home, orphan: Finding) -> None:
    shown = await open_card(home, orphan)
    await fill_in(home, shown, "Resolve…", reason="it is the guild's bank")
    said = text_of(shown.response)
    assert said.startswith("✅ Resolved.")
    assert f"Resolved by <@{home.officer.id}>" in said
    assert "“it is the guild's bank”" in said
    assert labels_of(shown.response) == ["Watch again", "Next ▸", "All of this type"]
    await follow_up(home)
    assert (await state_of(home, orphan)).state is State.RESOLVED
    assert orphan.facts["name"] in await listed(home, state="resolved")

    theirs = await open_card(home, orphan, home.deputy)
    assert (await press(home, theirs, "Watch again", home.deputy)).startswith("✅ Watched again.")
    assert (await state_of(home, orphan)).state is State.OPEN
    acts = await load_actions(home.services.ctx, "finding.reopen", home.server.id)
    assert [act.actor_id for act in acts] == [home.deputy.id]


async def test_of_two_officers_with_the_same_card_the_second_is_told_who_was_first(home: Home, orphan: Finding) -> None:
    mine, theirs, forms = await open_card(home, orphan), await open_card(home, orphan, home.deputy), []
    for actor, shown in ((home.officer, mine), (home.deputy, theirs)):
        forms.append(await actor.click(shown.response, label="Resolve…"))
    await home.officer.submit_modal(forms[0], {"reason": WHY})
    await home.deputy.submit_modal(forms[1], {"reason": "mine"})
    assert text_of(theirs.response).startswith(f"⚠️ <@{home.officer.id}> resolved this finding meanwhile: `{WHY}`.")
    acts = await load_actions(home.services.ctx, "finding.resolve", home.server.id)
    assert [act.actor_id for act in acts if act.actor_id] == [home.officer.id]


async def test_who_presses_the_button_of_a_settled_finding_sees_how_it_stands(home: Home, orphan: Finding) -> None:
    theirs = await open_card(home, orphan, home.deputy)
    await findings.resolve(home.services.ctx, home.server.id, orphan.public_id, note=WHY, actor_id=home.officer.id)
    assert f"Resolved by <@{home.officer.id}>" in await press(home, theirs, "Ignore…", home.deputy)
    assert "Ignore…" not in labels_of(theirs.response)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"reason": "\u200b"}, "Say why"),
        ({"reason": WHY, "until": "soon"}, "`soon` is no time."),
        ({"reason": WHY, "until": "2020-01-01"}, "`2020-01-01` is over already."),
    ],
)
async def test_a_form_that_cannot_be_read_changes_nothing_and_says_why(
    home: Home, orphan: Finding, typed: dict[str, str], told: str
) -> None:
    shown = await open_card(home, orphan)
    result = await fill_in(home, shown, "Ignore…", **typed)
    said = [text_of(shown.response), *(text_of(one) for one in result.followups)]
    assert any(told in one for one in said)
    assert (await state_of(home, orphan)).state is State.OPEN


async def test_a_form_typed_across_a_restart_is_kept_and_the_buttons_work_on(home: Home, orphan: Finding) -> None:
    shown = await open_card(home, orphan)
    form = await home.officer.click(shown.response, label="Ignore…")
    await home.restart()
    await home.officer.submit_modal(form, {"reason": WHY})
    assert (await state_of(home, orphan)).state is State.IGNORED
    await home.restart()
    assert (await press(home, shown, "Watch again")).startswith("✅ Watched again.")
    await home.restart()
    assert f"**{orphan.facts['name']}**" not in await press(home, shown, "Next ▸")
    await home.restart()
    await press(home, shown, "All of this type")
    assert labels_of(shown.response).count("Open") == STRANGERS


async def test_who_lost_the_right_between_card_and_click_is_refused_everything(home: Home, orphan: Finding) -> None:
    shown = await open_card(home, orphan, home.deputy)
    form = await home.deputy.click(shown.response, label="Resolve…")
    await home.take_rights(home.deputy)
    for label in labels_of(shown.response):
        result = await home.deputy.click(shown.response, label=label)
        assert result.ephemeral
        assert card_of(result) == common_texts.OFFICERS_ONLY, label
    result = await home.deputy.submit_modal(form, {"reason": WHY})
    assert card_of(result) == common_texts.OFFICERS_ONLY
    assert (await state_of(home, orphan)).state is State.OPEN


async def test_next_leads_through_all_of_a_type_and_round_again(home: Home, strangers: list[Character]) -> None:
    shown = await home.officer.slash(home.general, "audit list", type="orphan_wow")
    await home.officer.click(shown.response, label="Work through")
    names = []
    for _ in range(STRANGERS + 1):
        names.append(text_of(shown.response).split("**")[1])
        await press(home, shown, "Next ▸")
    assert sorted(names[:STRANGERS]) == sorted(one.name for one in strangers)
    assert names[0] == names[STRANGERS]


async def test_next_of_the_only_one_says_so_and_stays(home: Home, orphan: Finding, strangers: list[Character]) -> None:
    for other in strangers[1:]:
        home.sample.world.leave(other)
    await home.sync_roster()
    shown = await open_card(home, orphan)
    said = await press(home, shown, "Next ▸")
    assert said.startswith("-# No other finding of this type is open.")
    assert orphan.facts["name"] in said


async def test_work_through_in_the_report_opens_the_first_finding_for_the_officer_alone(
    home: Home, strangers: list[Character]
) -> None:
    await home.report_to(home.audit)
    await home.officer.slash(home.general, "audit report")
    [report] = home.audit.history()
    before = text_of(report)
    result = await home.deputy.click(report, custom_id="audit:v1:work:orphan_wow")
    assert result.ephemeral
    assert "Ignore…" in labels_of(result.response)
    assert any(one.name in card_of(result) for one in strangers)
    assert text_of(home.audit.history()[0]) == before


async def test_work_through_of_a_type_that_is_empty_by_now_says_so(home: Home, strangers: list[Character]) -> None:
    await home.report_to(home.audit)
    await home.officer.slash(home.general, "audit report")
    ctx, server_id = home.services.ctx, home.server.id
    for one in (await standing(home, "orphan_wow")).values():
        await findings.resolve(ctx, server_id, one.public_id, note=WHY, actor_id=home.officer.id)
    result = await home.deputy.click(home.audit.history()[0], custom_id="audit:v1:work:orphan_wow")
    assert card_of(result) == "Nothing of this kind is open."


async def test_a_list_is_filtered_by_type_rank_severity_and_state(home: Home, strangers: list[Character]) -> None:
    world = home.sample.world
    world.set_rank(strangers[0], 7)
    for other in strangers[1:]:
        world.set_rank(other, 4)
    await home.sync_roster()
    assert "### 👤 Characters without a Discord member\n**4 findings** · open" in await listed(home, type="orphan_wow")
    of_rank = await listed(home, rank=7)
    assert strangers[0].name in of_rank
    assert not any(other.name in of_rank for other in strangers[1:])
    assert "-# Only Rank 7" in of_rank
    assert "-# 👤 Characters without a Discord member" in of_rank
    assert "Nothing of this kind is open." in await listed(home, severity="critical")
    assert "Nothing of this kind is ignored." in await listed(home, state="ignored")
    offered = await home.officer.autocomplete(home.general, "audit list", "rank", "rank 7")
    assert [choice["value"] for choice in offered] == [7]


async def test_a_finding_is_opened_from_a_list(home: Home, orphan: Finding) -> None:
    shown = await home.officer.slash(home.general, "audit list", type="orphan_wow")
    await home.officer.click(shown.response, custom_id=f"finding:v1:show:{orphan.public_id}")
    assert orphan.facts["name"] in text_of(shown.response)
    assert "Resolve…" in labels_of(shown.response)


async def test_a_finding_is_offered_by_name_and_found_by_a_typed_one(home: Home, orphan: Finding) -> None:
    name = orphan.facts["name"]
    offered = await home.officer.autocomplete(home.general, "audit show", "finding", name[:5].lower())
    assert {"name": f"👤 {name} · Characters without a Discord member", "value": orphan.public_id} in offered
    assert f"**{name}**" in card_of(await home.officer.slash(home.general, "audit show", finding=name))


async def test_a_name_of_no_finding_or_of_several_is_answered_with_what_to_do(
    home: Home, strangers: list[Character]
) -> None:
    said = home.refused(await home.officer.slash(home.general, "audit show", finding="Nobody at all"))
    assert said == "No open finding is about `Nobody at all`. Choose one from the list."
    said = home.refused(await home.officer.slash(home.general, "audit show", finding="discord"))
    assert said == "Several findings are about `discord`. Choose one from the list."


async def test_a_hostile_name_is_shown_as_text_on_the_card_and_pings_nobody(
    home: Home, strangers: list[Character]
) -> None:
    nick = "@everyone **x** \u202eevil"
    user_id = await join(home, "mallory", nick)
    finding = (await standing(home, "orphan_discord"))[user_id]
    shown = await open_card(home, finding)
    await fill_in(home, shown, "Ignore…", reason="<@&1> @everyone ||x||")
    said = text_of(shown.response)
    for mark in ("@everyone", "**x**", "\u202e", "<@&1>", "||"):
        assert mark not in said, mark
    bodies = [call.json for call in home.env.http_requests if isinstance(call.json, dict) and "components" in call.json]
    assert all(body.get("allowed_mentions") == {"parse": []} for body in bodies[-1:])


async def test_a_card_whose_cause_went_otherwise_says_so_to_who_acts_on_it(
    home: Home, orphan: Finding, strangers: list[Character]
) -> None:
    shown = await open_card(home, orphan)
    form = await home.officer.click(shown.response, label="Ignore…")
    member = {"user_id": home.plain.id, "actor_id": home.deputy.id}
    await links.add(home.services.ctx, home.server.id, character_id=orphan.subject_id, **member)
    await follow_up(home)
    await home.officer.submit_modal(form, {"reason": WHY})
    said = text_of(shown.response)
    assert said.startswith("⚠️ This finding is settled: its cause is gone.")
    assert f"<@{home.deputy.id}>" in said.splitlines()[0]


async def test_before_the_first_whole_read_an_empty_list_is_not_called_all_well(home: Home) -> None:
    said = await listed(home)
    assert "Run `/sync roster` and `/sync members` first." in said
    assert "Nothing" not in said


@pytest.mark.parametrize(("status", "code", "is_told"), [(404, 10008, True), (401, 50027, False)])
async def test_a_card_put_away_or_too_old_by_the_end_of_the_work_is_no_fault_of_musters(
    home: Home, orphan: Finding, caplog: pytest.LogCaptureFixture, status: int, code: int, *, is_told: bool
) -> None:
    shown = await open_card(home, orphan)
    form = await home.officer.click(shown.response, label="Ignore…")
    home.env.inject_error("PATCH", "/webhooks/*", status=status, code=code)
    if not is_told:
        home.env.inject_error("POST", "/webhooks/*", status=status, code=code)
    done = await home.officer.submit_modal(form, {"reason": WHY})
    assert (await state_of(home, orphan)).state is State.IGNORED
    assert [text_of(one) for one in done.followups] == ([common_texts.CARD_GONE] if is_told else [])
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
