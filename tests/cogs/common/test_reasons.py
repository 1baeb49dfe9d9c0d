"""Reasons and past links, as people read them."""

from typing import Any

import pytest

from cogs.common.reasons import reasons
from domain.evidence import Evidence, Place, RuleName, Strength
from domain.links import Source

NOTE = Evidence(
    RuleName.NOTE_NAMES_MEMBER, Strength.STRONG, Source.OFFICER_NOTE, Place.OFFICER_NOTE, "disc: _Mia_", "@everyone"
)
NAME = Evidence(RuleName.EQUAL_NAME, Strength.STRONG, Source.NAME, Place.NICK, "Ana", "Ana")


def test_the_reasons_of_a_half_are_told_in_their_order_and_escaped() -> None:
    told = reasons({"round": 1, "reasons": [NOTE.to_json(), NAME.to_json()]}, for_officers=True)

    assert told == [
        "the officer note says “disc: \\_Mia\\_”, and that is @\u200beveryone",
        "the nickname is “Ana”",
    ]


def test_what_an_officer_note_holds_is_not_told_to_members() -> None:
    [told] = reasons([NOTE.to_json()], for_officers=False)

    assert told == "officers noted it"


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        ({"rule": "of_tomorrow", "version": 9}, "a reason of another release of Muster (of\\_tomorrow)"),
        ({"rule": "equal_name"}, "a reason of another release of Muster (equal\\_name)"),
        ({"rule": "<@1>" * 100}, "…)"),
        ({}, "a reason of another release of Muster (?)"),
        (NAME.to_json() | {"strength": "very"}, "a reason of another release"),
        (NAME.to_json() | {"rule": ["x"]}, "a reason of another release"),
    ],
)
def test_a_reason_of_another_release_is_named_and_never_fails(kept: dict[str, Any], text: str) -> None:
    [told] = reasons([kept], for_officers=True)

    assert text in told
    assert "<@1>" not in told
    assert len(told) < 400


@pytest.mark.parametrize("evidence", [None, {}, {"reasons": None}, {"matched": "nick"}, [], ["x", 1]])
def test_evidence_without_reasons_tells_none(evidence: Any) -> None:
    assert reasons(evidence, for_officers=True) == []
