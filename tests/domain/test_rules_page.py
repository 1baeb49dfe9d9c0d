"""The page about the rules of the audit, and that the registry says all that it needs."""

import pytest

from domain.audit import Fix, Rule
from domain.audit_rules import RULES
from tests.support.rules_page import FIXES, PAGE, SUBJECTS, page

DECIDED = {
    "orphan_wow",
    "orphan_discord",
    "role_mismatch",
    "no_guild_role",
    "stale_character",
    "link_suggestion",
    "note_mismatch",
    "link_contradicts_note",
    "duplicate_discord",
    "stale_discord_link",
    "main_not_linked",
    "unmapped_rank",
    "unknown_reference",
    "stale_data",
    "held_departures",
    "rule_failed",
}


def test_the_page_about_the_rules_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.support.rules_page`"


def test_the_page_has_a_row_for_each_rule_that_was_decided() -> None:
    assert set(RULES) == DECIDED
    assert all(page().count(f" `{rule}` |") == 1 for rule in DECIDED)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_a_rule_says_what_makes_a_finding_new_and_what_ends_it(rule: Rule) -> None:
    assert rule.fingerprint
    assert rule.closes
    assert rule.subject in SUBJECTS


def test_each_fix_is_offered_by_a_rule_and_has_a_name() -> None:
    assert {fix for rule in RULES.values() for fix in rule.fixes} == set(Fix) == set(FIXES)


def test_nothing_in_the_registry_breaks_the_table() -> None:
    rows = [row for row in page().splitlines() if row.startswith("|")]
    assert len(rows) == len(RULES) + 2
    assert {row.count("|") for row in rows} == {9}
