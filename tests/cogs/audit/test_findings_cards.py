"""What fits into the cards of findings, lists, rules and the log, whatever people are called."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from discord import ui

from bot.services.action_log import Act, Entry, LogFilters, LogPage
from bot.services.findings import Filters, FindingView, Listed
from bot.services.rules import RuleState, Switched
from cogs.audit import CONTROLS, finding_texts, list_texts, log, log_texts
from cogs.audit.finding_state import NOTE_LIMIT
from cogs.audit.finding_ui import finding_card, offered_fixes
from cogs.audit.lines import roles_of
from cogs.audit.list_ui import SIZE, filters_of, list_card, subject_of
from cogs.audit.rules import rules_card
from cogs.common.paginator import check_budget, count_text
from domain.acts import ActKind, Doer
from domain.audit import Finding, Severity, State, SubjectKind
from domain.audit_rules import RULES
from tests.cogs.audit.test_lines import FACTS, NAMES

NOW = datetime(2026, 1, 2, tzinfo=UTC)
WORST = "*_~`|[]()<>#@" * 16
"""A markdown mark each."""
SNOWFLAKE = 2**63 - 1
EVERYBODY = "@everyone <@123456789012345678> \u202egnp.exe [click](https://evil.example) ||`x`||"


def finding(id_: int, rule: str = "orphan_wow", **facts: Any) -> Finding:
    # What broke is a rule of ours: its name is not free text.
    worst = {name: WORST for name in NAMES if name in FACTS[rule] and rule != "rule_failed"}
    return Finding(id_, f"{id_:012}", rule, RULES[rule].severity, id_, {**FACTS[rule], **worst, **facts})


def view(state: State, *, note: str | None = WORST[:NOTE_LIMIT], rule: str = "orphan_wow", **facts: Any) -> FindingView:
    is_ignored, is_settled = state is State.IGNORED, state is State.RESOLVED
    return FindingView(
        finding(1, rule, **facts),
        SubjectKind.CHARACTER,
        state,
        NOW,
        note if is_ignored or is_settled else None,
        SNOWFLAKE if is_ignored else None,
        NOW if is_ignored else None,
        NOW if is_settled else None,
        SNOWFLAKE if is_settled else None,
        muted=is_ignored or is_settled,
    )


def listed(findings: Iterable[Finding], total: int = 10_000) -> Listed:
    return Listed(tuple(findings), total, 998, total // SIZE)


def labels(card: ui.LayoutView) -> list[str]:
    return [item.item.label for item in card.walk_children() if isinstance(item, ui.DynamicItem)]


def text_of(card: ui.LayoutView) -> str:
    return "\n".join(item.content for item in card.walk_children() if isinstance(item, ui.TextDisplay))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("state", [State.OPEN, State.RESOLVED])
def test_a_page_of_the_worst_lines_fits(rule: str, state: State) -> None:
    findings = [finding(id_, rule) for id_ in range(SIZE)]
    for filters in (Filters(rank=9, state=state), Filters(rule, 9, Severity.CRITICAL, state)):
        card = list_card(listed(findings), filters, roles_of(None))
        check_budget(card)
        assert "-# Page 999 of 1000" in text_of(card)


def test_each_finding_of_a_list_is_opened_by_its_own_button() -> None:
    card = list_card(listed(finding(id_) for id_ in range(SIZE)), Filters("orphan_wow"), roles_of(None))
    check_budget(card)
    assert labels(card)[: SIZE + 1] == ["Open"] * SIZE + ["Work through"]
    assert labels(card)[-2:] == ["Previous", "Next"]


@pytest.mark.parametrize("state", [State.OPEN, State.IGNORED, State.RESOLVED])
def test_an_empty_list_says_so(state: State) -> None:
    card = list_card(Listed((), 0, 0, 1), Filters("orphan_wow", state=state), roles_of(None))
    assert list_texts.EMPTY[state] in text_of(card)
    assert labels(card) == []


@pytest.mark.parametrize(
    "filters",
    [Filters(), Filters("orphan_wow", 0, Severity.INFO, State.IGNORED), Filters(rank=9), Filters(state=State.RESOLVED)],
)
def test_filters_of_a_list_survive_in_a_custom_id(filters: Filters) -> None:
    assert filters_of(subject_of(filters)) == filters


@pytest.mark.parametrize(
    "filters",
    [LogFilters(), LogFilters(SNOWFLAKE, Doer.PEOPLE, ActKind.SETTINGS, NOW), LogFilters(by=Doer.MUSTER)],
)
def test_filters_of_the_log_survive_in_a_custom_id(filters: LogFilters) -> None:
    assert log.filters_of(log.subject_of(filters)) == filters
    # The longest number of a page keeps within what Discord takes.
    log.LogPages(log.subject_of(filters), 10**9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("state", list(State))
def test_a_findings_card_fits_and_shows_the_buttons_of_its_state(rule: str, state: State) -> None:
    card = finding_card(view(state, rule=rule), None, done="x" * 300)
    check_budget(card)
    own = {
        State.OPEN: ["Ignore…", "Resolve…"],
        State.NOTIFIED: ["Ignore…", "Resolve…"],
        State.IGNORED: ["Resolve…", "Watch again"],
        State.RESOLVED: ["Watch again"],
    }
    assert labels(card)[-len(own[state]) - 2 :] == [*own[state], "Next ▸", "All of this type"]


def test_a_finding_that_its_rule_closed_offers_only_the_way_to_others() -> None:
    closed = FindingView(finding(1), SubjectKind.CHARACTER, State.RESOLVED, NOW, None, None, None, NOW, None)
    card = finding_card(closed, None)
    assert labels(card) == ["Next ▸", "All of this type"]
    assert "Its cause has been gone since" in text_of(card)


def test_hostile_names_and_reasons_are_shown_as_text_and_ping_nobody() -> None:
    text = text_of(finding_card(view(State.IGNORED, note=EVERYBODY, name=EVERYBODY), None))
    for mark in ("@everyone", "<@123", "\u202e", "https://", "||", "[click]("):
        assert mark not in text, mark
    choice = finding_texts.choice(finding(1, name=EVERYBODY * 3))
    assert len(choice) <= 100
    assert "\u202e" not in choice
    act = Act(NOW, 7, None, "finding.ignore", SubjectKind.CHARACTER, 1, None, {"note": EVERYBODY})
    told = log_texts.line(Entry(act, EVERYBODY, ()))
    for mark in ("@everyone", "<@123", "\u202e", "https://", "||", "[click]("):
        assert mark not in told, mark


@pytest.mark.parametrize("number", [0, 1])
def test_all_rules_with_their_longest_texts_fit(number: int) -> None:
    off = Switched(enabled=False, by=SNOWFLAKE, at=NOW)
    card = rules_card(tuple(RuleState(rule, off, 10_000) for rule in RULES.values()), number, done="x" * 300)
    check_budget(card)
    assert {"Switch on", "Previous", "Next"} <= set(labels(card))


def test_a_page_of_the_longest_acts_fits() -> None:
    facts = dict.fromkeys(("alias", "note", "reason", *(f"option_{number}" for number in range(9))), WORST)
    act = Act(NOW, SNOWFLAKE, None, "setup.options", SubjectKind.SERVER, 1, facts, facts)
    link = Act(NOW, None, "r" * 99, "x" * 99, SubjectKind.PLAYER, 1, None, {"user_ids": [SNOWFLAKE] * 9, **facts})
    entries = tuple(Entry(one, None, (SNOWFLAKE,) * 9) for one in (act, link) * 5)
    filters = LogFilters(SNOWFLAKE, Doer.PEOPLE, ActKind.FINDINGS, NOW)
    card = log.log_card(LogPage(entries, 10**6, 99_998, 10**5), filters)
    check_budget(card)
    assert count_text(card) > 3000


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (("link.add", SubjectKind.CHARACTER, {"user_id": 5}), "<@7> linked **Ana** · <@5>"),
        (("link.remove", SubjectKind.CHARACTER, None), "<@7> unlinked **Ana**"),
        (("rank.map", SubjectKind.RANK, {"role_id": 5}), "<@7> chose the role of rank 3 · <@&5>"),
        (
            ("rank.titles", SubjectKind.SERVER, {"names": {"0": "King", "2": "Lords"}}),
            "<@7> named ranks as the game does · King, Lords",
        ),
        (("rank.map", SubjectKind.RANK, {"role_id": None}), "<@7> chose the role of rank 3 · no role"),
        (
            ("finding.bulk", SubjectKind.SERVER, {"findings": 40}),
            "<@7> began to fix many findings at once of this server · 40 findings",
        ),
        (("role.give", SubjectKind.MEMBER, {"role_id": 5}), "<@7> gave a role to <@3> · <@&5>"),
        (("role.take", SubjectKind.MEMBER, None), "<@7> took a role from <@3> · <@&6>"),
        (("role.start", SubjectKind.SERVER, {"changes": 2}), "<@7> began to change roles · 2 changes"),
        (("player.rank", SubjectKind.PLAYER, {"reason": "new"}), "<@7> set the rank of <@1>, <@2> +1 · “new”"),
        (("player.hiatus", SubjectKind.PLAYER, None), "<@7> set the hiatus of <@1>, <@2> +1 · taken back"),
        (("setup.options", SubjectKind.SERVER, {"digest": True}), "<@7> changed options · digest off → on"),
        (("of.later", SubjectKind.MEMBER, None), "<@7> `of.later` <@3>"),
    ],
)
def test_an_act_is_told_in_words(act: tuple[str, SubjectKind, dict[str, Any] | None], told: str) -> None:
    action, subject, after = act
    before = {"setup.options": {"digest": False}, "role.take": {"role_id": 6}}.get(action)
    entry = Entry(Act(NOW, 7, None, action, subject, 3, before, after), "Ana", (1, 2, 3))
    assert log_texts.line(entry) == f"<t:1767312000:f> {told}"


def test_a_rules_act_is_told_with_the_rule_and_a_rules_switch_with_its_title() -> None:
    opened = Act(NOW, None, "orphan_wow", "finding.open", SubjectKind.CHARACTER, 3, None, {})
    assert log_texts.line(Entry(opened, None, ())).endswith(
        "Muster (`orphan_wow`) found a problem of a character that is gone · Characters without a Discord member"
    )
    number = RULES["orphan_wow"].number
    switched = Act(NOW, 7, None, "rule.switch", SubjectKind.RULE, number, None, {"enabled": False})
    assert log_texts.line(Entry(switched, None, ())).endswith(
        "<@7> switched the rule “Characters without a Discord member” · off"
    )


def test_every_fix_that_a_rule_names_has_a_control() -> None:
    assert CONTROLS, "the extension brings them all"
    assert offered_fixes() == {fix for rule in RULES.values() for fix in rule.fixes}
