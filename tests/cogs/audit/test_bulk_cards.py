"""What fits into the cards of bulk fixes and of their undoing, whatever people are called."""

from datetime import UTC, datetime

import pytest

from bot.services.bulk_fixes import BulkOutcome, Failure, Plan
from bot.services.undo import SHOWN, Undoable
from cogs.audit.fixes.bulk import choice_card, outcome_card, plan_card
from cogs.audit.lines import roles_of
from cogs.audit.undo import list_card
from cogs.common.paginator import check_budget
from db.bulk_fixes import Aside
from db.role_runs import RunView
from domain.audit_rules import RULES
from domain.bulk_fixes import Bulk, BulkAct, acts_for
from domain.role_sync import RunKind
from tests.cogs.audit.test_findings_cards import EVERYBODY, SNOWFLAKE, finding, labels, text_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MANY = 400
EACH = [(rule, act) for rule in RULES for act in acts_for(rule)]


def plan(rule: str, act: BulkAct, size: int = MANY, rank: int | None = 9) -> Plan:
    findings = tuple(finding(id_, rule) for id_ in range(size))
    return Plan(Bulk(rule, act, rank), "Ab_-01234567", findings, left_out=MANY, later=MANY)


@pytest.mark.parametrize(("rule", "act"), EACH)
def test_a_preview_of_400_of_the_worst_findings_fits_on_every_page(rule: str, act: BulkAct) -> None:
    for number in (0, 1, 39, 40):
        card = plan_card(plan(rule, act), number, roles_of(None), notice="x" * 300)
        check_budget(card)
        assert f"Page {min(number, 39) + 1} of 40" in text_of(card)


@pytest.mark.parametrize(("rule", "act"), EACH)
def test_400_of_the_worst_failures_fit_and_say_how_many_more_there_are(rule: str, act: BulkAct) -> None:
    failed = tuple(Failure(finding(id_, rule), "x" * 1_000) for id_ in range(MANY))
    card = outcome_card(Bulk(rule, act), BulkOutcome(0, failed, untried=9_999), "-# then", roles_of(None))
    check_budget(card)
    assert "more" in text_of(card)
    assert "400 findings could not be fixed" in text_of(card)


@pytest.mark.parametrize("rule", RULES)
def test_the_choice_offers_what_the_type_offers(rule: str) -> None:
    card = choice_card(rule, 9)
    check_budget(card)
    assert len(labels(card)) == len(acts_for(rule)) + 1
    assert ("/setup roles" in text_of(card)) is (rule in ("role_mismatch", "no_guild_role"))


def test_names_in_a_preview_ping_and_format_nothing() -> None:
    findings = (finding(1, "orphan_wow", name=EVERYBODY),)
    card = plan_card(Plan(Bulk("orphan_wow", BulkAct.IGNORE), "Ab_-01234567", findings, 0, 0), 0, roles_of(None))
    text = text_of(card)
    assert "@everyone" not in text
    assert "\u202e" not in text
    assert "[click](" not in text


def test_a_preview_of_nothing_offers_no_confirmation() -> None:
    card = plan_card(plan("orphan_wow", BulkAct.IGNORE, size=0), 0, roles_of(None))
    assert labels(card) == ["Back"]


def test_a_preview_says_what_is_left_to_a_person_and_what_comes_later() -> None:
    card = plan_card(plan("link_suggestion", BulkAct.CHOOSE, size=10), 0, roles_of(None))
    assert "400 have several candidates" in text_of(card)
    assert "400 more come after these" in text_of(card)


@pytest.mark.parametrize("count", [1, 10_000])
def test_the_longest_list_of_what_can_be_taken_back_fits(count: int) -> None:
    rules = ("orphan_wow", "role_mismatch", "link_contradicts_note", "duplicate_discord")
    asides = tuple(
        Aside(f"{id_:012}", is_ignored=True, actor_id=SNOWFLAKE, at=NOW, count=count, first=finding(id_, rule))
        for id_, rule in enumerate(rules * 2)
    )
    assert len(asides) == SHOWN
    run = RunView("0123456789ab", RunKind.SYNC, SNOWFLAKE, NOW, NOW, None, 0, 9_999, 0, 0, ())
    card = list_card(Undoable(asides, run), None, done="x" * 300)
    check_budget(card)
    assert labels(card) == ["Undo…"] * SHOWN
