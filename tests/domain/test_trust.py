"""How far rules are trusted after what people said of their links."""

import pytest

from domain.evidence import RuleName
from domain.trust import Counts, suggesting

# confirmed, rejected, made -> falls back to suggesting
CASES = [
    (0, 0, 0, False),  # never linked anything
    (0, 0, 500, False),  # nobody judged
    (40, 0, 500, False),
    (0, 1, 1, True),  # its only link was wrong
    (0, 1, 49, True),  # 2.04 %
    (0, 1, 50, False),  # exactly 2 % is not over
    (49, 1, 50, False),
    (0, 2, 99, True),
    (0, 2, 100, False),
    (98, 2, 100, False),
    (0, 21, 1000, True),
    (0, 20, 1000, False),
]


@pytest.mark.parametrize(("confirmed", "rejected", "made", "falls_back"), CASES)
def test_a_rule_that_people_rejected_on_over_2_percent_of_its_links_falls_back_to_suggesting(
    confirmed: int, rejected: int, made: int, falls_back: bool
) -> None:
    found = suggesting({RuleName.EQUAL_NAME.value: Counts(confirmed, rejected, made)})
    assert found == ({RuleName.EQUAL_NAME} if falls_back else frozenset())


def test_each_rule_is_judged_by_its_own_links() -> None:
    counts = {"equal_name": (0, 0, 100), "note_names_member": (0, 50, 100), "alias": (0, 1, 10)}
    assert suggesting(counts) == {RuleName.NOTE_NAMES_MEMBER, RuleName.ALIAS}


def test_a_rule_that_this_release_does_not_know_is_left_out() -> None:
    assert suggesting({"of_another_release": (0, 9, 9)}) == frozenset()
