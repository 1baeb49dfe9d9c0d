"""Fixing many findings at once: what can be done to which of them."""

from typing import Any

import pytest

from domain.audit import Finding, Severity
from domain.audit_rules import RULES
from domain.bulk_fixes import Bulk, BulkAct, Standing, acts_for, fits, key_of, proposal


def finding(public_id: str = "one1", **facts: Any) -> Finding:
    return Finding(1, public_id, "link_suggestion", Severity.INFO, 1, facts)


def standing(public_id: str = "one1", fingerprint: str = "f", **facts: Any) -> Standing:
    return Standing(finding(public_id, **facts), fingerprint)


@pytest.mark.parametrize("rule", RULES)
def test_every_finding_can_be_put_aside_in_bulk_and_mended_so_only_where_its_rule_offers_the_fix(rule: str) -> None:
    acts = acts_for(rule)
    assert {BulkAct.IGNORE, BulkAct.RESOLVE} <= {*acts}
    assert {act.fix for act in acts} - {None} <= {*RULES[rule].fixes}


def test_what_mends_stands_before_what_puts_aside() -> None:
    assert acts_for("link_suggestion") == (BulkAct.CHOOSE, BulkAct.IGNORE, BulkAct.RESOLVE)


def test_links_that_persons_made_are_not_unlinked_in_bulk() -> None:
    assert BulkAct.UNLINK in acts_for("note_mismatch")
    assert BulkAct.UNLINK not in acts_for("link_contradicts_note")


@pytest.mark.parametrize(("facts", "user_id"), [({"user_ids": [5]}, 5), ({"user_ids": [5, 6]}, None), ({}, None)])
def test_a_candidate_is_chosen_in_bulk_only_where_there_is_exactly_one(
    facts: dict[str, Any], user_id: int | None
) -> None:
    assert proposal(finding(**facts)) == user_id
    assert fits(BulkAct.CHOOSE, finding(**facts)) is (user_id is not None)
    assert fits(BulkAct.IGNORE, finding(**facts))


def test_a_key_does_not_hang_on_the_order_of_the_findings() -> None:
    bulk = Bulk("link_suggestion", BulkAct.CHOOSE)
    assert key_of(bulk, [standing("one1"), standing("two2")]) == key_of(bulk, [standing("two2"), standing("one1")])


@pytest.mark.parametrize(
    "changed",
    [
        [standing(user_ids=[5]), standing("two2")],
        [],
        [standing(fingerprint="g", user_ids=[5])],
        [standing(user_ids=[6])],
    ],
    ids=["one more", "one fewer", "another problem", "another candidate"],
)
def test_a_key_changes_with_what_would_be_done(changed: list[Standing]) -> None:
    bulk = Bulk("link_suggestion", BulkAct.CHOOSE)
    assert key_of(bulk, changed) != key_of(bulk, [standing(user_ids=[5])])


def test_a_key_stays_where_only_the_telling_changed() -> None:
    bulk = Bulk("stale_character", BulkAct.IGNORE)
    assert key_of(bulk, [standing(name="Ana")]) == key_of(bulk, [standing(name="Anna")])


def test_a_key_shown_for_one_act_does_not_confirm_another() -> None:
    ignore, resolve = Bulk("orphan_wow", BulkAct.IGNORE), Bulk("orphan_wow", BulkAct.RESOLVE)
    assert key_of(ignore, [standing()]) != key_of(resolve, [standing()])
